import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { native } from '../../../src/core/native.ts';
import { createRandom } from '../../../src/core/random.ts';
import type { Matrix } from '../../../src/quality/fasttext/model.ts';
import { nearestCentroidsTwin, quantizeMatrix } from '../../../src/quality/fasttext/product-quantizer.ts';
import { expand } from '../../../src/quality/fasttext/quantized-matrix.ts';

function randomMatrix(rows: number, dim: number, seed: number): Matrix {
  const { float } = createRandom(seed);
  return { rows, dim, values: Float32Array.from({ length: rows * dim }, () => float() * 2 - 1) };
}

/** Mean square of what quantization has moved a value by. */
function error(matrix: Matrix, ...[dsub, qnorm]: [number, boolean]): number {
  const found = expand(quantizeMatrix(matrix, dsub, qnorm, 3));
  expect(found).toMatchObject({ rows: matrix.rows, dim: matrix.dim });
  return matrix.values.reduce((sum, value, i) => sum + (value - found.values[i]) ** 2, 0) / matrix.values.length;
}

describe('quantizing', () => {
  it('loses nothing where there are 256 different parts', () => {
    const { values } = randomMatrix(256, 4, 1);
    const repeated = { rows: 1024, dim: 4, values: Float32Array.from({ length: 4096 }, (_, i) => values[i % 1024]) };
    const quantized = quantizeMatrix(repeated, 2, false, 0);
    // k-means may leave two points together where it began with one of them twice; most it tells apart.
    const back = expand(quantized).values;
    const exact = back.filter((value, i) => Math.abs(value - repeated.values[i]) < 1e-6).length;
    expect(exact).toBeGreaterThan(0.5 * 4096);
  });

  it('is as exact as a grid of 256 points in the plane', () => {
    // Points spread over a square of side 2: a 16 × 16 grid has squares of side 1/8, whose mean square distance to their
    // middle is (1/8)²/12 a value; k-means does no worse than a little more.
    expect(error(randomMatrix(4000, 6, 2), 2, false)).toBeLessThan((1.1 * (1 / 8) ** 2) / 12);
    // One value to a byte: intervals of 1/128.
    expect(error(randomMatrix(4000, 3, 2), 1, false)).toBeLessThan((2 * (1 / 128) ** 2) / 12);
  });

  it('cuts the last part short where dsub does not divide the dimensions', () => {
    const { quantizer, codes } = quantizeMatrix(randomMatrix(300, 7, 4), 3, false, 0);
    expect(quantizer).toMatchObject({ dim: 7, parts: 3, partDim: 3, lastPartDim: 1 });
    expect(codes).toHaveLength(300 * 3);
    expect(quantizer.centroids).toHaveLength(7 * 256);
  });

  it('quantizes lengths apart', () => {
    const { rows, dim, values } = randomMatrix(600, 4, 5);
    // Directions of a circle times lengths over five orders of magnitude: too much for the parts alone.
    const scaled = { rows, dim, values: values.map((value, i) => value * 10 ** ((Math.floor(i / dim) % 50) / 10)) };
    expect(error(scaled, 2, true)).toBeLessThan(error(scaled, 2, false) / 2);
  });

  it('takes rows of zeros, and rows that are all the same', () => {
    for (const value of [0, 0.5]) {
      const same = { rows: 300, dim: 4, values: new Float32Array(1200).fill(value) };
      for (const qnorm of [false, true]) {
        for (const found of expand(quantizeMatrix(same, 2, qnorm, 0)).values) expect(found).toBeCloseTo(value, 5);
      }
    }
  });

  it('depends on nothing but the values and the seed', () => {
    const matrix = randomMatrix(500, 5, 6);
    expect(quantizeMatrix(matrix, 2, true, 9)).toEqual(quantizeMatrix(matrix, 2, true, 9));
    expect(quantizeMatrix(matrix, 2, true, 9)).not.toEqual(quantizeMatrix(matrix, 2, true, 10));
  });
});

describe('the nearest centroid', () => {
  const draw = (count: number, seed: number): Float32Array => {
    const { below } = createRandom(seed);
    // Few values, so that many distances are equal.
    return Float32Array.from({ length: count }, () => below(5) - 2);
  };

  it('is the first of the nearest', () => {
    const points = draw(2 * 200, 1);
    const centroids = draw(2 * 256, 2);
    const codes = new Uint8Array(200);
    nearestCentroidsTwin(points, 2, centroids, codes);
    for (let i = 0; i < 200; i++) {
      const distances = Array.from(
        { length: 256 },
        (_, c) => (points[2 * i] - centroids[2 * c]) ** 2 + (points[2 * i + 1] - centroids[2 * c + 1]) ** 2,
      );
      expect(codes[i]).toBe(distances.indexOf(Math.min(...distances)));
    }
  });

  it.skipIf(native === undefined)('is the same from the native kernel', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 16 }), fc.nat(), fc.boolean(), (width, seed, hasEquals) => {
        const values = (count: number, s: number) => (hasEquals ? draw(count, s) : randomMatrix(count, 1, s).values);
        const points = values(width * 60, seed);
        const centroids = values(width * 256, seed + 1);
        const [twin, kernel] = [new Uint8Array(60), new Uint8Array(60)];
        nearestCentroidsTwin(points, width, centroids, twin);
        native?.fastTextNearest(points, width, centroids, kernel);
        expect(kernel).toEqual(twin);
      }),
    );
  });
});
