/**
 * Whether a probability can be taken at its word: among documents scored about .7, are about 70 % positive? Reliability bins as
 * scikit-learn's `calibration_curve` makes them, the Brier score (Brier 1950: mean squared error of the probability), log
 * loss, and the expected calibration error (Naeini et al. 2015, Guo et al. 2017). All of probabilities in [0, 1].
 */

export type Binning = 'equal-width' | 'equal-count';

/** Documents whose score lies above `from` (the first bin: at least) and at most at `to`. */
export interface ReliabilityBin {
  from: number;
  to: number;
  documents: number;
  /** Mean score. */
  meanScore: number;
  /** Share of positives. */
  positiveShare: number;
}

/**
 * The bins that hold documents, lowest scores first. Equal scores share a bin, so bins of equal count are equal only as far
 * as scores differ.
 */
export function reliabilityBins(
  probabilities: Float64Array,
  positive: Uint8Array,
  { binning, bins }: { binning: Binning; bins: number },
): ReliabilityBin[] {
  const edges = binning === 'equal-width' ? Array.from({ length: bins + 1 }, (_, i) => i / bins) : quantiles();
  const documents = new Float64Array(bins);
  const scores = new Float64Array(bins);
  const positives = new Float64Array(bins);
  for (let i = 0; i < probabilities.length; i++) {
    let bin = 0;
    while (bin < bins - 1 && probabilities[i] > edges[bin + 1]) bin++;
    documents[bin]++;
    scores[bin] += probabilities[i];
    positives[bin] += positive[i];
  }
  return Array.from(documents, (count, bin) => ({
    from: edges[bin],
    to: edges[bin + 1],
    documents: count,
    meanScore: scores[bin] / count,
    positiveShare: positives[bin] / count,
  })).filter((bin) => bin.documents > 0);

  /** numpy's `percentile`: linear between the two nearest ranks. */
  function quantiles(): number[] {
    const sorted = probabilities.toSorted();
    return Array.from({ length: bins + 1 }, (_, i) => {
      const rank = (i / bins) * (sorted.length - 1);
      const below = Math.floor(rank);
      const above = Math.min(below + 1, sorted.length - 1);
      return sorted[below] + (rank - below) * (sorted[above] - sorted[below]);
    });
  }
}

/** How far bins lie from the diagonal: mean of |share of positives − mean score|, weighted by documents; in [0, 1]. */
export function expectedCalibrationError(bins: readonly ReliabilityBin[]): number {
  let documents = 0;
  let error = 0;
  for (const bin of bins) {
    documents += bin.documents;
    error += bin.documents * Math.abs(bin.positiveShare - bin.meanScore);
  }
  return error / documents;
}

/** Mean squared difference between the probability and 1 (positive) or 0; in [0, 1], 0 is best. */
export function brierScore(probabilities: Float64Array, positive: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < probabilities.length; i++) sum += (probabilities[i] - positive[i]) ** 2;
  return sum / probabilities.length;
}

/**
 * Mean −ln of the probability given to the true label, in nats; as scikit-learn's `log_loss`, which takes a probability of 0
 * for the smallest step below 1 (2⁻⁵²), so that one sure mistake costs 36 nats and not infinity.
 * @param ofTruth [documents], the probability that each document's own label was given
 */
export function logLoss(ofTruth: Float64Array): number {
  let sum = 0;
  for (const probability of ofTruth) {
    sum -= Math.log(Math.min(Math.max(probability, Number.EPSILON), 1 - Number.EPSILON));
  }
  return sum / ofTruth.length;
}
