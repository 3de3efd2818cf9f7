/** WGSL kernels entry by entry against the reference backend: odd lengths, single entries, more than a workgroup. */
import { afterAll, beforeAll, it } from 'vitest';
import { UNARY_KINDS, type UnaryKind } from '../../../src/tensor/operations.ts';
import type { WebGpuBackend } from '../../../src/tensor/webgpu/backend.ts';
import { noise } from '../graph-run.ts';
import { compareOn, type OperationCase, operation, type Tolerance } from '../operation-case.ts';
import { describeWithWebGpu, webGpuBackend } from './device.ts';

const LENGTHS = [0, 1, 5, 64, 1023, 5000];

describeWithWebGpu('entry by entry on WebGPU', () => {
  let backend: WebGpuBackend;
  beforeAll(async () => {
    backend = await webGpuBackend();
  });
  afterAll(() => backend?.dispose());
  const compare = (given: OperationCase, tolerance: Tolerance = {}) => compareOn(backend, given, tolerance);

  const onlyPositive: readonly UnaryKind[] = ['log', 'sqrt'];
  it.each([...UNARY_KINDS])('unary and unaryGrad: %s', async (kind) => {
    for (const length of LENGTHS) {
      const values = noise(length, 1, 12);
      const x = onlyPositive.includes(kind) ? values.map((value) => Math.abs(value) + 1e-3) : values;
      const attributes = [length, UNARY_KINDS.indexOf(kind)];
      await compare(operation('unary', attributes, [x], [length]), { relative: 1e-5, ofLargest: 1e-6 });
      const dy = noise(length, 2);
      await compare(operation('unaryGrad', attributes, [dy, x], [length]), { relative: 1e-5, ofLargest: 2e-6 });
    }
  });
});
