/**
 * What filters ask of a character, as one byte of flags per code point: letter, punctuation in datatrove's sense, end of
 * a sentence, white space in Python's sense. Word features are then a table look-up per character.
 *
 * Sources: datatrove `utils/text.py` (the sets PUNCTUATION and TERMINAL_PUNCTUATION), spaCy's rule sentencizer, Python's
 * `str.isalpha`, `str.isspace` and `str.splitlines`. The sets are stated here by what sets them apart from Unicode's
 * Sentence_Terminal property.
 */
import { fillProperty, markProperty, TABLE_CODE_POINTS } from './code-points.ts';

/** General category L: Python's `isalpha`. */
export const ALPHA = 1;
/** In datatrove's PUNCTUATION_SET: a word of such characters alone is a symbol, not a word, to Gopher's quality rule. */
export const SYMBOL = 2;
/** Ends a line properly (datatrove's TERMINAL_PUNCTUATION, the FineWeb line rule). */
export const TERMINAL = 4;
/** White space to Python's `strip` and `split`. */
export const SPACE = 8;
/** A border of Python's `splitlines`. */
export const LINE_BREAK = 16;
/** Ends a sentence when it stands as a token of its own (spaCy's sentencizer). */
export const SENTENCE_END = 32;
/** General category P: what spaCy calls punctuation. */
export const PUNCTUATION = 64;

export const charFlags: Uint8Array = buildFlags();

/** Flags of any code point; those beyond the table are letters or nothing. */
export function flagsOf(codePoint: number): number {
  if (codePoint < TABLE_CODE_POINTS) return charFlags[codePoint];
  return /^\p{L}$/u.test(String.fromCodePoint(codePoint)) ? ALPHA : 0;
}

/** The code point that starts at `position`; a lone surrogate is itself. */
export function codePointAt(units: Uint16Array, position: number, end: number): number {
  const unit = units[position];
  if ((unit & 0xfc00) !== 0xd800 || position + 1 >= end) return unit;
  const low = units[position + 1];
  return (low & 0xfc00) === 0xdc00 ? 0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff) : unit;
}

/** The code point that ends before `end`. */
export function codePointBefore(units: Uint16Array, start: number, end: number): number {
  const unit = units[end - 1];
  if ((unit & 0xfc00) !== 0xdc00 || end - 2 < start) return unit;
  const high = units[end - 2];
  return (high & 0xfc00) === 0xd800 ? 0x10000 + ((high & 0x3ff) << 10) + (unit & 0x3ff) : unit;
}

/** The position of the first character that is not white space, or `end`. */
export function skipSpace(units: Uint16Array, start: number, end: number): number {
  while (start < end && (charFlags[units[start]] & SPACE) !== 0) start++;
  return start;
}

/** The position after the last character that is not white space, or `start`. */
export function trimSpace(units: Uint16Array, start: number, end: number): number {
  while (end > start && (charFlags[units[end - 1]] & SPACE) !== 0) end--;
  return end;
}

function buildFlags(): Uint8Array {
  const flags = new Uint8Array(TABLE_CODE_POINTS);
  const add = (property: RegExp, flag: number): void => markProperty(flags, property, (old) => old | flag);
  const put = (flag: number, ...codePoints: number[]): void => {
    for (const c of codePoints) flags[c] |= flag;
  };
  fillProperty(flags, /\p{L}+/gu, ALPHA);
  add(/\p{P}+/gu, PUNCTUATION);
  add(/[\p{White_Space}\x1c-\x1f]+/gu, SPACE);
  put(LINE_BREAK, 0x0a, 0x0b, 0x0c, 0x0d, 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029);
  // Both peers' lists were made from older Unicode versions: the additions since then stay out.
  markProperty(flags, /\p{Sentence_Terminal}+/gu, (old) => old | TERMINAL | SENTENCE_END | SYMBOL);
  const newer = [0x1b4e, 0x1b4f, 0x1b7f, 0x2024, 0x2cf9, 0x2cfa, 0x2cfb, 0xfe12, 0xfe15, 0xfe16];
  for (const c of [...newer, 0x113d4, 0x113d5, 0x16d6e, 0x16d6f]) flags[c] &= ~(TERMINAL | SENTENCE_END | SYMBOL);
  const newerThanSpacy = [
    0x61d, 0x61e, 0x837, 0x839, 0x83d, 0x83e, 0x17d4, 0x17d5, 0x1b7d, 0x1b7e, 0x2e53, 0x2e54, 0x10f55, 0x10f56, 0x10f57,
    0x10f58, 0x10f59, 0x10f86, 0x10f87, 0x10f88, 0x10f89, 0x11944, 0x11946, 0x11ef7, 0x11ef8, 0x11f43, 0x11f44, 0x16e98,
  ];
  for (const c of newerThanSpacy) flags[c] &= ~SENTENCE_END;
  put(TERMINAL | SYMBOL, 0x17d6, 0x17d9, 0x17da);
  // PUNCTUATION_SET: ASCII marks and controls other than tab and newline, C1 controls, the terminals, and these.
  add(/[\x00-\x08\x0b-\x1f!-/:-@[-`{-\x9f]+/gu, SYMBOL);
  add(/[«´»–—‘’“”„…∶━►、。〈〉《》「」【】！％（），．１：；？～]+/gu, SYMBOL);
  return flags;
}
