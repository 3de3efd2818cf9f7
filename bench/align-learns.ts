/**
 * Whether the online alignment stages learn: from the same short supervised policy on the sorting task (align-toy.ts), each of
 * PPO, GRPO, RLOO, online DPO and rejection sampling must raise the true reward on prompts that it never saw, over several seeds.
 * Then reward hacking: PPO on a proxy whose flaw is known, with KL to the supervised policy and without.
 *
 * There is no peer: the judge is the true reward. `standardError` is that of the mean gain over seeds.
 */
import { createOnlineDpoTrainer } from '../src/align/online-dpo.ts';
import {
  alignmentOptimizer,
  grpoSettings,
  type OnlineSettings,
  PPO_ADVANTAGE,
  ppoSettings,
  rlooSettings,
} from '../src/align/online-settings.ts';
import { createOnlineTrainer } from '../src/align/online-trainer.ts';
import { createRejectionTrainer } from '../src/align/rejection.ts';
import { programReward, type Reward } from '../src/align/rewards.ts';
import { createScoredRollout, type ScoredRolloutOptions } from '../src/align/scored-rollout.ts';
import type { ModelWeights } from '../src/models/weights.ts';
import type { Backend } from '../src/tensor/backend.ts';
import { openBackend } from '../src/tensor/open-backend.ts';
import { CAPACITY, copyWeights, DIGITS, decodeToy, END, toyPrompts, toySupervised } from './align-toy.ts';
import type { Bench, Figure } from './bench.ts';

const SEEDS = [1, 2, 3];
const SUPERVISED_STEPS = 70;
const STEPS = 60;
const HELD_OUT = toyPrompts(512, 4242);
const PROMPTS = toyPrompts(4096, 77);

/** Steps of a method on `policy`, in place. */
type Method = (backend: Backend, policy: ModelWeights, reward: Reward, seed: number) => Promise<void>;

const SIZES = { maxNewTokens: DIGITS + 1, capacity: CAPACITY, promptsPerStep: 32, rows: 64 };
const SAMPLED = { sampling: {}, missingEndPenalty: 0 };
const LEARNING_RATE = 5e-4;

function optionsOf(backend: Backend, policy: ModelWeights, reward: Reward) {
  return { backend, policy, reward, prompts: PROMPTS, stopTokens: [END], decode: decodeToy, shown: 0 };
}

function online(settingsOf: (seed: number) => OnlineSettings): Method {
  return async (backend, policy, reward, seed) => {
    const settings = settingsOf(seed);
    const reference = await copyWeights(backend, policy);
    const critic = settings.algorithm === 'ppo' ? await copyWeights(backend, policy, { head: 'score' }) : undefined;
    const trainer = createOnlineTrainer({ ...optionsOf(backend, policy, reward), reference, critic, settings });
    for (let step = 0; step < STEPS; step++) await trainer.step();
    await trainer.dispose();
    reference.dispose();
    critic?.dispose();
  };
}

function ppo(klCoefficient: number): Method {
  return online((seed) =>
    ppoSettings({
      ...SIZES,
      seed,
      responses: 4,
      sampling: { topP: 1 },
      epochs: 2,
      miniBatches: 2,
      optimizer: alignmentOptimizer(LEARNING_RATE),
      kl: { coefficient: klCoefficient, estimator: 'k1', place: 'reward' },
      advantage: { ...PPO_ADVANTAGE, warmup: 5, criticOptimizer: alignmentOptimizer(1e-3) },
    }),
  );
}

