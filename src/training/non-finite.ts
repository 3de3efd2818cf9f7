/**
 * Which tensors are not finite, the one to look at first in front: a weight that is broken breaks all that follows, a broken
 * loss all gradients, and of gradients those of the last layers are computed first.
 */
import type { ModelWeights } from '../models/weights.ts';
import type { TrainStep } from './train-step.ts';

/** Reads all weights: for the rare step that went wrong. */
export async function namesOfNonFinite(
  weights: ModelWeights,
  step: Pick<TrainStep, 'nonFinite'>,
  metrics: ReadonlyMap<string, number>,
): Promise<{ name: string; count: number }[]> {
  const found: { name: string; count: number }[] = [];
  for (const { name } of weights.parameters) {
    const count = countNonFinite(await weights.read(name));
    if (count > 0) found.push({ name: `weight ${name}`, count });
  }
  for (const [name, value] of metrics) {
    if (!Number.isFinite(value)) found.push({ name: name === 'loss' ? 'the loss' : `metric ${name}`, count: 1 });
  }
  const gradients = await step.nonFinite();
  for (const { name, count } of gradients.reverse()) found.push({ name: `gradient of ${name}`, count });
  return found;
}

function countNonFinite(values: Float32Array): number {
  let count = 0;
  for (const value of values) if (!Number.isFinite(value)) count++;
  return count;
}
