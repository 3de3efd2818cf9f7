/**
 * What the last layer of a fastText classifier does: from a text's vector to its labels' probabilities.
 *
 * fastText reports exp(log(p + 1e-5)), so its probabilities are 1e-5 too high; ours follow, that thresholds made for it hold.
 * Source: fastText, loss.cc (`Loss::findKBest`, `std_log`).
 */

/** fastText's `std_log`. */
export const STD_LOG_OFFSET = 1e-5;

export interface Label {
  /** Index into the model's labels. */
  label: number;
  probability: number;
}

export interface OutputLayer {
  /** The most likely label. */
  best(hidden: Float64Array): Label;
  /** Every label's probability, by index, into `out`. */
  probabilities(hidden: Float64Array, out: Float64Array): void;
  /**
   * Every label's score before it is made a probability: a sum over the words of a text, so a single word's is its share
   * (hierarchical softmax has none for a label; there it is the logarithm of the probability).
   */
  logits(hidden: Float64Array, out: Float64Array): void;
}

/** The product of a row of weights, from `at` on, and a text's vector; in four sums, which a processor adds at once. */
export function dotRow(weights: Float32Array, at: number, hidden: Float64Array): number {
  const dim = hidden.length;
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let k = 0;
  for (; k + 4 <= dim; k += 4) {
    s0 += weights[at + k] * hidden[k];
    s1 += weights[at + k + 1] * hidden[k + 1];
    s2 += weights[at + k + 2] * hidden[k + 2];
    s3 += weights[at + k + 3] * hidden[k + 3];
  }
  for (; k < dim; k++) s0 += weights[at + k] * hidden[k];
  return s0 + s1 + (s2 + s3);
}
