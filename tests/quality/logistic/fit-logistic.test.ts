import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LabelledMatrix } from '../../../src/quality/features/labelled-matrix.ts';
import { factorize, solve } from '../../../src/quality/logistic/cholesky.ts';
import { minimize } from '../../../src/quality/logistic/lbfgs.ts';
import { createTrainer, fitLogisticModel, optionsSchema } from '../../../src/quality/logistic/logistic-classifier.ts';

/**
 * 120 rows of three columns without a random number, so that Python can make the same:
 *
 *     i = np.arange(120)
 *     X = np.stack([(i*37)%101/101, (i*53)%97/97, (i*29)%89/89], 1)
 *     z = X[:,0] + X[:,1]/2
 *     two = ((z>0.8) ^ (i%7==0)).astype(int)
 *     uneven = (i%5==0).astype(int) | (z>1.2)
 *     three = np.where(i%7==0, 2, np.where(z>0.8, 1, 0))
 *     S = StandardScaler().fit_transform(X)
 *     LogisticRegression(tol=1e-10, solver='newton-cholesky', max_iter=1000).fit(S, two)
 *
 * Values below: scikit-learn 1.9.1.
 */
function rows(labelOf: (i: number, z: number) => number, labelCount: number): LabelledMatrix {
  const matrix = new Float64Array(120 * 3);
  const labels = new Uint32Array(120);
  for (let i = 0; i < 120; i++) {
    matrix.set([((i * 37) % 101) / 101, ((i * 53) % 97) / 97, ((i * 29) % 89) / 89], i * 3);
    labels[i] = labelOf(i, matrix[i * 3] + matrix[i * 3 + 1] / 2);
  }
  return { matrix, rows: 120, columns: 3, labels, labelCount, names: ['a', 'b', 'c'] };
}

const two = rows((i, z) => Number(z > 0.8 !== (i % 7 === 0)), 2);
const uneven = rows((i, z) => Number(i % 5 === 0 || z > 1.2), 2);
const three = rows((i, z) => (i % 7 === 0 ? 2 : z > 0.8 ? 1 : 0), 3);

function fitTo(data: LabelledMatrix, options: object = {}) {
  const labels = Array.from({ length: data.labelCount }, (_, i) => `label-${i}`);
  return fitLogisticModel(data, labels, optionsSchema.parse(options));
}

describe('logistic regression beside scikit-learn', () => {
  it.each([
    ['two labels', two, {}, [[1.4082723188177575, 0.2996875760368626, -0.39778696708370836]], [-0.22199839002755126]],
    [
      'C = 0.1',
      two,
      { C: 0.1 },
      [[0.9306408729547926, 0.20718440107483646, -0.25088110867557795]],
      [-0.17270317550297176],
    ],
    [
      'balanced labels',
      uneven,
      { classWeight: 'balanced' },
      [[0.5119278567510893, 0.3239510992352313, -0.08765117088270666]],
      [-0.10808086125632843],
    ],
    [
      'three labels',
      three,
      {},
      [
        [-1.406950851065588, -0.4514610646478843, 0.22470944864073708],
        [1.7478237113694828, 0.6442359541283661, -0.2589198961061356],
        [-0.34087286030389374, -0.1927748894804786, 0.03421044746539423],
      ],
      [0.4903569806267284, -0.30404092686699924, -0.18631605375972918],
    ],
  ] as const)('has the coefficients of %s', (_, data, options, coefficients, intercepts) => {
    const { fit: found } = fitTo(data, options);
    expect(found.converged).toBe(true);
    coefficients.flat().forEach((coefficient, i) => expect(found.weights[i]).toBeCloseTo(coefficient, 6));
    intercepts.forEach((intercept, i) => expect(found.intercepts[i]).toBeCloseTo(intercept, 6));
  });

  it('takes a weight by label for as many copies of its rows', () => {
    const copies: number[] = [];
    uneven.labels.forEach((label, i) => copies.push(...(label === 1 ? [i, i, i] : [i])));
    const repeated: LabelledMatrix = {
      ...{ matrix: new Float64Array(copies.length * 3), rows: copies.length, columns: 3, labelCount: 2 },
      labels: Uint32Array.from(copies, (i) => uneven.labels[i]),
    };
    copies.forEach((i, at) => repeated.matrix.set(uneven.matrix.subarray(i * 3, i * 3 + 3), at * 3));
    // Copies move the mean and deviation, which the penalty sees: almost none of it, so that only probabilities count.
    const close = { C: 1e6 };
    const one = fitTo(uneven, { ...close, classWeight: { 'label-1': 3 } }).model;
    const other = fitTo(repeated, close).model;
    const p = new Float64Array(2);
    const q = new Float64Array(2);
    for (let i = 0; i < 120; i++) {
      one.probabilities(uneven.matrix.subarray(i * 3, i * 3 + 3), p);
      other.probabilities(uneven.matrix.subarray(i * 3, i * 3 + 3), q);
      expect(p[1]).toBeCloseTo(q[1], 6);
    }
  });
});

