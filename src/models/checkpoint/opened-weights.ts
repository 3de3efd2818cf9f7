/** Weights of an open checkpoint into a backend's memory, a parameter at a time. */
import type { Backend } from '../../tensor/backend.ts';
import { createWeights, type ModelWeights } from '../weights.ts';
import type { OpenedCheckpoint } from './opened.ts';

/** `onProgress` is told the share that is read. Throws as `OpenedCheckpoint.read`; what was made is then freed. */
export async function weightsOf(
  backend: Backend,
  opened: OpenedCheckpoint,
  onProgress?: (share: number) => void,
): Promise<ModelWeights> {
  const weights = createWeights(backend, opened.config);
  const total = weights.parameters.reduce((sum, { buffer }) => sum + buffer.length, 0);
  let done = 0;
  try {
    for (const { name, buffer } of weights.parameters) {
      weights.write(name, await opened.read(name));
      done += buffer.length;
      onProgress?.(done / total);
    }
    return weights;
  } catch (error) {
    weights.dispose();
    throw error;
  }
}
