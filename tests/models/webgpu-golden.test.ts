/**
 * The golden architectures on WebGPU: PyTorch's logits of all six, and of two of them loss, gradients, twelve steps of AdamW and
 * greedy text. The bench webgpu-parity has the rest: software adapters are slow.
 */
import { afterAll, expect, it } from 'vitest';
import { GOLDEN_MODELS, measureLogits, measureTraining } from '../../bench/golden-model.ts';
import type { WebGpuBackend } from '../../src/tensor/webgpu/backend.ts';
import { describeWithShared } from '../shared.ts';
import { describeWithWebGpu, webGpuBackend } from '../tensor/webgpu/device.ts';
import { openGolden } from './golden-model.ts';

describeWithWebGpu('WebGPU', () => {
  // One for all: compiling kernels takes longer than running them.
  let backend: WebGpuBackend | undefined;
  afterAll(() => backend?.dispose());

  describeWithShared('golden architectures', () => {
    for (const name of GOLDEN_MODELS) {
      it(`${name}: logits within 1e-3, also of packed documents`, async () => {
        backend ??= await webGpuBackend();
        const golden = await openGolden(name, backend);
        const { logits, packedLogits } = await measureLogits(backend, golden);
        expect(logits).toBeLessThan(1e-3);
        expect(packedLogits).toBeLessThan(1e-3);
        await golden.reference.close();
        golden.weights.dispose();
      }, 120_000);
    }

    for (const name of ['qwen2-moe', 'qwen3']) {
      it(`${name}: loss, every gradient and twelve steps of AdamW within 1e-3`, async () => {
        backend ??= await webGpuBackend();
        const golden = await openGolden(name, backend);
        const { loss, gradient, gradientOf, trajectory, greedyIdentical } = await measureTraining(backend, golden);
        expect(loss).toBeLessThan(1e-3);
        expect(gradient, gradientOf).toBeLessThan(1e-3);
        expect(trajectory).toBeLessThan(1e-3);
        expect(greedyIdentical).toBe(true);
        await golden.reference.close();
        golden.weights.dispose();
      }, 300_000);
    }
  });
});
