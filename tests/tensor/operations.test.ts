/**
 * The native kernels of rows and entries against the reference backend: odd sizes, none at all, more than one block;
 * optional inputs there and missing; outputs over inputs; one thread and two. `CORPUSMILL_ISA` runs them on another
 * instruction set.
 */
import { describe, expect, it } from 'vitest';
import type { Backend } from '../../src/tensor/backend.ts';
import {
  AXES,
  BINARY_KINDS,
  BROADCASTS,
  ROUND_KINDS,
  UNARY_KINDS,
  type UnaryKind,
} from '../../src/tensor/operations.ts';
import { evaluate, noise, wholeNumbers } from './graph-run.ts';
import { compare, native, operation, reference, runOperation, type Tolerance, two } from './operation-case.ts';

const LENGTHS = [0, 1, 5, 16, 63, 1000, 40_003];
/** [rows, columns]. */
const SHAPES: readonly (readonly [number, number])[] = [
  [0, 8],
  [1, 1],
  [3, 7],
  [5, 64],
  [67, 130],
  [700, 96],
  [37, 1027],
];

/** Numbers of every size, and those at which functions have their edges. */
function wide(length: number, seed: number): Float32Array {
  const edges = [0, -0, 1, -1, 0.5, -0.625, 1e-30, -1e-30, 88, -88, 104, -104, 3e38, -3e38, 20, -20];
  const values = noise(length, seed, 9);
  const sizes = noise(length, seed + 1);
  return values.map((x, i) => (i < 2 * edges.length ? edges[i >> 1] : x * 10 ** (sizes[i] * (i % 3 === 0 ? 4 : 1))));
}

