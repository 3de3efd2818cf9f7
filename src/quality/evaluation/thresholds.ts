/** Which threshold to take: the best by F1, the best by Youden's J, and what each share of documents kept would cost. */
import type { ThresholdSweep } from './threshold-sweep.ts';

export interface BestThreshold {
  /** A document is kept when its score is at least this. */
  threshold: number;
  /** What was maximised. */
  value: number;
}

/**
 * The highest threshold with the largest F1 of the positive label; undefined without positives. Found on the documents it is
 * reported for, so its F1 is what new documents reach at best.
 */
export function bestByF1({ positives, ...sweep }: ThresholdSweep): BestThreshold | undefined {
  if (positives === 0) return undefined;
  return best(sweep.thresholds, (row) => {
    const right = sweep.truePositives[row];
    return (2 * right) / (right + sweep.falsePositives[row] + positives);
  });
}

/**
 * The highest threshold with the largest J = recall + specificity − 1 (Youden 1950), the point of the ROC curve farthest above
 * the diagonal; undefined where there are documents of one class only. Unlike F1 it does not depend on the share of positives.
 */
export function bestByYouden({ positives, negatives, ...sweep }: ThresholdSweep): BestThreshold | undefined {
  if (positives === 0 || negatives === 0) return undefined;
  // Over the common denominator, so that equal values are equal.
  return best(
    sweep.thresholds,
    (row) => (sweep.truePositives[row] * negatives - sweep.falsePositives[row] * positives) / (positives * negatives),
  );
}

function best(thresholds: Float64Array, figure: (row: number) => number): BestThreshold {
  let bestRow = 0;
  let value = figure(0);
  for (let row = 1; row < thresholds.length; row++) {
    const next = figure(row);
    if (next <= value) continue;
    value = next;
    bestRow = row;
  }
  return { threshold: thresholds[bestRow], value };
}

export interface KeptShare {
  /** Share of documents asked for. */
  share: number;
  /** The highest threshold that keeps at least so many. */
  threshold: number;
  /** Documents kept at it: more than asked for where scores are equal. */
  kept: number;
  /** Share of positives among those kept. */
  precision: number;
  /** Share of the positives that are kept; undefined without positives. */
  recall: number | undefined;
}

const KEPT_SHARES: readonly number[] = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];

/** What keeping the best-scored `shares` (rising, in (0, 1]) of the documents takes and gives. The sweep is not empty. */
export function keptShares(sweep: ThresholdSweep, shares: readonly number[] = KEPT_SHARES): KeptShare[] {
  const { positives, negatives, thresholds, truePositives, falsePositives } = sweep;
  let row = 0;
  return shares.map((share) => {
    // Less a rounding error: .07 × 100 is a little more than 7.
    const wanted = Math.ceil(share * (positives + negatives) * (1 - 1e-12));
    while (truePositives[row] + falsePositives[row] < wanted) row++;
    const kept = truePositives[row] + falsePositives[row];
    return {
      share,
      threshold: thresholds[row],
      kept,
      precision: truePositives[row] / kept,
      recall: positives === 0 ? undefined : truePositives[row] / positives,
    };
  });
}
