/** The mean loss over validation data: over all tokens together, so that a short last micro-batch weighs no more than it holds. */
import type { EvaluationData } from './data/training-data.ts';
import type { TrainStep } from './train-step.ts';

export interface Evaluation {
  readonly loss: number;
  /** Tokens that had a label (of pairs: pairs). */
  readonly tokens: number;
}

/** Undefined when `signal` ends it early. `data` begins anew each time, so that all evaluations are of the same tokens. */
export async function evaluate(
  step: Pick<TrainStep, 'evaluate'>,
  data: EvaluationData,
  signal?: AbortSignal,
): Promise<Evaluation | undefined> {
  let sum = 0;
  let tokens = 0;
  for await (const batch of data.batches()) {
    if (signal?.aborted === true) return undefined;
    if (batch.weight === 0) continue;
    const { loss } = await step.evaluate(batch.inputs(batch.weight));
    sum += loss[0] * batch.weight;
    tokens += batch.weight;
  }
  return { loss: tokens === 0 ? Number.NaN : sum / tokens, tokens };
}
