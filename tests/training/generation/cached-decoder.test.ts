import { expect, it } from 'vitest';
import type { ModelConfig } from '../../../src/models/config.ts';
import { readModelConfig } from '../../../src/models/hf-config.ts';
import { createWeights, type ModelWeights } from '../../../src/models/weights.ts';
import type { Backend } from '../../../src/tensor/backend.ts';
import { createReferenceBackend } from '../../../src/tensor/reference/backend.ts';
import { bucketOf, createCachedDecoder } from '../../../src/training/generation/cached-decoder.ts';
import { GOLDEN_MODELS, openGolden } from '../../models/golden-model.ts';
import { SMALL } from '../../models/small-models.ts';
import { describeWithShared } from '../../shared.ts';
import { fullLogits } from './full-logits.ts';

/** The largest difference of the cached decoder's logits from those of the full pass, over three prompts of different length. */
async function largestDifference(
  backend: Backend,
  weights: ModelWeights,
  texts: readonly { ids: readonly number[]; prompt: number }[],
  capacity: number,
): Promise<number> {
  const decoder = createCachedDecoder(backend, weights, { slots: texts.length, capacity, prefillRows: 16 });
  const full = await Promise.all(texts.map(({ ids, prompt }) => fullLogits(backend, weights, ids, prompt)));
  const { vocabSize } = weights.config;
  let most = 0;
  const compare = (found: Float32Array, row: number, expected: Float32Array): void => {
    for (let id = 0; id < vocabSize; id++) most = Math.max(most, Math.abs(found[row * vocabSize + id] - expected[id]));
  };
  const first = await decoder.prefill(
    0,
    texts.map(({ ids, prompt }) => ids.slice(0, prompt)),
  );
  texts.forEach(({ prompt }, row) => compare(first, row, full[row][prompt - 1]));
  const steps = Math.min(...texts.map(({ ids, prompt }) => ids.length - prompt));
  for (let step = 0; step < steps; step++) {
    const rows = texts.map(({ ids, prompt }) => ({
      id: ids[prompt + step],
      position: prompt + step,
      promptLength: prompt,
    }));
    const logits = await decoder.decode(rows);
    rows.forEach(({ position }, row) => compare(logits, row, full[row][position]));
  }
  decoder.dispose();
  return most;
}

function smallModel(backend: Backend, json: object): ModelWeights {
  const config: ModelConfig = readModelConfig({ initializer_range: 0.3, ...json }, 'test');
  const weights = createWeights(backend, config);
  weights.initialize(7);
  return weights;
}

const idsOf = (length: number, vocabSize: number, salt: number): number[] =>
  Array.from({ length }, (_, i) => (i * 7 + i * i * salt + salt) % vocabSize);

describeWithShared('cached decoder of the golden architectures', () => {
  it.each(GOLDEN_MODELS)(
    '%s: prompts in pieces and one token after another give the logits of one pass',
    async (name) => {
      const backend = createReferenceBackend();
      const { weights, ints, reference } = await openGolden(name, backend);
      const ids = Array.from(await ints('input_ids'));
      await reference.close();
      const texts = [
        { ids: ids.slice(0, 30), prompt: 22 },
        { ids: ids.slice(96, 110), prompt: 6 },
        { ids: ids.slice(192, 202), prompt: 2 },
      ];
      expect(await largestDifference(backend, weights, texts, 40)).toBeLessThan(1e-5);
    },
  );
});

const { qwen2, qwen3, gpt2, qwen } = SMALL;
const CASES: Readonly<Record<string, object>> = {
  ...SMALL,
  'sliding window': { ...qwen2, use_sliding_window: true, sliding_window: 5, max_window_layers: 1 },
  yarn: {
    ...qwen2,
    max_position_embeddings: 32,
    rope_scaling: { type: 'yarn', factor: 4, original_max_position_embeddings: 8 },
  },
  'llama3 scaling': {
    ...(SMALL['llama'] as object),
    rope_scaling: {
      rope_type: 'llama3',
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 16,
    },
  },
  'LogN and dynamic NTK of the first Qwen': { ...qwen, seq_length: 8, use_dynamic_ntk: true, use_logn_attn: true },
  'dual chunk attention': {
    ...qwen2,
    dual_chunk_attention_config: { chunk_size: 8, local_size: 2, original_max_position_embeddings: 64 },
  },
};

