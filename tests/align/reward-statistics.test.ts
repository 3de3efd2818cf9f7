import { expect, it } from 'vitest';
import {
  adaptedKlCoefficient,
  deviationOf,
  NO_MOMENTS,
  normaliseScores,
  withValues,
} from '../../src/align/reward-statistics.ts';

it('joins batches as if they were one', () => {
  const values = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5];
  const whole = withValues(NO_MOMENTS, values);
  const parts = [values.slice(0, 1), values.slice(1, 6), [], values.slice(6)].reduce(withValues, NO_MOMENTS);
  expect(parts.count).toBe(11);
  expect(parts.mean).toBeCloseTo(4, 12);
  expect(parts.squares).toBeCloseTo(whole.squares, 10);
  // Σ(x − 4)² = 56
  expect(deviationOf(parts)).toBeCloseTo(Math.sqrt(5.6), 12);
});

it('makes 0 of a constant reward', () => {
  const moments = withValues(NO_MOMENTS, [2.5, 2.5, 2.5]);
  expect(Array.from(normaliseScores([2.5, 2.5], moments, 'mean'))).toEqual([0, 0]);
  expect(Array.from(normaliseScores([2.5, 2.5], moments, 'mean-deviation'))).toEqual([0, 0]);
});

it('leaves scores alone where asked to', () => {
  expect(Array.from(normaliseScores([1, 2], { count: 9, mean: 5, squares: 3 }, 'none'))).toEqual([1, 2]);
});

it('raises the KL coefficient above the target, lowers it below, by at most a fifth of texts / horizon', () => {
  const options = { target: 6, horizon: 10_000 };
  expect(adaptedKlCoefficient(0.2, 6, 256, options)).toBe(0.2);
  expect(adaptedKlCoefficient(0.2, 600, 256, options)).toBeCloseTo(0.2 * (1 + 0.2 * 0.0256), 12);
  expect(adaptedKlCoefficient(0.2, 0, 256, options)).toBeCloseTo(0.2 * (1 - 0.2 * 0.0256), 12);
  expect(adaptedKlCoefficient(0.2, 6.6, 1000, options)).toBeCloseTo(0.2 * 1.01, 12);
});
