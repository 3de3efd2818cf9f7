/** What a model says of preference pairs: rewards of both sides, or log-probabilities of both completions. */
import { scoreWeight } from '../models/forward.ts';
import type { ModelWeights } from '../models/weights.ts';
import type { Backend } from '../tensor/backend.ts';
import type { InputSpec } from '../training/objective.ts';
import { forwardRows, rowInputs, scoresAt } from './completions.ts';
import { type PairBatchOptions, pairBatch, planBatches, type ReferenceLogProbs } from './data/pair-batches.ts';
import type { TokenPair } from './data/pairs.ts';
import { createForwardRun, type ForwardRun } from './forward-run.ts';
import { completionLogProbs } from './preference.ts';

export type PairShape = Pick<PairBatchOptions, 'rows' | 'time' | 'pairs' | 'padId'>;

/** Two numbers of each pair, in the pairs' order. */
export type PairValues = ReferenceLogProbs;

/** Rewards at the last token of each side. */
export async function pairRewards(
  backend: Backend,
  weights: ModelWeights,
  pairs: readonly TokenPair[],
  shape: PairShape,
  signal?: AbortSignal,
): Promise<PairValues> {
  const places: InputSpec = { dtype: 'i32', shape: [shape.pairs] };
  const inputs = { ...rowInputs(shape), chosenLast: places, rejectedLast: places };
  const runner = createForwardRun(
    backend,
    weights,
    inputs,
    shape.time,
    ({ config, weights: tensors, input, forward }) => {
      const { hidden } = forwardRows(config, tensors, shape, input, forward);
      const head = scoreWeight(tensors);
      return {
        chosen: scoresAt(hidden, head, input('chosenLast')),
        rejected: scoresAt(hidden, head, input('rejectedLast')),
      };
    },
  );
  return runAll(runner, pairs, shape, signal);
}

/** Summed log-probabilities of the completions. */
export async function pairLogProbs(
  backend: Backend,
  weights: ModelWeights,
  pairs: readonly TokenPair[],
  shape: PairShape,
  signal?: AbortSignal,
): Promise<PairValues> {
  const ints: InputSpec = { dtype: 'i32', shape: [shape.rows, shape.time] };
  const inputs = { ...rowInputs(shape), labels: ints, chosenOf: ints, rejectedOf: ints };
  const runner = createForwardRun(backend, weights, inputs, shape.time, (context) => {
    const { chosen, rejected } = completionLogProbs(context.config, context.weights, shape, context);
    return { chosen, rejected };
  });
  return runAll(runner, pairs, shape, signal);
}

async function runAll(
  runner: ForwardRun,
  pairs: readonly TokenPair[],
  shape: PairShape,
  signal: AbortSignal | undefined,
): Promise<PairValues> {
  const values = { chosen: new Float32Array(pairs.length), rejected: new Float32Array(pairs.length) };
  try {
    for (const batch of planBatches(
      pairs,
      Uint32Array.from(pairs, (_, i) => i),
      shape,
    )) {
      signal?.throwIfAborted();
      const { chosen, rejected } = await runner.run(pairBatch(pairs, batch, shape, '').inputs(batch.pairs.length));
      batch.pairs.forEach((pair, i) => {
        values.chosen[pair] = chosen[i];
        values.rejected[pair] = rejected[i];
      });
    }
  } finally {
    runner.dispose();
  }
  return values;
}
