/** The mean loss over validation data: over all tokens together, so that a short last micro-batch weighs no more than it holds. */
import type { EvaluationData } from './data/training-data.ts';
import type { TrainStep } from './train-step.ts';

export interface Evaluation {
  readonly loss: number;
  /** Tokens that had a label (of pairs: pairs). */
  readonly tokens: number;
  /** Means of the objective's other metrics. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** Undefined when `signal` ends it early. `data` begins anew each time, so that all evaluations are of the same tokens. */
export async function evaluate(
  step: Pick<TrainStep, 'evaluate'>,
  data: EvaluationData,
  signal?: AbortSignal,
): Promise<Evaluation | undefined> {
  const sums = new Map<string, number>();
  let tokens = 0;
  for await (const batch of data.batches()) {
    if (signal?.aborted === true) return undefined;
    if (batch.weight === 0) continue;
    // With the micro-batch for a whole step, its metrics are its own means.
    const metrics = await step.evaluate(batch.inputs(batch.weight, batch.tokens));
    for (const [name, values] of Object.entries(metrics)) {
      const total = values.reduce((sum, value) => sum + value, 0);
      sums.set(name, (sums.get(name) ?? 0) + total * batch.weight);
    }
    tokens += batch.weight;
  }
  const { loss = Number.NaN, ...metrics } = Object.fromEntries([...sums].map(([name, sum]) => [name, sum / tokens]));
  return { loss, tokens, metrics };
}
