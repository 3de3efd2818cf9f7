/** Weights of a checkpoint folder into a backend's memory, a parameter at a time. */
import type { CorpusmillError } from '../../core/errors.ts';
import type { Backend } from '../../tensor/backend.ts';
import { configError } from '../config-error.ts';
import { initialValues, type ModelWeights } from '../weights.ts';
import { weightsOf } from './opened-weights.ts';
import { openCheckpoint } from './read.ts';

/** The model of a folder in the backend's memory. Throws as `openCheckpoint`. */
export async function loadWeights(backend: Backend, folder: string): Promise<ModelWeights> {
  const opened = await openCheckpoint(folder);
  try {
    return await weightsOf(backend, opened);
  } finally {
    await opened.close();
  }
}

/**
 * A folder's weights in place of those that are there; `weights` may be of a configuration that differs in members that
 * change no shape. A head of scores that the folder does not have, because it holds a language model, is drawn from `seed`.
 * Throws as `openCheckpoint`, and CONFIG_INVALID where a shape or the head differs.
 */
export async function readWeights(weights: ModelWeights, folder: string, seed = 0): Promise<void> {
  const opened = await openCheckpoint(folder);
  try {
    if (opened.config.head === 'score' && weights.config.head !== 'score') throw notALanguageModel(folder);
    for (const parameter of weights.parameters) {
      const { name, buffer } = parameter;
      if (name === 'score.weight' && opened.config.head !== 'score') {
        weights.write(name, initialValues(parameter, seed));
        continue;
      }
      const values = await opened.read(name);
      if (values.length !== buffer.length) {
        throw configError(
          folder,
          `${name} has ${values.length} values in the folder, ${buffer.length} with model.set`,
          'Members of model.set must not change the shape of weights that training goes on from; `fresh: true` begins anew.',
        );
      }
      weights.write(name, values);
    }
  } finally {
    await opened.close();
  }
}

/** What is said where text is wanted from a folder with a reward model. */
export function notALanguageModel(folder: string): CorpusmillError {
  return configError(
    folder,
    'it is a reward model: it has a head of scores and no output over the vocabulary',
    'Give the language model that it was trained from, or another one.',
  );
}
