import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LabelledMatrix } from '../../../src/quality/features/labelled-matrix.ts';
import { binColumns } from '../../../src/quality/trees/binning.ts';
import { leafOf } from '../../../src/quality/trees/decision-trees.ts';
import { fitGbdt, type GbdtSettings } from '../../../src/quality/trees/fit-gbdt.ts';
import { gbdtModel } from '../../../src/quality/trees/gbdt-classifier.ts';

const SETTINGS: GbdtSettings = {
  ...{ rounds: 5, learningRate: 0.1, maxLeaves: 31, minSamplesLeaf: 10, l2: 0, maxBins: 255, patience: 99 },
};

/** The rows of tests/quality/logistic/fit-logistic.test.ts, every fourth value of the first column left out on request. */
function rows(labelOf: (i: number, z: number) => number, labelCount: number, hasMissing = false): LabelledMatrix {
  const matrix = new Float64Array(120 * 3);
  const labels = new Uint32Array(120);
  for (let i = 0; i < 120; i++) {
    matrix.set([((i * 37) % 101) / 101, ((i * 53) % 97) / 97, ((i * 29) % 89) / 89], i * 3);
    labels[i] = labelOf(i, matrix[i * 3] + matrix[i * 3 + 1] / 2);
    if (hasMissing && i % 4 === 0) matrix[i * 3] = Number.NaN;
  }
  return { matrix, rows: 120, columns: 3, labels, labelCount, names: ['a', 'b', 'c'] };
}

const two = (i: number, z: number): number => Number(z > 0.8 !== (i % 7 === 0));
const three = (i: number, z: number): number => (i % 7 === 0 ? 2 : z > 0.8 ? 1 : 0);

function probabilities(data: LabelledMatrix, settings: Partial<GbdtSettings>, count: number): number[][] {
  const model = gbdtModel(fitGbdt(data, { ...SETTINGS, ...settings }), data.names ?? []);
  const out = new Float64Array(data.labelCount);
  return Array.from({ length: count }, (_, i) => {
    model.probabilities(data.matrix.slice(i * data.columns, (i + 1) * data.columns), out);
    return Array.from(out);
  });
}

/**
 *     h = HistGradientBoostingClassifier(max_iter=5, early_stopping=False, min_samples_leaf=10)
 *     h.fit(X, two).predict_proba(X[:8])[:, 1]
 *     Xn = X.copy(); Xn[i%4==0, 0] = np.nan
 *     h.fit(Xn, two).predict_proba(Xn[:8])[:, 1]; h.fit(Xn, i%4==0).predict_proba(Xn[:8])[:, 1]
 *     HistGradientBoostingClassifier(max_iter=3, early_stopping=False, min_samples_leaf=10, l2_regularization=1)
 *         .fit(X, three).predict_proba(X[:4])
 *
 * scikit-learn 1.9.1, which adds up gradients of 32 bits.
 */
describe('boosted trees beside scikit-learn', () => {
  it.each([
    [
      'two labels',
      rows(two, 2),
      [0.47071934, 0.30792925, 0.58046723, 0.30510197, 0.36500376, 0.67801464, 0.28249137, 0.45030961],
    ],
    [
      'missing values',
      rows(two, 2, true),
      [0.54255618, 0.32079142, 0.55901553, 0.2836833, 0.37442497, 0.68289369, 0.29478738, 0.41425386],
    ],
    [
      'a label that only missing values tell',
      rows((i) => Number(i % 4 === 0), 2, true),
      [0.56483731, 0.15066852, 0.15066852, 0.15066852, 0.56483731, 0.15066852, 0.15066852, 0.15066852],
    ],
  ])('have the probabilities of %s', (_, data, expected) => {
    const found = probabilities(data, {}, 8).map(([, p]) => p);
    expect(found).toEqual(expected.map((p) => expect.closeTo(p, 6)));
  });

  it('have the probabilities of three labels and a penalty', () => {
    expect(probabilities(rows(three, 3), { rounds: 3, l2: 1 }, 4)).toEqual(
      [
        [0.55586283, 0.26327089, 0.18086628],
        [0.62482527, 0.21743005, 0.15774469],
        [0.35941981, 0.47425852, 0.16632167],
        [0.58520548, 0.27794865, 0.13684586],
      ].map((row) => row.map((p) => expect.closeTo(p, 6))),
    );
  });
});

