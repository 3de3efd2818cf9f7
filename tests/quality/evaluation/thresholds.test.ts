import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { confusionMatrix, labelFigures } from '../../../src/quality/evaluation/confusion.ts';
import { sweepThresholds } from '../../../src/quality/evaluation/threshold-sweep.ts';
import { bestByF1, bestByYouden, keptShares } from '../../../src/quality/evaluation/thresholds.ts';
import { sample, tiedDocuments } from './sample.ts';

function figuresAt(scores: Float64Array, positive: Uint8Array, threshold: number) {
  const matrix = confusionMatrix(
    positive,
    Uint8Array.from(scores, (score) => (score >= threshold ? 1 : 0)),
    2,
  );
  const [[, falsePositives], [, truePositives]] = matrix;
  const j = truePositives / (matrix[1][0] + truePositives) - falsePositives / (matrix[0][0] + falsePositives);
  return { ...labelFigures(matrix, 1), j, kept: truePositives + falsePositives };
}

describe('the best threshold', () => {
  it("by F1 and by Youden's J is that of scikit-learn's curves", () => {
    const { scores, positive } = sample(60, 1);
    const sweep = sweepThresholds(scores, positive);
    // max((f1_score(y, s >= c), c) for c in set(s)); the largest tpr − fpr of roc_curve is 17/33 − 2/27.
    expect(bestByF1(sweep)).toEqual({ threshold: 0.15, value: 0.75 });
    expect(bestByYouden(sweep)).toEqual({ threshold: 0.75, value: expect.closeTo(17 / 33 - 2 / 27, 14) });
  });

  it('is the highest of those that no other score beats', () => {
    fc.assert(
      fc.property(tiedDocuments, ({ scores, positive }) => {
        fc.pre(new Set(positive).size === 2);
        const sweep = sweepThresholds(scores, positive);
        const all = [...new Set(scores)].map((threshold) => ({ threshold, ...figuresAt(scores, positive, threshold) }));
        const [f1, j] = [Math.max(...all.map((one) => one.f1!)), Math.max(...all.map((one) => one.j))];
        const highest = (fits: (one: (typeof all)[number]) => boolean) =>
          Math.max(...all.filter(fits).map(({ threshold }) => threshold));
        expect(bestByF1(sweep)).toEqual({ threshold: highest((one) => one.f1 === f1), value: f1 });
        const youden = bestByYouden(sweep)!;
        expect(youden.value).toBeCloseTo(j, 12);
        expect(youden.threshold).toBe(highest((one) => one.j > j - 1e-9));
      }),
    );
  });

  it('is undefined where there is nothing to weigh', () => {
    const negativesOnly = sweepThresholds(Float64Array.of(1, 2), Uint8Array.of(0, 0));
    const positivesOnly = sweepThresholds(Float64Array.of(1, 2), Uint8Array.of(1, 1));
    expect(bestByF1(negativesOnly)).toBeUndefined();
    expect(bestByYouden(negativesOnly)).toBeUndefined();
    expect(bestByYouden(positivesOnly)).toBeUndefined();
    expect(bestByF1(positivesOnly)).toEqual({ threshold: 1, value: 1 });
  });
});

describe('the table of kept shares', () => {
  it('says for ten documents what the best of them hold', () => {
    // Scores 10 … 1; positives 10, 9, 7, 2.
    const scores = Float64Array.from({ length: 10 }, (_, i) => 10 - i);
    const positive = Uint8Array.of(1, 1, 0, 1, 0, 0, 0, 0, 1, 0);
    expect(keptShares(sweepThresholds(scores, positive), [0.1, 0.3, 0.45, 1])).toEqual([
      { share: 0.1, threshold: 10, kept: 1, precision: 1, recall: 0.25 },
      { share: 0.3, threshold: 8, kept: 3, precision: 2 / 3, recall: 0.5 },
      { share: 0.45, threshold: 6, kept: 5, precision: 0.6, recall: 0.75 },
      { share: 1, threshold: 1, kept: 10, precision: 0.4, recall: 1 },
    ]);
  });

  it('asks for 7 of 100 at 7 %, though .07 × 100 is a little more', () => {
    const scores = Float64Array.from({ length: 100 }, (_, i) => i);
    const [row] = keptShares(sweepThresholds(scores, new Uint8Array(100)), [0.07]);
    expect(row).toEqual({ share: 0.07, threshold: 93, kept: 7, precision: 0, recall: undefined });
  });

  it('keeps equal scores together, with the highest threshold that keeps enough', () => {
    fc.assert(
      fc.property(tiedDocuments, fc.integer({ min: 1, max: 20 }), ({ scores, positive }, twentieths) => {
        const [row] = keptShares(sweepThresholds(scores, positive), [twentieths / 20]);
        const keptAt = (threshold: number) => scores.filter((score) => score >= threshold).length;
        expect(row.kept).toBe(keptAt(row.threshold));
        expect(row.kept * 20).toBeGreaterThanOrEqual(twentieths * scores.length);
        for (const score of scores) {
          if (score > row.threshold) expect(keptAt(score) * 20).toBeLessThan(twentieths * scores.length);
        }
        expect(row.precision).toBeCloseTo(figuresAt(scores, positive, row.threshold).precision!, 14);
      }),
    );
  });
});
