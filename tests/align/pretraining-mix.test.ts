/** The other text of PPO-ptx: its loss is that of pretraining on the same rows, and shards that cannot be mixed in are refused. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { createPolicyLearner } from '../../src/align/policy-learner.ts';
import { openPretraining } from '../../src/align/pretraining-mix.ts';
import { loadWeights } from '../../src/models/checkpoint/load-weights.ts';
import { createReferenceBackend } from '../../src/tensor/reference/backend.ts';
import { openTokenizer } from '../../src/tokenizer/formats/load-tokenizer.ts';
import { pretrainingObjective } from '../../src/training/objective.ts';
import { createTrainStep } from '../../src/training/train-step.ts';
import { digitShards, modelFolder } from './online-folders.ts';
import { tinyPpo } from './tiny-alignment.ts';

const made: string[] = [];
afterEach(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true });
});

function root(): string {
  const path = mkdtempSync(join(tmpdir(), 'corpusmill-ptx-'));
  made.push(path);
  return path;
}

async function open(shards: string, model: string, rows = 2) {
  const weights = await loadWeights(createReferenceBackend(), model);
  const policy = { tokenizer: openTokenizer(model).tokenizer.hash, policy: weights.config, seed: 3 };
  return openPretraining({ shards, coefficient: 0.5, rows }, policy);
}

it('adds what pretraining would learn from the same packed rows, documents not seeing each other', async () => {
  const place = root();
  const model = await modelFolder(place, 'policy');
  const mix = await open(await digitShards(place, model), model);
  expect(mix).toMatchObject({ batch: 2, time: 8, packed: true, coefficient: 0.5 });
  const backend = createReferenceBackend();
  const policy = await loadWeights(backend, model);
  const plain = await loadWeights(backend, model);

  const objective = pretrainingObjective({ batch: 2, time: 8, packed: true });
  const step = createTrainStep(backend, plain, { ...tinyPpo().optimizer, objective, maxPositions: 8 });
  const expected: number[] = [];
  for await (const batch of mix.data.batches()) {
    const inputs = batch.inputs(batch.weight);
    // Some rows hold several documents: else the test would say nothing about segments.
    if (expected.length === 0) expect(new Set(inputs['segmentIds'] as Int32Array).size).toBeGreaterThan(1);
    expected.push((await step.evaluate(inputs))['loss'][0]);
    if (expected.length === 3) break;
  }

  // Samples without an advantage: the policy's part of the loss has no gradient, and nothing else moves it between micro-batches.
  const settings = tinyPpo({ rows: 1, epochs: 1, optimizer: { ...tinyPpo().optimizer, learningRate: 1e-12 } });
  const critic = await loadWeights(backend, await modelFolder(place, 'critic', { head: 'score' }));
  const learner = createPolicyLearner({ backend, policy, critic, settings, pretraining: mix });
  const texts = [3, 4, 5].map((id) => ({ ids: Int32Array.of(2, id, 6), promptLength: 1 }));
  const { logProbs, values } = await learner.measure(texts);
  const nothing = logProbs.map(({ length }) => new Float64Array(length));
  const batch = { texts, logProbs, values, advantages: nothing, returns: nothing };
  const found = await learner.learn(batch, { step: 1, policy: true, factor: 1 });
  const mean = expected.reduce((sum, loss) => sum + loss, 0) / 3;
  expect(found['pretrainingLoss']).toBeCloseTo(mean, 5);
  expect(found['loss'] - found['policyLoss']).toBeCloseTo(0.5 * mean, 5);
  await learner.dispose();
  await mix.data.close();
});

it('refuses shards of another tokenizer, rows beyond the context, and folders without shards', async () => {
  const place = root();
  const model = await modelFolder(place, 'policy');
  const other = await modelFolder(place, 'other', { characters: '0123456789>abc' });
  await expect(open(await digitShards(place, other, 'others'), model)).rejects.toThrow(
    /pretraining\.shards: the tokenizer of the shards .* is not that of the policy/,
  );
  const long = await digitShards(place, model, 'long', 32);
  await expect(open(long, model)).rejects.toThrow('have 32 tokens, the policy is made for 16');
  mkdirSync(join(place, 'empty'));
  await expect(open(join(place, 'empty'), model)).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' });
});
