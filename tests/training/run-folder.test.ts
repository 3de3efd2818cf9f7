/** A run's folder as a model: the checkpoint of the lowest validation loss, else the newest, and what is said where there is none. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';

import { bestCheckpoint, modelFolder, STATE_NAME } from '../../src/training/run-folder.ts';

const made: string[] = [];
afterEach(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true });
});

/** A run whose checkpoints have these validation losses by step; undefined: an online stage's. `at`: the step that was evaluated. */
function runOf(losses: Record<number, { loss: number | null; at?: number } | undefined>): string {
  const root = mkdtempSync(join(tmpdir(), 'corpusmill-run-'));
  made.push(root);
  for (const [step, found] of Object.entries(losses)) {
    const folder = join(root, 'checkpoints', `step-${step.padStart(8, '0')}`);
    const model = found === undefined ? join(folder, 'policy') : folder;
    mkdirSync(model, { recursive: true });
    writeFileSync(join(model, 'config.json'), '{}');
    if (found === undefined) continue;
    const trainer = { step: Number(step), evaluatedAt: found.at ?? Number(step), validationLoss: found.loss };
    writeFileSync(join(folder, STATE_NAME), JSON.stringify({ trainer }));
  }
  return root;
}

const at = (root: string, step: number, inner = ''): string =>
  join(root, 'checkpoints', `step-${String(step).padStart(8, '0')}`, inner);

it('takes the lowest validation loss of a step’s own, the newest where nothing was evaluated', () => {
  const evaluated = runOf({ 9: { loss: 2 }, 50: { loss: 1.5 }, 100: { loss: 1.7 }, 110: { loss: 1, at: 100 } });
  expect(modelFolder(evaluated, 'model')).toBe(at(evaluated, 50));
  expect(modelFolder(join(evaluated, 'checkpoints'), 'model')).toBe(at(evaluated, 50));
  expect(bestCheckpoint(join(evaluated, 'checkpoints'))).toBe(at(evaluated, 50));
  // By number, not by name.
  const plain = runOf({ 99999999: { loss: null }, 100000000: { loss: null } });
  expect(modelFolder(plain, 'model')).toBe(at(plain, 100000000));
  expect(bestCheckpoint(join(plain, 'checkpoints'))).toBeUndefined();
});

it('takes the policy of an online stage, and leaves models and other paths as they are', () => {
  const online = runOf({ 20: undefined, 40: undefined });
  expect(modelFolder(online, 'model')).toBe(at(online, 40, 'policy'));
  expect(modelFolder(at(online, 20), 'model')).toBe(at(online, 20, 'policy'));
  expect(modelFolder(at(online, 20, 'policy'), 'model')).toBe(at(online, 20, 'policy'));
  const file = join(at(online, 20, 'policy'), 'config.json');
  expect(modelFolder(file, 'model')).toBe(file);
  expect(modelFolder(join(online, 'nowhere'), 'model')).toBe(join(online, 'nowhere'));
});

it('reads past a broken state and half-written checkpoints, and says what it looked for', () => {
  const broken = runOf({ 10: { loss: 1 }, 20: { loss: 2 } });
  writeFileSync(join(at(broken, 10), STATE_NAME), '{');
  mkdirSync(join(broken, 'checkpoints', '.step-00000030.writing'));
  mkdirSync(at(broken, 40));
  expect(modelFolder(broken, 'model')).toBe(at(broken, 20));
  const none = runOf({});
  expect(() => modelFolder(none, 'reward.model')).toThrow(
    `reward.model: ${none} has no model: there is no config.json, no checkpoints/step-*/config.json, no checkpoints/step-*/policy/config.json`,
  );
});
