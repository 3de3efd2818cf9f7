import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom, mix32 } from '../../../src/core/random.ts';
import type { LabelledMatrix } from '../../../src/quality/features/labelled-matrix.ts';
import { leafOf } from '../../../src/quality/trees/decision-trees.ts';
import { forestModel } from '../../../src/quality/trees/forest-classifier.ts';
import { fitForest, leafShares } from '../../../src/quality/trees/random-forest.ts';

const SETTINGS = { trees: 20, minSamplesLeaf: 1, maxDepth: 64, maxBins: 255 };

function matrixOf(rows: readonly (readonly number[])[], labels: readonly number[], labelCount = 2): LabelledMatrix {
  return {
    ...{ matrix: Float64Array.from(rows.flat()), rows: rows.length, columns: rows[0].length },
    ...{ labels: Uint32Array.from(labels), labelCount, names: ['a', 'b', 'c', 'd'] },
  };
}

/** Rows whose label is whether the first column is larger than the second; two more columns say nothing. */
function pattern(count: number): LabelledMatrix {
  const rows = Array.from({ length: count }, (_, i) => [(i * 37) % 101, (i * 53) % 97, (i * 29) % 89, i % 2]);
  return matrixOf(
    rows,
    rows.map(([a, b]) => Number(a > b)),
  );
}

/** How often a tree draws each row. */
function drawsOf(seed: number, tree: number, rows: number): number[] {
  const random = createRandom(mix32(seed + Math.imul(tree, 0x9e3779b1)));
  const draws: number[] = Array(rows).fill(0);
  for (let i = 0; i < rows; i++) draws[random.below(rows)]++;
  return draws;
}

