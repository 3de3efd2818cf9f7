import { describe, expect, it } from 'vitest';
import { alignmentOptimizer, grpoSettings, PPO_ADVANTAGE, rlooSettings } from '../../src/align/online-settings.ts';
import { rewardOf } from '../../src/align/rewards.ts';
import { promptsFrom } from '../../src/align/scored-rollout.ts';
import { openBackend } from '../../src/tensor/open-backend.ts';
import { SIZES, tinyAlignment, tinyPpo } from './tiny-alignment.ts';

const constant = rewardOf('constant', () => 2.5);
const noKl = { coefficient: 0, estimator: 'k1', place: 'reward' } as const;
const group = { ...SIZES, promptsPerStep: 3, responses: 4, rows: 4, optimizer: alignmentOptimizer(0.01) };

describe('a constant reward without KL', () => {
  it.each([
    ['GRPO', grpoSettings({ ...group, kl: { ...noKl, place: 'loss' } })],
    ['RLOO', rlooSettings({ ...group, kl: noKl })],
  ])('leaves the policy of %s where it was, to the bit', async (_, settings) => {
    const run = await tinyAlignment(settings, { critic: 'none', reward: constant });
    const before = await run.weights();
    for (let i = 0; i < 3; i++) expect((await run.trainer.step()).evenPrompts).toBe(1);
    expect(await run.weights()).toEqual(before);
  });

  it('leaves policy and critic of PPO where they were, once rewards are less their mean and the critic expects 0', async () => {
    const settings = tinyPpo({ kl: noKl, advantage: { ...PPO_ADVANTAGE, warmup: 0 } });
    const run = await tinyAlignment(settings, { critic: 'policy', reward: constant });
    const before = await run.weights();
    for (let i = 0; i < 3; i++) await run.trainer.step();
    expect(await run.weights()).toEqual(before);
  });
});

describe('a step', () => {
  it('teaches the critic alone while it warms up', async () => {
    const run = await tinyAlignment(tinyPpo());
    const before = await run.weights();
    const first = await run.trainer.step();
    expect(first).toMatchObject({ policyLearns: false, policyLoss: null, step: 1, prompts: 3 });
    const after = await run.weights();
    const moved = Object.keys(before).filter((name) => before[name].some((value, i) => value !== after[name][i]));
    expect(moved.length).toBeGreaterThan(0);
    expect(moved.filter((name) => name.startsWith('policy'))).toEqual([]);
    const second = await run.trainer.step();
    expect(second.policyLearns).toBe(true);
    expect((await run.weights())['policy model.norm.weight']).not.toEqual(before['policy model.norm.weight']);
  });

  it('finds no KL between a policy and itself, and some after it has learnt', async () => {
    const run = await tinyAlignment(tinyPpo({ advantage: { ...PPO_ADVANTAGE, warmup: 0 } }));
    const first = await run.trainer.step();
    expect(first.kl).toBeCloseTo(0, 5);
    for (let i = 0; i < 3; i++) await run.trainer.step();
    expect(Math.abs((await run.trainer.step()).kl ?? 0)).toBeGreaterThan(1e-3);
  });

  it('has ratios of 1 and no clipping where a sample is learnt from once', async () => {
    const run = await tinyAlignment(grpoSettings(group), { critic: 'none' });
    const { clipFraction, approximateKl } = await run.trainer.step();
    expect(clipFraction).toBe(0);
    expect(approximateKl).toBe(0);
  });

  it('reports what top-p changed about the log-probabilities, nothing without it', async () => {
    const whole = await tinyAlignment(grpoSettings(group), { critic: 'none' });
    expect((await whole.trainer.step()).truncation).toBeCloseTo(0, 5);
    const cut = await tinyAlignment(grpoSettings({ ...group, sampling: { topP: 0.6 } }), { critic: 'none' });
    const { truncation } = await cut.trainer.step();
    expect(truncation).toBeGreaterThan(0.01);
    expect(truncation).toBeLessThan(-Math.log(0.6) + 1e-6);
  });

  it('takes a penalty from the advantage of a response without an end', async () => {
    const rewards: number[] = [];
    const reward = rewardOf('end', ({ ended }) => {
      rewards.push(Number(ended));
      return 0;
    });
    const run = await tinyAlignment(grpoSettings({ ...group, missingEndPenalty: 1 }), { critic: 'none', reward });
    const record = await run.trainer.step();
    expect(record.ended).toBeCloseTo(rewards.reduce((a, b) => a + b) / rewards.length, 12);
    expect(record.reward).toBe(0);
    const groups = [0, 1, 2].map((i) => rewards.slice(4 * i, 4 * i + 4));
    expect(record.evenPrompts).toBeCloseTo(groups.filter((of) => of.every((x) => x === of[0])).length / 3, 12);
  });

  it('names a reward that is not a number, and the response', async () => {
    const run = await tinyAlignment(grpoSettings(group), {
      critic: 'none',
      reward: rewardOf('broken', () => Number.NaN),
    });
    await expect(run.trainer.step()).rejects.toThrow(/reward broken: the score of ".*" to "prompt \d" is NaN/);
  });

  it('adapts the KL coefficient where asked to', async () => {
    const kl = { ...noKl, coefficient: 0.1, adaptive: { target: 1e-9, horizon: 12 } };
    const run = await tinyAlignment(tinyPpo({ kl, advantage: { ...PPO_ADVANTAGE, warmup: 0 } }));
    await run.trainer.step();
    const { klCoefficient } = await run.trainer.step();
    expect(Math.abs(klCoefficient / 0.1 - 1)).toBeCloseTo(0.2 * (6 / 12), 10);
  });
});

it.each([
  ['PPO', tinyPpo({ advantage: { ...PPO_ADVANTAGE, warmup: 0, criticOptimizer: alignmentOptimizer(0.01) } }), 'own'],
  ['PPO on one backbone', tinyPpo({ advantage: { ...PPO_ADVANTAGE, warmup: 0 } }), 'policy'],
  ['GRPO', grpoSettings(group), 'none'],
  ['RLOO', rlooSettings({ ...group, kl: { ...noKl, coefficient: 0.01 } }), 'none'],
  ['ratios of texts by their mean', grpoSettings({ ...group, ratio: 'mean', mean: 'texts' }), 'none'],
] as const)('%s raises the reward', async (_, settings, critic) => {
  const run = await tinyAlignment(
    { ...settings, promptsPerStep: 8, rows: 16 },
    { critic, backend: await openBackend('auto', { threads: 1 }) },
  );
  const rewards: number[] = [];
  for (let i = 0; i < 30; i++) rewards.push((await run.trainer.step()).reward);
  const mean = (of: number[]): number => of.reduce((a, b) => a + b) / of.length;
  expect(mean(rewards.slice(-5))).toBeGreaterThan(mean(rewards.slice(0, 5)) + 0.3);
  await run.backend.dispose();
});

describe('prompts', () => {
  it('are each taken once an epoch, in another order each time', () => {
    const of = (cursor: number): number[] => promptsFrom(7, cursor, { promptsPerStep: 7, seed: 3 });
    expect([...of(0)].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect([...of(7)].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(of(7)).not.toEqual(of(0));
    expect(of(3)).toEqual([...of(0).slice(3), ...of(7).slice(0, 3)]);
  });
});
