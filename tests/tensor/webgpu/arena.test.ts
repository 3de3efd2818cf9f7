/** Every operation over rows and entries with all operands in one buffer, at offsets of vectors and at odd ones. */
import { afterAll, beforeAll, it } from 'vitest';
import type { WebGpuBackend } from '../../../src/tensor/webgpu/backend.ts';
import { noise, wholeNumbers } from '../graph-run.ts';
import { type OperationCase, operation } from '../operation-case.ts';
import { compareInArena } from './arena-case.ts';
import { describeWithWebGpu, webGpuBackend } from './device.ts';

const [ROWS, COLUMNS, TABLE, EXPERTS, PER_TOKEN] = [9, 132, 30, 12, 2];
const LENGTH = ROWS * COLUMNS;
const SLOTS = ROWS * PER_TOKEN;

let seed = 0;
const some = (length: number, scale = 1, shift = 0): Float32Array => noise(length, seed++, scale, shift);
const rows = (): Float32Array => some(LENGTH);
const row = (): Float32Array => some(COLUMNS);
const ids = (length: number, end: number): Int32Array => wholeNumbers(length, seed++, 0, end);
/** Slots in some order, and its inverse. */
const order = Int32Array.from({ length: SLOTS }, (_, i) => (5 * i + 3) % SLOTS);
const inverse = Int32Array.from({ length: SLOTS }, (_, slot) => order.indexOf(slot));

const CASES: readonly OperationCase[] = [
  operation('unary', [LENGTH, 9], [rows()], [LENGTH]),
  operation('unary', [7, 9], [some(7)], [7]),
  operation('unaryGrad', [LENGTH, 9], [rows(), rows()], [LENGTH]),
  ...[0, 1, 2, 3].map((broadcast) => {
    const length = [LENGTH, 1, ROWS, COLUMNS][broadcast];
    return operation('binary', [ROWS, COLUMNS, 2, broadcast], [rows(), some(length)], [LENGTH]);
  }),
  operation('affine', [LENGTH, 2, 1], [rows()], [LENGTH]),
  operation('clamp', [LENGTH, -0.5, 0.5], [rows()], [LENGTH]),
  operation('clampGrad', [LENGTH, -0.5, 0.5], [rows(), rows()], [LENGTH]),
  operation('select', [LENGTH], [Float32Array.from(ids(LENGTH, 2)), rows(), rows()], [LENGTH]),
  operation('roundTo', [LENGTH, 0], [rows()], [LENGTH]),
  operation('copy', [LENGTH], [rows()], [LENGTH]),
  operation('fill', [LENGTH, 3], [], [LENGTH]),
  operation('swiglu', [LENGTH], [rows(), rows()], [LENGTH]),
  operation('swigluGrad', [LENGTH], [rows(), rows(), rows()], [LENGTH, LENGTH]),
  ...[0, 1, 2].flatMap((axis) => {
    const length = [1, ROWS, COLUMNS][axis];
    return [
      operation('reduce', [ROWS, COLUMNS, axis], [rows(), some(length)], [length]),
      operation('broadcast', [ROWS, COLUMNS, axis], [some(length)], [LENGTH]),
    ];
  }),
  operation('rmsNorm', [ROWS, COLUMNS, 1e-6], [rows(), row()], [LENGTH, ROWS]),
  operation('addRmsNorm', [ROWS, COLUMNS, 1e-6], [rows(), rows(), row()], [LENGTH, LENGTH, ROWS]),
  operation('rmsNormGrad', [ROWS, COLUMNS], [rows(), rows(), row(), some(ROWS), rows(), row()], [LENGTH, COLUMNS]),
  operation('layerNorm', [ROWS, COLUMNS, 1e-5], [rows(), row(), row()], [LENGTH, ROWS, ROWS]),
  operation(
    'layerNormGrad',
    [ROWS, COLUMNS],
    [rows(), rows(), row(), some(ROWS), some(ROWS), rows(), row(), row()],
    [LENGTH, COLUMNS, COLUMNS],
  ),
  operation('embedding', [ROWS, COLUMNS, TABLE], [some(TABLE * COLUMNS), ids(ROWS, TABLE)], [LENGTH]),
  operation('embeddingGrad', [ROWS, COLUMNS, TABLE], [rows(), ids(ROWS, 4), some(TABLE * COLUMNS)], [TABLE * COLUMNS]),
  operation(
    'rope',
    [ROWS, 3, COLUMNS / 3, TABLE, 0, 1],
    [rows(), some((TABLE * COLUMNS) / 6), some((TABLE * COLUMNS) / 6), ids(ROWS, TABLE)],
    [LENGTH],
  ),
  operation('cacheWrite', [3, 3, 7, COLUMNS], [some(21 * COLUMNS), rows(), ids(3, 5)], []),
  operation('dropout', [LENGTH, 0.3, 5], [rows(), Int32Array.of(1, 2)], [LENGTH]),
  operation('routeTopK', [ROWS, EXPERTS, PER_TOKEN, 1], [some(ROWS * EXPERTS, 5)], [ROWS * EXPERTS, SLOTS, SLOTS]),
  operation(
    'routeTopKGrad',
    [ROWS, EXPERTS, PER_TOKEN, 1],
    [some(SLOTS), some(ROWS * EXPERTS, 0.5, 0.6), some(SLOTS), ids(SLOTS, EXPERTS), some(ROWS * EXPERTS)],
    [ROWS * EXPERTS],
  ),
  operation('routeSort', [SLOTS, EXPERTS], [ids(SLOTS, EXPERTS)], [SLOTS, SLOTS, EXPERTS + 1]),
  operation('moeDispatch', [ROWS, COLUMNS, PER_TOKEN], [rows(), order], [SLOTS * COLUMNS]),
  operation('moeCombine', [ROWS, COLUMNS, PER_TOKEN], [some(SLOTS * COLUMNS), some(SLOTS), inverse], [LENGTH]),
  operation(
    'moeCombineGrad',
    [ROWS, COLUMNS, PER_TOKEN],
    [rows(), some(SLOTS * COLUMNS), some(SLOTS), order, inverse],
    [SLOTS * COLUMNS, SLOTS],
  ),
  operation('expertCounts', [ROWS, EXPERTS, PER_TOKEN], [ids(SLOTS, EXPERTS), some(ROWS)], [EXPERTS]),
  operation('globalNorm', [], [rows(), some(1), row()], [1]),
  operation('countNonFinite', [], [rows(), Float32Array.of(Number.NaN), row()], [3]),
  operation('clipFactor', [1], [some(1, 1, 2), Float32Array.of(1, 1e9)], [1]),
  operation(
    'adamw',
    [0.9, 0.95, 1e-8, 0.1, 0],
    [
      Float32Array.of(1e-2, 0.1, 0.05),
      Float32Array.of(0.5),
      ...[0, 1].flatMap(() => [rows(), rows(), rows(), some(LENGTH, 0.5, 0.6)]),
    ],
    [],
  ),
];

describeWithWebGpu('operands in one buffer on WebGPU', () => {
  let backend: WebGpuBackend;
  beforeAll(async () => {
    backend = await webGpuBackend();
  });
  afterAll(() => backend?.dispose());
  it.each(CASES.map((given) => [given.operation, given.attributes, given] as const))('%s %j', async (_, __, given) => {
    await compareInArena(backend, given, { relative: 1e-5, ofLargest: 3e-6 });
  });
});
