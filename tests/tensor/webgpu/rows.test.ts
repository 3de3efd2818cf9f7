/** WGSL kernels over rows and columns against the reference backend: with subgroups, without, and with small bindings. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { AXES } from '../../../src/tensor/operations.ts';
import type { WebGpuBackend } from '../../../src/tensor/webgpu/backend.ts';
import { noise } from '../graph-run.ts';
import { compareOn, type OperationCase, operation, type Tolerance } from '../operation-case.ts';
import { describeWithWebGpu, webGpuBackend } from './device.ts';

/** [rows, columns]: none, one, odd, several rows to a workgroup, wider than a workgroup, many strands of columns. */
const SHAPES: readonly (readonly [number, number])[] = [
  [0, 8],
  [1, 1],
  [3, 7],
  [5, 64],
  [67, 130],
  [300, 33],
  [9, 1100],
];

/** Every pipeline takes the software adapter a second or so, so that only the first run has all shapes. */
const DEVICES = [
  ['as it is', {}, SHAPES],
  ['without subgroups', { without: ['subgroups'] }, [[67, 130] as const, [9, 1100] as const]],
  [
    'with bindings of 64 KiB',
    { limits: { maxStorageBufferBindingSize: 1 << 16 } },
    [[900, 33] as const, [40, 1100] as const],
  ],
] as const;

describeWithWebGpu('rows on WebGPU', () => {
  describe.each(DEVICES)('%s', (_, options, shapes) => {
    let backend: WebGpuBackend;
    beforeAll(async () => {
      backend = await webGpuBackend(options);
    });
    afterAll(() => backend?.dispose());
    const compare = (given: OperationCase, tolerance: Tolerance = {}) => compareOn(backend, given, tolerance);
    const close = { relative: 3e-6, ofLargest: 2e-6 };

    it.each([...AXES])('reduce and broadcast over %s', async (axis) => {
      for (const [rows, columns] of [...shapes, [2, 8000] as const, [9000, 2] as const, [1, 5000] as const]) {
        const attributes = [rows, columns, AXES.indexOf(axis)];
        const length = { all: 1, rows, columns }[axis];
        const x = noise(rows * columns, 16, 1, 0.3);
        await compare(operation('reduce', attributes, [x, undefined], [length]), close);
        await compare(operation('reduce', attributes, [x, noise(length, 17)], [length]), close);
        await compare(operation('broadcast', attributes, [noise(length, 18)], [rows * columns]));
      }
    });

    it('rmsNorm, addRmsNorm and the gradient', async () => {
      for (const [rows, columns] of shapes) {
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
          [undefined, noise(columns, 35)],
        ]) {
          const inputs = [dy, x, weight, rstd, ...addends];
          await compare(operation('rmsNormGrad', [rows, columns], inputs, [length, columns]), close);
        }
      }
    });

    it('layerNorm and its gradient', async () => {
      for (const [rows, columns] of shapes) {
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
          [undefined, noise(columns, 43), undefined],
        ]) {
          const inputs = [dy, x, weight, ...statistics, ...addends];
          await compare(operation('layerNormGrad', [rows, columns], inputs, [length, columns, columns]), close);
        }
      }
    });
  });
});
