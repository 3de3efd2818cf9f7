/** What the signals ask of a character, in Python's terms, as one byte of flags per code point. */
import { markProperty, TABLE_CODE_POINTS } from '../../text/code-points.ts';

/** Python's `\w`: a letter, a number of any kind, or the underscore. */
export const WORD = 1;
/** Python's `isspace`. */
export const SPACE = 2;
/** A–Z or a–z. */
export const LATIN = 4;
/** Python's `isupper` of the character. */
export const UPPER = 8;
/** Lower or title case: a word with such a character is not all capitals. */
export const NOT_UPPER = 16;
/** ASCII punctuation, which normalization removes. */
export const PUNCTUATION = 32;
/** Python's `isnumeric`: general category N, and the Han characters that are numbers. */
export const NUMERIC = 64;

/** Han characters with a numeric value in Unicode (Python 3.11's tables; compatibility forms included). */
const HAN_NUMBERS =
  '㐅㒃㠪㭍一七万三九二五亖亿什仟仨伍佰億兆兩八六十千卄卅卌叁参參叄四壱壹幺廾廿弌弍弎弐拾捌柒漆玖百肆萬貮貳贰阡陆陌陸零' +
  '\uf96b\uf973\uf978\uf9b2\uf9d1\uf9d3\uf9fd';

/** By code point; those beyond the table: `flagsBeyond`. */
export const classes: Uint8Array = buildTable();

/** Flags of a code point beyond the table: rare ideographs and tags. */
export function flagsBeyond(codePoint: number): number {
  if (!/^\p{L}$/u.test(String.fromCodePoint(codePoint))) return 0;
  return WORD | (RARE_NUMBERS.has(codePoint) ? NUMERIC : 0);
}

const RARE_NUMBERS: ReadonlySet<number> = new Set([
  0x20001, 0x20064, 0x200e2, 0x20121, 0x2092a, 0x20983, 0x2098c, 0x2099c, 0x20aea, 0x20afd, 0x20b19, 0x22390, 0x22998,
  0x23b1b, 0x2626d, 0x2f890,
]);

function buildTable(): Uint8Array {
  const table = new Uint8Array(TABLE_CODE_POINTS);
  const add = (property: RegExp, flags: number): void => markProperty(table, property, (old) => old | flags);
  // Single properties, which other tables ask for too: code-points.ts finds their characters once.
  add(/\p{L}+/gu, WORD);
  add(/\p{N}+/gu, WORD | NUMERIC);
  table[0x5f] |= WORD;
  add(/[\p{White_Space}\x1c-\x1f]+/gu, SPACE);
  add(/[A-Za-z]+/g, LATIN);
  add(/\p{Uppercase}+/gu, UPPER);
  add(/\p{Lowercase}+/gu, NOT_UPPER);
  add(/\p{Lt}+/gu, NOT_UPPER);
  add(/[!-/:-@[-`{-~]+/g, PUNCTUATION);
  for (const character of HAN_NUMBERS) table[character.codePointAt(0) ?? 0] |= NUMERIC;
  return table;
}
