/**
 * Word_Break classes of characters (UAX #29, table 3), as one byte per code point.
 *
 * The classes are derived at start-up from the running engine's own `\p{…}` properties, which come from the same ICU
 * as its Intl.Segmenter, so our word borders follow the Unicode version of the Node that runs us. The few classes that
 * UAX #29 gives as lists, and that have moved between versions (the colon, Arabic number signs), are found by asking
 * Intl.Segmenter itself. Cost: about 20 ms a worker and 128 KiB.
 *
 * Letters of scripts written without spaces carry the `DICTIONARY` flag: ICU divides them with a word list.
 */

import { fillProperty, markProperty, TABLE_CODE_POINTS } from './code-points.ts';

export const OTHER = 0;
export const CR = 1;
export const LF = 2;
export const NEWLINE = 3;
export const EXTEND = 4;
export const FORMAT = 5;
export const ZWJ = 6;
export const WSEG_SPACE = 7;
export const ALETTER = 8;
export const HEBREW_LETTER = 9;
export const NUMERIC = 10;
export const KATAKANA = 11;
/** Han or Hiragana: class Other in UAX #29, kept together by ICU for its dictionary. */
export const HAN_HIRAGANA = 12;
export const EXTEND_NUM_LET = 13;
export const MID_LETTER = 14;
export const MID_NUM_LET = 15;
export const MID_NUM = 16;
export const SINGLE_QUOTE = 17;
export const DOUBLE_QUOTE = 18;
export const REGIONAL_INDICATOR = 19;
/** A Hangul syllable: ICU takes it out of ALetter and joins it to its like alone. */
export const HANGUL = 21;
/** Half of a pair: the class is that of the pair's code point. */
export const SURROGATE = 20;

export const CLASS_MASK = 31;
/** Extended_Pictographic: stays with a zero width joiner before it (WB3c). */
export const PICTOGRAPHIC = 32;
/** ICU divides runs of these with a dictionary. */
export const DICTIONARY = 64;
/** White_Space, or one of the separators U+001C–001F that Python's `isspace` counts too. */
export const WHITE = 128;

/** Characters that stand between letters or between digits, letters that are not Alphabetic, signs before numbers. */
const BETWEEN =
  ".,:;'\u00b7\u037e\u0387\u0589\u055f\u05f4\u060c\u060d\u066c\u07f8\u2018\u2019\u2024\u2027\u2044" +
  '\ufe10\ufe13\ufe14\ufe50\ufe52\ufe54\ufe55\uff07\uff0c\uff0e\uff1a\uff1b';
const LETTER_LIKE: readonly (readonly [number, number])[] = [
  [0xb8, 0xb8],
  [0x2c2, 0x2c5],
  [0x2d2, 0x2d7],
  [0x2de, 0x2df],
  [0x2e5, 0x2ff],
  [0x55a, 0x55c],
  [0x55e, 0x55e],
  [0x58a, 0x58a],
  [0x5f3, 0x5f3],
  [0x70f, 0x70f],
  [0xa708, 0xa716],
  [0xa720, 0xa721],
  [0xa789, 0xa78a],
  [0xab5b, 0xab5b],
];
/** Blocks whose signs may be of line-break class SA. */
const WITHOUT_SPACES: readonly (readonly [number, number])[] = [
  [0x0e00, 0x0eff],
  [0x1000, 0x109f],
  [0x1780, 0x17ff],
  [0x1950, 0x19df],
  [0x1a20, 0x1aaf],
  [0xa9e0, 0xa9ff],
  [0xaa60, 0xaadf],
  [0x11730, 0x1174f],
];
const NUMBER_LIKE: readonly number[] = [
  0x66b, 0x600, 0x601, 0x602, 0x603, 0x604, 0x605, 0x6dd, 0x890, 0x891, 0x8e2, 0x110bd, 0x110cd,
];

const segmenter = new Intl.Segmenter('en', { granularity: 'word' });

/** Class and flags of every code point of planes 0 and 1. */
export const wordClassTable: Uint8Array = buildTable();

const FAR_HAN = /^\p{sc=Han}$/u;
const FAR_EXTEND = /^[\p{Grapheme_Extend}\p{Mc}\p{Emoji_Modifier}]$/u;
const FAR_FORMAT = /^\p{Cf}$/u;

/** Class and flags of a code point from U+20000 on: rare, so the engine is asked each time. */
export function farWordClass(codePoint: number): number {
  const character = String.fromCodePoint(codePoint);
  if (FAR_HAN.test(character)) return HAN_HIRAGANA | DICTIONARY;
  if (FAR_EXTEND.test(character)) return EXTEND;
  return FAR_FORMAT.test(character) ? FORMAT : OTHER;
}

