/** WGSL kernels of the optimizer and of dropout against the reference backend. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dropoutBits } from '../../../src/tensor/reference/dropout.ts';
import type { WebGpuBackend } from '../../../src/tensor/webgpu/backend.ts';
import { noise } from '../graph-run.ts';
import { compareOn, type OperationCase, operation, runOperation, type Tolerance } from '../operation-case.ts';
import { describeWithWebGpu, webGpuBackend } from './device.ts';

const DEVICES = [
  ['as it is', {}],
  [
    'without subgroups, with bindings of 16 KiB',
    { without: ['subgroups'], limits: { maxStorageBufferBindingSize: 1 << 14 } },
  ],
] as const;

const norm = (...tensors: Float32Array[]): OperationCase => operation('globalNorm', [], tensors, [1]);

describeWithWebGpu('the optimizer on WebGPU', () => {
  describe.each(DEVICES)('%s', (_, options) => {
    let backend: WebGpuBackend;
    beforeAll(async () => {
      backend = await webGpuBackend(options);
    });
    afterAll(() => backend?.dispose());
    const compare = (given: OperationCase, tolerance: Tolerance = {}) => compareOn(backend, given, tolerance);

    it('globalNorm and countNonFinite, over large and small tensors', async () => {
      const lengths = [3, 70_001, 0, 1, 64, 33_000, 17, 2, 5, 9, 1, 1, 2048, 2049, 1];
      const tensors = lengths.map((length, i) => noise(length, 20 + i, 10 ** ((i % 7) - 3)));
      await compare(norm(...tensors), { relative: 3e-7 });
      tensors[1][70_000] = Number.NaN;
      tensors[1][3] = Number.NEGATIVE_INFINITY;
      tensors[5][32_768] = Number.POSITIVE_INFINITY;
      await compare(operation('countNonFinite', [], tensors, [lengths.length]));
    });

    it.each([
      ['whose squares overflow', [3e30, -4e30]],
      ['whose squares vanish', [3e-30, -4e-30, 0]],
      ['of every size', [1e-20, 3, 4, -1e-3, 2e-13]],
      ['large and middling', [3e12, 4e12, 9e11, 1e3]],
      ['large and small', [3e13, 4e-13]],
      ['around the ends of what is middling', [2 ** 40, 2 ** 41, 2 ** -40, 2 ** -41, 1]],
      ['small, beside middling that are hardly larger', [9e-13, 9e-13, 9e-13, 1e-12]],
      ['beyond float32', [3e38, 3e38]],
      ['none', []],
      ['zeros', [0, -0]],
      ['with an infinity', [1, Number.NEGATIVE_INFINITY, 2]],
      ['with what is no number', [1, Number.NaN, Number.POSITIVE_INFINITY]],
    ])('globalNorm of numbers %s', async (_, values) => {
      await compare(norm(Float32Array.from(values), Float32Array.of(0)), { relative: 3e-7, absolute: 0 });
    });

    it('globalNorm marks one wrong number among many, and many of them', async () => {
      const x = noise(50_000, 1);
      x[49_999] = Number.POSITIVE_INFINITY;
      await compare(norm(x, noise(3, 2)));
      x.fill(Number.POSITIVE_INFINITY);
      await compare(norm(x));
      x[40_000] = Number.NaN;
      await compare(norm(x));
    });

    const group = (length: number, seed: number): Float32Array[] => [
      noise(length, seed),
      noise(length, seed + 1, 0.1),
      noise(length, seed + 2, 0.01),
      noise(length, seed + 3, 0.001, 0.0011),
    ];
    it('adamw over large and small parameters', async () => {
      const lengths = [5, 10_000, 1, 0, 16, 9001];
      const inputs = [
        Float32Array.of(1e-3, 1 - 0.9 ** 3, 1 - 0.95 ** 3),
        Float32Array.of(0.7),
        ...lengths.flatMap((length, i) => group(length, 70 + 5 * i)),
      ];
      const attributes = [0.9, 0.95, 1e-8, ...lengths.map((_, i) => (i % 2 === 0 ? 0.1 : 0))];
      await compare(operation('adamw', attributes, inputs, []), { relative: 1e-6, ofLargest: 3e-7 });
    });

    it('adamw does nothing when the factor is negative', async () => {
      const [p, g, m, v] = group(100, 90);
      const inputs = [Float32Array.of(1e-3, 0.1, 0.05), Float32Array.of(-1), p, g, m, v];
      const found = await runOperation(backend, operation('adamw', [0.9, 0.95, 1e-8, 0.1], inputs, []));
      expect(found).toEqual([p, m, v]);
    });

    it('clipFactor', async () => {
      for (const value of [0, 0.5, 1, 8, 8.001, 13, 1e30, Number.POSITIVE_INFINITY, Number.NaN]) {
        for (const maxNorm of [0, 1]) {
          for (const spike of [Number.POSITIVE_INFINITY, 2]) {
            const inputs = [Float32Array.of(value), Float32Array.of(0.25, spike)];
            await compare(operation('clipFactor', [maxNorm], inputs, [1]), { relative: 3e-7 });
          }
        }
      }
    });

    it('dropout, bit for bit', async () => {
      for (const length of [0, 1, 63, 65, 1000, 20_003]) {
        for (const [rate, stream] of [
          [0.1, 0],
          [0.5, 4_000_000_000],
          [0, 1],
          [0.999999, 2],
        ]) {
          const inputs = [noise(length, 15), Int32Array.of(-5, 77)];
          await compare(operation('dropout', [length, rate, stream], inputs, [length]));
        }
      }
    });

    it('dropout draws every bit of the reference: rates around the number of one entry', async () => {
      const seed = Int32Array.of(123, -456);
      for (const i of [0, 17, 45, 63, 64, 127, 200]) {
        const bits = dropoutBits(i, seed, 9);
        for (const [threshold, isKept] of [
          [bits, true],
          [bits + 1, false],
        ] as const) {
          const inputs = [new Float32Array(201).fill(1), seed];
          const [found] = await runOperation(
            backend,
            operation('dropout', [201, threshold / 2 ** 32, 9], inputs, [201]),
          );
          expect(found[i] !== 0, `entry ${i}`).toBe(isKept);
        }
      }
    });
  });
});
