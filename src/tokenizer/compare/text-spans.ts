/**
 * Where the words and the Han characters of a text lie in its UTF-8 bytes, so that token borders, which are byte offsets,
 * can be held against them.
 *
 * Words: UAX #29, those with a letter or a number; in scripts written without spaces each character is a word, so that no
 * dictionary decides about a tokenizer. Han: the unified ideographs of planes 0, 2 and 3, compatibility ideographs and 〇.
 * Cost: one pass over the text, about 5 ns a character with the word borders.
 */
import { hanLevels, NOT_HAN } from '../../text/han.ts';
import { textView } from '../../text/view.ts';
import { WORD_ALPHA } from '../../text/words.ts';

/** Disjoint byte ranges in order; the arrays are longer than `count`. */
export interface Spans {
  starts: Uint32Array;
  ends: Uint32Array;
  count: number;
}

export interface TextSpans {
  bytes: number;
  /** Code points. */
  characters: number;
  words: Spans;
  han: Spans;
}

export function createTextSpans(): TextSpans {
  return { bytes: 0, characters: 0, words: createSpans(1024), han: createSpans(1024) };
}

function createSpans(capacity: number): Spans {
  return { starts: new Uint32Array(capacity), ends: new Uint32Array(capacity), count: 0 };
}

/** Fills `spans` from a well-formed text. */
export function readTextSpans(text: string, spans: TextSpans): void {
  const view = textView(text);
  const { units } = view;
  const bounds = view.words('characters');
  const { flags } = view.wordFeatures('characters');
  const nextWord = (from: number): number => {
    for (let i = from; i < bounds.count; i++) {
      if ((flags[i] & WORD_ALPHA) !== 0 || NUMBER.test(text.slice(bounds.starts[i], bounds.ends[i]))) return i;
    }
    return bounds.count;
  };
  const levels = hanLevels();
  reserve(spans.words, bounds.count);
  reserve(spans.han, text.length);
  const { words, han } = spans;
  words.count = han.count = 0;
  let byte = 0;
  let word = nextWord(0);
  for (let i = 0; i < text.length; ) {
    const unit = units[i];
    let length = 1;
    let width = 1;
    let isHan = false;
    if (unit >= 0x80) {
      if (unit < 0x800) width = 2;
      else if (unit >= 0xd800 && unit < 0xdc00) {
        length = 2;
        width = 4;
        // High surrogates of planes 2 and 3.
        isHan = unit >= 0xd840 && unit < 0xd8c0;
      } else {
        width = 3;
        isHan = levels[unit] !== NOT_HAN;
      }
    }
    if (isHan) {
      han.starts[han.count] = byte;
      han.ends[han.count++] = byte + width;
    }
    if (word < bounds.count && i === bounds.starts[word]) words.starts[words.count] = byte;
    i += length;
    byte += width;
    if (word < bounds.count && i === bounds.ends[word]) {
      words.ends[words.count++] = byte;
      word = nextWord(word + 1);
    }
  }
  spans.bytes = byte;
  spans.characters = view.charCount;
}

const NUMBER = /\p{N}/u;

function reserve(spans: Spans, count: number): void {
  if (spans.starts.length >= count) return;
  spans.starts = new Uint32Array(count * 2);
  spans.ends = new Uint32Array(count * 2);
}
