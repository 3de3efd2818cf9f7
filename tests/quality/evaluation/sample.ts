/**
 * Documents with scores and labels that scikit-learn has seen too: the same arithmetic in both languages (Park–Miller, whose
 * products fit a double). Where tests name scikit-learn values, they are those of version 1.9.1 over these, by
 *
 *     import numpy as np
 *     from sklearn.metrics import *
 *     from sklearn.calibration import calibration_curve
 *     def uniforms(x):
 *         while True:
 *             x = x * 16807 % 2147483647
 *             yield x / 2147483647
 *     def sample(n, seed):
 *         u, s, y = uniforms(seed), [], []
 *         for _ in range(n):
 *             s.append(round(next(u) * 20) / 20); y.append(int(next(u) < 0.1 + 0.8 * s[-1]))
 *         return np.array(s), np.array(y)
 *     s, y = sample(60, 1)
 *
 *     u, P, T = uniforms(7), [], []
 *     for _ in range(45):
 *         a = [next(u) for _ in range(3)]; k = int(next(u) * 3); a[k] += 0.35
 *         P.append([v / (a[0] + a[1] + a[2]) for v in a]); T.append(k)
 */
import fc from 'fast-check';

export function* uniforms(seed: number): Generator<number, never> {
  let x = seed;
  while (true) {
    x = (x * 16807) % 2147483647;
    yield x / 2147483647;
  }
}

/** Scores in twentieths, so with ties, and labels that follow them. */
export function sample(documents: number, seed: number): { scores: Float64Array; positive: Uint8Array } {
  const draws = uniforms(seed);
  const scores = new Float64Array(documents);
  const positive = new Uint8Array(documents);
  for (let i = 0; i < documents; i++) {
    scores[i] = Math.round(draws.next().value * 20) / 20;
    positive[i] = draws.next().value < 0.1 + 0.8 * scores[i] ? 1 : 0;
  }
  return { scores, positive };
}

/** 45 documents of three labels with rows of probabilities. */
export function sampleOfThree(): { scores: Float64Array; truth: Int32Array } {
  const draws = uniforms(7);
  const scores = new Float64Array(45 * 3);
  const truth = new Int32Array(45);
  for (let i = 0; i < 45; i++) {
    const row = [draws.next().value, draws.next().value, draws.next().value];
    truth[i] = Math.floor(draws.next().value * 3);
    row[truth[i]] += 0.35;
    const sum = row[0] + row[1] + row[2];
    for (let label = 0; label < 3; label++) scores[3 * i + label] = row[label] / sum;
  }
  return { scores, truth };
}

/** Few different scores, so that most documents tie. */
export const tiedDocuments: fc.Arbitrary<{ scores: Float64Array; positive: Uint8Array }> = fc
  .array(fc.tuple(fc.integer({ min: -3, max: 4 }), fc.integer({ min: 0, max: 1 })), { minLength: 1, maxLength: 40 })
  .map((rows) => ({
    scores: Float64Array.from(rows, ([score]) => score / 4),
    positive: Uint8Array.from(rows, ([, label]) => label),
  }));

/** The chance that a positive scores above a negative, by looking at every pair. */
export function aucByPairs(scores: Float64Array, positive: Uint8Array): number {
  let won = 0;
  let pairs = 0;
  scores.forEach((a, i) => {
    scores.forEach((b, j) => {
      if (positive[i] !== 1 || positive[j] !== 0) return;
      pairs++;
      won += a > b ? 1 : a === b ? 0.5 : 0;
    });
  });
  return won / pairs;
}