describe.skipIf(native === undefined)('the native backend', () => {
  describe('entry by entry', () => {
    const onlyPositive: readonly UnaryKind[] = ['log', 'sqrt'];
    it.each([...UNARY_KINDS])('unary and unaryGrad: %s', async (kind) => {
      for (const length of LENGTHS) {
        const x = onlyPositive.includes(kind) ? wide(length, 1).map(Math.abs) : wide(length, 1);
        const attributes = [length, UNARY_KINDS.indexOf(kind)];
        const tolerance: Tolerance = {
          // Beside 1 the logarithm is what it is by the rounding of x.
          log: { relative: 4e-7, ofLargest: 1e-9 },
          // The reference takes 1 + erf, which leaves 16 digits after the point.
          gelu: { relative: 4e-6, absolute: 1e-14 },
          // The argument of its exponential is rounded, to a millionth where the result is 1e-9.
          geluTanh: { relative: 4e-6, absolute: 1e-14 },
        }[kind as 'log'] ?? { relative: 1.2e-6 };
        await compare(operation('unary', attributes, [x], [length]), tolerance);
        const most = kind === 'exp' ? 80 : 1e4;
        const bounded = x.map((value) => Math.min(Math.max(value, -1e4), most));
        const slopes = operation('unaryGrad', attributes, [noise(length, 2), bounded], [length]);
        // Slopes of silu and gelu pass through 0 near -1.
        await compare(slopes, { relative: 2e-6, ofLargest: 3e-7 });
      }
    });

    it.each([...UNARY_KINDS])('unary %s of infinities and of what is not a number', async (kind) => {
      const x = Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e-40, -1e-40);
      const [found] = await runOperation(
        native as Backend,
        operation('unary', [5, UNARY_KINDS.indexOf(kind)], [x], [5]),
      );
      const [wanted] = await runOperation(reference, operation('unary', [5, UNARY_KINDS.indexOf(kind)], [x], [5]));
      // x·f(x) at infinity is infinity · 0 for one way of writing it and its limit, 0, for another.
      const ends = ['silu', 'gelu', 'geluTanh', 'relu', 'relu2'].includes(kind) ? [0, 1] : [0, 1, 2];
      for (const i of ends) expect(found[i]).toBe(wanted[i]);
      for (const i of [3, 4]) {
        if (Number.isFinite(wanted[i])) expect(Math.abs(found[i] - wanted[i])).toBeLessThan(2e-5);
      }
    });

    const pairs = BINARY_KINDS.flatMap((kind) => BROADCASTS.map((broadcast) => [kind, broadcast] as const));
    it.each(pairs)('binary %s, second operand repeated: %s', async (kind, broadcast) => {
      for (const [rows, columns] of SHAPES) {
        const length = rows * columns;
        const b = { none: length, scalar: 1, rows, columns }[broadcast];
        // Small whole numbers, so that some are equal; one is not a number.
        const a = Float32Array.from(wholeNumbers(length, 3, -3, 4));
        const second = Float32Array.from(wholeNumbers(b, 4, -3, 4));
        if (length > 3) a[2] = Number.NaN;
        if (b > 4) second[4] = Number.NaN;
        const attributes = [rows, columns, BINARY_KINDS.indexOf(kind), BROADCASTS.indexOf(broadcast)];
        await compare(operation('binary', attributes, [a, second], [length]), {});
        const reals = [wide(length, 5), wide(b, 6)];
        await compare(operation('binary', attributes, reals, [length]), { relative: 1e-7 });
      }
    });

    it('affine, clamp and its gradient, select', async () => {
      for (const length of LENGTHS) {
        const x = noise(length, 7, 3);
        if (length > 2) x[1] = Number.NaN;
        const dy = noise(length, 8);
        await compare(operation('affine', [length, 1.7, -0.3], [x], [length]), { relative: 1e-6, ofLargest: 1e-7 });
        await compare(operation('clamp', [length, -1, 0.5], [x], [length]), {});
        await compare(operation('clampGrad', [length, -1, 0.5], [dy, x], [length]), {});
        const condition = Float32Array.from(wholeNumbers(length, 9, -1, 2));
        if (length > 3) condition[3] = Number.NaN;
        await compare(operation('select', [length], [condition, x, dy], [length]), {});
      }
    });

    it('swiglu and its gradient', async () => {
      for (const length of LENGTHS) {
        const [dy, gate, up] = [
          noise(length, 10),
          wide(length, 11).map((x) => Math.max(-1e4, Math.min(x, 1e4))),
          noise(length, 12),
        ];
        await compare(operation('swiglu', [length], [gate, up], [length]), { relative: 1e-6 });
        await compare(operation('swigluGrad', [length], [dy, gate, up], [length, length]), {
          relative: 1e-6,
          ofLargest: 2e-7,
        });
      }
    });

    it('copy and fill', async () => {
      for (const length of LENGTHS) {
        await compare(operation('copy', [length], [noise(length, 13)], [length]), {});
        await compare(operation('fill', [length, -2.5], [], [length]), {});
      }
    });

    it('an integer input assigned to a buffer, which takes a copy', async () => {
      const leaf = { shape: [3], values: [5, -6, 2 ** 31 - 1], dtype: 'i32' } as const;
      for (const backend of [reference, native as Backend]) {
        expect(await evaluate(backend, [leaf], ([x]) => [x])).toEqual([Int32Array.from(leaf.values)]);
      }
    });

    it.each([...ROUND_KINDS])('roundTo %s, for ties, subnormals and overflow too', async (kind) => {
      const edges = [
        65504,
        65519,
        65519.99,
        65520,
        65521,
        1e-8,
        6e-8,
        2 ** -25,
        2 ** -24 * 1.5,
        2 ** -14,
        6.097e-5,
        3.4e38,
      ];
      const more = [Number.POSITIVE_INFINITY, Number.NaN, 1.00390625, 1.01171875, 2049, 2051, 0, 3.3895313892515355e38];
      const all = [...edges, ...more].flatMap((x) => [x, -x]);
      const attributes = [all.length, ROUND_KINDS.indexOf(kind)];
      await compare(operation('roundTo', attributes, [Float32Array.from(all)], [all.length]), {});
      // Every exponent, with fractions of all kinds.
      const bits = wholeNumbers(100_003, 14, -(2 ** 31), 2 ** 31);
      const x = new Float32Array(bits.buffer);
      await compare(operation('roundTo', [x.length, ROUND_KINDS.indexOf(kind)], [x], [x.length]), {});
    });

    it('dropout, bit for bit', async () => {
      for (const length of LENGTHS) {
        for (const [rate, stream] of [
          [0.1, 0],
          [0.5, 4_000_000_000],
          [0, 1],
          [0.999999, 2],
        ]) {
          const inputs = [noise(length, 15), Int32Array.of(-5, 77)];
          await compare(operation('dropout', [length, rate, stream], inputs, [length]), {});
        }
      }
    });
  });

  describe('sums', () => {
    it.each([...AXES])('reduce and broadcast over %s', async (axis) => {
      for (const [rows, columns] of [...SHAPES, [3, 9000] as const, [3000, 2] as const]) {
        const attributes = [rows, columns, AXES.indexOf(axis)];
        const length = { all: 1, rows, columns }[axis];
        const x = noise(rows * columns, 16, 1, 0.3);
        const close = { relative: 2e-6, ofLargest: 1e-6 };
        await compare(operation('reduce', attributes, [x, undefined], [length]), close);
        await compare(operation('reduce', attributes, [x, noise(length, 17)], [length]), close);
        await compare(operation('broadcast', attributes, [noise(length, 18)], [rows * columns]), {});
      }
    });

    it('globalNorm and countNonFinite, over large and small tensors', async () => {
      const lengths = [3, 70_001, 0, 1, 64, 33_000, 17];
      const tensors = lengths.map((length, i) => noise(length, 20 + i, 10 ** (i - 3)));
      await compare(operation('globalNorm', [], tensors, [1]), { relative: 1e-7 });
      await compare(operation('globalNorm', [], [Float32Array.of(3e30, 4e30)], [1]), { relative: 1e-7 });
      tensors[1][70_000] = Number.NaN;
      tensors[1][3] = Number.NEGATIVE_INFINITY;
      tensors[5][32_768] = Number.POSITIVE_INFINITY;
      await compare(operation('countNonFinite', [], tensors, [lengths.length]), {});
      await compare(operation('globalNorm', [], tensors, [1]), {});
    });
  });

  describe('norms', () => {
    const close = { relative: 3e-6, ofLargest: 1e-6 };
    it('rmsNorm, addRmsNorm and the gradient', async () => {
      for (const [rows, columns] of SHAPES) {
        const length = rows * columns;
        const [x, residual, dy] = [noise(length, 30, 2), noise(length, 31), noise(length, 32)];
        const weight = noise(columns, 33, 0.5, 1);
        const forward = [rows, columns, 1e-6];
        await compare(operation('rmsNorm', forward, [x, weight], [length, rows]), close);
        await compare(operation('addRmsNorm', forward, [x, residual, weight], [length, length, rows]), close);
        const rstd = noise(rows, 34, 0.3, 0.9);
        for (const addends of [
          [undefined, undefined],
          [residual, noise(columns, 35)],
          [residual, undefined],
        ]) {
          const inputs = [dy, x, weight, rstd, ...addends];
          await compare(operation('rmsNormGrad', [rows, columns], inputs, [length, columns]), close);
        }
      }
    });

    it('layerNorm and its gradient', async () => {
      for (const [rows, columns] of SHAPES) {
        const length = rows * columns;
        const [x, residual, dy] = [noise(length, 36, 2, 5), noise(length, 37), noise(length, 38)];
        const [weight, bias] = [noise(columns, 39, 0.5, 1), noise(columns, 40)];
        // A row of one entry has no variance: what is left of it is noise of the mean.
        const wide = columns === 1 ? { ofLargest: 1e-3 } : { relative: 3e-5, ofLargest: 5e-6 };
        await compare(operation('layerNorm', [rows, columns, 1e-5], [x, weight, bias], [length, rows, rows]), wide);
        const statistics = [noise(rows, 41, 0.5, 5), noise(rows, 42, 0.3, 0.9)];
        for (const addends of [
          [undefined, undefined, undefined],
          [residual, noise(columns, 43), noise(columns, 44)],
        ]) {
          const inputs = [dy, x, weight, ...statistics, ...addends];
          await compare(operation('layerNormGrad', [rows, columns], inputs, [length, columns, columns]), close);
        }
      }
    });
  });

  describe('rows by index', () => {
    it('embedding and its gradient', async () => {
      for (const [rows, columns] of SHAPES) {
        for (const tableRows of [1, 50, 1000]) {
          const attributes = [rows, columns, tableRows];
          // Some are negative; low ones come often.
          const ids = Int32Array.from(noise(rows, 45), (u) => Math.floor(u ** 3 * tableRows));
          const table = noise(tableRows * columns, 46);
          await compare(operation('embedding', attributes, [table, ids], [rows * columns]), {});
          const dy = noise(rows * columns, 47);
          const close = { relative: 2e-6, ofLargest: 1e-6 };
          await compare(operation('embeddingGrad', attributes, [dy, ids, undefined], [tableRows * columns]), close);
          await compare(operation('embeddingGrad', attributes, [dy, ids, table], [tableRows * columns]), close);
        }
      }
    });

    it('rope, both pairings, there and back', async () => {
      for (const [rows, heads, headDim] of [
        [0, 2, 8],
        [1, 1, 2],
        [5, 3, 10],
        [33, 4, 64],
        [300, 7, 128],
      ]) {
        for (const flags of [0, 1, 2, 3]) {
          const tableRows = 40;
          const angles = noise(tableRows * (headDim / 2), 48, 3);
          const inputs = [
            noise(rows * heads * headDim, 49),
            angles.map(Math.cos),
            angles.map(Math.sin),
            wholeNumbers(rows, 50, 0, tableRows),
          ];
          const attributes = [rows, heads, headDim, tableRows, flags & 1, flags >> 1];
          await compare(operation('rope', attributes, inputs, [rows * heads * headDim]), { ofLargest: 2e-7 });
        }
      }
    });

    it('cacheWrite', async () => {
      for (const [batch, time, capacity, columns] of [
        [1, 1, 1, 1],
        [3, 2, 9, 5],
        [2, 0, 4, 3],
        [4, 100, 130, 64],
      ]) {
        const inputs = [
          noise(batch * capacity * columns, 51),
          noise(batch * time * columns, 52),
          wholeNumbers(batch, 53, 0, capacity - time + 1),
        ];
        await compare(operation('cacheWrite', [batch, time, capacity, columns], inputs, []), {});
      }
    });

    it.each([
      ['embedding', [2, 3, 4], [new Float32Array(12), Int32Array.of(1, 4)], [6], /4/],
      ['embeddingGrad', [2, 3, 4], [new Float32Array(6), Int32Array.of(7, 0), undefined], [12], /7/],
      [
        'rope',
        [1, 1, 2, 3, 0, 0],
        [new Float32Array(2), new Float32Array(3), new Float32Array(3), Int32Array.of(-1)],
        [2],
        /-1/,
      ],
      ['cacheWrite', [1, 2, 3, 1], [new Float32Array(3), new Float32Array(2), Int32Array.of(2)], [], /2/],
      ['routeSort', [2, 3], [Int32Array.of(1, 3)], [2, 2, 4], /3/],
      ['moeDispatch', [1, 2, 2], [new Float32Array(2), Int32Array.of(0, 5)], [4], /5/],
      ['moeCombine', [1, 2, 2], [new Float32Array(4), undefined, Int32Array.of(0, -2)], [2], /-2/],
      ['expertCounts', [1, 3, 1], [Int32Array.of(3), undefined], [3], /3/],
    ] as const)('%s says which entry is wrong', async (name, attributes, inputs, outputs, value) => {
      await expect(runOperation(two as Backend, operation(name, attributes, inputs, outputs))).rejects.toThrow(value);
    });

    it.each([
      ['embedding', [2, 3, 4], [new Float32Array(11), new Int32Array(2)], [6]],
      ['binary', [2, 3, 0, 3], [new Float32Array(6), new Float32Array(2)], [6]],
      ['binary', [2, 3, 8, 0], [new Float32Array(6), new Float32Array(6)], [6]],
      ['unary', [2, 15], [new Float32Array(2)], [2]],
      ['rmsNorm', [2, 3, 0], [new Float32Array(6), new Float32Array(2)], [6, 2]],
      [
        'rope',
        [1, 1, 3, 1, 0, 0],
        [new Float32Array(3), new Float32Array(1), new Float32Array(1), new Int32Array(1)],
        [3],
      ],
      ['routeTopK', [1, 2, 3, 0], [new Float32Array(2)], [2, 3, 3]],
      ['dropout', [1, 1, 0], [new Float32Array(1), new Int32Array(2)], [1]],
      ['adamw', [0.9, 0.9, 0], [3, 1, 2, 2, 2, 2].map((n) => new Float32Array(n)), []],
      ['adamw', [0.9, 0.9, 0, 0], [3, 1, 2, 2, 1, 2].map((n) => new Float32Array(n)), []],
    ] as const)('refuses %s with sizes that do not fit (%j)', async (name, attributes, inputs, outputs) => {
      await expect(runOperation(native as Backend, operation(name, attributes, inputs, outputs))).rejects.toThrow(name);
    });
  });
});
