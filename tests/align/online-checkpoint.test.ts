import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { latestOnline, type OnlineRun, restoreOnline, saveOnline } from '../../src/align/online-checkpoint.ts';
import { PPO_ADVANTAGE } from '../../src/align/online-settings.ts';
import { openCheckpoint } from '../../src/models/checkpoint/read.ts';
import { tokenData } from '../../src/training/data/token-data.ts';
import { someTokens, TIME } from '../training/tiny-training.ts';
import { type TinyAlignment, tinyAlignment, tinyPpo } from './tiny-alignment.ts';

const made: string[] = [];
afterEach(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true });
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'corpusmill-online-'));
  made.push(path);
  return path;
}

function runOf({ backend, policy, critic, trainer: { learner } }: TinyAlignment): OnlineRun {
  return {
    backend,
    policy: { weights: policy, step: learner.policyStep },
    critic: critic && { weights: critic, step: learner.criticStep! },
  };
}

const options = { keep: 2, settings: { seed: 1 } };

/** Everything that a run carries on: both models, pretraining text, rewards less their mean, a coefficient that adapts. */
const settings = tinyPpo({
  kl: { coefficient: 0.1, estimator: 'k1', place: 'reward', adaptive: { target: 0.5, horizon: 20 } },
  normalisation: 'mean-deviation',
  entropyCoefficient: 0.01,
  advantage: { ...PPO_ADVANTAGE, warmup: 1 },
});

it.each(['own', 'policy'] as const)('a run with a critic (%s) goes on to the bit', async (critic) => {
  const start = (): Promise<TinyAlignment> => {
    const data = tokenData(someTokens(), { rows: 2, time: TIME, order: 'random', seed: 3, name: 'made tokens' });
    return tinyAlignment(settings, { critic, pretraining: { data, batch: 2, time: TIME, coefficient: 0.5 } });
  };
  const whole = await start();
  const records = [];
  for (let i = 0; i < 4; i++) records.push(await whole.trainer.step());
  expect(records[3].pretrainingLoss).toBeGreaterThan(0);

  const root = folder();
  const first = await start();
  for (let i = 0; i < 2; i++) await first.trainer.step();
  await saveOnline(root, runOf(first), first.trainer.state, options);

  const second = await start();
  const saved = await latestOnline(root);
  expect(saved?.settings).toEqual({ seed: 1 });
  await restoreOnline(saved!.folder, runOf(second));
  second.trainer.restore(saved!.state);
  const rest = [await second.trainer.step(), await second.trainer.step()];
  expect(rest).toEqual(records.slice(2));
  expect(await second.weights()).toEqual(await whole.weights());
});

it('keeps the last ones, each a model that opens, and says which file is broken', async () => {
  const root = folder();
  const run = await tinyAlignment(settings);
  for (let i = 0; i < 3; i++) {
    await run.trainer.step();
    await saveOnline(root, runOf(run), run.trainer.state, options);
  }
  expect(readdirSync(root)).toEqual(['step-00000002', 'step-00000003']);
  const policy = await openCheckpoint(join(root, 'step-00000003', 'policy'));
  expect(policy.config.head).toBeUndefined();
  await policy.close();
  const critic = await openCheckpoint(join(root, 'step-00000003', 'critic'));
  expect(critic.config.head).toBe('score');
  await critic.close();
  writeFileSync(join(root, 'step-00000003', 'alignment-state.json'), '{"kind":"corpusmill-training","settings":{}}');
  await expect(latestOnline(root)).rejects.toThrow(/step-00000003.*alignment-state\.json: kind: /);
});

it('has nothing to go on from in a folder that is not there', async () => {
  expect(await latestOnline(join(folder(), 'none'))).toBeUndefined();
});
