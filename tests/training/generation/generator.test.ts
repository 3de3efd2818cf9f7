import { beforeAll, describe, expect, it } from 'vitest';
import { readModelConfig } from '../../../src/models/hf-config.ts';
import { createWeights, type ModelWeights } from '../../../src/models/weights.ts';
import type { Backend } from '../../../src/tensor/backend.ts';
import { createReferenceBackend } from '../../../src/tensor/reference/backend.ts';
import { createGenerator, type GenerationRequest } from '../../../src/training/generation/generator.ts';
import { SMALL } from '../../models/small-models.ts';
import { fullLogits } from './full-logits.ts';

let backend: Backend;
let weights: ModelWeights;

function smallModel(json: object): ModelWeights {
  const model = createWeights(backend, readModelConfig({ initializer_range: 0.5, ...json }, 'test'));
  model.initialize(11);
  return model;
}

beforeAll(() => {
  backend = createReferenceBackend();
  weights = smallModel(SMALL['qwen2']);
});

/** The likeliest continuation and its log-probabilities, one full pass a token. */
async function greedy(model: ModelWeights, prompt: readonly number[], count: number) {
  const ids = [...prompt];
  const logProbs: number[] = [];
  for (let i = 0; i < count; i++) {
    const last = (await fullLogits(backend, model, ids)).at(-1)!;
    const best = last.indexOf(last.reduce((a, b) => Math.max(a, b)));
    const sum = last.reduce((total, x) => total + Math.exp(x - last[best]), 0);
    logProbs.push(-Math.log(sum));
    ids.push(best);
  }
  return { ids: ids.slice(prompt.length), logProbs };
}

const prompts = [[1, 2, 3], [4], [7, 7, 7, 7, 7, 7, 7, 7, 7], [5, 30, 2, 9, 11], [39, 0], [12, 13, 14, 15]];
const sampled = prompts.map(
  (ids, seed): GenerationRequest => ({
    ids,
    seed,
    maxNewTokens: 3 + ((seed * 5) % 11),
    sampling: { temperature: 0.9, topP: 0.95 },
    logProbs: true,
  }),
);

it('greedy: each token is the likeliest of a pass without a cache, with its log-probability', async () => {
  for (const model of [weights, smallModel(SMALL['gpt2'])]) {
    const generator = createGenerator(backend, model, { slots: 2, capacity: 24 });
    const made = await generator.generate(prompts.map((ids) => ({ ids, maxNewTokens: 6, logProbs: true })));
    for (const [i, prompt] of prompts.entries()) {
      const expected = await greedy(model, prompt, 6);
      expect([...made[i].ids]).toEqual(expected.ids);
      expected.logProbs.forEach((value, t) => expect(made[i].logProbs![t]).toBeCloseTo(value, 5));
      expect(made[i].finish).toBe('length');
    }
    generator.dispose();
  }
});

it('a request gives the same text alone, in any batch and in any order', async () => {
  const alone = [];
  for (const request of sampled) {
    const generator = createGenerator(backend, weights, { slots: 1, capacity: 32 });
    alone.push((await generator.generate([request]))[0]);
    generator.dispose();
  }
  for (const slots of [2, 3, 8]) {
    const generator = createGenerator(backend, weights, { slots, capacity: 32, prefillRows: 16 });
    const together = await generator.generate(sampled);
    const reversed = (await generator.generate([...sampled].reverse())).reverse();
    expect(together).toEqual(alone);
    expect(reversed).toEqual(alone);
    generator.dispose();
  }
  expect(new Set(alone.map(({ ids }) => ids.length))).toEqual(new Set([3, 8, 13, 7, 12, 6]));
});

it('other seeds give other texts', async () => {
  const generator = createGenerator(backend, weights, { capacity: 32 });
  const requests = [1, 2, 3, 4].map((seed) => ({ ids: [3], seed, maxNewTokens: 12, sampling: {} }));
  const texts = (await generator.generate(requests)).map(({ ids }) => ids.join(' '));
  expect(new Set(texts).size).toBe(4);
});

