/**
 * From "the best tenth" to the number that separates it: cut-offs by share of a corpus or by quantile, over all documents
 * or group by group, counted in documents or in bytes of text.
 *
 * A share is reached by value, not by count: documents with the same value as the last one that is kept are kept too, so
 * what happens to a document depends on its value alone. Memory: 12 bytes a value, while a group is sorted.
 */

/** Scored documents of one group. */
export interface ScoredGroup {
  values: Float64Array;
  /** How much each counts: bytes, or nothing for one each. */
  weights: Uint32Array | undefined;
}

/** Values from `min` to `max` are kept, both included. */
export interface Cutoffs {
  min: number;
  max: number;
}

/** What part of a group is kept, its documents in order of value; shares in [0, 1]. */
export interface Band {
  /** Share that lies below what is kept, and share that lies at or below its end. */
  from: number;
  to: number;
}

/**
 * The values between which a band of the group lies; the best tenth is the band from .9 to 1. Open at an end that is the
 * group's own. Of a group without values, or a band too narrow for one, nothing lies between them (min above max).
 */
export function cutoffsOf({ values, weights }: ScoredGroup, { from, to }: Band): Cutoffs {
  const order = sortedOrder(values);
  let total = 0;
  for (let i = 0; i < order.length; i++) total += weights === undefined ? 1 : weights[i];
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let below = 0;
  for (const i of order) {
    const through = below + (weights === undefined ? 1 : weights[i]);
    // By the middle of each, so that bands which touch share no document but for equal values. What should be equal may
    // differ in the last bits.
    const middle = (below + through) / 2 / total;
    if (middle > from - EPSILON && middle < to + EPSILON) {
      if (values[i] < min) min = values[i];
      if (values[i] > max) max = values[i];
    }
    below = through;
  }
  return { min: from <= 0 ? Number.NEGATIVE_INFINITY : min, max: to >= 1 ? Number.POSITIVE_INFINITY : max };
}

const EPSILON = 1e-12;

/** Places of the values, smallest value first; equal ones in their order. */
function sortedOrder(values: Float64Array): Uint32Array {
  return Uint32Array.from(values, (_, i) => i).sort((a, b) => values[a] - values[b] || a - b);
}
