/** Sums over the sequences of a batch, and scores at last tokens: values, and gradients against differences. */
import { describe, expect, it } from 'vitest';
import { scoresAt, sumsOf } from '../../src/align/completions.ts';
import { gradients } from '../../src/tensor/autograd.ts';
import { multiply, sum } from '../../src/tensor/ops/elementwise.ts';
import { createFloat64Backend } from '../tensor/float64-backend.ts';
import { evaluate, type Leaf } from '../tensor/graph-run.ts';

const backend = createFloat64Backend();
const ints = (values: number[]): Leaf => ({
  shape: [values.length],
  values: Int32Array.from(values),
  dtype: 'i32',
  frozen: true,
});
const numbers = (shape: number[], values: number[]): Leaf => ({ shape, values: Float64Array.from(values) });

describe('sumsOf', () => {
  it('adds up each sequence; nobody’s places count nowhere, and get no gradient', async () => {
    const [sums, dx] = await evaluate(
      backend,
      [numbers([2, 3], [1, 2, 4, 8, 16, 32]), ints([1, -1, 0, 1, 1, -1]), numbers([3], [10, 100, 1000])],
      ([x, owners, weights]) => {
        const made = sumsOf(x, owners, 3);
        return [made, ...gradients(sum(multiply(made, weights)), [x])];
      },
    );
    expect(Array.from(sums)).toEqual([4, 25, 0]);
    expect(Array.from(dx)).toEqual([100, 0, 10, 100, 100, 0]);
  });
});

describe('scoresAt', () => {
  it('is the head’s product at the places named, 0 where there is none', async () => {
    const [scores, dhidden, dhead] = await evaluate(
      backend,
      [numbers([3, 2], [1, 2, 3, 4, 5, 6]), numbers([1, 2], [10, 100]), ints([2, -1, 0])],
      ([hidden, head, last]) => {
        const made = scoresAt(hidden, head, last);
        return [made, ...gradients(sum(made), [hidden, head])];
      },
    );
    expect(Array.from(scores)).toEqual([650, 0, 210]);
    expect(Array.from(dhidden)).toEqual([10, 100, 0, 0, 10, 100]);
    expect(Array.from(dhead)).toEqual([6, 8]);
  });
});
