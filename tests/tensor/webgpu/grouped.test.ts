/** Products of groups of rows on WebGPU: empty groups, groups larger and smaller than a tile, pieces of bindings. */
import { it, vi } from 'vitest';
import type { WebGpuOptions } from '../../../src/tensor/webgpu/backend.ts';
import { noise } from '../graph-run.ts';
import { compareOn, type OperationCase, operation } from '../operation-case.ts';
import { describeWithWebGpu, webGpuBackend } from './device.ts';

/** Software adapters compile slowly where other work goes on. */
vi.setConfig({ testTimeout: 180_000 });

const TOLERANCE = { relative: 1e-5, ofLargest: 2e-6 };

function grouped(rows: readonly number[], n: number, k: number, transposeB: boolean): OperationCase {
  const offsets = Int32Array.from([0, ...rows].map((_, i) => rows.slice(0, i).reduce((sum, count) => sum + count, 0)));
  const total = offsets[rows.length];
  const attributes = [total, n, k, rows.length, Number(transposeB)];
  return operation(
    'groupedMatmul',
    attributes,
    [noise(total * k, 1), noise(rows.length * n * k, 2), offsets],
    [total * n],
  );
}

function weightGrad(rows: readonly number[], m: number, n: number, withAddend: boolean): OperationCase {
  const offsets = Int32Array.from([0, ...rows].map((_, i) => rows.slice(0, i).reduce((sum, count) => sum + count, 0)));
  const total = offsets[rows.length];
  const addend = withAddend ? noise(rows.length * m * n, 3) : undefined;
  const inputs = [noise(total * m, 1), noise(total * n, 2), offsets, addend];
  return operation('groupedMatmulWeightGrad', [total, m, n, rows.length], inputs, [rows.length * m * n]);
}

/** Rows of each group. */
const GROUPS: readonly (readonly number[])[] = [[1], [3, 0, 70, 5], [0, 0, 9], [64, 65, 0, 1], [0, 0]];

async function compareAll(options: WebGpuOptions, cases: readonly OperationCase[]): Promise<void> {
  const backend = await webGpuBackend(options);
  // Sums over their addends are kernels of their own: once.
  for (const [i, given] of cases.entries()) {
    await compareOn(backend, given, TOLERANCE, { apart: i < cases.length - 1 });
  }
  await backend.dispose();
}

describeWithWebGpu('products of groups on WebGPU', () => {
  it.each(['direct', 'tile64', 'tile32'] as const)('%s: rows by the matrix of their group', async (variant) => {
    const cases = GROUPS.flatMap((rows) => [
      grouped(rows, 36, 20, true),
      grouped(rows, 36, 20, false),
      grouped(rows, 35, 21, true),
      grouped(rows, 35, 21, false),
    ]);
    await compareAll({ products: { force: { variant } } }, cases);
  });

  it.each(['direct', 'tile64', 'tile32'] as const)('%s: gradients of the groups’ matrices', async (variant) => {
    const cases = GROUPS.flatMap((rows) => [weightGrad(rows, 36, 20, false), weightGrad(rows, 37, 70, true)]);
    await compareAll({ products: { force: { variant } } }, cases);
  });

  it('cuts groups and rows that a binding does not hold', async () => {
    const limits = { maxStorageBufferBindingSize: 1 << 16 };
    const rows = [100, 3, 0, 177, 60, 31, 2, 90];
    await compareAll({ limits }, [
      grouped(rows, 60, 52, true),
      grouped(rows, 60, 52, false),
      weightGrad(rows, 60, 52, false),
      weightGrad(rows, 60, 52, true),
    ]);
  });

  it('more groups than are looked for at once', async () => {
    const rows = Array.from({ length: 300 }, (_, i) => (i % 7 === 0 ? 2 : 0));
    await compareAll({}, [grouped(rows, 4, 5, true), weightGrad(rows, 4, 5, true)]);
  });
});
