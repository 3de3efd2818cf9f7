import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scoreHistogram } from '../../../src/quality/evaluation/histogram.ts';

describe('the histogram of scores', () => {
  it('puts probabilities into equal bins over [0, 1], the last holding 1', () => {
    const bins = scoreHistogram(Float64Array.of(0, 0.24, 0.25, 0.6, 1), Uint8Array.of(0, 0, 1, 1, 1), {
      scale: 'probability',
      bins: 4,
    });
    expect(bins).toEqual([
      { from: undefined, below: 0.25, positives: 0, negatives: 2 },
      { from: 0.25, below: 0.5, positives: 1, negatives: 0 },
      { from: 0.5, below: 0.75, positives: 1, negatives: 0 },
      { from: 0.75, below: undefined, positives: 1, negatives: 0 },
    ]);
  });

  it('counts every document once, within its bin', () => {
    const documents = fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(documents, fc.integer({ min: 1, max: 20 }), (values, bins) => {
        const scores = Float64Array.from(values);
        for (const bin of scoreHistogram(scores, new Uint8Array(values.length), { scale: 'any', bins })) {
          const { from = Number.NEGATIVE_INFINITY, below = Number.POSITIVE_INFINITY } = bin;
          expect(bin.negatives).toBe(scores.filter((score) => score >= from && score < below).length);
        }
      }),
    );
  });

  it('does not let one far score empty the other bins', () => {
    const scores = Float64Array.from({ length: 1_000 }, (_, i) => (i === 0 ? 1e9 : i));
    const bins = scoreHistogram(scores, new Uint8Array(1_000), { scale: 'any', bins: 10 });
    expect(Math.max(...bins.map(({ negatives }) => negatives))).toBeLessThan(110);
  });

  it('is one bin for equal scores', () => {
    expect(scoreHistogram(Float64Array.of(3, 3), Uint8Array.of(0, 1), { scale: 'any', bins: 10 })).toEqual([
      { from: undefined, below: undefined, positives: 1, negatives: 1 },
    ]);
  });
});
