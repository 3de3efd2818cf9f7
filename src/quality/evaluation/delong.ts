/**
 * How far an AUC may be off, and whether two models differ on the same documents (DeLong, DeLong & Clarke-Pearson 1988, by the
 * placements of Sun & Xu 2014). Every positive is placed by the share of negatives below it, every negative by the share of
 * positives above it; the variance of these placements is that of the AUC. O(n log n), no random draws.
 *
 * The interval is the plain normal one cut to [0, 1], as pROC gives it. Where the placements do not vary (perfectly
 * separated classes, all scores equal, or one document of a class) there is no interval, rather than one of width 0.
 */
import { rowOf, sweepThresholds } from './threshold-sweep.ts';

/** Two-sided 95 % quantile of the normal distribution. */
const Z95 = 1.959963984540054;

export interface Interval {
  /** The AUC, or the difference of two. */
  value: number;
  standardError: number;
  /** Ends of the 95 % interval. */
  low: number;
  high: number;
}

/**
 * For each positive the share of negatives with a lower score, for each negative the share of positives with a higher one;
 * equal scores count half. The mean over either class is the AUC. NaN where there are documents of one class only.
 * @returns [documents]
 */
export function placements(scores: Float64Array, positive: Uint8Array): Float64Array {
  const sweep = sweepThresholds(scores, positive);
  const { positives, negatives, truePositives, falsePositives } = sweep;
  const placed = new Float64Array(scores.length);
  for (let i = 0; i < scores.length; i++) {
    const row = rowOf(sweep, scores[i]);
    if (positive[i] === 1) {
      const negativesHere = falsePositives[row] - (row === 0 ? 0 : falsePositives[row - 1]);
      placed[i] = (negatives - falsePositives[row] + negativesHere / 2) / negatives;
    } else {
      const positivesAbove = row === 0 ? 0 : truePositives[row - 1];
      placed[i] = (positivesAbove + truePositives[row]) / 2 / positives;
    }
  }
  return placed;
}

/** The AUC's 95 % interval; undefined where it has none (see above). */
export function aucInterval(scores: Float64Array, positive: Uint8Array): Interval | undefined {
  const interval = meanInterval(placements(scores, positive), positive);
  return interval && { ...interval, low: Math.max(interval.low, 0), high: Math.min(interval.high, 1) };
}

/**
 * The AUC of `scores` minus that of `baseline` over the same documents, with its 95 % interval: the models differ where the
 * interval does not hold 0. Undefined where it has none, so also for two models that rank alike.
 */
export function aucDifference(
  scores: Float64Array,
  baseline: Float64Array,
  positive: Uint8Array,
): Interval | undefined {
  const differences = placements(scores, positive);
  const others = placements(baseline, positive);
  // The covariance of two models' placements is in the variance of their differences.
  for (let i = 0; i < differences.length; i++) differences[i] -= others[i];
  return meanInterval(differences, positive);
}

function meanInterval(placed: Float64Array, positive: Uint8Array): Interval | undefined {
  const ofPositives = moments(placed, positive, 1);
  const ofNegatives = moments(placed, positive, 0);
  if (ofPositives.count < 2 || ofNegatives.count < 2) return undefined;
  const variance = ofPositives.variance / ofPositives.count + ofNegatives.variance / ofNegatives.count;
  if (variance === 0) return undefined;
  const standardError = Math.sqrt(variance);
  const value = ofPositives.mean;
  return { value, standardError, low: value - Z95 * standardError, high: value + Z95 * standardError };
}

/** Mean and sample variance (n − 1) of the documents of one class. */
function moments(values: Float64Array, positive: Uint8Array, which: 0 | 1) {
  let count = 0;
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    if (positive[i] !== which) continue;
    count++;
    sum += values[i];
  }
  const mean = sum / count;
  let squares = 0;
  for (let i = 0; i < values.length; i++) if (positive[i] === which) squares += (values[i] - mean) ** 2;
  return { count, mean, variance: squares / (count - 1) };
}
