/**
 * Precision and recall as the threshold falls, and average precision: the mean of the precisions at each newly found positive,
 * AP = Σ (Rₙ − Rₙ₋₁) Pₙ, without interpolation (Davis & Goadrich 2006 on why lines between points are too kind). Values equal
 * scikit-learn's `precision_recall_curve` and `average_precision_score`.
 */
import type { ThresholdSweep } from './threshold-sweep.ts';

export type PrecisionRecallPoint = [recall: number, precision: number, threshold: number];

/** In (0, 1]; undefined without positives. */
export function averagePrecision({ positives, truePositives, falsePositives }: ThresholdSweep): number | undefined {
  if (positives === 0) return undefined;
  let sum = 0;
  for (let row = 0; row < truePositives.length; row++) {
    const found = truePositives[row] - (row === 0 ? 0 : truePositives[row - 1]);
    if (found > 0) sum += found * (truePositives[row] / (truePositives[row] + falsePositives[row]));
  }
  return sum / positives;
}

/**
 * The curve by falling threshold, so by rising recall; undefined without positives. Where there are more than `maxPoints` rows,
 * the first at or above each of so many equal steps of recall, so that the noise of the first few documents does not use up
 * the points.
 */
export function precisionRecallCurve(sweep: ThresholdSweep, maxPoints = Infinity): PrecisionRecallPoint[] | undefined {
  const { positives, thresholds, truePositives, falsePositives } = sweep;
  if (positives === 0) return undefined;
  const point = (row: number): PrecisionRecallPoint => [
    truePositives[row] / positives,
    truePositives[row] / (truePositives[row] + falsePositives[row]),
    thresholds[row],
  ];
  const points: PrecisionRecallPoint[] = [];
  const last = thresholds.length - 1;
  const thin = thresholds.length > maxPoints;
  for (let row = 0; row <= last; row++) {
    const due = points.length < maxPoints - 1 && truePositives[row] * (maxPoints - 2) >= points.length * positives;
    if (!thin || row === last || due) points.push(point(row));
  }
  return points;
}
