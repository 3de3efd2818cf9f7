/**
 * Checkpoints of a run, `checkpoints/step-00000500/`: a folder that transformers opens (config.json, model.safetensors, the
 * tokenizer), `optimizer.safetensors` with both moments, and `training-state.json`. With them training goes on to the bit.
 *
 * A checkpoint is written into a folder with another name, every file fsynced, and gets its own name when it is whole; older
 * ones are removed only then. So a kill or a full disk at any moment leaves the last good one: the price is room for one
 * more than are kept.
 */
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { CorpusmillError } from '../core/errors.ts';
import { outputFailed, writeFileAtomic } from '../io/atomic.ts';
import { openSafetensors } from '../io/safetensors/reader.ts';
import { writeSafetensors } from '../io/safetensors/writer.ts';
import { openCheckpoint } from '../models/checkpoint/read.ts';
import { writeCheckpoint } from '../models/checkpoint/write.ts';
import type { ModelWeights } from '../models/weights.ts';
import type { Backend } from '../tensor/backend.ts';
import type { CheckpointReason } from './log.ts';
import { STATE_NAME } from './run-folder.ts';
import type { ParameterState } from './train-step.ts';
import { type TrainerState, trainerStateSchema } from './trainer-state.ts';

export const OPTIMIZER_NAME = 'optimizer.safetensors';

const stateFileSchema = z.object({
  kind: z.literal('corpusmill-training'),
  reason: z.enum(['steps', 'minutes', 'best', 'interrupted', 'end']),
  /** What the run's configuration was: one that differs would not go on but do something else. */
  settings: z.record(z.string(), z.unknown()),
  trainer: trainerStateSchema,
});

export interface SavedState {
  folder: string;
  reason: CheckpointReason;
  settings: Readonly<Record<string, unknown>>;
  trainer: TrainerState;
}

export interface CheckpointStoreOptions {
  readonly keep: number;
  /** The one of the lowest validation loss is kept beside the last ones. */
  readonly keepBest: boolean;
  /** Written into every state: see `SavedState`. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** A folder whose tokenizer files go into every checkpoint. */
  readonly tokenizer?: string | undefined;
}

/** What is saved and restored. */
export interface Trainable {
  readonly backend: Backend;
  readonly weights: ModelWeights;
  readonly moments: readonly ParameterState[];
}

export interface CheckpointStore {
  /** Writes a checkpoint and removes older ones; returns its folder's name. Throws OUTPUT_FAILED naming the last good one. */
  save(trainable: Trainable, trainer: TrainerState, reason: CheckpointReason): Promise<string>;
  /** The checkpoint with the most steps; undefined: there is none. */
  latest(): Promise<SavedState | undefined>;
  /** Puts its weights and moments into place. Throws INPUT_CORRUPT where they do not fit. */
  restore(saved: SavedState, trainable: Trainable): Promise<void>;
}

const FOLDER = /^step-(\d{8,})$/;
const UNFINISHED = /^\.step-\d{8,}\.(writing|removing)$/;

/** The checkpoints in `root`, which is made when the first one is written. What a killed process left unfinished is removed. */
export function createCheckpointStore(root: string, options: CheckpointStoreOptions): CheckpointStore {
  const list = (): string[] =>
    existsSync(root)
      ? readdirSync(root)
          .filter((name) => FOLDER.test(name))
          .sort((a, b) => stepOf(a) - stepOf(b))
      : [];
  const clean = async (): Promise<void> => {
    if (!existsSync(root)) return;
    for (const name of readdirSync(root)) {
      if (UNFINISHED.test(name)) await rm(join(root, name), { recursive: true, force: true });
    }
  };

  async function write(
    folder: string,
    trainable: Trainable,
    trainer: TrainerState,
    reason: CheckpointReason,
  ): Promise<void> {
    const { weights } = trainable;
    await mkdir(folder, { recursive: true });
    await writeCheckpoint(folder, {
      config: weights.config,
      values: (name) => weights.read(name),
      ...(options.tokenizer !== undefined && { tokenizer: options.tokenizer }),
    });
    await writeMoments(folder, trainable);
    const state = { kind: 'corpusmill-training', reason, settings: options.settings, trainer };
    await writeFileAtomic(join(folder, STATE_NAME), `${JSON.stringify(state, null, 2)}\n`);
  }

  async function rotate(): Promise<void> {
    const names = list();
    const kept = new Set(names.slice(-options.keep));
    if (options.keepBest) {
      const best = await bestOf(root, names);
      if (best !== undefined) kept.add(best);
    }
    for (const name of names) {
      if (kept.has(name)) continue;
      // Half a checkpoint must not pass for one when this process ends here.
      const away = join(root, `.${name}.removing`);
      await rename(join(root, name), away);
      await rm(away, { recursive: true, force: true });
    }
  }

  return {
    async save(trainable, trainer, reason) {
      const name = `step-${String(trainer.step).padStart(8, '0')}`;
      const writing = join(root, `.${name}.writing`);
      const before = list().at(-1);
      try {
        await mkdir(root, { recursive: true });
        await clean();
        await write(writing, trainable, trainer, reason);
        await rm(join(root, name), { recursive: true, force: true });
        await rename(writing, join(root, name));
        await syncFolder(root);
      } catch (error) {
        await rm(writing, { recursive: true, force: true }).catch(() => {});
        throw saveFailed(join(root, name), error, before === undefined ? undefined : join(root, before));
      }
      await rotate();
      return name;
    },
    async latest() {
      const name = list().at(-1);
      return name === undefined ? undefined : readState(join(root, name));
    },
    async restore({ folder }, trainable) {
      await clean();
      await restoreWeights(folder, trainable.weights);
      await restoreMoments(folder, trainable);
    },
  };
}

