/**
 * Where the time of a step goes: one micro-batch and one update, operation by operation, several times over. A GPU is asked by
 * timestamps on the device where it has them; otherwise each operation is waited for, which the sum then contains.
 */
import type { ModelWeights } from '../models/weights.ts';
import type { Backend } from '../tensor/backend.ts';
import type { OperationProfile } from '../tensor/operation-cost.ts';
import type { TrainingData } from './data/training-data.ts';
import { readSteps } from './read-steps.ts';
import { createTrainStep, type TrainStepOptions } from './train-step.ts';

export interface TrainingProfile {
  readonly backend: string;
  /** The GPU, where one computes. */
  readonly adapter: string | null;
  /** Of the micro-batch. */
  readonly places: number;
  /** Kernels that a micro-batch and an update launch; null where nothing is launched. */
  readonly launches: number | null;
  /** Medians of the repeats, slowest first; `milliseconds` of all calls together. */
  readonly operations: readonly OperationProfile[];
}

export interface ProfileOptions {
  readonly backend: Backend;
  readonly adapter: string | undefined;
  readonly weights: ModelWeights;
  readonly data: TrainingData;
  readonly step: TrainStepOptions;
  readonly repeats: number;
}

/** The weights are left as they are: the update has a learning rate of 0. Throws what data and step throw. */
export async function profileTraining(options: ProfileOptions): Promise<TrainingProfile> {
  const { backend, adapter, weights, data, repeats } = options;
  const step = createTrainStep(backend, weights, options.step);
  const steps = readSteps(data.batches(), 1);
  try {
    const next = await steps.next();
    if (next === undefined) throw new RangeError('profile: the data have no micro-batch');
    const inputs = next.batches[0].inputs(next.weight);
    // The first run takes memory and, on a GPU, compiles.
    await step.profile(inputs);
    const runs: OperationProfile[][] = [];
    for (let i = 0; i < repeats; i++) runs.push(await step.profile(inputs));
    return {
      backend: backend.name,
      adapter: adapter ?? null,
      places: next.places,
      launches: step.launches ?? null,
      operations: medians(runs),
    };
  } finally {
    await steps.close();
    step.dispose();
  }
}

function medians(runs: readonly (readonly OperationProfile[])[]): OperationProfile[] {
  return runs[0]
    .map((operation) => {
      const times = runs.map((run) => run.find((other) => other.operation === operation.operation)?.milliseconds ?? 0);
      return { ...operation, milliseconds: times.sort((a, b) => a - b)[Math.floor(times.length / 2)] };
    })
    .sort((a, b) => b.milliseconds - a.milliseconds);
}
