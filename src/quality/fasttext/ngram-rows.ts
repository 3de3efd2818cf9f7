/**
 * From a hashed n-gram to its row in the input matrix. A pruned model (`.ftz`) keeps some ten thousand of two million
 * n-grams; most n-grams that a text asks for are not among them. A bitmap of all buckets (256 KiB, it stays in the
 * second-level cache) answers those, an open-addressed table the others.
 */
import type { FastTextModel } from './model-file.ts';

/** Row of the bucket, or -1 when the model has none. */
export type NgramRows = (bucket: number) => number;

/** The look-up for `model`. */
export function createNgramRows(model: FastTextModel): NgramRows {
  const first = model.words.length;
  const kept = model.ngramRows;
  if (kept === undefined) {
    return model.input.rows >= first + model.bucket ? (bucket) => first + bucket : () => -1;
  }
  if (kept.size === 0) return () => -1;

  const bits = new Int32Array((model.bucket >>> 5) + 1);
  const mask = 2 ** Math.ceil(Math.log2(kept.size * 2)) - 1;
  // Bucket and row side by side: one cache line answers.
  const table = new Int32Array(2 * (mask + 1)).fill(-1);
  for (const [bucket, row] of kept) {
    bits[bucket >>> 5] |= 1 << bucket;
    let slot = Math.imul(bucket, SPREAD) & mask;
    while (table[2 * slot] >= 0) slot = (slot + 1) & mask;
    table[2 * slot] = bucket;
    table[2 * slot + 1] = first + row;
  }
  return (bucket) => {
    if ((bits[bucket >>> 5] & (1 << bucket)) === 0) return -1;
    let slot = Math.imul(bucket, SPREAD) & mask;
    while (table[2 * slot] !== bucket) slot = (slot + 1) & mask;
    return table[2 * slot + 1];
  };
}

/** Buckets are remainders of a hash and evenly spread already; neighbours are kept apart. */
const SPREAD = 0x9e3779b1 | 0;
