/**
 * What Python's string methods say of a character, as one byte of flags per code point: `isalpha`, `isalnum`, `isupper`,
 * `isdigit`, `isspace`; and the borders of fastText's tokenizer. For filters that follow a Python peer character by
 * character. Derived from the running engine's Unicode properties, so characters younger than the peer's Python count too.
 */
import { fillProperty, markProperty, TABLE_CODE_POINTS } from './code-points.ts';

/** `isalpha`: general category L. */
export const PY_ALPHA = 1;
/** `isalnum`: L or N. */
export const PY_ALNUM = 2;
/** `isupper` of one character: property Uppercase. */
export const PY_UPPER = 4;
/** `isdigit`: Nd, and digits in circles, superscripts and the like. */
export const PY_DIGIT = 8;
/** `isspace`. */
export const PY_SPACE = 16;
/** Divides words for fastText's `tokenize`: ASCII white space and NUL. */
export const FASTTEXT_SPACE = 32;

/** Numeric_Type=Digit without Nd, which no `\p{…}` gives (UnicodeData.txt, field 7): first and last code points. */
const OTHER_DIGITS: readonly (readonly [number, number])[] = [
  [0xb2, 0xb3],
  [0xb9, 0xb9],
  [0x1369, 0x1371],
  [0x19da, 0x19da],
  [0x2070, 0x2070],
  [0x2074, 0x2079],
  [0x2080, 0x2089],
  [0x2460, 0x2468],
  [0x2474, 0x247c],
  [0x2488, 0x2490],
  [0x24ea, 0x24ea],
  [0x24f5, 0x24fd],
  [0x24ff, 0x24ff],
  [0x2776, 0x277e],
  [0x2780, 0x2788],
  [0x278a, 0x2792],
  [0x10a40, 0x10a43],
  [0x10e60, 0x10e68],
  [0x11052, 0x1105a],
  [0x1f100, 0x1f10a],
];

export const pythonFlags: Uint8Array = buildFlags();

/** Flags of any code point; beyond the table there are letters alone. */
export function pythonFlagsOf(codePoint: number): number {
  if (codePoint < TABLE_CODE_POINTS) return pythonFlags[codePoint];
  return /^\p{L}$/u.test(String.fromCodePoint(codePoint)) ? PY_ALPHA | PY_ALNUM : 0;
}

function buildFlags(): Uint8Array {
  const flags = new Uint8Array(TABLE_CODE_POINTS);
  const add = (property: RegExp, flag: number): void => markProperty(flags, property, (old) => old | flag);
  fillProperty(flags, /\p{L}+/gu, PY_ALPHA | PY_ALNUM);
  add(/\p{N}+/gu, PY_ALNUM);
  add(/\p{Uppercase}+/gu, PY_UPPER);
  add(/\p{Nd}+/gu, PY_DIGIT);
  add(/[\p{White_Space}\x1c-\x1f]+/gu, PY_SPACE);
  add(/[\0\t-\r ]+/gu, FASTTEXT_SPACE);
  for (const [first, last] of OTHER_DIGITS) for (let c = first; c <= last; c++) flags[c] |= PY_DIGIT;
  return flags;
}
