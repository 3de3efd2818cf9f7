/**
 * The receiver operating characteristic (Fawcett 2006, "An introduction to ROC analysis"): the share of positives kept over
 * the share of negatives kept, and the area under it, which is the chance that a positive has a higher score than a negative,
 * equal scores counting half (Mann–Whitney U). Values equal scikit-learn's `roc_curve` and `roc_auc_score`.
 */
import type { ThresholdSweep } from './threshold-sweep.ts';

/** Share of negatives kept, share of positives kept, and the threshold; null where nothing is kept, above every score. */
export type RocPoint = [falsePositiveRate: number, truePositiveRate: number, threshold: number | null];

/**
 * Area under the ROC curve, in [0, 1]; undefined where there are documents of one class only.
 * Sums of whole and half counts, so exact up to the one division.
 */
export function rocAuc({ positives, negatives, truePositives, falsePositives }: ThresholdSweep): number | undefined {
  if (positives === 0 || negatives === 0) return undefined;
  let twiceArea = 0;
  for (let row = 0; row < truePositives.length; row++) {
    const before = row === 0 ? 0 : truePositives[row - 1];
    const width = falsePositives[row] - (row === 0 ? 0 : falsePositives[row - 1]);
    twiceArea += width * (before + truePositives[row]);
  }
  return twiceArea / (2 * positives * negatives);
}

/**
 * The curve from (0, 0) to (1, 1), by falling threshold; undefined where there are documents of one class only.
 *
 * Points on a straight line between their neighbours are left out, which changes nothing. Where more than `maxPoints` are left
 * (`Infinity`: all of them) the curve is walked in equal steps and a point taken after each. A step cuts off or adds less than
 * a small triangle, and those of a staircase cancel: with 200 points and 20,000 random scores the area moves by less than
 * 1e-4 (tests/quality/evaluation/roc.test.ts).
 */
export function rocCurve(sweep: ThresholdSweep, maxPoints = Infinity): RocPoint[] | undefined {
  const { positives, negatives, thresholds, truePositives, falsePositives } = sweep;
  if (positives === 0 || negatives === 0) return undefined;
  const corners: number[] = [];
  for (let row = 0; row < thresholds.length; row++) if (!isStraight(sweep, row)) corners.push(row);
  const point = (row: number): RocPoint => [
    falsePositives[row] / negatives,
    truePositives[row] / positives,
    thresholds[row],
  ];
  const points: RocPoint[] = [[0, 0, null], ...corners.map(point)];
  return points.length <= maxPoints ? points : stepsAlong(points, maxPoints);
}

/** Whether the curve goes straight on at a row. Whole numbers, so exact. */
function isStraight({ truePositives, falsePositives }: ThresholdSweep, row: number): boolean {
  if (row === truePositives.length - 1) return false;
  const rise = truePositives[row] - (row === 0 ? 0 : truePositives[row - 1]);
  const run = falsePositives[row] - (row === 0 ? 0 : falsePositives[row - 1]);
  const nextRise = truePositives[row + 1] - truePositives[row];
  const nextRun = falsePositives[row + 1] - falsePositives[row];
  return rise * nextRun === run * nextRise;
}

/** At most `count` of the points, the first and the last among them, evenly along the curve of length 2 (up and right). */
function stepsAlong(points: readonly RocPoint[], count: number): RocPoint[] {
  const step = 2 / (count - 1);
  const taken = [points[0]];
  for (const point of points.slice(1, -1)) {
    if (point[0] + point[1] >= taken.length * step) taken.push(point);
  }
  return [...taken.slice(0, count - 1), points[points.length - 1]];
}