const METHODS: Readonly<Record<string, Method>> = {
  ppo: ppo(0.01),
  grpo: online((seed) =>
    grpoSettings({ ...SIZES, seed, responses: 8, miniBatches: 2, optimizer: alignmentOptimizer(LEARNING_RATE) }),
  ),
  rloo: online((seed) =>
    rlooSettings({
      ...SIZES,
      seed,
      miniBatches: 2,
      optimizer: alignmentOptimizer(LEARNING_RATE),
      kl: { coefficient: 0.01, estimator: 'k1', place: 'reward' },
    }),
  ),
  async dpo(backend, policy, reward, seed) {
    const reference = await copyWeights(backend, policy);
    const trainer = createOnlineDpoTrainer({
      ...optionsOf(backend, policy, reward),
      reference,
      settings: {
        ...SIZES,
        ...SAMPLED,
        seed,
        responses: 8,
        epochs: 1,
        miniBatches: 2,
        pairs: 32,
        loss: { kind: 'sigmoid', beta: 0.3, labelSmoothing: 0 },
        lengthNormalized: false,
        sftWeight: 0,
        optimizer: alignmentOptimizer(LEARNING_RATE),
      },
    });
    for (let step = 0; step < STEPS; step++) await trainer.step();
    await trainer.dispose();
    reference.dispose();
  },
  async rejection(backend, policy, reward, seed) {
    const optimizer = alignmentOptimizer(LEARNING_RATE);
    const settings = { ...SIZES, ...SAMPLED, seed, responses: 8, epochs: 1, miniBatches: 2, replay: 32, optimizer };
    const trainer = createRejectionTrainer({ ...optionsOf(backend, policy, reward), settings });
    for (let step = 0; step < STEPS; step++) await trainer.step();
    await trainer.dispose();
  },
};

/** Mean reward of one sampled response to each held-out prompt, always with the same draws. */
async function measure(backend: Backend, policy: ModelWeights, reward: Reward): Promise<number> {
  const settings = { ...SIZES, ...SAMPLED, seed: 9, promptsPerStep: HELD_OUT.length, responses: 1 };
  const options: ScoredRolloutOptions = { ...optionsOf(backend, policy, reward), prompts: HELD_OUT, settings };
  const rollout = createScoredRollout(options);
  const { scores } = await rollout.take(0, 1);
  rollout.dispose();
  return mean(scores);
}

export const alignLearns: Bench = {
  name: 'align-learns',
  summary:
    'PPO, GRPO, RLOO, online DPO and rejection sampling on a task with a true reward, and a reward that is hacked',
  async run() {
    const backend = await openBackend('auto', { threads: 2 });
    const truth = programReward('digits-sorted');
    const proxy = programReward('digits-late');
    const found: Record<string, { before: number; after: number }[]> = {};
    const hacked: Record<string, number[]> = {};
    const note = (name: string, value: number): void => void (hacked[name] ??= []).push(value);
    for (const seed of SEEDS) {
      const start = await toySupervised(backend, seed, SUPERVISED_STEPS);
      const before = await measure(backend, start, truth);
      for (const [name, method] of Object.entries(METHODS)) {
        const policy = await copyWeights(backend, start);
        await method(backend, policy, truth, seed);
        (found[name] ??= []).push({ before, after: await measure(backend, policy, truth) });
        policy.dispose();
      }
      note('proxyBefore', await measure(backend, start, proxy));
      note('trueBefore', before);
      for (const [name, coefficient] of Object.entries({ withKl: 0.2, withoutKl: 0 })) {
        const policy = await copyWeights(backend, start);
        await ppo(coefficient)(backend, policy, proxy, seed);
        note(`${name}Proxy`, await measure(backend, policy, proxy));
        note(`${name}True`, await measure(backend, policy, truth));
        policy.dispose();
      }
      start.dispose();
    }
    await backend.dispose();
    const table: (string | number)[][] = [['method', 'true reward before', 'after', 'gain', 'standard error']];
    const figures: Record<string, Figure> = {};
    for (const [name, runs] of Object.entries(found)) {
      const gains = runs.map(({ before, after }) => after - before);
      const before = mean(runs.map((run) => run.before));
      const after = mean(runs.map((run) => run.after));
      const standardError = standardErrorOf(gains);
      figures[name] = { before, after, standardError };
      table.push([name, ...[before, after, after - before, standardError].map((value) => value.toFixed(4))]);
    }
    const hacking = Object.fromEntries(Object.entries(hacked).map(([name, values]) => [name, mean(values)]));
    const notes = [
      `PPO on a proxy (Σ place · digit, which nines raise as well as order): proxy ${fixed(hacking['proxyBefore'])} → ` +
        `${fixed(hacking['withKlProxy'])} with KL 0.2, ${fixed(hacking['withoutKlProxy'])} without; true reward ` +
        `${fixed(hacking['trueBefore'])} → ${fixed(hacking['withKlTrue'])} and ${fixed(hacking['withoutKlTrue'])}`,
    ];
    return { table, figures: { ...figures, hacking, seeds: SEEDS.length }, notes };
  },
};

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}

function standardErrorOf(values: readonly number[]): number {
  const middle = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1) / values.length);
}

function fixed(value: number): string {
  return value.toFixed(3);
}