describe('a boosted tree', () => {
  it('splits first where the loss falls most, of all columns and values', () => {
    const value = fc.oneof(fc.integer({ min: 0, max: 6 }), fc.constant(Number.NaN));
    const row = fc.record({ values: fc.tuple(value, value), label: fc.nat({ max: 1 }) });
    fc.assert(
      fc.property(
        fc.array(row, { minLength: 6, maxLength: 30 }),
        fc.integer({ min: 1, max: 3 }),
        (of, minSamplesLeaf) => {
          const data: LabelledMatrix = {
            ...{ matrix: Float64Array.from(of.flatMap(({ values }) => values)), rows: of.length, columns: 2 },
            ...{ labels: Uint32Array.from(of, ({ label }) => label), labelCount: 2 },
          };
          const { gains, trees } = fitGbdt(data, { ...SETTINGS, rounds: 1, maxLeaves: 2, minSamplesLeaf });
          const best = bestGain(data, minSamplesLeaf);
          expect(gains[0] + gains[1]).toBeCloseTo(best, 9);
          expect(trees.leaves).toBe(best > 1e-9 ? 2 : 1);
        },
      ),
      { numRuns: 200 },
    );
  });

  /** Every split of every column, missing values on either side: G²/H on both sides less that of all, H = p(1 − p) a row. */
  function bestGain({ matrix, rows: count, columns, labels }: LabelledMatrix, minSamplesLeaf: number): number {
    const share = labels.reduce((sum, label) => sum + label, 0) / count;
    // Where there is one label only, half of a row stands for the other.
    const odds = Math.log(Math.max(share, 0.5 / count)) - Math.log(Math.max(1 - share, 0.5 / count));
    const p = 1 / (1 + Math.exp(-odds));
    const part = (side: number[]): number =>
      side.reduce((sum, row) => sum + p - labels[row], 0) ** 2 / (side.length * p * (1 - p));
    const all = Array.from({ length: count }, (_, row) => row);
    let best = 0;
    for (let column = 0; column < columns; column++) {
      for (let bar = -1; bar <= 7; bar++) {
        for (const missingLeft of [true, false]) {
          const goesLeft = (row: number): boolean => {
            const value = matrix[row * columns + column];
            return Number.isNaN(value) ? missingLeft : value <= bar + 0.5;
          };
          const left = all.filter(goesLeft);
          const right = all.filter((row) => !goesLeft(row));
          const least = Math.min(left.length, right.length);
          if (least < minSamplesLeaf || least * p * (1 - p) < 1e-3) continue;
          best = Math.max(best, part(left) + part(right) - part(all));
        }
      }
    }
    return best;
  }

  it('does not split where both sides would have the same shares of labels, whatever rounding says', () => {
    // One in three on both sides of every split: the gain is 0, in floating point 10⁻³³.
    const column = [Number.NaN, 0, Number.NaN, 0, Number.NaN, 0];
    const data: LabelledMatrix = {
      ...{ matrix: Float64Array.from(column), rows: 6, columns: 1 },
      ...{ labels: Uint32Array.of(0, 0, 0, 1, 1, 0), labelCount: 2 },
    };
    expect(fitGbdt(data, { ...SETTINGS, rounds: 1, minSamplesLeaf: 3 }).splits).toBe(0);
  });

  it('has no more leaves than allowed, and no smaller ones', () => {
    const data = rows(two, 2);
    for (const [maxLeaves, minSamplesLeaf] of [
      [2, 10],
      [5, 3],
      [31, 25],
    ]) {
      const { trees } = fitGbdt(data, { ...SETTINGS, rounds: 3, maxLeaves, minSamplesLeaf });
      const sizes = new Map<number, number>();
      for (let tree = 0; tree < 3; tree++) {
        for (let row = 0; row < 120; row++) {
          const leaf = leafOf(trees, trees.roots[tree], data.matrix, row * 3);
          sizes.set(leaf, (sizes.get(leaf) ?? 0) + 1);
        }
      }
      expect(Math.min(...sizes.values())).toBeGreaterThanOrEqual(minSamplesLeaf);
      expect(sizes.size).toBe(trees.leaves);
      expect(trees.leaves).toBeLessThanOrEqual(3 * maxLeaves);
      expect(trees.leaves).toBeGreaterThan(3);
    }
  });

  it('sends a missing value where training had none to the side of large values', () => {
    const data = rows((_, z) => Number(z > 0.8), 2);
    const model = gbdtModel(fitGbdt(data, { ...SETTINGS, rounds: 30 }), []);
    const [missing, large] = [new Float64Array(2), new Float64Array(2)];
    model.probabilities(Float64Array.of(Number.NaN, Number.NaN, 0.5), missing);
    model.probabilities(Float64Array.of(9, 9, 0.5), large);
    expect(missing).toEqual(large);
  });
});