describe('a random forest', () => {
  it('grows each tree until its rows are told apart, on the rows that it drew', () => {
    const data = pattern(80);
    const { trees, counts } = fitForest(data, SETTINGS, 3);
    const expected = new Uint32Array(counts.length);
    for (let tree = 0; tree < SETTINGS.trees; tree++) {
      drawsOf(3, tree, 80).forEach((times, row) => {
        expected[leafOf(trees, trees.roots[tree], data.matrix, row * 4) * 2 + data.labels[row]] += times;
      });
    }
    expect(counts).toEqual(expected);
    for (let leaf = 0; leaf < counts.length; leaf += 2) expect(Math.min(counts[leaf], counts[leaf + 1])).toBe(0);
  });

  it('keeps to the smallest leaf and the greatest depth', () => {
    const { counts, trees } = fitForest(pattern(200), { ...SETTINGS, minSamplesLeaf: 7 }, 1);
    for (let leaf = 0; leaf < counts.length; leaf += 2)
      expect(counts[leaf] + counts[leaf + 1]).toBeGreaterThanOrEqual(7);
    expect(trees.leaves).toBeGreaterThan(SETTINGS.trees);
    const stumps = fitForest(pattern(200), { ...SETTINGS, maxDepth: 1 }, 1);
    expect(stumps.trees.leaves).toBe(2 * SETTINGS.trees);
  });

  it('splits where Gini impurity falls most: a stump of one column, by brute force', () => {
    const row = fc.record({
      value: fc.oneof(fc.integer({ min: 0, max: 5 }), fc.constant(Number.NaN)),
      label: fc.nat({ max: 2 }),
    });
    fc.assert(
      fc.property(
        fc.array(row, { minLength: 4, maxLength: 25 }),
        fc.integer({ min: 1, max: 3 }),
        (of, minSamplesLeaf) => {
          const data = matrixOf(
            of.map(({ value }) => [value]),
            of.map(({ label }) => label),
            3,
          );
          const settings = { ...SETTINGS, trees: 1, maxDepth: 1, minSamplesLeaf };
          const { gains } = fitForest(data, settings, 5);
          const draws = drawsOf(5, 0, of.length);
          const impurity = (side: readonly number[]): number => {
            const total = side.reduce((sum, i) => sum + draws[i], 0);
            const byLabel = [0, 1, 2].map((label) =>
              side.reduce((sum, i) => sum + (of[i].label === label ? draws[i] : 0), 0),
            );
            return total === 0 ? 0 : total - byLabel.reduce((sum, count) => sum + count * count, 0) / total;
          };
          const all = of.map((_, i) => i);
          let best = 0;
          for (let bar = -1; bar <= 5; bar++) {
            for (const missingLeft of [true, false]) {
              const goesLeft = (i: number): boolean => (Number.isNaN(of[i].value) ? missingLeft : of[i].value <= bar);
              const [left, right] = [all.filter(goesLeft), all.filter((i) => !goesLeft(i))];
              const sizes = [left, right].map((side) => side.reduce((sum, i) => sum + draws[i], 0));
              if (Math.min(...sizes) < minSamplesLeaf) continue;
              best = Math.max(best, impurity(all) - impurity(left) - impurity(right));
            }
          }
          expect(gains[0]).toBeCloseTo(best, 8);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('gives the mean of the shares in the leaves that a row falls into', () => {
    const data = pattern(60);
    const fitted = fitForest(data, { ...SETTINGS, minSamplesLeaf: 5 }, 2);
    const model = forestModel(fitted, []);
    const shares = leafShares(fitted);
    const out = new Float64Array(2);
    for (let row = 0; row < 60; row += 7) {
      const values = data.matrix.slice(row * 4, row * 4 + 4);
      model.probabilities(values, out);
      let sum = 0;
      for (const root of fitted.trees.roots) sum += shares[leafOf(fitted.trees, root, values, 0) * 2 + 1];
      expect(out[1]).toBeCloseTo(sum / SETTINGS.trees, 12);
      expect(out[0] + out[1]).toBeCloseTo(1, 12);
    }
  });

  it('is judged by the rows that its trees did not draw', () => {
    const data = pattern(90);
    const fitted = fitForest(data, SETTINGS, 4);
    const shares = leafShares(fitted);
    const draws = Array.from({ length: SETTINGS.trees }, (_, tree) => drawsOf(4, tree, 90));
    let right = 0;
    let judged = 0;
    for (let row = 0; row < 90; row++) {
      const votes = [0, 0];
      draws.forEach((of, tree) => {
        if (of[row] > 0) return;
        const leaf = leafOf(fitted.trees, fitted.trees.roots[tree], data.matrix, row * 4);
        votes[0] += shares[leaf * 2];
        votes[1] += shares[leaf * 2 + 1];
      });
      if (votes[0] + votes[1] === 0) continue;
      judged++;
      if (Number(votes[1] > votes[0]) === data.labels[row]) right++;
    }
    expect(fitted.outOfBagRows).toBe(judged);
    expect(fitted.outOfBagAccuracy).toBeCloseTo(right / judged, 12);
    // The pattern is learnt: chance is a half.
    expect(fitted.outOfBagAccuracy).toBeGreaterThan(0.8);
  });

  it('learns which side missing values belong to', () => {
    const rows = Array.from({ length: 60 }, (_, i) => [i % 3 === 0 ? Number.NaN : i % 3]);
    const data = matrixOf(
      rows,
      rows.map(([value]) => Number(value === 1 || Number.isNaN(value))),
    );
    const model = forestModel(fitForest(data, { ...SETTINGS, trees: 5 }, 1), []);
    const out = new Float64Array(2);
    for (const [value, expected] of [
      [Number.NaN, 1],
      [1, 1],
      [2, 0],
    ]) {
      model.probabilities(Float64Array.of(value), out);
      expect(out[1]).toBe(expected);
    }
  });

  it('depends on the seed, and on nothing else', () => {
    const of = (seed: number) => fitForest(pattern(60), SETTINGS, seed);
    expect(of(1)).toEqual(of(1));
    expect(of(1).trees).not.toEqual(of(2).trees);
  });

  it('leans on the columns that matter', () => {
    const model = forestModel(fitForest(pattern(200), SETTINGS, 1), ['a', 'b', 'c', 'd']);
    expect(
      model
        .telling(0, 2)
        .map(({ feature }) => feature)
        .sort(),
    ).toEqual(['a', 'b']);
  });
});