it.each(Object.entries(CASES))('cached decoder, %s: the logits of one pass at every position', async (_, json) => {
  const backend = createReferenceBackend();
  const weights = smallModel(backend, json);
  const texts = [
    { ids: idsOf(31, 40, 1), prompt: 21 },
    { ids: idsOf(12, 40, 2), prompt: 3 },
    { ids: idsOf(20, 40, 3), prompt: 10 },
  ];
  expect(await largestDifference(backend, weights, texts, 32)).toBeLessThan(1e-5);
});

it('dynamic NTK of transformers: the prompt has the angles of its length, each later token those of the length then', async () => {
  const backend = createReferenceBackend();
  const json = { ...qwen2, max_position_embeddings: 8, rope_scaling: { type: 'dynamic', factor: 2 } };
  const weights = smallModel(backend, json);
  const ids = idsOf(14, 40, 1);
  const decoder = createCachedDecoder(backend, weights, { slots: 1, capacity: 16 });
  const expected = (await fullLogits(backend, weights, ids.slice(0, 13)))[12];
  const found = await decoder.prefill(0, [ids.slice(0, 13)]);
  expect(found.reduce((most, x, i) => Math.max(most, Math.abs(x - expected[i])), 0)).toBeLessThan(1e-5);
  // Within the trained length nothing is stretched, however the text goes on.
  const short = await decoder.prefill(0, [ids.slice(0, 5)]);
  const plain = smallModel(backend, { ...qwen2, max_position_embeddings: 8 });
  const unscaled = (await fullLogits(backend, plain, ids.slice(0, 5)))[4];
  expect(short.reduce((most, x, i) => Math.max(most, Math.abs(x - unscaled[i])), 0)).toBeLessThan(1e-5);
});

it('a text goes on after its cache was copied to another slot', async () => {
  const backend = createReferenceBackend();
  const weights = smallModel(backend, qwen3);
  const decoder = createCachedDecoder(backend, weights, { slots: 3, capacity: 32 });
  const ids = idsOf(12, 40, 5);
  const full = await fullLogits(backend, weights, ids);
  await decoder.prefill(2, [ids.slice(0, 11)]);
  await decoder.copySlot(2, 0, 11);
  const found = await decoder.decode([{ id: ids[11], position: 11, promptLength: 11 }]);
  expect(found.reduce((most, x, i) => Math.max(most, Math.abs(x - full[11][i])), 0)).toBeLessThan(1e-5);
});

it('refuses texts that do not fit', async () => {
  const backend = createReferenceBackend();
  const decoder = createCachedDecoder(backend, smallModel(backend, gpt2), { slots: 2, capacity: 16 });
  await expect(decoder.prefill(1, [[1], [2]])).rejects.toThrow(
    'cached decoder of 2 slots of 16 tokens: asked for 2 texts of up to 1 tokens from slot 1 on',
  );
  await expect(decoder.decode([{ id: 1, position: 16, promptLength: 3 }])).rejects.toThrow('up to 17 tokens');
});

it('buckets are at most a half above the length', () => {
  expect([1, 8, 9, 12, 13, 16, 17, 25, 33, 500].map(bucketOf)).toEqual([8, 8, 12, 12, 16, 16, 24, 32, 48, 512]);
  for (let length = 9; length < 600; length++) {
    expect(bucketOf(length)).toBeGreaterThanOrEqual(length);
    expect(bucketOf(length)).toBeLessThan(1.5 * length);
  }
});
