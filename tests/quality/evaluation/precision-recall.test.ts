import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { averagePrecision, precisionRecallCurve } from '../../../src/quality/evaluation/precision-recall.ts';
import { sweepThresholds } from '../../../src/quality/evaluation/threshold-sweep.ts';
import { sample, tiedDocuments, uniforms } from './sample.ts';

const sweepOf = (scores: number[], labels: number[]) =>
  sweepThresholds(Float64Array.from(scores), Uint8Array.from(labels));

describe('average precision', () => {
  it("is scikit-learn's average_precision_score(y, s) = 0.8360837883841126", () => {
    const { scores, positive } = sample(60, 1);
    expect(averagePrecision(sweepThresholds(scores, positive))).toBeCloseTo(0.8360837883841126, 14);
  });

  it('is the mean precision at each positive', () => {
    // Positives at ranks 1 and 3: (1/1 + 2/3) / 2.
    expect(averagePrecision(sweepOf([4, 3, 2, 1], [1, 0, 1, 0]))).toBeCloseTo(5 / 6, 15);
  });

  it('is the share of positives where all scores are equal', () => {
    expect(averagePrecision(sweepOf([1, 1, 1, 1], [1, 0, 0, 0]))).toBe(0.25);
  });

  it('is 1 for positives alone, undefined without one', () => {
    expect(averagePrecision(sweepOf([1, 2], [1, 1]))).toBe(1);
    expect(averagePrecision(sweepOf([1, 2], [0, 0]))).toBeUndefined();
    expect(precisionRecallCurve(sweepOf([1, 2], [0, 0]))).toBeUndefined();
  });
});

describe('the precision-recall curve', () => {
  it("has the points of scikit-learn's precision_recall_curve(y, s)", () => {
    const { scores, positive } = sample(60, 1);
    const curve = precisionRecallCurve(sweepThresholds(scores, positive))!;
    // 19 thresholds; without the end point (1, 0) that scikit-learn adds: sums 15.402070035837752 − 1 and 12.666666666666666.
    expect(curve).toHaveLength(19);
    expect(curve.reduce((sum, [, precision]) => sum + precision, 0)).toBeCloseTo(14.402070035837752, 12);
    expect(curve.reduce((sum, [recall]) => sum + recall, 0)).toBeCloseTo(12.666666666666666, 12);
    expect(curve[4]).toEqual([0.42424242424242425, 1, 0.8]);
  });

  it('thinned, falls behind by no more than one step of recall, and ends where all is kept', () => {
    fc.assert(
      fc.property(tiedDocuments, fc.integer({ min: 3, max: 9 }), ({ scores, positive }, points) => {
        const sweep = sweepThresholds(scores, positive);
        const whole = precisionRecallCurve(sweep);
        if (whole === undefined) return;
        const thin = precisionRecallCurve(sweep, points)!;
        expect(thin.length).toBeLessThanOrEqual(points);
        expect(thin[0]).toEqual(whole[0]);
        expect(thin[thin.length - 1]).toEqual(whole[whole.length - 1]);
        for (const point of thin) expect(whole).toContainEqual(point);
      }),
    );
    const draws = uniforms(3);
    const positive = Uint8Array.from({ length: 5_000 }, () => (draws.next().value < 0.2 ? 1 : 0));
    const scores = Float64Array.from(positive, (label) => draws.next().value + 0.3 * label);
    const recalls = precisionRecallCurve(sweepThresholds(scores, positive), 101)!.map(([recall]) => recall);
    const steps = recalls.slice(1).map((recall, i) => recall - recalls[i]);
    expect(recalls.length).toBeLessThanOrEqual(101);
    expect(Math.max(...steps)).toBeLessThan(1 / 99 + 1 / 800);
  });
});
