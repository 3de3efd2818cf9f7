/**
 * From a hashed n-gram to its row in the input matrix. Of two million buckets a model has learnt some hundred thousand, a
 * pruned one (`.ftz`) ten thousand: a bit for each bucket says whether there is a row, and the number of bits before it is
 * the row. Half a megabyte for two million buckets, which stays in the second-level cache.
 */
import type { FastTextModel, NgramRows } from './model.ts';

/** Row of the bucket; SKIPPED: the n-gram is none of the model's; ZEROS: it has a row of zeros. */
export type NgramLookup = (bucket: number) => number;
export const SKIPPED = -1;
export const ZEROS = -2;

/** Room for a bit for each of `bucket` buckets. */
export function bucketBits(bucket: number): Int32Array {
  return new Int32Array((bucket >>> 5) + 1);
}

/** Numbers the set bits in rising order. */
export function rankBits(bits: Int32Array, absent: NgramRows['absent']): NgramRows {
  const ranks = new Int32Array(bits.length);
  let count = 0;
  for (let word = 0; word < bits.length; word++) {
    ranks[word] = count;
    count += bitCount(bits[word]);
  }
  return { bits, ranks, count, absent };
}

/** Place of the bucket among those with a row, which it must be one of. */
export function rankOf({ bits, ranks }: NgramRows, bucket: number): number {
  const word = bucket >>> 5;
  return ranks[word] + bitCount(bits[word] & ~(-1 << (bucket & 31)));
}

/** Calls `use` with every bucket that has a row, in rising order. */
export function forEachBucket({ bits }: NgramRows, use: (bucket: number, rank: number) => void): void {
  let rank = 0;
  for (let word = 0; word < bits.length; word++) {
    for (let left = bits[word]; left !== 0; left &= left - 1) use(word * 32 + 31 - Math.clz32(left & -left), rank++);
  }
}

/** The look-up for `model`. */
export function createNgramLookup(model: FastTextModel): NgramLookup {
  const first = model.words.count;
  const { ngrams } = model;
  if (ngrams === 'none') return () => SKIPPED;
  if (ngrams === 'every') return (bucket) => first + bucket;
  const { bits } = ngrams;
  const absent = ngrams.absent === 'zeros' ? ZEROS : SKIPPED;
  return (bucket) => ((bits[bucket >>> 5] & (1 << bucket)) === 0 ? absent : first + rankOf(ngrams, bucket));
}

/** Number of set bits of a 32-bit number (Warren, Hacker's Delight, 5-1). */
function bitCount(x: number): number {
  x -= (x >>> 1) & 0x55555555;
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
