/**
 * A run's folder in the place of a model's: of its checkpoints the one of the lowest validation loss, where they were evaluated, and
 * otherwise the newest. So `model: runs/sft` names what that run came to, whatever step it ended at.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CorpusmillError } from '../core/errors.ts';

/** What a checkpoint of training says of itself; it lies here because configurations are read without a trainer. */
export const STATE_NAME = 'training-state.json';

const FOLDER = /^step-(\d{8,})$/;

/** What a run leaves in a checkpoint: a model, or of online stages of alignment a policy. */
const INNER = ['', 'policy'];

/**
 * The model folder that a path stands for: itself, or the checkpoint of a run's folder (or of its `checkpoints/`). Paths that are no
 * folder come back as they are; of a checkpoint of an online stage it is the policy. Throws INPUT_NOT_FOUND for a folder with neither;
 * `member` is the one of the configuration that names it.
 */
export function modelFolder(path: string, member: string): string {
  if (!existsSync(path) || !statSync(path).isDirectory() || existsSync(join(path, 'config.json'))) return path;
  if (existsSync(join(path, 'policy', 'config.json'))) return join(path, 'policy');
  const found = checkpointsIn(join(path, 'checkpoints')) ?? checkpointsIn(path);
  if (found !== undefined) return bestOf(found) ?? found[found.length - 1].model;
  const looked = ['config.json', 'checkpoints/step-*/config.json', 'checkpoints/step-*/policy/config.json'];
  throw new CorpusmillError('INPUT_NOT_FOUND', `${member}: ${path} has no model: there is no ${looked.join(', no ')}`, {
    hint: 'Give the folder of a model, of a checkpoint, or of a run that has written one.',
  });
}

/**
 * The model that a word of a configuration stands for: the `modelFolder` of its path where there is one, otherwise the word, a name
 * of configs/models. In pipelines it may be empty, to be filled in when it is known. Throws as `modelFolder`.
 *
 * @param path absolute form of `word`
 */
export function namedModel(word: string, path: string): string {
  return word !== '' && existsSync(path) ? modelFolder(path, 'model') : word;
}

/** The checkpoint in `root` that has the lowest validation loss of its own step; undefined where none was evaluated. */
export function bestCheckpoint(root: string): string | undefined {
  return bestOf(checkpointsIn(root) ?? []);
}

interface Checkpoint {
  readonly folder: string;
  readonly model: string;
}

/** By step; undefined where there is none. */
function checkpointsIn(root: string): Checkpoint[] | undefined {
  if (!existsSync(root)) return undefined;
  const stepOf = (name: string): number => Number(FOLDER.exec(name)?.[1]);
  const found = readdirSync(root)
    .filter((name) => FOLDER.test(name))
    .sort((a, b) => stepOf(a) - stepOf(b))
    .flatMap((name): Checkpoint[] => {
      const folder = join(root, name);
      const model = INNER.map((inner) => join(folder, inner)).find((one) => existsSync(join(one, 'config.json')));
      return model === undefined ? [] : [{ folder, model }];
    });
  return found.length === 0 ? undefined : found;
}

function bestOf(checkpoints: readonly Checkpoint[]): string | undefined {
  let best: { model: string; loss: number } | undefined;
  for (const { folder, model } of checkpoints) {
    const loss = lossOf(join(folder, STATE_NAME));
    if (loss !== undefined && (best === undefined || loss < best.loss)) best = { model, loss };
  }
  return best?.model;
}

/** The validation loss of a checkpoint's own step. A state that cannot be read says nothing: the weights may be good all the same. */
function lossOf(path: string): number | undefined {
  if (!existsSync(path)) return undefined;
  try {
    const { trainer } = JSON.parse(readFileSync(path, 'utf8')) as {
      trainer: { step: number; evaluatedAt: number; validationLoss: number | null };
    };
    const { step, evaluatedAt, validationLoss } = trainer;
    return typeof validationLoss === 'number' && evaluatedAt === step ? validationLoss : undefined;
  } catch {
    return undefined;
  }
}
