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
}
