import { describe, expect, it } from 'vitest';
import { alignmentOptimizer } from '../../src/align/online-settings.ts';
import { createRejectionTrainer, type RejectionSettings, type RejectionTrainer } from '../../src/align/rejection.ts';
import { type Reward, rewardOf } from '../../src/align/rewards.ts';
import { createRollout, responseOf } from '../../src/align/rollout.ts';
import { createWeights, type ModelWeights } from '../../src/models/weights.ts';
import { createReferenceBackend } from '../../src/tensor/reference/backend.ts';
import { pretrainingObjective } from '../../src/training/objective.ts';
import { createTrainStep } from '../../src/training/train-step.ts';
import { tinyConfig } from '../training/tiny-training.ts';
import { decode, END, likesF, SIZES, STRONG, tinyPrompts } from './tiny-alignment.ts';

const optimizer = alignmentOptimizer(0.01);

function settingsOf(given: Partial<RejectionSettings> = {}): RejectionSettings {
  return {
    ...SIZES,
    seed: 3,
    promptsPerStep: 5,
    responses: 4,
    sampling: {},
    missingEndPenalty: 0,
    epochs: 1,
    miniBatches: 1,
    rows: 4,
    replay: 0,
    optimizer,
    ...given,
  };
}

function start(
  settings: RejectionSettings,
  reward: Reward = likesF,
): { trainer: RejectionTrainer; policy: ModelWeights } {
  const backend = createReferenceBackend();
  const policy = createWeights(backend, tinyConfig(16, STRONG));
  policy.initialize(5);
  const prompts = tinyPrompts();
  const trainer = createRejectionTrainer({ backend, policy, reward, settings, prompts, stopTokens: [END], decode });
  return { trainer, policy };
}

async function valuesOf(policy: ModelWeights): Promise<number[][]> {
  return Promise.all(policy.parameters.map(async ({ name }) => Array.from(await policy.read(name))));
}

describe('with K = 1', () => {
  it('is fine-tuning on own samples, whatever the reward says', async () => {
    const settings = settingsOf({ responses: 1, rows: 5 });
    const { trainer, policy } = start(settings);
    const record = await trainer.step();
    expect(record.bestReward).toBe(record.reward);
    const other = start(
      settings,
      rewardOf('contrary', ({ text }) => -text.length),
    );
    await other.trainer.step();
    expect(await valuesOf(other.policy)).toEqual(await valuesOf(policy));

    // The same by hand: sample, then one step of next-token training on the responses, in the order of prompts.
    const backend = createReferenceBackend();
    const own = createWeights(backend, tinyConfig(16, STRONG));
    own.initialize(5);
    const rollout = createRollout(backend, own, { ...settings, stopTokens: [END] });
    const prompts = tinyPrompts().map(({ ids }) => ids);
    const order = trainer.state.kept.map(({ prompt }) => prompt);
    const samples = await rollout.sample(
      order.map((index) => prompts[index]),
      { responses: 1, seed: settings.seed, step: 1 },
    );
    const [batch, time] = [5, SIZES.capacity - 1];
    const objective = pretrainingObjective({ batch, time, packed: false });
    const step = createTrainStep(backend, own, { ...optimizer, objective, maxPositions: time });
    const ids = new Int32Array(batch * time);
    const labels = new Int32Array(batch * time).fill(-1);
    const tokens = samples.reduce((sum, sample) => sum + responseOf(sample).length, 0);
    samples.forEach((sample, row) => {
      for (let t = 0; t + 1 < sample.ids.length; t++) {
        ids[row * time + t] = sample.ids[t];
        if (t + 1 >= sample.promptLength) labels[row * time + t] = sample.ids[t + 1];
      }
    });
    const { loss } = await step.accumulate({
      ids,
      labels,
      positions: ids.map((_, i) => i % time),
      tokenWeights: Float32Array.from(labels, (label) => (label < 0 ? 0 : 1 / tokens)),
      share: Float32Array.of(1),
    });
    await step.update({ learningRate: optimizer.learningRate, step: 1 });
    expect(record.loss).toBeCloseTo(loss[0], 5);
    const [found, expected] = [await valuesOf(policy), await valuesOf(own)];
    found.forEach((values, p) => {
      values.forEach((value, i) => {
        // A gradient that is all but 0 has a sign by chance of the order of rows, and AdamW's first step goes by signs.
        expect(Math.abs(value - expected[p][i])).toBeLessThan(1e-3);
      });
    });
  });
});

it('keeps the best response to each prompt over all rounds', async () => {
  const { trainer } = start(settingsOf());
  const best = new Map<number, number>();
  for (let round = 0; round < 4; round++) {
    await trainer.step();
    for (const { prompt, score, ids, promptLength } of trainer.state.kept) {
      expect(score).toBeGreaterThanOrEqual(best.get(prompt) ?? Number.NEGATIVE_INFINITY);
      best.set(prompt, score);
      const response = ids.slice(promptLength).filter((id) => id !== END);
      expect(score).toBe(Array.from(decode(Int32Array.from(response))).filter((c) => c === 'f').length);
    }
  }
  expect(best.size).toBe(5);
});

it('replays at most so many of earlier prompts', async () => {
  const { trainer } = start(settingsOf({ promptsPerStep: 2, replay: 1 }));
  expect((await trainer.step()).trained).toBe(2);
  expect((await trainer.step()).trained).toBe(3);
});

it('raises the reward and goes on to the bit', async () => {
  const settings = settingsOf({ replay: 2, responses: 8 });
  const whole = start(settings);
  const records = [];
  for (let round = 0; round < 12; round++) records.push(await whole.trainer.step());
  expect(records[11].reward).toBeGreaterThan(records[0].reward + 0.5);

  const short = start(settings);
  for (let round = 0; round < 3; round++) await short.trainer.step();
  expect(await short.trainer.step()).toEqual(records[3]);
  // A trainer of its own over the same weights, but moments of zero: only what is sampled next is compared.
  const saved: unknown = JSON.parse(JSON.stringify(short.trainer.state));
  const next = start(settings);
  for (const { name } of short.policy.parameters) next.policy.write(name, await short.policy.read(name));
  next.trainer.restore(saved);
  expect(await next.trainer.step()).toMatchObject({
    step: 5,
    reward: records[4].reward,
    keptReward: records[4].keptReward,
  });
  expect(() => next.trainer.restore({ step: -1 })).toThrow('the state of rejection sampling: step');
});
