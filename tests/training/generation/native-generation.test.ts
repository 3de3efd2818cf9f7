/** Generation on the native backend: the reference backend's texts, and the same to the last bit in any batch. */
import { describe, expect, it } from 'vitest';
import { native } from '../../../src/core/native.ts';
import { readModelConfig } from '../../../src/models/hf-config.ts';
import { createWeights } from '../../../src/models/weights.ts';
import type { Backend } from '../../../src/tensor/backend.ts';
import { openBackend } from '../../../src/tensor/open-backend.ts';
import { createReferenceBackend } from '../../../src/tensor/reference/backend.ts';
import { createGenerator, type GenerationRequest } from '../../../src/training/generation/generator.ts';
import { SMALL } from '../../models/small-models.ts';

const BIG = { ...SMALL['qwen2'], vocab_size: 200, hidden_size: 64, intermediate_size: 96, num_attention_heads: 4 };

function generatorOf(backend: Backend, json: object, slots: number) {
  const weights = createWeights(backend, readModelConfig({ initializer_range: 0.2, ...json }, 'test'));
  weights.initialize(5);
  return createGenerator(backend, weights, { slots, capacity: 60, prefillRows: 32 });
}

const requests = Array.from(
  { length: 20 },
  (_, i): GenerationRequest => ({
    ids: Array.from({ length: 1 + ((i * 11) % 40) }, (_, t) => (t * 13 + i * 5) % 200),
    seed: i,
    maxNewTokens: 4 + ((i * 7) % 12),
    sampling: { temperature: 0.9, topP: 0.95, repetitionPenalty: 1.1 },
    logProbs: true,
  }),
);

describe.skipIf(native === undefined)('native backend', () => {
  it('the same texts and log-probabilities, bit by bit, alone and beside others, on one thread and two', async () => {
    const results = [];
    for (const [slots, threads] of [
      [1, 1],
      [3, 2],
      [16, 1],
      [20, 2],
    ]) {
      const backend = await openBackend('native', { threads });
      results.push(await generatorOf(backend, BIG, slots).generate(requests));
      await backend.dispose();
    }
    for (const result of results.slice(1)) expect(result).toEqual(results[0]);
  });

  it.each(Object.entries(SMALL))('%s: the texts of the reference backend', async (_, json) => {
    const backend = await openBackend('native');
    const short = requests.slice(0, 4).map((request, i) => ({ ...request, ids: [1, 2, 3 + i], maxNewTokens: 8 }));
    const config = { ...json, vocab_size: 200 };
    const capacity = (b: Backend) => {
      const weights = createWeights(b, readModelConfig({ initializer_range: 0.2, ...config }, 'test'));
      weights.initialize(5);
      return createGenerator(b, weights, { slots: 3, capacity: 24 });
    };
    const found = await capacity(backend).generate(short);
    const expected = await capacity(createReferenceBackend()).generate(short);
    found.forEach(({ ids, logProbs }, i) => {
      expect([...ids]).toEqual([...expected[i].ids]);
      logProbs!.forEach((value, t) => expect(value).toBeCloseTo(expected[i].logProbs![t], 4));
    });
    await backend.dispose();
  });
});
