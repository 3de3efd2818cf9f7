/** The six golden architectures against PyTorch's values: see shared/goldens/README.md for what they are and the limits. */
import { expect, it } from 'vitest';
import { GOLDEN_MODELS, measureLogits, measureTraining } from '../../bench/golden-model.ts';
import { native } from '../../src/core/native.ts';
import type { Backend } from '../../src/tensor/backend.ts';
import { createNativeBackend } from '../../src/tensor/native/backend.ts';
import { createReferenceBackend } from '../../src/tensor/reference/backend.ts';
import { describeWithShared } from '../shared.ts';
import { openGolden } from './golden-model.ts';

/** The reference backend is slow: where the native one is there, the long part runs on one architecture of it. */
const backends: readonly { name: string; open: () => Backend; long: readonly string[] }[] = [
  { name: 'reference', open: createReferenceBackend, long: native !== undefined ? ['qwen2-moe'] : GOLDEN_MODELS },
  ...(native !== undefined
    ? [{ name: 'native', open: () => createNativeBackend({ threads: 2 }) as Backend, long: GOLDEN_MODELS }]
    : []),
];

describeWithShared('golden architectures', () => {
  for (const { name: backendName, open, long } of backends) {
    for (const name of GOLDEN_MODELS) {
      it(`${name} on the ${backendName} backend: logits within 2e-4, also of packed documents`, async () => {
        const backend = open();
        const golden = await openGolden(name, backend);
        const { logits, packedLogits } = await measureLogits(backend, golden);
        expect(logits).toBeLessThan(2e-4);
        expect(packedLogits).toBeLessThan(2e-4);
        await golden.reference.close();
        await backend.dispose();
      });

      if (!long.includes(name)) continue;
      it(`${name} on the ${backendName} backend: loss, every gradient and twelve steps of AdamW`, async () => {
        const backend = open();
        const golden = await openGolden(name, backend);
        const { loss, gradient, gradientOf, trajectory, greedyIdentical } = await measureTraining(backend, golden);
        expect(loss).toBeLessThan(1e-5);
        expect(gradient, gradientOf).toBeLessThan(1e-3);
        expect(trajectory).toBeLessThan(1e-3);
        expect(greedyIdentical).toBe(true);
        await golden.reference.close();
        await backend.dispose();
      }, 120_000);
    }
  }
});