/** True where Intl.Segmenter makes one segment of the text. */
function isOneSegment(text: string): boolean {
  const first = segmenter.segment(text).containing(0);
  return first !== undefined && first.segment.length === text.length;
}

function buildTable(): Uint8Array {
  const table = new Uint8Array(TABLE_CODE_POINTS);
  const fill = (property: RegExp, value: number): void => fillProperty(table, property, value);
  const mark = (property: RegExp, apply: (old: number) => number): void => markProperty(table, property, apply);
  // Later lines win over earlier ones, in the order in which UAX #29 excludes classes from one another.
  fill(/\p{Alphabetic}+/gu, ALETTER);
  table.fill(HANGUL, 0xac00, 0xd7a4);
  fill(/\p{Ideographic}+/gu, OTHER);
  fill(/[\p{sc=Han}\p{sc=Hira}]+/gu, HAN_HIRAGANA | DICTIONARY);
  fill(/\p{sc=Kana}+/gu, KATAKANA | DICTIONARY);
  mark(/\p{sc=Hebrew}+/gu, (old) => (old === ALETTER ? HEBREW_LETTER : old));
  // The scripts of line-break class SA, whose letters act as ALetter until the dictionary divides them.
  mark(
    /[\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}\p{sc=Tale}\p{sc=Talu}\p{sc=Lana}\p{sc=Tavt}\p{sc=Ahom}]+/gu,
    (old) => old | DICTIONARY,
  );
  mark(/\p{Nd}+/gu, (old) => NUMERIC | (old & DICTIONARY));
  fill(/[\p{Pc}\u202f]+/gu, EXTEND_NUM_LET);
  mark(/[\p{Grapheme_Extend}\p{Mc}\p{Emoji_Modifier}]+/gu, (old) => EXTEND | (old & DICTIONARY));
  fill(/\p{Cf}+/gu, FORMAT);
  fill(/\p{RI}+/gu, REGIONAL_INDICATOR);
  fill(/\p{Zs}+/gu, WSEG_SPACE);
  mark(/\p{Extended_Pictographic}+/gu, (old) => old | PICTOGRAPHIC);
  for (const c of [0xa0, 0x2007]) table[c] = OTHER;
  table[0x202f] = EXTEND_NUM_LET;
  table[0x200b] = OTHER;
  table[0x200c] = EXTEND;
  table[0x200d] = ZWJ;
  for (const c of [0x3031, 0x3032, 0x3033, 0x3034, 0x3035, 0x309b, 0x309c, 0x30a0, 0x30fc, 0xff70]) table[c] = KATAKANA;
  askSegmenter(table);
  table[0x0d] = CR;
  table[0x0a] = LF;
  for (const c of [0x0b, 0x0c, 0x85, 0x2028, 0x2029]) table[c] = NEWLINE;
  table[0x27] = SINGLE_QUOTE;
  table[0x22] = DOUBLE_QUOTE;
  table.fill(SURROGATE, 0xd800, 0xe000);
  mark(/[\p{White_Space}\x1c-\x1f]+/gu, (old) => old | WHITE);
  return table;
}

function askSegmenter(table: Uint8Array): void {
  for (const character of BETWEEN) {
    const letters = isOneSegment(`a${character}a`);
    const digits = isOneSegment(`1${character}1`);
    const value = letters ? (digits ? MID_NUM_LET : MID_LETTER) : digits ? MID_NUM : OTHER;
    table[character.charCodeAt(0)] = value;
  }
  for (const [first, last] of LETTER_LIKE) {
    for (let c = first; c <= last; c++) {
      if (table[c] !== EXTEND && isOneSegment(`${String.fromCharCode(c)}a`)) table[c] = ALETTER;
    }
  }
  for (const [first, last] of WITHOUT_SPACES) {
    for (let c = first; c <= last; c++) {
      if (table[c] === (OTHER | DICTIONARY) && isOneSegment(`a${String.fromCodePoint(c)}`)) table[c] |= ALETTER;
    }
  }
  for (const c of [0x16ff0, 0x16ff1]) {
    if (!isOneSegment(`a${String.fromCodePoint(c)}`)) table[c] = HAN_HIRAGANA | DICTIONARY;
  }
  for (const c of NUMBER_LIKE) {
    if (isOneSegment(`${String.fromCodePoint(c)}1`)) table[c] = NUMERIC;
  }
}
