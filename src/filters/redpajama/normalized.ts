/**
 * The normalized text of RedPajama-V2, of which most signals are taken: ASCII punctuation removed, lower case, white space
 * collapsed, Unicode form NFD (app/src/utilities/text/normalization.py). Words are its pieces between white space.
 *
 * White space is not in fact collapsed here: words are offsets, and lengths follow from them. Lines are counted along, as every line
 * normalized by itself has the same words.
 */
import { trimSpace } from '../../text/char-class.ts';
import { TextView } from '../../text/view.ts';
import { addBound, type Bounds, createBounds } from '../../text/word-break.ts';
import { createWordFeatures, readWords, type WordFeatures } from '../../text/words.ts';
import { classes, PUNCTUATION, SPACE } from './character-classes.ts';

export interface NormalizedText {
  units: Uint16Array;
  /** Words as offsets into `units`, and their hashes and lengths. */
  bounds: Bounds;
  words: WordFeatures;
  /** Code points of all words. */
  wordChars: number;
  /** Code points of the text with white space collapsed. */
  chars: number;
  /** Entry i: words before line i of the text; the last entry is the number of words. One more than lines split at \n. */
  lineWords: Uint32Array;
}

const view = new TextView();
const bounds = createBounds();
const words = createWordFeatures();
let lineWords = new Uint32Array(1024);
let bytes = Buffer.alloc(1 << 17);
let kept = new Uint16Array(bytes.buffer, bytes.byteOffset, 1 << 16);

/** Normalizes a text of `length` units. The result is reused for the next text. */
export function normalizeText(units: Uint16Array, length: number): NormalizedText {
  view.reset(foldedWithoutPunctuation(units, length));
  const folded = view.units;
  const end = trimSpace(folded, 0, view.text.length);
  bounds.count = 0;
  let lines = 0;
  lineWords[0] = 0;
  let start = -1;
  for (let i = 0; i < view.text.length; i++) {
    const unit = folded[i];
    if ((classes[unit] & SPACE) === 0) {
      if (start < 0) start = i;
      continue;
    }
    if (start >= 0) addBound(bounds, start, i);
    start = -1;
    if (unit === 0x0a) {
      if (++lines + 1 >= lineWords.length) growLines();
      lineWords[lines] = bounds.count;
    }
  }
  if (start >= 0) addBound(bounds, start, end);
  lineWords[lines + 1] = bounds.count;
  readWords(folded, bounds, words, view.hasSurrogates);
  const wordChars = words.charsBefore[words.count];
  return { units: folded, bounds, words, wordChars, chars: wordChars + Math.max(0, words.count - 1), lineWords };
}

function growLines(): void {
  const old = lineWords;
  lineWords = new Uint32Array(old.length * 2);
  lineWords.set(old);
}

/** Punctuation goes first: it can stand between letters that then change case or order by their neighbours. */
function foldedWithoutPunctuation(units: Uint16Array, length: number): string {
  if (kept.length < length) {
    const capacity = 2 ** Math.ceil(Math.log2(length));
    bytes = Buffer.alloc(capacity * 2);
    kept = new Uint16Array(bytes.buffer, bytes.byteOffset, capacity);
  }
  let count = 0;
  let all = 0;
  for (let i = 0; i < length; i++) {
    const unit = units[i];
    if ((classes[unit] & PUNCTUATION) !== 0) continue;
    all |= unit;
    kept[count++] = unit;
  }
  const lower = bytes.toString('utf16le', 0, count * 2).toLowerCase();
  return all < 0x80 ? lower : lower.normalize('NFD');
}
