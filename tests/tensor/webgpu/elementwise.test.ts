/** WGSL kernels entry by entry against the reference backend: odd lengths, single entries, more than a workgroup. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BINARY_KINDS, BROADCASTS, ROUND_KINDS, UNARY_KINDS, type UnaryKind } from '../../../src/tensor/operations.ts';
import type { WebGpuBackend } from '../../../src/tensor/webgpu/backend.ts';
import { noise, wholeNumbers } from '../graph-run.ts';
import { compareOn, type OperationCase, operation, runOperation, type Tolerance } from '../operation-case.ts';
import { describeWithWebGpu, webGpuBackend } from './device.ts';

const LENGTHS = [0, 1, 5, 64, 1023, 5000];

/** [rows, columns] */
const SHAPES: readonly (readonly [number, number])[] = [
  [0, 8],
  [1, 1],
  [3, 7],
  [67, 130],
];

describeWithWebGpu('entry by entry on WebGPU', () => {
  describe.each([
    ['as it is', {}, LENGTHS],
    ['with bindings of 16 KiB', { limits: { maxStorageBufferBindingSize: 1 << 14 } }, [5000, 9001]],
  ] as const)('%s', (_, options, lengths) => {
    let backend: WebGpuBackend;
    beforeAll(async () => {
      backend = await webGpuBackend(options);
    });
    afterAll(() => backend?.dispose());
    const compare = (given: OperationCase, tolerance: Tolerance = {}) => compareOn(backend, given, tolerance);

    const onlyPositive: readonly UnaryKind[] = ['log', 'sqrt'];
    // Cut or not is the same to all of them: two are enough there.
    const kinds = lengths === LENGTHS ? UNARY_KINDS : (['silu', 'log'] as const);
    it.each([...kinds])('unary and unaryGrad: %s', async (kind) => {
      for (const length of lengths) {
        const values = noise(length, 1, 12);
        const x = onlyPositive.includes(kind) ? values.map((value) => Math.abs(value) + 1e-3) : values;
        const attributes = [length, UNARY_KINDS.indexOf(kind)];
        await compare(operation('unary', attributes, [x], [length]), { relative: 1e-5, ofLargest: 1e-6 });
        const dy = noise(length, 2);
        await compare(operation('unaryGrad', attributes, [dy, x], [length]), { relative: 1e-5, ofLargest: 2e-6 });
      }
    });

    const pairs = BINARY_KINDS.flatMap((kind) => BROADCASTS.map((broadcast) => [kind, broadcast] as const));
    it.each(pairs)('binary %s, second operand repeated: %s', async (kind, broadcast) => {
      for (const [rows, columns] of SHAPES) {
        const length = rows * columns;
        const b = { none: length, scalar: 1, rows, columns }[broadcast];
        // Small whole numbers, so that some are equal.
        const a = Float32Array.from(wholeNumbers(length, 3, -3, 4));
        const second = Float32Array.from(wholeNumbers(b, 4, kind === 'divide' ? 1 : -3, 4));
        const attributes = [rows, columns, BINARY_KINDS.indexOf(kind), BROADCASTS.indexOf(broadcast)];
        // Quotients may be off by a little (2.5 units in the last place, says WGSL).
        const tolerance = kind === 'divide' ? { relative: 3e-7 } : {};
        await compare(operation('binary', attributes, [a, second], [length]), tolerance);
        const reals = [noise(length, 5, 3), noise(b, 6, 1, 1.5)];
        await compare(operation('binary', attributes, reals, [length]), { relative: 3e-7 });
      }
    });

    it('affine, clamp and its gradient, select', async () => {
      for (const length of lengths) {
        const x = noise(length, 7, 3);
        const dy = noise(length, 8);
        await compare(operation('affine', [length, 1.7, -0.3], [x], [length]), { relative: 1e-6, ofLargest: 1e-7 });
        await compare(operation('clamp', [length, -1, 0.5], [x], [length]));
        await compare(operation('clampGrad', [length, -1, 0.5], [dy, x], [length]));
        const condition = Float32Array.from(wholeNumbers(length, 9, -1, 2));
        await compare(operation('select', [length], [condition, x, dy], [length]));
      }
    });

    it('select keeps what is no number on its side', async () => {
      const nan = Float32Array.of(Number.NaN, Number.NaN, Number.POSITIVE_INFINITY, Number.NaN);
      const condition = Float32Array.of(0, 1, 0, -2);
      await compare(operation('select', [4], [condition, nan, Float32Array.of(1, 2, 3, 4)], [4]));
      await compare(operation('select', [4], [condition, Float32Array.of(1, 2, 3, 4), nan], [4]));
    });

    it('swiglu and its gradient', async () => {
      for (const length of lengths) {
        const [dy, gate, up] = [noise(length, 10), noise(length, 11, 30), noise(length, 12)];
        await compare(operation('swiglu', [length], [gate, up], [length]), { relative: 1e-5, ofLargest: 1e-7 });
        await compare(operation('swigluGrad', [length], [dy, gate, up], [length, length]), {
          relative: 1e-5,
          ofLargest: 1e-6,
        });
      }
      const ends = Float32Array.of(-1e4, 1e4, -104, 104, -88, 88, 0, -0);
      const ones = new Float32Array(8).fill(1);
      await compare(operation('swiglu', [8], [ends, ones], [8]), { relative: 1e-5, absolute: 1e-30 });
      await compare(operation('swigluGrad', [8], [ones, ends, ones], [8, 8]), { relative: 1e-5, absolute: 1e-30 });
    });

    it('copy, of any bits, and fill', async () => {
      for (const length of lengths) {
        await compare(operation('fill', [length, -2.5], [], [length]));
        const bits = wholeNumbers(length, 14, -(2 ** 31), 2 ** 31);
        if (length > 4) bits.set([0x7f800001, -1, 1, 0x7fc12345]);
        const copy = operation('copy', [length], [new Float32Array(bits.buffer)], [length]);
        const [found] = await runOperation(backend, copy);
        expect(new Int32Array(found.buffer)).toEqual(bits);
      }
    });

    it.each([...ROUND_KINDS])('roundTo %s, for ties, subnormals and overflow too', async (kind) => {
      const ends = [65504, 65519, 65519.99, 65520, 65521, 3.4e38, 3.3895313892515355e38, Number.POSITIVE_INFINITY];
      const tiny = [1e-8, 6e-8, 2 ** -25, 2 ** -24 * 1.5, 2 ** -14, 6.097e-5, 1e-40, 0];
      const all = [...ends, ...tiny, 1.00390625, 1.01171875, 2049, 2051, Number.NaN].flatMap((x) => [x, -x]);
      const attributes = [all.length, ROUND_KINDS.indexOf(kind)];
      await compare(operation('roundTo', attributes, [Float32Array.from(all)], [all.length]));
      // Every exponent, with fractions of all kinds.
      const bits = wholeNumbers(40_003, 14, -(2 ** 31), 2 ** 31);
      for (const length of [40_000, 40_003]) {
        const x = new Float32Array(bits.buffer, 0, length);
        await compare(operation('roundTo', [length, ROUND_KINDS.indexOf(kind)], [x], [length]));
      }
    });
  });
});
