/** Weights of a checkpoint folder into a backend's memory, a parameter at a time. */
import type { Backend } from '../../tensor/backend.ts';
import { configError } from '../config-error.ts';
import type { ModelWeights } from '../weights.ts';
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
 * change no shape. Throws as `openCheckpoint`, and CONFIG_INVALID where a shape differs.
 */
export async function readWeights(weights: ModelWeights, folder: string): Promise<void> {
  const opened = await openCheckpoint(folder);
  try {
    for (const { name, buffer } of weights.parameters) {
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
