/**
 * Characters that count as special to Data-Juicer (and to BLOOM's filtering code, from which its list comes): ASCII
 * punctuation, digits and white space, all emoji, and a list of marks and symbols that has grown by hand.
 *
 * The list has oddities that thresholds were tuned with, so they are kept: a few letters (Cyrillic Г, the Katakana letters
 * of emoticons, the Han characters 士 and 上) are in it, as are only two of the full-width digits. Emoji are the characters with Unicode's
 * Emoji property other than regional indicators, which the peer's list knows in pairs only.
 */
import { markProperty, TABLE_CODE_POINTS } from './code-points.ts';

/** Code points and ranges, hexadecimal, beside ASCII and emoji. */
const LISTED =
  '81-85 91-93 95-99 9c-9d a1-a8 aa-ab ad af-b4 b7-bf d7 f7-f8 131 26a 2ba-2bc 2c8 2cc 2d0 2d8 2da 2dc 3c0 413 60c ' +
  '647 66a 66c 6e9 93e 940 947 94d 97d 9be e51 2002-2003 2005 2008-200b 2010-2011 2013-2016 2018-201a 201c-2020 2022 ' +
  '2024 2026 202f-2030 2032-2033 2039-203a 203f 2043-2044 20a8 20aa 20ac 2103 2190-2193 21d3 2206 2208 2212 221a ' +
  '221e-221f 223c 2248 2256 2264-2265 2295 22c5 2550 25a0 25ac 25b2 25b4 25b7 25ba-25bc 25c6 25cf 25e6 2605-2606 261b ' +
  '263b 2661 266b 2713 2726 2731 2756 27a4 27a9 2800 3000-3002 300a-300d 3010-3011 309c 30b7 30c3-30c4 30f3 30fb-30fc ' +
  '4e00 4e0a 58eb fd3e-fd3f feff ff01 ff08-ff09 ff0c ff0e ff11 ff1a-ff1b ff1f ff3e ff5e fffc-fffd';

/** 1 for each special code point; those beyond the table are not special. */
export const isSpecial: Uint8Array = buildTable();

function buildTable(): Uint8Array {
  const table = new Uint8Array(TABLE_CODE_POINTS);
  markProperty(table, /\p{Emoji}+/gu, () => 1);
  table.fill(0, 0x1f1e6, 0x1f200);
  markProperty(table, /[\t-\r -/0-9:-@[-`{-~]+/g, () => 1);
  for (const range of LISTED.split(' ')) {
    const [first, last = first] = range.split('-').map((hex) => Number.parseInt(hex, 16));
    table.fill(1, first, last + 1);
  }
  return table;
}
