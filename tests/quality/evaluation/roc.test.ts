import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type RocPoint, rocAuc, rocCurve } from '../../../src/quality/evaluation/roc.ts';
import { sweepThresholds } from '../../../src/quality/evaluation/threshold-sweep.ts';
import { aucByPairs, sample, tiedDocuments, uniforms } from './sample.ts';

function areaUnder(points: readonly RocPoint[]): number {
  return points.slice(1).reduce((area, [x, y], i) => area + ((x - points[i][0]) * (y + points[i][1])) / 2, 0);
}

/** Scores without ties: positives and negatives from two overlapping triangles. */
function manyDocuments(documents: number, lead: number) {
  const draws = uniforms(12);
  const positive = Uint8Array.from({ length: documents }, () => (draws.next().value < 0.3 ? 1 : 0));
  const scores = Float64Array.from(positive, (label) => draws.next().value + draws.next().value + label * lead);
  return sweepThresholds(scores, positive);
}

describe('the area under the ROC curve', () => {
  it("is scikit-learn's roc_auc_score(y, s) = 0.7772166105499438", () => {
    const { scores, positive } = sample(60, 1);
    expect(rocAuc(sweepThresholds(scores, positive))).toBeCloseTo(0.7772166105499438, 14);
  });

  it('is the share of pairs of a positive and a negative that are in order, ties counting half', () => {
    fc.assert(
      fc.property(tiedDocuments, ({ scores, positive }) => {
        const auc = rocAuc(sweepThresholds(scores, positive));
        if (new Set(positive).size < 2) expect(auc).toBeUndefined();
        else expect(auc).toBeCloseTo(aucByPairs(scores, positive), 14);
      }),
    );
  });

  it.each([
    ['1 where every positive is above every negative', [3, 2, 1, 0], [1, 1, 0, 0], 1],
    ['0 where every positive is below every negative', [0, 1, 2, 3], [1, 1, 0, 0], 0],
    ['one half where all scores are equal', [7, 7, 7], [1, 0, 0], 0.5],
  ])('is %s', (_, scores, labels, auc) => {
    expect(rocAuc(sweepThresholds(Float64Array.from(scores), Uint8Array.from(labels)))).toBe(auc);
  });

  it.each([[[1, 1]], [[0, 0]], [[]]])('is undefined for the labels %j', (labels) => {
    const scores = Float64Array.from(labels, (_, i) => i);
    expect(rocAuc(sweepThresholds(scores, Uint8Array.from(labels)))).toBeUndefined();
    expect(rocCurve(sweepThresholds(scores, Uint8Array.from(labels)))).toBeUndefined();
  });
});

describe('the ROC curve', () => {
  it('goes from keeping nothing to keeping all, leaving out points on a straight line', () => {
    // Two positives in a row, then a tie of one each, then a negative.
    const sweep = sweepThresholds(Float64Array.of(4, 3, 2, 2, 1), Uint8Array.of(1, 1, 1, 0, 0));
    expect(rocCurve(sweep)).toEqual([
      [0, 0, null],
      [0, 2 / 3, 3],
      [0.5, 1, 2],
      [1, 1, 1],
    ]);
  });

  it('has the area of the AUC', () => {
    fc.assert(
      fc.property(tiedDocuments, ({ scores, positive }) => {
        const sweep = sweepThresholds(scores, positive);
        const curve = rocCurve(sweep);
        if (curve !== undefined) expect(areaUnder(curve)).toBeCloseTo(rocAuc(sweep)!, 12);
      }),
    );
  });

  it.each([0, 0.2, 0.8, 1.6, 1.7])(
    'thinned to 200 points has that area within 1e-4, 20,000 documents, positives %d above',
    (lead) => {
      const sweep = manyDocuments(20_000, lead);
      const curve = rocCurve(sweep, 200)!;
      expect(rocCurve(sweep)!.length).toBeGreaterThan(200);
      expect(curve.length).toBeLessThanOrEqual(200);
      expect(curve[0]).toEqual([0, 0, null]);
      expect(curve[curve.length - 1].slice(0, 2)).toEqual([1, 1]);
      expect(Math.abs(areaUnder(curve) - rocAuc(sweep)!)).toBeLessThan(1e-4);
    },
  );

  it('thinned has only points of the whole curve, in order', () => {
    const sweep = manyDocuments(3_000, 0.8);
    const whole = rocCurve(sweep)!.map((point) => point.join());
    const places = rocCurve(sweep, 50)!.map((point) => whole.indexOf(point.join()));
    expect(places).not.toContain(-1);
    expect(places).toEqual([...new Set(places)].sort((a, b) => a - b));
  });
});
