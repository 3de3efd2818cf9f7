import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aucDifference, aucInterval, placements } from '../../../src/quality/evaluation/delong.ts';
import { aucByPairs, sample, tiedDocuments } from './sample.ts';

/** The second model of the comparison: half the first one's scores, half another's. */
function twoModels() {
  const { scores, positive } = sample(60, 1);
  const other = sample(60, 99).scores.map((score, i) => (score + scores[i]) / 2);
  return { scores, other, positive };
}

describe("DeLong's placements", () => {
  it('are the share of negatives below a positive, and of positives above a negative', () => {
    // Positives .9 and .4; negatives .4 and .1.
    const placed = placements(Float64Array.of(0.9, 0.4, 0.4, 0.1), Uint8Array.of(1, 1, 0, 0));
    expect([...placed]).toEqual([1, 0.75, 0.75, 1]);
  });

  it('have the AUC as their mean in either class', () => {
    fc.assert(
      fc.property(tiedDocuments, ({ scores, positive }) => {
        fc.pre(new Set(positive).size === 2);
        const placed = placements(scores, positive);
        const auc = aucByPairs(scores, positive);
        for (const label of [0, 1]) {
          const ofClass = [...placed].filter((_, i) => positive[i] === label);
          expect(ofClass.reduce((sum, value) => sum + value, 0) / ofClass.length).toBeCloseTo(auc, 12);
        }
      }),
    );
  });
});

describe("an AUC's interval", () => {
  it('is that of the definition in numpy', () => {
    // pos, neg = s[y==1], s[y==0]
    // v10 = [np.mean((p > neg) + .5 * (p == neg)) for p in pos]; v01 = [np.mean((pos > q) + .5 * (pos == q)) for q in neg]
    // np.sqrt(np.var(v10, ddof=1) / len(pos) + np.var(v01, ddof=1) / len(neg)) = 0.0586203363264955
    const { scores, positive } = sample(60, 1);
    const interval = aucInterval(scores, positive)!;
    expect(interval.value).toBeCloseTo(0.7772166105499438, 12);
    expect(interval.standardError).toBeCloseTo(0.0586203363264955, 12);
    expect(interval.low).toBeCloseTo(0.7772166105499438 - 1.959963984540054 * 0.0586203363264955, 12);
    expect(interval.high).toBeCloseTo(0.7772166105499438 + 1.959963984540054 * 0.0586203363264955, 12);
  });

  it('does not leave [0, 1]', () => {
    const { low, high } = aucInterval(Float64Array.of(5, 4, 2, 3, 1, 0), Uint8Array.of(1, 1, 1, 0, 0, 0))!;
    expect(high).toBe(1);
    expect(low).toBeGreaterThan(0);
  });

  it.each([
    ['separated classes', [3, 2, 1, 0], [1, 1, 0, 0]],
    ['equal scores', [1, 1, 1, 1], [1, 1, 0, 0]],
    ['one positive', [3, 1, 2, 0], [1, 0, 0, 0]],
    ['one class', [3, 1], [1, 1]],
    ['nothing', [], []],
  ])('is undefined for %s, rather than of width 0', (_, scores, labels) => {
    expect(aucInterval(Float64Array.from(scores), Uint8Array.from(labels))).toBeUndefined();
  });
});

describe('the difference of two AUCs', () => {
  it('has the interval of the definition in numpy, which takes the covariance of the models in', () => {
    // Of another sample(60, 99)'s scores, averaged with s: AUC 0.7210998877665543.
    // np.sqrt(var_a + var_b - 2 * (np.cov(v10_a, v10_b)[0, 1] / 33 + np.cov(v01_a, v01_b)[0, 1] / 27)) = 0.05516834922431166
    const { scores, other, positive } = twoModels();
    const difference = aucDifference(other, scores, positive)!;
    expect(difference.value).toBeCloseTo(0.7210998877665543 - 0.7772166105499438, 12);
    expect(difference.standardError).toBeCloseTo(0.05516834922431166, 12);
    expect(difference.low).toBeLessThan(difference.value);
    expect(difference.high).toBeCloseTo(difference.value + 1.959963984540054 * 0.05516834922431166, 12);
  });

  it('turns its sign with its models', () => {
    const { scores, other, positive } = twoModels();
    expect(aucDifference(scores, other, positive)!.low).toBeCloseTo(-aucDifference(other, scores, positive)!.high, 12);
  });

  it('is undefined for models that rank alike', () => {
    const { scores, positive } = sample(60, 1);
    const stretched = scores.map((score) => score * 3 - 1);
    expect(aucDifference(stretched, scores, positive)).toBeUndefined();
  });
});
