/**
 * NeMo's repetition of word n-grams, as shares of all the text's characters. A text of fewer than n words has share 1, so it
 * is dropped.
 */
import { splitNGrams } from '../../text/split-n-grams.ts';
import { joinSplitWords, splitWords } from '../../text/split-words.ts';
import { countOccurrences } from '../../text/unicode.ts';
import type { TextView } from '../../text/view.ts';
import type { Rule } from '../rules.ts';

export type NGramLimits = readonly (readonly [n: number, share: number])[];

/**
 * What the text loses when the most frequent n-gram, written with single spaces, is cut out of it wherever it stands, inside
 * longer words too. Of equally frequent ones the first in the text is taken; the peer takes the first of a Python set, which
 * changes from process to process.
 */
export function topNGramShare(view: TextView, n: number): number {
  const { count } = view.get(splitWords);
  if (count < n) return 1;
  const gram = joinSplitWords(view, view.get(splitNGrams).topAt(n), n);
  return (codePoints(gram) * countOccurrences(view.text, gram)) / view.charCount;
}

/** Share of characters in second and later occurrences of n-grams, none counted twice. */
export function repeatedNGramShare(view: TextView, n: number): number {
  const { count } = view.get(splitWords);
  return count < n ? 1 : view.get(splitNGrams).repeatedChars(n) / view.charCount;
}

/** A rule per pair of n and share. */
export function topNGramRules(limits: NGramLimits, reasonOf: (n: number) => string): Rule[] {
  return limits.map(([n, max]) => ({ reason: reasonOf(n), max, measure: (view) => topNGramShare(view, n) }));
}

/** A rule per pair of n and share. */
export function repeatedNGramRules(limits: NGramLimits, reasonOf: (n: number) => string): Rule[] {
  return limits.map(([n, max]) => ({ reason: reasonOf(n), max, measure: (view) => repeatedNGramShare(view, n) }));
}

function codePoints(text: string): number {
  let count = text.length;
  for (let i = 1; i < text.length; i++) {
    if ((text.charCodeAt(i) & 0xfc00) === 0xdc00 && (text.charCodeAt(i - 1) & 0xfc00) === 0xd800) count--;
  }
  return count;
}
