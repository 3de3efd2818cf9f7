/**
 * Text simplified for comparison: lower case, numbers as 0, no punctuation, single spaces, no diacritics.
 *
 * Source: datatrove's `simplify_text` (utils/text.py), which its MinHash, sentence dedup and decontamination begin with; the order of
 * the steps is part of it. The same text results on all cases of the goldens, combining vowel signs of Indic scripts lost
 * as there. Our own dedup and decontamination use src/text/folded-tokens.ts, which makes no string.
 */

export interface SimplifySteps {
  lowercase: boolean;
  /** A run of decimal digits, with one fraction, becomes `0`. */
  numbers: boolean;
  /** Each mark becomes a space. */
  punctuation: boolean;
  whiteSpace: boolean;
  /** Canonical decomposition without its non-spacing marks. */
  diacritics: boolean;
}

const NUMBERS = /\p{Nd}+(?:[.,،٫⎖⎗⎘]\p{Nd}+)?/gu;
/** datatrove's PUNCTUATION: ASCII marks, controls except tab and newline, and these. */
const PUNCTUATION = /[\0-\x08\x0b-\x1f\x7f-\x9f!-/:-@[-`{-~«´»–—’“”„…∶━►、。〈〉《》「」【】！％（），．１：；？～]/g;
/** Python's `\s`: JavaScript's takes U+FEFF too. */
const WHITE_SPACE = /[\t-\r \x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/g;

export function simplifyText(text: string, steps: SimplifySteps): string {
  let result = text;
  if (steps.lowercase) result = result.toLowerCase();
  if (steps.numbers) result = result.replace(NUMBERS, '0');
  if (steps.punctuation) result = result.replace(PUNCTUATION, ' ');
  if (steps.whiteSpace) result = result.replace(WHITE_SPACE, ' ');
  if (steps.diacritics) result = result.normalize('NFD').replace(/\p{Mn}+/gu, '');
  return steps.whiteSpace ? result.replace(/^ | $/g, '') : result;
}
