/**
 * What the stages below the document keep of a text: keys of its pieces and their places.
 *
 * A piece that is too short, or has no letter or number (a ruler, the fence of a code block), gets no key and is never touched.
 * With a span of several pieces, a key is that of the run that begins with a piece, all pieces get places, and it is the run
 * that must be long enough.
 *
 * Cost on web-mix (bench dedup-lines), per core: `lines` 260 MB of text a second in the add-on and 128
 * document by document, `sentences` 29, most of which is finding them.
 */
import { native } from '../../core/native.ts';
import type { NativeAddon } from '../../core/native-addon.ts';
import type { Observer } from '../../core/stage.ts';
import { rowString } from '../../core/stored-text.ts';
import type { TextRows } from '../../core/utf8-column.ts';
import { charFlags, PUNCTUATION, SYMBOL } from '../../text/char-class.ts';
import { countCodePoints } from '../../text/unicode.ts';
import { textView } from '../../text/view.ts';
import { foldTable } from '../fold-table.ts';
import type { PieceOptions } from './options.ts';
import { createPieceFeatureWriter, emptyPlace, type Place } from './piece-features.ts';
import { createPieceHasher, hashRun } from './piece-key.ts';
import { createPieceCutter, ENDS_LINE, type PieceKind, type Pieces, STARTS_LINE } from './pieces.ts';

export function createPieceObserver(kind: PieceKind, options: PieceOptions): Observer {
  const { span, minChars, minWords, normalize, minWordsLeft } = options;
  const countsWords = minWords > 0 || minWordsLeft > 0;
  const cut = createPieceCutter(kind);
  const hasher = createPieceHasher(normalize);
  const writer = createPieceFeatureWriter();
  const place = emptyPlace();
  const run = { high: 0, low: 0 };
  const scratch = createScratch();

  /** Whether `pieces[first, first + span)` may be touched. */
  const isEligible = (pieces: Pieces, first: number): boolean => {
    if (first + span > pieces.count) return false;
    let chars = 0;
    let words = 0;
    for (let i = first; i < first + span; i++) {
      if (scratch.hasLetters[i] === 0) return false;
      chars += scratch.chars[i];
      words += scratch.words[i];
    }
    return chars >= minChars && words >= minWords;
  };

  /** A row of one text. */
  const read = (text: string): void => {
    const pieces = cut(text);
    const { units, hasSurrogates } = textView(text);
    const { count, starts, ends } = pieces;
    scratch.reserve(count);
    const allWords = countsWords ? countWords(text, pieces, scratch.words) : 0;
    for (let i = 0; i < count; i++) {
      const length = ends[i] - starts[i];
      const chars = hasSurrogates ? countCodePoints(units, starts[i], ends[i]) : length;
      scratch.chars[i] = chars;
      scratch.hasLetters[i] = 0;
      // A single piece that is too short needs no hash.
      if (span === 1 && (chars < minChars || scratch.words[i] < minWords)) continue;
      hasher.hash(text, units, starts[i], ends[i]);
      scratch.high[i] = hasher.high;
      scratch.low[i] = hasher.low;
      scratch.hasLetters[i] = hasher.hasLetters ? 1 : 0;
    }
    let places = 0;
    for (let i = 0; i < count; i++) {
      scratch.keyed[i] = isEligible(pieces, i) ? 1 : 0;
      places += span > 1 ? 1 : scratch.keyed[i];
    }
    writer.row({ length: text.length, pieces: count, words: allWords }, places);
    for (let i = 0; i < count; i++) {
      const hasKey = scratch.keyed[i] !== 0;
      if (span === 1 && !hasKey) continue;
      locate(pieces, i, units, text.length, place);
      place.words = scratch.words[i];
      place.hasKey = hasKey;
      writer.place(place);
      if (!hasKey) continue;
      if (span === 1) {
        writer.key(scratch.high[i], scratch.low[i]);
      } else {
        hashRun(scratch.high, scratch.low, i, i + span, run);
        writer.key(run.high, run.low);
      }
    }
  };

  /** Many rows, all that it can in the add-on. */
  const readRows = ({ textPieces }: NativeAddon, rows: TextRows): void => {
    const { bytes, offsets, from, to } = rows;
    const areParagraphs = kind === 'paragraph' ? 1 : 0;
    const { entries, expansions } = foldTable(normalize);
    const settings = [areParagraphs, span, minChars, entries, expansions, charFlags] as const;
    for (let row = from; row < to; ) {
      const [end, ...features] = textPieces(bytes, offsets, row, to, ...settings);
      writer.append(...features);
      if (end < to) read(rowString(rows, end));
      row = end + 1;
    }
  };
  const addon = kind === 'sentence' || countsWords ? undefined : native;
  return {
    observe: ({ text }) => read(text),
    ...(addon !== undefined && { observeTexts: (rows: TextRows) => readRows(addon, rows) }),
    finish: writer.finish,
  };
}

