/**
 * Repetition of word n-grams, as Data-Juicer's word_repetition_filter measures it: all occurrences of n-grams that occur
 * more than once, as a share of all n-grams. (Gopher's rules weigh by characters instead: n-grams.ts.)
 */
import { countKeys, createKeys, type Keys, rollKeys } from './key-counts.ts';

const keys = createKeys();

/** Share of repeated n-grams among words known by their hashes, 0 … 1; 0 for fewer than `n` words. */
export function wordRepetition({ low, high, count }: Keys, n: number): number {
  rollKeys(low, high, count, n, keys);
  return keys.count === 0 ? 0 : countKeys(keys).repeated / keys.count;
}