/** Reads and checks the state of a checkpoint. Throws INPUT_CORRUPT. */
export async function readState(folder: string): Promise<SavedState> {
  const path = join(folder, STATE_NAME);
  const fail = (found: string, cause?: unknown): never => {
    throw new CorpusmillError('INPUT_CORRUPT', `reading ${path}: ${found}`, {
      hint: 'Remove this checkpoint, so that training goes on from the one before it.',
      cause,
    });
  };
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    return fail((error as Error).message, error);
  }
  const parsed = stateFileSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return fail(`${issue.path.join('.')}: ${issue.message}`);
  }
  const { reason, settings, trainer } = parsed.data;
  return { folder, reason, settings, trainer };
}

/** Puts the weights of a folder into place. Throws as `openCheckpoint`, and INPUT_CORRUPT where they do not fit. */
export async function restoreWeights(
  folder: string,
  weights: Pick<ModelWeights, 'parameters' | 'write'>,
): Promise<void> {
  const opened = await openCheckpoint(folder);
  try {
    for (const { name, buffer } of weights.parameters) {
      const values = await opened.read(name);
      if (values.length !== buffer.length) {
        throw corrupt(folder, `${name} has ${values.length} values, the model has ${buffer.length}`);
      }
      weights.write(name, values);
    }
  } finally {
    await opened.close();
  }
}

const MOMENTS = { firstMoment: 'first_moment', secondMoment: 'second_moment' } as const;

/** Both moments of every parameter, as `optimizer.safetensors` of a folder. */
export async function writeMoments(folder: string, trainable: Trainable): Promise<void> {
  await writeSafetensors(join(folder, OPTIMIZER_NAME), momentSources(trainable));
}

function momentSources({ backend, weights, moments }: Trainable) {
  return moments.flatMap((state, index) =>
    (['firstMoment', 'secondMoment'] as const).map((which) => ({
      name: `${MOMENTS[which]}.${state.name}`,
      dtype: 'F32' as const,
      shape: weights.parameters[index].shape,
      values: async () => (await backend.read(state[which])) as Float32Array,
    })),
  );
}

/** Puts the moments of a folder into place. Throws INPUT_CORRUPT where they do not fit. */
export async function restoreMoments(
  folder: string,
  { backend, moments }: Pick<Trainable, 'backend' | 'moments'>,
): Promise<void> {
  const file = await openSafetensors(join(folder, OPTIMIZER_NAME));
  try {
    for (const state of moments) {
      for (const which of ['firstMoment', 'secondMoment'] as const) {
        const name = `${MOMENTS[which]}.${state.name}`;
        const values = await file.readFloat32(name);
        if (values.length !== state[which].length) {
          throw corrupt(folder, `${name} has ${values.length} values, the model has ${state[which].length}`);
        }
        backend.write(state[which], values);
      }
    }
  } finally {
    await file.close();
  }
}

/** The folder whose state has the lowest validation loss, evaluated at its own step. */
async function bestOf(root: string, names: readonly string[]): Promise<string | undefined> {
  let best: { name: string; loss: number } | undefined;
  for (const name of names) {
    const { trainer } = await readState(join(root, name));
    const { validationLoss, evaluatedAt, step } = trainer;
    if (validationLoss === null || evaluatedAt !== step) continue;
    if (best === undefined || validationLoss < best.loss) best = { name, loss: validationLoss };
  }
  return best?.name;
}

function stepOf(name: string): number {
  return Number(FOLDER.exec(name)?.[1]);
}

function corrupt(folder: string, found: string): CorpusmillError {
  return new CorpusmillError('INPUT_CORRUPT', `reading the checkpoint ${folder}: ${found}`, {
    hint: 'It belongs to another model: choose another output folder, or begin anew.',
  });
}

function saveFailed(path: string, error: unknown, last: string | undefined): unknown {
  const failure = outputFailed('write', path, error);
  if (!(failure instanceof CorpusmillError) || failure.code !== 'OUTPUT_FAILED') return failure;
  const kept =
    last === undefined
      ? 'There is no checkpoint before it.'
      : `The last checkpoint is whole: ${last}; the same command goes on from it.`;
  return new CorpusmillError('OUTPUT_FAILED', `writing the checkpoint ${path}: ${failure.message}`, {
    hint: `${failure.hint ?? 'Check the disk and the folder.'} ${kept}`,
    cause: error,
  });
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  // Some file systems refuse fsync on a folder: the rename itself has succeeded.
  await handle?.sync().catch(() => {});
  await handle?.close();
}
