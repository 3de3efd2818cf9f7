/**
 * A run of online alignment on disk, `step-00000040/`: `policy/` and, where it has a backbone of its own, `critic/` are folders that
 * transformers opens, each with its moments in `optimizer.safetensors`; a value head on the policy's backbone is
 * `policy/value-head.safetensors`; the rest is `alignment-state.json`. With these a run goes on to the bit. The reference policy and
 * the reward are not saved: they do not change, and the configuration names them.
 *
 * A folder is written under another name and gets its own when it is whole, so that a kill at any moment leaves the one before it.
 */
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { CorpusmillError } from '../core/errors.ts';
import { outputFailed, writeFileAtomic } from '../io/atomic.ts';
import { openSafetensors } from '../io/safetensors/reader.ts';
import { writeSafetensors } from '../io/safetensors/writer.ts';
import { writeCheckpoint } from '../models/checkpoint/write.ts';
import type { ModelWeights } from '../models/weights.ts';
import type { Backend } from '../tensor/backend.ts';
import { restoreMoments, restoreWeights, writeMoments } from '../training/checkpoint-store.ts';
import type { TrainStep } from '../training/train-step.ts';

export const ALIGNMENT_STATE_NAME = 'alignment-state.json';
const HEAD = 'score.weight';
const HEAD_FILE = 'value-head.safetensors';
const FOLDER = /^step-(\d{8,})$/;

const stateSchema = z.object({
  kind: z.literal('corpusmill-alignment'),
  /** What decides the weights that come out: a run that differs in it would not go on but do something else. */
  settings: z.record(z.string(), z.unknown()),
  /** Of the loop, which checks it. */
  state: z.unknown(),
});

/** A model that learns. */
export interface LearningModel {
  readonly weights: ModelWeights;
  readonly step: TrainStep;
}

export interface OnlineRun {
  readonly backend: Backend;
  readonly policy: LearningModel;
  readonly critic?: LearningModel | undefined;
}

export interface SavedOnline {
  readonly folder: string;
  readonly settings: Readonly<Record<string, unknown>>;
  /** For the loop's `restore`. */
  readonly state: unknown;
}

export interface OnlineCheckpointOptions {
  /** Last ones that are kept. */
  readonly keep: number;
  readonly settings: Readonly<Record<string, unknown>>;
  /** A folder whose tokenizer files go with each model. */
  readonly tokenizer?: string | undefined;
}

/** Writes a checkpoint into `root` and removes older ones; returns its folder. Throws OUTPUT_FAILED. */
export async function saveOnline(
  root: string,
  run: OnlineRun,
  state: { readonly step: number },
  options: OnlineCheckpointOptions,
): Promise<string> {
  const name = `step-${String(state.step).padStart(8, '0')}`;
  const writing = join(root, `.${name}.writing`);
  try {
    await rm(writing, { recursive: true, force: true });
    await writeModel(join(writing, 'policy'), run.backend, run.policy, options);
    if (run.critic !== undefined) await writeModel(join(writing, 'critic'), run.backend, run.critic, options);
    const saved: z.input<typeof stateSchema> = {
      kind: 'corpusmill-alignment',
      settings: { ...options.settings },
      state,
    };
    await writeFileAtomic(join(writing, ALIGNMENT_STATE_NAME), `${JSON.stringify(saved, null, 2)}\n`);
    await rm(join(root, name), { recursive: true, force: true });
    await rename(writing, join(root, name));
  } catch (error) {
    await rm(writing, { recursive: true, force: true }).catch(() => {});
    throw outputFailed('write', join(root, name), error);
  }
  for (const old of listFolders(root).slice(0, -options.keep)) {
    // Half a checkpoint must not pass for one when this process ends here.
    const away = join(root, `.${old}.removing`);
    await rename(join(root, old), away);
    await rm(away, { recursive: true, force: true });
  }
  return join(root, name);
}

/** The checkpoint of the most steps in `root`; undefined: there is none. Throws INPUT_CORRUPT. */
export async function latestOnline(root: string): Promise<SavedOnline | undefined> {
  const name = listFolders(root).at(-1);
  if (name === undefined) return undefined;
  const folder = join(root, name);
  const path = join(folder, ALIGNMENT_STATE_NAME);
  const fail = (found: string, cause?: unknown): never => {
    throw new CorpusmillError('INPUT_CORRUPT', `reading ${path}: ${found}`, {
      hint: 'Remove this checkpoint, so that alignment goes on from the one before it.',
      cause,
    });
  };
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    return fail((error as Error).message, error);
  }
  const parsed = stateSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return fail(`${issue.path.join('.')}: ${issue.message}`);
  }
  return { folder, settings: parsed.data.settings, state: parsed.data.state };
}

/** Puts weights and moments of a checkpoint into place. Throws INPUT_CORRUPT where they do not fit. */
export async function restoreOnline(folder: string, { backend, policy, critic }: OnlineRun): Promise<void> {
  await restoreModel(join(folder, 'policy'), backend, policy);
  if (critic !== undefined) await restoreModel(join(folder, 'critic'), backend, critic);
}

function listFolders(root: string): string[] {
  if (!existsSync(root)) return [];
  const stepOf = (name: string): number => Number(FOLDER.exec(name)?.[1]);
  return readdirSync(root)
    .filter((name) => FOLDER.test(name))
    .sort((a, b) => stepOf(a) - stepOf(b));
}

/** A value head is no part of a language model's folder. */
function hasValueHead({ weights }: LearningModel): boolean {
  return weights.config.head !== 'score' && weights.parameters.some(({ name }) => name === HEAD);
}

async function writeModel(
  folder: string,
  backend: Backend,
  model: LearningModel,
  { tokenizer }: OnlineCheckpointOptions,
): Promise<void> {
  const { weights, step } = model;
  await mkdir(folder, { recursive: true });
  await writeCheckpoint(folder, {
    config: weights.config,
    values: (name) => weights.read(name),
    ...(tokenizer !== undefined && { tokenizer }),
  });
  await writeMoments(folder, { backend, weights, moments: step.state });
  if (!hasValueHead(model)) return;
  const shape = [1, weights.config.hiddenSize];
  await writeSafetensors(join(folder, HEAD_FILE), [
    { name: HEAD, dtype: 'F32', shape, values: () => weights.read(HEAD) },
  ]);
}

async function restoreModel(folder: string, backend: Backend, model: LearningModel): Promise<void> {
  const { weights, step } = model;
  const isHead = hasValueHead(model);
  const parameters = weights.parameters.filter(({ name }) => !isHead || name !== HEAD);
  await restoreWeights(folder, { parameters, write: (name, values) => weights.write(name, values) });
  await restoreMoments(folder, { backend, moments: step.state });
  if (!isHead) return;
  const file = await openSafetensors(join(folder, HEAD_FILE));
  try {
    weights.write(HEAD, await file.readFloat32(HEAD));
  } finally {
    await file.close();
  }
}
