/** WGSL kernels of rows by index against the reference backend, and that they name the entry that is wrong. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WebGpuBackend } from '../../../src/tensor/webgpu/backend.ts';
import { noise, wholeNumbers } from '../graph-run.ts';
import { compareOn, type OperationCase, operation, runOperation, type Tolerance } from '../operation-case.ts';
import { describeWithWebGpu, webGpuBackend } from './device.ts';

/** [rows, columns] */
const SHAPES: readonly (readonly [number, number])[] = [
  [0, 8],
  [1, 1],
  [3, 7],
  [67, 132],
  [700, 12],
  [37, 600],
];

const DEVICES = [
  ['as it is', {}],
  ['with bindings of 64 KiB', { limits: { maxStorageBufferBindingSize: 1 << 16 } }],
] as const;

describeWithWebGpu('rows by index on WebGPU', () => {
  describe.each(DEVICES)('%s', (_, options) => {
    let backend: WebGpuBackend;
    beforeAll(async () => {
      backend = await webGpuBackend(options);
    });
    afterAll(() => backend?.dispose());
    const compare = (given: OperationCase, tolerance: Tolerance = {}) => compareOn(backend, given, tolerance);
    const close = { relative: 2e-6, ofLargest: 1e-6 };

    it('embedding and its gradient', async () => {
      for (const [rows, columns] of SHAPES) {
        for (const tableRows of [1, 50, 1000]) {
          const attributes = [rows, columns, tableRows];
          // Some are negative; low ones come often: runs of many blocks, of a few rows, of one.
          const ids = Int32Array.from(noise(rows, 45), (u) => Math.floor(u ** 3 * tableRows));
          const table = noise(tableRows * columns, 46);
          await compare(operation('embedding', attributes, [table, ids], [rows * columns]));
          const dy = noise(rows * columns, 47);
          await compare(operation('embeddingGrad', attributes, [dy, ids, undefined], [tableRows * columns]), close);
          await compare(operation('embeddingGrad', attributes, [dy, ids, table], [tableRows * columns]), close);
        }
      }
    });

    it('the gradient of a vocabulary of three digits, in runs that begin and end anywhere in a block', async () => {
      const [rows, columns, tableRows] = [2500, 3, 70_000];
      const ids = new Int32Array(rows);
      const lengths = [1, 63, 1, 64, 65, 127, 128, 129, 200, 2, 500];
      let at = 0;
      lengths.forEach((length, i) => {
        ids.fill(tableRows - 1 - 6007 * i, at, at + length);
        at += length;
      });
      ids.set(wholeNumbers(rows - at, 3, -5, tableRows), at);
      // Anywhere among the rows: 7 and 2500 have no common divisor.
      const mixed = ids.map((_, i) => ids[(7 * i) % rows]);
      const inputs = [noise(rows * columns, 48), mixed, undefined];
      await compare(operation('embeddingGrad', [rows, columns, tableRows], inputs, [tableRows * columns]), close);
    });

    it('rope, both pairings, there and back', async () => {
      for (const [rows, heads, headDim] of [
        [0, 2, 8],
        [1, 1, 2],
        [5, 3, 10],
        [70, 4, 64],
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
          await compare(operation('rope', attributes, inputs, [rows * heads * headDim]), { ofLargest: 3e-7 });
        }
      }
    });

    it('cacheWrite', async () => {
      for (const [batch, time, capacity, columns] of [
        [1, 1, 1, 1],
        [3, 2, 9, 5],
        [2, 0, 4, 3],
        [12, 20, 60, 32],
      ]) {
        const inputs = [
          noise(batch * capacity * columns, 51),
          noise(batch * time * columns, 52),
          wholeNumbers(batch, 53, 0, capacity - time + 1),
        ];
        await compare(operation('cacheWrite', [batch, time, capacity, columns], inputs, []));
      }
    });

    const wrong = Int32Array.of(1, 4, 9);
    const table = new Float32Array(12);
    it.each([
      ['embedding', [3, 3, 4], [table, wrong], [9], /entry 1 of ids.* is out of range/],
      ['embeddingGrad', [3, 3, 4], [new Float32Array(9), wrong, undefined], [12], /entry 1 of ids/],
      [
        'rope',
        [2, 1, 2, 3, 0, 0],
        [new Float32Array(4), table, table, Int32Array.of(2, -1)],
        [4],
        /entry 1 of positions/,
      ],
      [
        'rope',
        [2, 1, 2, 3, 0, 0],
        [new Float32Array(4), table, table, Int32Array.of(3, 0)],
        [4],
        /entry 0 of positions/,
      ],
      [
        'cacheWrite',
        [2, 2, 3, 1],
        [new Float32Array(6), new Float32Array(4), Int32Array.of(1, 2)],
        [],
        /entry 1 of at/,
      ],
      [
        'cacheWrite',
        [2, 2, 3, 1],
        [new Float32Array(6), new Float32Array(4), Int32Array.of(-1, 2)],
        [],
        /entry 0 of at/,
      ],
    ] as const)('%s names the entry that is wrong', async (name, attributes, inputs, outputs, message) => {
      await expect(runOperation(backend, operation(name, attributes, inputs, outputs))).rejects.toThrow(message);
    });
  });
});
