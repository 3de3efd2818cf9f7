/** Checkpoints of a run: exact, whole or not there, few. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { readCheckpoint } from '../../src/models/checkpoint/read.ts';
import { type CheckpointStore, createCheckpointStore, readState } from '../../src/training/checkpoint-store.ts';
import type { TrainerOptions } from '../../src/training/trainer.ts';
import { someData, type TinyTraining, tinyTraining } from './tiny-training.ts';

const made: string[] = [];
afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true });
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'corpusmill-checkpoints-'));
  made.push(path);
  return path;
}

function storeIn(root: string, given: { keep?: number; keepBest?: boolean } = {}): CheckpointStore {
  return createCheckpointStore(root, { keep: 2, keepBest: true, settings: { of: 'a test' }, ...given });
}

/** Everything that must come back is in use: dropout, accumulation, a moving schedule, the guard's median. */
function training(store: CheckpointStore, given: Partial<TrainerOptions> = {}): TinyTraining {
  return tinyTraining({
    dropout: 0.2,
    accumulation: 2,
    data: someData(2),
    stop: { steps: 9 },
    evaluation: { steps: 3, data: firstBatches() },
    checkpoints: { steps: 2, minutes: 0, best: false, store },
    guard: { onNonFinite: 'skip', spikeFactor: 5, onSpike: 'skip', window: 20, maxSkips: 5 },
    ...given,
  });
}

function firstBatches() {
  const data = someData(2, 99);
  return {
    ...data,
    async *batches() {
      const batches = data.batches();
      for (let i = 0; i < 2; i++) yield (await batches.next()).value!;
      await batches.return();
    },
  };
}

async function resumed(store: CheckpointStore, given: Partial<TrainerOptions> = {}): Promise<TinyTraining> {
  const again = training(store, given);
  // All must come from the checkpoint.
  again.model.weights.initialize(1234);
  const saved = await store.latest();
  await again.trainer.restore(saved!);
  return again;
}

describe('going on from a checkpoint', () => {
  it.each([
    ['float32', {}],
    ['f16', { precision: 'f16' as const, lossScale: { initial: 65536, growthInterval: 3 } }],
  ])('gives the losses, norms and weights of a run without a break, to the bit (%s)', async (_, given) => {
    const whole = training(storeIn(folder()), given);
    await whole.trainer.run();
    const root = folder();
    await training(storeIn(root), { ...given, stop: { steps: 4 } }).trainer.run();
    const second = await resumed(storeIn(root), given);
    await second.trainer.run();
    const steps = whole.comparable().filter(({ kind, step }) => kind === 'step' && (step as number) > 4);
    expect(second.comparable().filter(({ kind }) => kind === 'step')).toEqual(steps);
    expect(await second.weights()).toEqual(await whole.weights());
  });

  it('evaluates what an interruption kept from being evaluated', async () => {
    const root = folder();
    const controller = new AbortController();
    const store = storeIn(root);
    const data = firstBatches();
    const interrupted = training(store, {
      evaluation: {
        steps: 3,
        data: {
          ...data,
          async *batches() {
            controller.abort();
            yield* data.batches();
          },
        },
      },
    });
    const { reason, state } = await interrupted.trainer.run(controller.signal);
    expect([reason, state.step, state.evaluatedAt]).toEqual(['interrupted', 3, 0]);
    const second = await resumed(store);
    await second.trainer.run();
    const whole = training(storeIn(folder()));
    await whole.trainer.run();
    const evaluations = (of: TinyTraining) => of.comparable().filter(({ kind }) => kind === 'evaluation');
    expect(evaluations(second)).toEqual(evaluations(whole));
  });

  it('holds a folder that the checkpoint reader opens, with the weights', async () => {
    const root = folder();
    const run = training(storeIn(root), { stop: { steps: 2 } });
    await run.trainer.run();
    const { parameters } = await readCheckpoint(join(root, 'step-00000002'));
    const weights = await run.weights();
    for (const [name, values] of parameters) expect([...values]).toEqual(weights[name]);
  });

  it('refuses a checkpoint of another model, and a broken state, by name', async () => {
    const root = folder();
    await training(storeIn(root), { stop: { steps: 2 } }).trainer.run();
    const path = join(root, 'step-00000002', 'training-state.json');
    writeFileSync(path, '{"kind":"corpusmill-training","reason":"steps"}');
    await expect(storeIn(root).latest()).rejects.toMatchObject({
      code: 'INPUT_CORRUPT',
      message: expect.stringContaining(`reading ${path}: settings`),
    });
  });
});

describe('the folder of checkpoints', () => {
  it('keeps the last ones, and the one of the lowest validation loss', async () => {
    const root = folder();
    const store = storeIn(root);
    const run = training(store, { stop: { steps: 1 } });
    await run.trainer.run();
    const trainable = trainableOf(run);
    const losses = [3, 2, 2.5, 2.7, 2.6, 2.8];
    for (const [i, validationLoss] of losses.entries()) {
      const step = 10 * (i + 1);
      await store.save(trainable, { ...run.trainer.state(), step, evaluatedAt: step, validationLoss }, 'steps');
    }
    expect(readdirSync(root).sort()).toEqual(['step-00000020', 'step-00000050', 'step-00000060']);
    expect((await store.latest())?.trainer.step).toBe(60);
  });

  it('removes what a killed process left half written, and never takes it for a checkpoint', async () => {
    const root = folder();
    const store = storeIn(root);
    const run = training(store, { stop: { steps: 2 } });
    mkdirSync(join(root, '.step-00000009.writing'), { recursive: true });
    writeFileSync(join(root, '.step-00000009.writing', 'config.json'), '{}');
    expect(await store.latest()).toBeUndefined();
    await run.trainer.run();
    expect(readdirSync(root)).toEqual(['step-00000002']);
  });

  it('a write that fails leaves the last good checkpoint, and says which', async () => {
    const root = folder();
    const store = storeIn(root);
    const run = training(store, { stop: { steps: 2 } });
    await run.trainer.run();
    const trainable = trainableOf(run);
    const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    const weights = { ...trainable.weights, read: async () => Promise.reject(full) };
    const state = { ...run.trainer.state(), step: 4 };
    await expect(store.save({ ...trainable, weights }, state, 'steps')).rejects.toMatchObject({
      code: 'OUTPUT_FAILED',
      hint: expect.stringMatching(/disk is full.*The last checkpoint is whole: .*step-00000002/s),
    });
    expect(readdirSync(root)).toEqual(['step-00000002']);
    expect((await readState(join(root, 'step-00000002'))).trainer.step).toBe(2);
    expect(existsSync(join(root, '.step-00000004.writing'))).toBe(false);
  });
});

function trainableOf({ trainer, model }: TinyTraining) {
  return { ...model, moments: trainer.step.state };
}
