/** The native kernels of experts and of the optimizer against the reference backend: see operations.test.ts. */
import { describe, expect, it } from 'vitest';
import type { Backend } from '../../src/tensor/backend.ts';
import { noise, wholeNumbers } from './graph-run.ts';
import { compare, native, operation, reference, runOperation } from './operation-case.ts';

describe.skipIf(native === undefined)('the native backend', () => {
  describe('experts', () => {
    const sizes = [
      [0, 4, 2, 8],
      [1, 1, 1, 1],
      [7, 5, 3, 9],
      [300, 8, 2, 64],
      [2000, 60, 4, 100],
    ];
    it.each(sizes)('%j tokens, %j experts, %j for each, rows of %j', async (rows, experts, perToken, columns) => {
      const slots = rows * perToken;
      const close = { relative: 3e-6, ofLargest: 1e-6 };
      for (const normalize of [0, 1]) {
        const attributes = [rows, experts, perToken, normalize];
        const logits = noise(rows * experts, 60, 4);
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
        await compare(sort, {});
        const [order, inverse] = await runOperation(reference, sort);
        const shape = [rows, columns, perToken];
        await compare(operation('moeDispatch', shape, [noise(rows * columns, 63), order], [slots * columns]), {});
        const y = noise(slots * columns, 64);
        await compare(operation('moeCombine', shape, [y, weights, inverse], [rows * columns]), close);
        await compare(operation('moeCombine', shape, [y, undefined, inverse], [rows * columns]), close);
        const back = [noise(rows * columns, 65), y, weights, order, inverse];
        await compare(operation('moeCombineGrad', shape, back, [slots * columns, slots]), close);
        const mask = Float32Array.from(wholeNumbers(rows, 66, 0, 2));
        await compare(operation('expertCounts', [rows, experts, perToken], [chosen, undefined], [experts]), {});
        await compare(operation('expertCounts', [rows, experts, perToken], [chosen, mask], [experts]), {});
      }
    });

    it('routeTopK gives ties to the lower index', async () => {
      const logits = Float32Array.of(1, 3, 3, 1, 3, 0);
      const found = await runOperation(native as Backend, operation('routeTopK', [1, 6, 4, 1], [logits], [6, 4, 4]));
      expect([...found[2]]).toEqual([1, 2, 4, 0]);
    });
  });

  describe('the optimizer', () => {
    const group = (length: number, seed: number): Float32Array[] => [
      noise(length, seed),
      noise(length, seed + 1, 0.1),
      noise(length, seed + 2, 0.01),
      noise(length, seed + 3, 0.001, 0.0011),
    ];
    it('adamw over large and small parameters', async () => {
      const lengths = [5, 40_001, 1, 0, 16, 33_000];
      const inputs = [
        Float32Array.of(1e-3, 1 - 0.9 ** 3, 1 - 0.95 ** 3),
        Float32Array.of(0.7),
        ...lengths.flatMap((length, i) => group(length, 70 + 5 * i)),
      ];
      const attributes = [0.9, 0.95, 1e-8, ...lengths.map((_, i) => (i % 2 === 0 ? 0.1 : 0))];
      await compare(operation('adamw', attributes, inputs, []), { relative: 1e-6, ofLargest: 2e-7 });
    });

    it('adamw does nothing when the factor is negative', async () => {
      const [p, g, m, v] = group(100, 90);
      const inputs = [Float32Array.of(1e-3, 0.1, 0.05), Float32Array.of(-1), p, g, m, v];
      const found = await runOperation(native as Backend, operation('adamw', [0.9, 0.95, 1e-8, 0.1], inputs, []));
      expect(found).toEqual([p, m, v]);
    });

    it('clipFactor', async () => {
      for (const norm of [0, 0.5, 1, 13, 1e30, Number.POSITIVE_INFINITY, Number.NaN]) {
        for (const maxNorm of [0, 1]) {
          for (const spike of [Number.POSITIVE_INFINITY, 2]) {
            const inputs = [Float32Array.of(norm), Float32Array.of(0.25, spike)];
            await compare(operation('clipFactor', [maxNorm], inputs, [1]), { relative: 1e-7 });
          }
        }
      }
    });
  });
});