describe('what a fit is', () => {
  it("gives the labels' shares where the columns say nothing", () => {
    const data = { ...uneven, matrix: new Float64Array(360).fill(4.2) };
    const { model, fit: found } = fitTo(data);
    const p = new Float64Array(2);
    model.probabilities(Float64Array.of(4.2, 4.2, 4.2), p);
    expect(p[1]).toBeCloseTo(32 / 120, 8);
    expect(Array.from(found.weights)).toEqual([0, 0, 0]);
  });

  it('stays finite where a column separates the labels', () => {
    const data = { ...two, labels: Uint32Array.from({ length: 120 }, (_, i) => Number(two.matrix[i * 3] > 0.5)) };
    const { model, fit: found } = fitTo(data);
    expect(found.converged).toBe(true);
    const p = new Float64Array(2);
    model.probabilities(Float64Array.of(1e9, 0, 0), p);
    expect(p[1]).toBe(1);
  });

  it('does not care about the units of a column', () => {
    const scaled = { ...two, matrix: two.matrix.map((value, i) => (i % 3 === 1 ? value * 1e6 - 7 : value)) };
    const [a, b] = [fitTo(two).fit, fitTo(scaled).fit];
    a.weights.forEach((weight, i) => expect(b.weights[i]).toBeCloseTo(weight, 6));
  });

  it('tells the columns that speak for a label, in standard units', () => {
    const { model } = fitTo(two);
    expect(model.telling(1, 9).map(({ feature }) => feature)).toEqual(['a', 'b']);
    expect(model.telling(0, 9).map(({ feature }) => feature)).toEqual(['c']);
    expect(model.telling(1, 1)[0].weight).toBeCloseTo(1.4082723, 5);
    expect(
      fitTo(three)
        .model.telling(2, 9)
        .map(({ feature }) => feature),
    ).toEqual(['c']);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('refuses %d, and says where it stands', (value) => {
    const matrix = two.matrix.slice();
    matrix[17 * 3 + 1] = value;
    expect(() => fitTo({ ...two, matrix })).toThrow(`feature b (column 1) of row 17 is ${value}`);
  });

  it('refuses a weight for a label that is none, and more labels than it can take', () => {
    const misspelt = optionsSchema.parse({ classWeight: { kep: 2 } });
    expect(() => createTrainer(['keep', 'drop'], misspelt, 1)).toThrow(
      'classWeight names "kep", which is no label here',
    );
    // 2048 unknowns: 512 labels of three columns and an intercept.
    expect(() => fitTo({ ...two, labelCount: 513 })).toThrow('cannot fit a logistic regression to 513 labels');
  });
});

describe('solving', () => {
  const size = 5;
  const entries = fc.array(fc.integer({ min: -8, max: 8 }), { minLength: size * size, maxLength: size * size });

  it('gives back what a positive definite matrix was multiplied with', () => {
    fc.assert(
      fc.property(entries, fc.array(fc.integer({ min: -9, max: 9 }), { minLength: size, maxLength: size }), (b, x) => {
        const matrix = definite(b);
        const product = Float64Array.from(x, (_, i) =>
          x.reduce((sum, value, j) => sum + matrix[i * size + j] * value, 0),
        );
        factorize(matrix, size);
        solve(matrix, product);
        x.forEach((value, i) => expect(product[i]).toBeCloseTo(value, 6));
      }),
    );
  });

  it('finds the bottom of a quadratic, however bad the guess of its curvature', () => {
    fc.assert(
      fc.property(entries, fc.constantFrom(1e-3, 1, 1e3), (b, guess) => {
        const matrix = definite(b);
        const bottom = [1, -2, 3, -4, 5];
        const value = (x: Float64Array, gradient: Float64Array): number => {
          let sum = 0;
          for (let i = 0; i < size; i++) {
            gradient[i] = bottom.reduce((dot, at, j) => dot + matrix[i * size + j] * (x[j] - at), 0);
            sum += 0.5 * gradient[i] * (x[i] - bottom[i]);
          }
          return sum;
        };
        const rescale = (vector: Float64Array): void => vector.forEach((entry, i) => (vector[i] = entry * guess));
        const { x, converged } = minimize(value, new Float64Array(size), rescale, 1e-7, 500);
        expect(converged).toBe(true);
        bottom.forEach((at, i) => expect(x[i]).toBeCloseTo(at, 5));
      }),
    );
  });

  /** BᵀB + I */
  function definite(b: readonly number[]): Float64Array {
    const matrix = new Float64Array(size * size);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        for (let k = 0; k < size; k++) matrix[i * size + j] += b[k * size + i] * b[k * size + j];
        if (i === j) matrix[i * size + j]++;
      }
    }
    return matrix;
  }
});
