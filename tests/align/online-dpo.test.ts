import { expect, it } from 'vitest';
import { createOnlineDpoTrainer, type OnlineDpoTrainer } from '../../src/align/online-dpo.ts';
import { alignmentOptimizer } from '../../src/align/online-settings.ts';
import { type Reward, rewardOf } from '../../src/align/rewards.ts';
import { createWeights, type ModelWeights } from '../../src/models/weights.ts';
import { createReferenceBackend } from '../../src/tensor/reference/backend.ts';
import { tinyConfig } from '../training/tiny-training.ts';
import { decode, END, likesF, SIZES, STRONG, tinyPrompts } from './tiny-alignment.ts';

function start(reward: Reward, given: { sftWeight?: number; lengthNormalized?: boolean } = {}) {
  const backend = createReferenceBackend();
  const made = (): ModelWeights => {
    const weights = createWeights(backend, tinyConfig(16, STRONG));
    weights.initialize(5);
    return weights;
  };
  const policy = made();
  const trainer: OnlineDpoTrainer = createOnlineDpoTrainer({
    backend,
    policy,
    reference: made(),
    reward,
    prompts: tinyPrompts(),
    stopTokens: [END],
    decode,
    settings: {
      ...SIZES,
      seed: 3,
      promptsPerStep: 5,
      responses: 6,
      sampling: {},
      missingEndPenalty: 0,
      epochs: 1,
      miniBatches: 1,
      pairs: 3,
      loss: { kind: 'sigmoid', beta: 0.3, labelSmoothing: 0 },
      lengthNormalized: false,
      sftWeight: 0,
      optimizer: alignmentOptimizer(0.01),
      ...given,
    },
  });
  return { trainer, policy };
}

it('has a loss of ln 2 and no divergence while the policy is the reference', async () => {
  const { trainer } = start(likesF);
  const record = await trainer.step();
  expect(record.pairs).toBeGreaterThan(0);
  expect(record.loss).toBeCloseTo(Math.LN2, 5);
  expect(record.margin).toBeCloseTo(0, 5);
  expect(record.kl).toBeCloseTo(0, 5);
});

it('has no pair, and changes nothing, where all responses score alike', async () => {
  const { trainer, policy } = start(rewardOf('constant', () => 1));
  const before = await policy.read('model.norm.weight');
  expect(await trainer.step()).toMatchObject({ pairs: 0, evenPrompts: 1, loss: null, gradientNorm: null });
  expect(await policy.read('model.norm.weight')).toEqual(before);
});

it.each([{}, { sftWeight: 0.2 }, { lengthNormalized: true }])('raises the reward and the margin %o', async (given) => {
  const { trainer } = start(likesF, given);
  const records = [];
  for (let i = 0; i < 15; i++) records.push(await trainer.step());
  expect(records[14].reward).toBeGreaterThan(records[0].reward + 0.5);
  const margins = records.slice(5).map(({ margin }) => margin ?? 0);
  expect(margins.reduce((sum, margin) => sum + margin, 0)).toBeGreaterThan(0);
  expect(records[14].kl).toBeGreaterThan(0.1);
});
