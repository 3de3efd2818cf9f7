/**
 * What happens to a binary classifier as its threshold falls: one row for each distinct score, highest first, with the
 * documents kept so far. ROC, precision and recall, AUC, the best threshold and the table of kept shares are all readings of
 * these rows, so documents of equal score are never told apart by their order. One sort of n scores, O(n log n).
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
  const order = descendingOrder(scores);
  const thresholds = new Float64Array(scores.length);
  const truePositives = new Float64Array(scores.length);
  const falsePositives = new Float64Array(scores.length);
  let rows = 0;
  let kept = 0;
  let keptPositives = 0;
  while (kept < order.length) {
    const threshold = scores[order[kept]];
    while (kept < order.length && scores[order[kept]] === threshold) keptPositives += positive[order[kept++]];
    thresholds[rows] = threshold;
    truePositives[rows] = keptPositives;
    falsePositives[rows] = kept - keptPositives;
    rows++;
  }
  return {
    positives: keptPositives,
    negatives: kept - keptPositives,
    thresholds: thresholds.slice(0, rows),
    truePositives: truePositives.slice(0, rows),
    falsePositives: falsePositives.slice(0, rows),
  };
}

/**
 * The documents by falling score, equal scores in the order given.
 * @throws RangeError for a score that is no finite number
 */
export function descendingOrder(scores: Float64Array): Uint32Array {
  const order = new Uint32Array(scores.length);
  for (let i = 0; i < order.length; i++) {
    if (!Number.isFinite(scores[i])) throw new RangeError(`score ${i} is ${scores[i]}, which is no finite number`);
    order[i] = i;
  }
  return order.sort((a, b) => scores[b] - scores[a] || a - b);
}
