/** From a run's steps to the points of curves: smoothed, thinned out, and without what is not finite. */
import type { StepRecord } from '../../training/log.ts';

/** Tokens trained on, value. */
export type Point = readonly [x: number, y: number];

/** More points than a chart has pixels on a desk. */
export const MOST_POINTS = 500;

/** Points of one figure of the steps; steps without it, or with one that is not finite, are left out. */
export function pointsOf(
  steps: readonly StepRecord[],
  figure: (step: StepRecord) => number | null | undefined,
): Point[] {
  return steps.flatMap((step) => {
    const value = figure(step);
    return value === null || value === undefined || !Number.isFinite(value) ? [] : [[step.tokens, value] as const];
  });
}

/**
 * Means of a fiftieth of the points around each (or of `reach` on either side), fewer towards the ends: a mean over what lies behind
 * alone would trail where the loss falls fast.
 */
export function smooth(points: readonly Point[], reach = Math.floor(points.length / 100)): Point[] {
  const sums = new Float64Array(points.length + 1);
  for (const [i, [, y]] of points.entries()) sums[i + 1] = sums[i] + y;
  return points.map(([x], i) => {
    const half = Math.min(reach, i, points.length - 1 - i);
    return [x, (sums[i + half + 1] - sums[i - half]) / (2 * half + 1)] as const;
  });
}

/** At most `most` points: means of neighbours. */
export function thin(points: readonly Point[], most = MOST_POINTS): Point[] {
  if (points.length <= most) return [...points];
  return Array.from({ length: most }, (_, i) => {
    const from = Math.floor((i * points.length) / most);
    const group = points.slice(from, Math.floor(((i + 1) * points.length) / most));
    const mean = (of: 0 | 1): number => group.reduce((sum, point) => sum + point[of], 0) / group.length;
    return [mean(0), mean(1)] as const;
  });
}

/** The value that half of the numbers are below; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length === 0 ? Number.NaN : sorted[sorted.length >> 1];
}

/** Round numbers from `low` to `high`, about `count` of them: 1, 2, 2.5 or 5 times a power of ten apart. */
export function niceTicks(low: number, high: number, count: number): number[] {
  const span = high - low;
  if (!(span > 0)) return [low];
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= rough * 0.999)!;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}
