import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sweepThresholds } from '../../../src/quality/evaluation/threshold-sweep.ts';
import { sample, tiedDocuments } from './sample.ts';

describe('the sweep of thresholds', () => {
  it('has a row for each distinct score, with what is kept from it up', () => {
    const sweep = sweepThresholds(Float64Array.of(0.2, 0.9, 0.2, 0.5), Uint8Array.of(0, 1, 1, 0));
    expect(sweep).toEqual({
      positives: 2,
      negatives: 2,
      thresholds: Float64Array.of(0.9, 0.5, 0.2),
      truePositives: Float64Array.of(1, 1, 2),
      falsePositives: Float64Array.of(0, 1, 2),
    });
  });

  it("has the rows of scikit-learn's roc_curve(y, s, drop_intermediate=False), but for the first, where nothing is kept", () => {
    const { scores, positive } = sample(60, 1);
    const { thresholds, truePositives, falsePositives } = sweepThresholds(scores, positive);
    expect([...thresholds]).toEqual([
      1, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5, 0.4, 0.35, 0.3, 0.25, 0.15, 0.1, 0.05, 0,
    ]);
    // fpr × 27 and tpr × 33.
    expect([...falsePositives]).toEqual([0, 0, 0, 0, 0, 2, 4, 6, 9, 10, 11, 15, 16, 17, 21, 22, 23, 25, 27]);
    expect([...truePositives]).toEqual([3, 6, 9, 13, 14, 17, 18, 20, 20, 24, 26, 27, 28, 29, 32, 33, 33, 33, 33]);
  });

  it('counts as looking at each document would', () => {
    fc.assert(
      fc.property(tiedDocuments, ({ scores, positive }) => {
        const sweep = sweepThresholds(scores, positive);
        expect(sweep.thresholds).toHaveLength(new Set(scores).size);
        sweep.thresholds.forEach((threshold, row) => {
          const kept = [...positive].filter((_, i) => scores[i] >= threshold);
          expect(sweep.truePositives[row]).toBe(kept.filter((label) => label === 1).length);
          expect(sweep.falsePositives[row]).toBe(kept.filter((label) => label === 0).length);
        });
      }),
    );
  });

  it('is empty over nothing', () => {
    expect(sweepThresholds(new Float64Array(0), new Uint8Array(0)).thresholds).toHaveLength(0);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('refuses the score %d, which has no place', (score) => {
    expect(() => sweepThresholds(Float64Array.of(0, score), Uint8Array.of(0, 1))).toThrow(/score 1 is/);
  });
});
