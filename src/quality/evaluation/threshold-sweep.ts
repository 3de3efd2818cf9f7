/**
 * What happens to a binary classifier as its threshold falls: one row for each distinct score, highest first, with the
 * documents kept so far. ROC, precision and recall, AUC, the best threshold and the table of kept shares are all readings of
 * these rows, so documents of equal score are never told apart by their order. O(n log n): the scores of either class are
 * sorted by themselves, as plain numbers, and merged; sorting documents by a comparison takes two to six times as long.
 */

/** Rows by falling threshold; a document is kept when its score is at least the threshold. All counts are of documents. */
export interface ThresholdSweep {
  positives: number;
  negatives: number;
  /** Every distinct score, highest first. */
  thresholds: Float64Array;
  /** Positives kept at each threshold, up to `positives`. */
  truePositives: Float64Array;
  /** Negatives kept at each threshold, up to `negatives`. */
  falsePositives: Float64Array;
}

/**
 * @param scores [documents], finite
 * @param positive [documents], 1 for documents of the positive label, 0 for the others
 * @throws RangeError for a score that is no finite number: it has no place in any order
 */
export function sweepThresholds(scores: Float64Array, positive: Uint8Array): ThresholdSweep {
  const ofPositives = scoresWhere(1);
  const ofNegatives = scoresWhere(0);
  const thresholds = new Float64Array(scores.length);
  const truePositives = new Float64Array(scores.length);
  const falsePositives = new Float64Array(scores.length);
  let rows = 0;
  let nextPositive = ofPositives.length - 1;
  let nextNegative = ofNegatives.length - 1;
  while (nextPositive >= 0 || nextNegative >= 0) {
    const threshold =
      nextNegative < 0 || (nextPositive >= 0 && ofPositives[nextPositive] >= ofNegatives[nextNegative])
        ? ofPositives[nextPositive]
        : ofNegatives[nextNegative];
    while (nextPositive >= 0 && ofPositives[nextPositive] === threshold) nextPositive--;
    while (nextNegative >= 0 && ofNegatives[nextNegative] === threshold) nextNegative--;
    thresholds[rows] = threshold;
    truePositives[rows] = ofPositives.length - 1 - nextPositive;
    falsePositives[rows] = ofNegatives.length - 1 - nextNegative;
    rows++;
  }
  return {
    positives: ofPositives.length,
    negatives: ofNegatives.length,
    thresholds: thresholds.slice(0, rows),
    truePositives: truePositives.slice(0, rows),
    falsePositives: falsePositives.slice(0, rows),
  };

  /** Rising. */
  function scoresWhere(label: 0 | 1): Float64Array {
    const found = new Float64Array(scores.length);
    let count = 0;
    for (let i = 0; i < scores.length; i++) {
      if (!Number.isFinite(scores[i])) throw new RangeError(`score ${i} is ${scores[i]}, which is no finite number`);
      if (positive[i] === label) found[count++] = scores[i];
    }
    return found.slice(0, count).sort();
  }
}

/** The row of a score that is in the sweep, O(log rows). */
export function rowOf({ thresholds }: ThresholdSweep, score: number): number {
  let low = 0;
  let high = thresholds.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (thresholds[middle] > score) low = middle + 1;
    else high = middle;
  }
  return low;
}