describe('the end of a text', () => {
  it('a stop token is the last one, and others go on', async () => {
    const { ids } = await greedy(weights, [1, 2, 3], 6);
    const stopAt = ids.findIndex((id, i) => i > 0 && ids.indexOf(id) === i);
    const generator = createGenerator(backend, weights, { slots: 2, capacity: 24 });
    const [stopped, other] = await generator.generate([
      { ids: [1, 2, 3], maxNewTokens: 6, stopTokens: [ids[stopAt]] },
      { ids: [1, 2, 3], maxNewTokens: 6, stopTokens: [] },
    ]);
    expect(stopped).toEqual({ ids: Int32Array.from(ids.slice(0, stopAt + 1)), logProbs: undefined, finish: 'token' });
    expect([...other.ids]).toEqual(ids);
  });

  it('the request itself may end it', async () => {
    const generator = createGenerator(backend, weights, { capacity: 24 });
    const [text] = await generator.generate([{ ids: [1], maxNewTokens: 9, stop: (_, index) => index === 2 }]);
    expect([text.ids.length, text.finish]).toEqual([3, 'stop']);
  });

  it('is at the capacity at the latest', async () => {
    const generator = createGenerator(backend, weights, { capacity: 10 });
    const [text] = await generator.generate([{ ids: [1, 2, 3], maxNewTokens: 100 }]);
    expect([text.ids.length, text.finish]).toEqual([7, 'length']);
  });
});

it('rows of padding in the vocabulary are never chosen', async () => {
  const generator = createGenerator(backend, weights, { capacity: 64, vocabSize: 3 });
  const [text] = await generator.generate([{ ids: [1], maxNewTokens: 60, sampling: { temperature: 5 }, seed: 3 }]);
  expect(Math.max(...text.ids)).toBeLessThan(3);
});

it('reads the weights as they stand', async () => {
  const model = smallModel(SMALL['qwen2']);
  const generator = createGenerator(backend, model, { capacity: 24 });
  const request = { ids: [1, 2, 3], maxNewTokens: 6 };
  const [before] = await generator.generate([request]);
  model.initialize(12);
  const [after] = await generator.generate([request]);
  expect([...after.ids]).toEqual((await greedy(model, [1, 2, 3], 6)).ids);
  expect([...after.ids]).not.toEqual([...before.ids]);
});

it('streams each token when it is made, and stops when nobody reads on', async () => {
  const generator = createGenerator(backend, weights, { slots: 2, capacity: 24 });
  const requests = [
    { ids: [1], maxNewTokens: 4 },
    { ids: [2, 3], maxNewTokens: 2 },
  ];
  const order: string[] = [];
  for await (const { request, index } of generator.stream(requests)) order.push(`${request}.${index}`);
  expect(order).toEqual(['0.0', '1.0', '0.1', '1.1', '0.2', '0.3']);
  for await (const _ of generator.stream(requests)) break;
  expect(await generator.generate(requests)).toHaveLength(2);
});

it('is interrupted by its signal', async () => {
  const generator = createGenerator(backend, weights, { capacity: 64 });
  const controller = new AbortController();
  const requests = [
    {
      ids: [1],
      maxNewTokens: 60,
      stop: (_: number, index: number) => {
        if (index === 3) controller.abort();
        return false;
      },
    },
  ];
  await expect(generator.generate(requests, { signal: controller.signal })).rejects.toMatchObject({
    code: 'INTERRUPTED',
  });
});

it.each([
  [{ ids: [], maxNewTokens: 1 }, 'prompt 1 is empty'],
  [{ ids: new Array(24).fill(1), maxNewTokens: 1 }, 'prompt 1 has 24 tokens of a text of at most 24'],
  [{ ids: [40], maxNewTokens: 1 }, "prompt 1 has the id 40, outside of the model's vocabulary of 40"],
  [{ ids: [1], maxNewTokens: 0 }, 'prompt 1 asks for 0 new tokens'],
  [{ ids: [1], maxNewTokens: 1, sampling: { topP: 2 } }, 'topP is 2'],
])('refuses %o', async (request, message) => {
  const generator = createGenerator(backend, weights, { capacity: 24 });
  await expect(generator.generate([request])).rejects.toThrow(message);
});

it('refuses a capacity beyond what the model is made for', () => {
  const model = smallModel(SMALL['gpt2']);
  expect(() => createGenerator(backend, model, { capacity: 33 })).toThrow(
    'generation: texts of 33 tokens, but the model is made for 32',
  );
});