describe('boosting', () => {
  it('lowers the loss of the rows it trains on with every round', () => {
    const losses = [1, 2, 5, 20, 60].map((rounds) => fitGbdt(rows(three, 3), { ...SETTINGS, rounds }).loss);
    expect(losses).toEqual([...losses].sort((a, b) => b - a));
    expect(new Set(losses).size).toBe(5);
  });

  it('stops where rows held out no longer gain, and keeps the best round', () => {
    // Labels without a pattern: what is learnt does not hold elsewhere.
    const data = rows((i) => ((i * i * 7919) % 13) % 2, 2);
    const isHeldOut = Uint8Array.from({ length: 120 }, (_, i) => (i % 3 === 0 ? 1 : 0));
    const settings = { ...SETTINGS, rounds: 200, patience: 5, minSamplesLeaf: 4 };
    const fitted = fitGbdt(data, settings, isHeldOut);
    expect(fitted.rounds).toBeLessThan(195);
    expect(fitted.trees.roots.length).toBe(fitted.rounds);
    // The loss of the rounds kept, taken anew from their probabilities.
    const model = gbdtModel(fitted, []);
    const p = new Float64Array(2);
    const lossOf = (rounds: Uint8Array): number => {
      let sum = 0;
      let count = 0;
      for (let row = 0; row < 120; row++) {
        if (rounds[row] === 0) continue;
        model.probabilities(data.matrix.slice(row * 3, row * 3 + 3), p);
        sum -= Math.log(p[data.labels[row]]);
        count++;
      }
      return sum / count;
    };
    expect(fitted.holdoutLoss).toBeCloseTo(lossOf(isHeldOut), 10);
    expect(fitted.loss).toBeCloseTo(lossOf(isHeldOut.map((held) => 1 - held)), 10);
    // As many rounds, one more and one less on the same rows are no better.
    for (const rounds of [fitted.rounds - 1, fitted.rounds + 1].filter((of) => of > 0)) {
      const other = fitGbdt(data, { ...settings, rounds, patience: 999 }, isHeldOut);
      expect(other.holdoutLoss as number).toBeGreaterThanOrEqual(fitted.holdoutLoss as number);
    }
  });

  it('comes to rest when it is certain of every row', () => {
    const data = rows((i) => i % 2, 2);
    const certain = { ...data, matrix: data.matrix.map((value, i) => (i % 3 === 0 ? (i / 3) % 2 : value)) };
    const fitted = fitGbdt(certain, { ...SETTINGS, rounds: 600 });
    expect(fitted.values.every(Number.isFinite)).toBe(true);
    expect(probabilities(certain, { rounds: 600 }, 2).map(([, p]) => p)).toEqual([
      expect.closeTo(0, 4),
      expect.closeTo(1, 4),
    ]);
  });

  it('leans on the column that matters', () => {
    const data = rows((i) => Number(((i * 53) % 97) / 97 > 0.4), 2);
    const model = gbdtModel(fitGbdt(data, SETTINGS), data.names ?? []);
    const [first] = model.telling(0, 3);
    expect(first.feature).toBe('b');
    expect(first.weight).toBeGreaterThan(0.9);
    expect(model.telling(0, 3).reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 12);
  });

  it('refuses too few rows, an empty hold-out and infinite values, saying which', () => {
    const data = rows(two, 2);
    expect(() => fitGbdt(data, { ...SETTINGS, minSamplesLeaf: 61 })).toThrow(
      '120 texts cannot be split into leaves of 61',
    );
    expect(() => fitGbdt(data, SETTINGS, new Uint8Array(120))).toThrow('none of 120 texts is in the hold-out');
    const matrix = data.matrix.slice();
    matrix[5 * 3 + 2] = Number.NEGATIVE_INFINITY;
    expect(() => fitGbdt({ ...data, matrix }, SETTINGS)).toThrow('feature c (column 2) of row 5 is -Infinity');
  });
});

describe('bins', () => {
  const binsOf = (values: readonly number[], maxBins: number) =>
    binColumns(
      {
        ...{ matrix: Float64Array.from(values), rows: values.length, columns: 1 },
        labels: new Uint32Array(values.length),
        labelCount: 2,
      },
      Uint32Array.from(values.keys()),
      maxBins,
    )[0];

  it('are one for each value where values are few, divided in the middle', () => {
    const { bins, edges, missingBin } = binsOf([3, 1, Number.NaN, 1, 7], 255);
    expect(Array.from(edges)).toEqual([2, 5]);
    expect(Array.from(bins)).toEqual([1, 0, missingBin, 0, 2]);
  });

  it('hold about the same number of rows where values are many', () => {
    const values = Array.from({ length: 1000 }, (_, i) => ((i * 379) % 1000) ** 2);
    const { bins, edges } = binsOf(values, 10);
    expect(edges.length).toBe(9);
    const sizes = Array.from({ length: 10 }, (_, bin) => bins.filter((of) => of === bin).length);
    expect(sizes).toEqual(Array(10).fill(100));
  });

  it('keep order: a larger value never has a smaller bin, whatever the values', () => {
    const values = fc.array(
      fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer({ min: 0, max: 3 })),
      {
        minLength: 1,
        maxLength: 60,
      },
    );
    fc.assert(
      fc.property(values, fc.integer({ min: 2, max: 12 }), (of, maxBins) => {
        const { bins, edges } = binsOf(of, maxBins);
        expect(edges.length).toBeLessThan(maxBins);
        of.forEach((value, i) => {
          expect(bins[i]).toBe(edges.filter((edge) => edge < value).length);
          of.forEach((other, k) => other > value && expect(bins[k]).toBeGreaterThanOrEqual(bins[i]));
        });
        // Few enough values have a bin each.
        const distinct = new Set(of.map((value) => value + 0));
        if (distinct.size <= maxBins) expect(edges.length).toBe(distinct.size - 1);
      }),
    );
  });
});
