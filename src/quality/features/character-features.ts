/**
 * What a text's characters are: shares of letters, capitals, digits, marks and scripts, and how evenly they are used.
 *
 * One pass counts UTF-16 units; everything else is read from the counts of the few hundred different units that a text has. The
 * cost is one increment a unit. Shares are of units that are not white space, unless their meaning says otherwise.
 */
import type { TextView } from '../../text/view.ts';
import { type FeatureGroup, share } from './feature-group.ts';
import * as U from './unit-properties.ts';

export const characterFeatures: FeatureGroup = {
  features: [
    ['chars_log', 'ln(1 + characters)'],
    ['white_space_share', 'white space among all characters'],
    ['letter_share', 'letters of any script'],
    ['upper_case_share', 'upper-case letters among letters with a case'],
    ['digit_share', 'decimal digits'],
    ['punctuation_share', 'punctuation (general category P)'],
    ['symbol_share', 'symbols (general category S) and emoji'],
    ['code_mark_share', 'marks of code, mark-up and tables: {}<>=_/\\|^~`#*'],
    ['quote_share', 'quotation marks and apostrophes'],
    ['bracket_share', 'round and square brackets'],
    ['comma_share', 'commas of any width, pause marks'],
    ['full_stop_share', 'full stops . 。．｡'],
    ['question_mark_share', '? and ？'],
    ['exclamation_mark_share', '! and ！'],
    ['colon_share', 'colons and semicolons of any width'],
    ['dash_share', 'hyphens and dashes'],
    ['bar_share', 'vertical bars |, which separate menu entries and table cells'],
    ['at_sign_share', '@'],
    ['hash_share', '#'],
    ['han_share', 'Han characters'],
    ['other_script_share', 'letters neither Latin nor Han'],
    ['non_ascii_share', 'characters beyond ASCII'],
    ['broken_share', 'controls, private use, unassigned, U+FFFD'],
    ['doubled_share', 'characters equal to the one before them'],
    ['character_entropy', 'bits a character, of the distribution of all characters'],
    ['distinct_characters_log', 'ln(1 + different characters)'],
  ],
  read,
};

const counts = new Uint32Array(0x10000);
/** The units that occur, so that neither clearing nor reading `counts` walks all of it. */
const met = new Uint16Array(0x10000);

function read(view: TextView, out: Float64Array, at: number): void {
  const { flags } = U.unitProperties();
  const { units } = view;
  const length = view.text.length;
  let distinct = 0;
  let doubled = 0;
  let before = -1;
  for (let i = 0; i < length; i++) {
    const unit = units[i];
    if (counts[unit]++ === 0) met[distinct++] = unit;
    doubled += unit === before ? 1 : 0;
    before = unit;
  }
  let letters = 0;
  let upper = 0;
  let cased = 0;
  let digits = 0;
  let space = 0;
  let punctuation = 0;
  let symbols = 0;
  let broken = 0;
  let code = 0;
  let quotes = 0;
  let brackets = 0;
  let han = 0;
  let otherScript = 0;
  let nonAscii = 0;
  let halves = 0;
  let spread = 0;
  for (let k = 0; k < distinct; k++) {
    const unit = met[k];
    const count = counts[unit];
    const flag = flags[unit];
    spread += count * Math.log2(count);
    if ((flag & U.LOW_SURROGATE) !== 0) {
      halves += count;
      continue;
    }
    if (unit > 0x7f) nonAscii += count;
    if ((flag & U.LETTER) !== 0) {
      letters += count;
      if ((flag & U.UPPER) !== 0) upper += count;
      if ((flag & (U.UPPER | U.LOWER)) !== 0) cased += count;
      if ((flag & (U.LATIN | U.HAN)) === 0) otherScript += count;
    }
    if ((flag & U.HAN) !== 0) han += count;
    if ((flag & U.DIGIT) !== 0) digits += count;
    if ((flag & U.SPACE) !== 0) space += count;
    if ((flag & U.PUNCTUATION) !== 0) punctuation += count;
    if ((flag & U.SYMBOL) !== 0) symbols += count;
    if ((flag & U.BROKEN) !== 0) broken += count;
    if ((flag & U.CODE) !== 0) code += count;
    if ((flag & U.QUOTE) !== 0) quotes += count;
    if ((flag & U.BRACKET) !== 0) brackets += count;
  }
  const chars = length - halves;
  const inked = chars - space;
  out[at++] = Math.log1p(chars);
  out[at++] = share(space, chars);
  out[at++] = share(letters, inked);
  out[at++] = share(upper, cased);
  out[at++] = share(digits, inked);
  out[at++] = share(punctuation, inked);
  out[at++] = share(symbols, inked);
  out[at++] = share(code, inked);
  out[at++] = share(quotes, inked);
  out[at++] = share(brackets, inked);
  out[at++] = share(counts[0x2c] + counts[0xff0c] + counts[0x3001], inked);
  out[at++] = share(counts[0x2e] + counts[0x3002] + counts[0xff0e] + counts[0xff61], inked);
  out[at++] = share(counts[0x3f] + counts[0xff1f], inked);
  out[at++] = share(counts[0x21] + counts[0xff01], inked);
  out[at++] = share(counts[0x3a] + counts[0x3b] + counts[0xff1a] + counts[0xff1b], inked);
  out[at++] = share(counts[0x2d] + counts[0x2010] + counts[0x2011] + counts[0x2013] + counts[0x2014], inked);
  out[at++] = share(counts[0x7c], inked);
  out[at++] = share(counts[0x40], inked);
  out[at++] = share(counts[0x23], inked);
  out[at++] = share(han, inked);
  out[at++] = share(otherScript, inked);
  out[at++] = share(nonAscii, chars);
  out[at++] = share(broken, chars);
  out[at++] = share(doubled, length);
  // Σ −p log₂ p with p = count / length, the logarithm of length taken out of the sum; never below 0 by rounding.
  out[at++] = length > 0 ? Math.max(0, Math.log2(length) - spread / length) : 0;
  out[at++] = Math.log1p(distinct);
  for (let k = 0; k < distinct; k++) counts[met[k]] = 0;
}
