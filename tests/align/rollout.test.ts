import { expect, it } from 'vitest';
import { createRollout, drawSeed, responseOf } from '../../src/align/rollout.ts';
import { createWeights, type ModelWeights } from '../../src/models/weights.ts';
import type { Backend } from '../../src/tensor/backend.ts';
import { openBackend } from '../../src/tensor/open-backend.ts';
import { createReferenceBackend } from '../../src/tensor/reference/backend.ts';
import { createSequenceScorer } from '../../src/training/scoring/sequence-scorer.ts';
import { tinyConfig } from '../training/tiny-training.ts';
import { END, SIZES, STRONG, tinyPrompts } from './tiny-alignment.ts';

const prompts = tinyPrompts().map(({ ids }) => ids);
const sampling = { topP: 0.8 };
const options = { ...SIZES, sampling, stopTokens: [END] };

function policyOn(backend: Backend): ModelWeights {
  const weights = createWeights(backend, tinyConfig(16, STRONG));
  weights.initialize(5);
  return weights;
}

it('samples the same whatever runs side by side and on however many threads', async () => {
  const draw = { responses: 3, seed: 7, step: 4 };
  const results = [];
  for (const [threads, slots] of [
    [1, 2],
    [2, 64],
  ]) {
    const backend = await openBackend('auto', { threads });
    const rollout = createRollout(backend, policyOn(backend), { ...options, slots });
    results.push(await rollout.sample(prompts, draw));
    rollout.dispose();
    await backend.dispose();
  }
  expect(results[1]).toEqual(results[0]);
});

it('gives each response of a prompt, and each step, draws of its own', async () => {
  const backend = createReferenceBackend();
  const rollout = createRollout(backend, policyOn(backend), { ...options, sampling: {} });
  const of = async (step: number): Promise<string[]> =>
    (await rollout.sample(prompts, { responses: 4, seed: 7, step })).map((sample) => responseOf(sample).join(' '));
  const [first, again, other] = [await of(1), await of(1), await of(2)];
  expect(again).toEqual(first);
  expect(other).not.toEqual(first);
  expect(new Set(first.slice(0, 4)).size).toBeGreaterThan(1);
  const seeds = [0, 1, 2].flatMap((step) => [0, 1, 2, 3].map((response) => drawSeed(7, step, response)));
  expect(new Set(seeds).size).toBe(12);
  expect(seeds.every(Number.isSafeInteger)).toBe(true);
});

it('ends a response at the end of a turn or where there is no more room', async () => {
  const backend = createReferenceBackend();
  const rollout = createRollout(backend, policyOn(backend), { ...options, sampling: {} });
  const samples = await rollout.sample(prompts, { responses: 8, seed: 1, step: 1 });
  expect(new Set(samples.map(({ ended }) => ended)).size).toBe(2);
  for (const sample of samples) {
    const response = responseOf(sample);
    expect(sample.ids.slice(0, sample.promptLength)).toEqual(prompts[sample.prompt]);
    expect(sample.ended).toBe(response.at(-1) === END);
    expect(response.indexOf(END)).toBe(sample.ended ? response.length - 1 : -1);
    if (!sample.ended) expect(response.length).toBe(SIZES.maxNewTokens);
  }
});

it('gives log-probabilities of the whole distribution and of the one sampled from', async () => {
  const backend = createReferenceBackend();
  const policy = policyOn(backend);
  const rollout = createRollout(backend, policy, options);
  const samples = await rollout.sample(prompts, { responses: 4, seed: 2, step: 1 });
  const scorer = createSequenceScorer(backend, policy, { maxLength: SIZES.capacity });
  const scored = await scorer.logProbs(samples.map(({ ids }) => ids));
  samples.forEach(({ logProbs, sampledLogProbs, promptLength }, i) => {
    expect(logProbs.length).toBe(samples[i].ids.length - promptLength);
    logProbs.forEach((value, t) => {
      expect(value).toBeCloseTo(scored[i][promptLength - 1 + t], 4);
      // What is left after top-p holds between 0.8 and all of the probability.
      expect(sampledLogProbs[t] - value).toBeGreaterThanOrEqual(-1e-6);
      expect(sampledLogProbs[t] - value).toBeLessThanOrEqual(-Math.log(0.8) + 1e-5);
    });
  });
});

it('follows the weights as they change', async () => {
  const backend = createReferenceBackend();
  const policy = policyOn(backend);
  const rollout = createRollout(backend, policy, { ...options, sampling: { temperature: 0 } });
  const draw = { responses: 1, seed: 1, step: 1 };
  const before = await rollout.sample(prompts, draw);
  policy.initialize(6);
  expect(await rollout.sample(prompts, draw)).not.toEqual(before);
});
