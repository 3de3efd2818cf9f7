/** WGSL kernels of experts against the reference backend. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WebGpuBackend } from '../../../src/tensor/webgpu/backend.ts';
import { noise, wholeNumbers } from '../graph-run.ts';
import {
  compareOn,
  type OperationCase,
  operation,
  reference,
  runOperation,
  type Tolerance,
} from '../operation-case.ts';
import { describeWithWebGpu, webGpuBackend } from './device.ts';

/** [tokens, experts, experts of a token, columns] */
const SIZES = [
  [0, 4, 2, 8],
  [1, 1, 1, 1],
  [7, 5, 3, 9],
  [300, 8, 2, 64],
  [400, 300, 4, 20],
] as const;

const DEVICES = [
  ['as it is', {}],
  [
    'without subgroups, with bindings of 16 KiB',
    { without: ['subgroups'], limits: { maxStorageBufferBindingSize: 1 << 14 } },
  ],
] as const;

describeWithWebGpu('experts on WebGPU', () => {
  describe.each(DEVICES)('%s', (_, options) => {
    let backend: WebGpuBackend;
    beforeAll(async () => {
      backend = await webGpuBackend(options);
    });
    afterAll(() => backend?.dispose());
    const compare = (given: OperationCase, tolerance: Tolerance = {}) => compareOn(backend, given, tolerance);
    const close = { relative: 3e-6, ofLargest: 1e-6 };

    it.each(SIZES)('%j tokens, %j experts, %j for each, rows of %j', async (rows, experts, perToken, columns) => {
      const slots = rows * perToken;
      for (const normalize of [0, 1]) {
        const attributes = [rows, experts, perToken, normalize];
        // Apart from one another by more than the functions of an adapter err.
        const logits = Float32Array.from(wholeNumbers(rows * experts, 60, -300, 300), (x) => x / 50);
        const outputs = [rows * experts, slots, slots];
        await compare(operation('routeTopK', attributes, [logits], outputs), close);
        const [probabilities, weights, chosen] = await runOperation(
          reference,
          operation('routeTopK', attributes, [logits], outputs),
        );
        for (const more of [undefined, noise(rows * experts, 61)]) {
          const inputs = [noise(slots, 62), probabilities, weights, chosen, more];
          await compare(operation('routeTopKGrad', attributes, inputs, [rows * experts]), close);
        }
        const sort = operation('routeSort', [slots, experts], [chosen], [slots, slots, experts + 1]);
        await compare(sort);
        const [order, inverse] = await runOperation(reference, sort);
        const shape = [rows, columns, perToken];
        await compare(operation('moeDispatch', shape, [noise(rows * columns, 63), order], [slots * columns]));
        const y = noise(slots * columns, 64);
        await compare(operation('moeCombine', shape, [y, weights, inverse], [rows * columns]), close);
        await compare(operation('moeCombine', shape, [y, undefined, inverse], [rows * columns]), close);
        const back = [noise(rows * columns, 65), y, weights, order, inverse];
        await compare(operation('moeCombineGrad', shape, back, [slots * columns, slots]), close);
        const mask = Float32Array.from(wholeNumbers(rows, 66, 0, 2));
        await compare(operation('expertCounts', [rows, experts, perToken], [chosen, undefined], [experts]));
        await compare(operation('expertCounts', [rows, experts, perToken], [chosen, mask], [experts]));
      }
    });

    it('routeTopK gives ties to the lower index', async () => {
      const logits = Float32Array.of(1, 3, 3, 1, 3, 0);
      const found = await runOperation(backend, operation('routeTopK', [1, 6, 4, 1], [logits], [6, 4, 4]));
      expect([...found[2]]).toEqual([1, 2, 4, 0]);
    });

    it('routeTopK names experts also where logits are no numbers', async () => {
      const logits = new Float32Array(40).fill(Number.NaN);
      const found = await runOperation(backend, operation('routeTopK', [1, 40, 3, 1], [logits], [40, 3, 3]));
      expect(new Set(found[2]).size).toBe(3);
      for (const expert of found[2]) expect(expert).toSatisfy((e: number) => e >= 0 && e < 40);
    });

    it.each([
      ['routeSort', [2, 3], [Int32Array.of(1, 3)], [2, 2, 4], /entry 1 of chosen/],
      ['routeSort', [2, 3], [Int32Array.of(-1, 2)], [2, 2, 4], /entry 0 of chosen/],
      [
        'routeTopKGrad',
        [2, 2, 1, 0],
        [new Float32Array(2), new Float32Array(4), new Float32Array(2), Int32Array.of(0, 2), undefined],
        [4],
        /entry 1 of chosen/,
      ],
      ['moeDispatch', [1, 2, 2], [new Float32Array(2), Int32Array.of(0, 5)], [4], /entry 1 of order/],
      ['moeDispatch', [1, 2, 2], [new Float32Array(2), Int32Array.of(-1, 0)], [4], /entry 0 of order/],
      ['moeCombine', [1, 2, 2], [new Float32Array(4), undefined, Int32Array.of(0, -2)], [2], /entry 1 of inverse/],
      ['expertCounts', [1, 3, 1], [Int32Array.of(3), undefined], [3], /entry 0 of chosen/],
    ] as const)('%s names the entry that is wrong', async (name, attributes, inputs, outputs, message) => {
      await expect(runOperation(backend, operation(name, attributes, inputs, outputs))).rejects.toThrow(message);
    });
  });

  it('a sort over many blocks is stable', async () => {
    const backend = await webGpuBackend();
    const [slots, experts] = [5000, 70];
    const chosen = wholeNumbers(slots, 3, 0, experts);
    await compareOn(backend, operation('routeSort', [slots, experts], [chosen], [slots, slots, experts + 1]), {});
    await backend.dispose();
  });
});