function locate(pieces: Pieces, i: number, units: Uint16Array, length: number, place: Place): void {
  place.start = pieces.extents[i];
  place.end = i + 1 < pieces.count ? pieces.extents[i + 1] : length;
  place.lead = place.start - asciiSpaceBefore(units, 0, place.start);
  place.tail = place.end - asciiSpaceBefore(units, pieces.ends[i], place.end);
  place.bytes = utf8Bytes(units, place.start, place.end);
  place.startsLine = (pieces.flags[i] & STARTS_LINE) !== 0;
  place.endsLine = (pieces.flags[i] & ENDS_LINE) !== 0;
}

/** Where the run of ASCII white space that ends at `end` begins, not before `least`. Each unit of it is one byte of UTF-8. */
function asciiSpaceBefore(units: Uint16Array, least: number, end: number): number {
  while (end > least && (units[end - 1] === 0x20 || (units[end - 1] >= 0x09 && units[end - 1] <= 0x0d))) end--;
  return end;
}

/** Bytes of `units[start, end)` in UTF-8; a lone surrogate is written as U+FFFD. */
export function utf8Bytes(units: Uint16Array, start: number, end: number): number {
  let bytes = end - start;
  for (let i = start; i < end; i++) {
    const unit = units[i];
    if (unit < 0x80) continue;
    bytes += unit < 0x800 ? 1 : 2;
    // The two halves of a pair take four bytes together.
    if ((unit & 0xfc00) === 0xd800 && i + 1 < end && (units[i + 1] & 0xfc00) === 0xdc00) i++;
  }
  return bytes;
}

/**
 * Fills in the words of each piece and returns those of all of them; marks are no words. A word belongs to the piece that it
 * begins in.
 */
function countWords(text: string, pieces: Pieces, counts: Uint32Array): number {
  const view = textView(text);
  const { units } = view;
  const words = view.words('characters');
  let word = 0;
  let all = 0;
  for (let i = 0; i < pieces.count; i++) {
    const end = pieces.ends[i];
    let own = 0;
    for (; word < words.count && words.starts[word] < end; word++) {
      if ((charFlags[units[words.starts[word]]] & (PUNCTUATION | SYMBOL)) === 0) own++;
    }
    counts[i] = own;
    all += own;
  }
  return all;
}

/** What is known of each piece of a text while its keys are made. */
function createScratch() {
  const scratch = {
    chars: new Uint32Array(0),
    words: new Uint32Array(0),
    high: new Uint32Array(0),
    low: new Uint32Array(0),
    hasLetters: new Uint8Array(0),
    keyed: new Uint8Array(0),
    reserve(count: number): void {
      if (count <= scratch.chars.length) return;
      const capacity = 2 ** Math.ceil(Math.log2(Math.max(1024, count)));
      scratch.chars = new Uint32Array(capacity);
      scratch.words = new Uint32Array(capacity);
      scratch.high = new Uint32Array(capacity);
      scratch.low = new Uint32Array(capacity);
      scratch.hasLetters = new Uint8Array(capacity);
      scratch.keyed = new Uint8Array(capacity);
    },
  };
  return scratch;
}
