import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  brierScore,
  expectedCalibrationError,
  logLoss,
  reliabilityBins,
} from '../../../src/quality/evaluation/calibration.ts';
import { sample } from './sample.ts';

const { scores, positive } = sample(60, 1);

describe('reliability bins', () => {
  it.each([
    [
      'equal-width',
      // calibration_curve(y, s, n_bins=5, strategy='uniform'): mean score, share of positives.
      [
        [0.07142857142857142, 0.14285714285714285],
        [0.315625, 0.375],
        [0.5499999999999999, 0.5454545454545454],
        [0.7115384615384616, 0.5384615384615384],
        [0.9192307692307692, 1.0],
      ],
    ],
    [
      'equal-count',
      // strategy='quantile'
      [
        [0.16071428571428573, 0.2857142857142857],
        [0.39999999999999997, 0.4166666666666667],
        [0.5958333333333332, 0.5],
        [0.773076923076923, 0.6923076923076923],
        [0.9499999999999998, 1.0],
      ],
    ],
  ] as const)('of %s are those of scikit-learn', (binning, expected) => {
    const bins = reliabilityBins(scores, positive, { binning, bins: 5 });
    expect(bins).toHaveLength(5);
    bins.forEach((bin, i) => {
      expect(bin.meanScore).toBeCloseTo(expected[i][0], 12);
      expect(bin.positiveShare).toBeCloseTo(expected[i][1], 12);
    });
  });

  it('hold every document once, between their ends', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 50 }),
        fc.constantFrom('equal-width' as const, 'equal-count' as const),
        fc.integer({ min: 1, max: 12 }),
        (values, binning, bins) => {
          const found = reliabilityBins(Float64Array.from(values), new Uint8Array(values.length), { binning, bins });
          expect(found.reduce((sum, bin) => sum + bin.documents, 0)).toBe(values.length);
          for (const { from, to, meanScore } of found) {
            expect(meanScore).toBeGreaterThanOrEqual(from - 1e-12);
            expect(meanScore).toBeLessThanOrEqual(to + 1e-12);
          }
        },
      ),
    );
  });

  it('leave out bins without documents; equal scores share one', () => {
    const found = reliabilityBins(Float64Array.of(0.5, 0.5, 0.5), Uint8Array.of(1, 0, 0), {
      binning: 'equal-count',
      bins: 10,
    });
    expect(found).toEqual([{ from: 0.5, to: 0.5, documents: 3, meanScore: 0.5, positiveShare: 1 / 3 }]);
  });
});

describe('the expected calibration error', () => {
  it('is the distance from the diagonal, weighted by documents', () => {
    // Two documents at .2, none positive; two at .9, both positive: (2 × .2 + 2 × .1) / 4.
    const bins = reliabilityBins(Float64Array.of(0.2, 0.2, 0.9, 0.9), Uint8Array.of(0, 0, 1, 1), {
      binning: 'equal-width',
      bins: 10,
    });
    expect(expectedCalibrationError(bins)).toBeCloseTo(0.15, 14);
  });

  it('is 0 for a coin that is known to be one', () => {
    const bins = reliabilityBins(Float64Array.of(0.5, 0.5), Uint8Array.of(0, 1), { binning: 'equal-width', bins: 10 });
    expect(expectedCalibrationError(bins)).toBe(0);
  });
});

describe('the Brier score and log loss', () => {
  it('are those of scikit-learn: 0.19008333333333333, 0.5383476519521547', () => {
    expect(brierScore(scores, positive)).toBeCloseTo(0.19008333333333333, 14);
    expect(logLoss(scores.map((score, i) => (positive[i] === 1 ? score : 1 - score)))).toBeCloseTo(
      0.5383476519521547,
      14,
    );
  });

  it('takes 52 ln 2 nats for a sure mistake, not infinity', () => {
    expect(logLoss(Float64Array.of(0))).toBeCloseTo(52 * Math.LN2, 12);
  });
});
