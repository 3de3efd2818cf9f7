/**
 * Completions in a batch of rows: each row holds one or several sequences (prompt and completion), which do not see each
 * other; what a preference loss wants of each is one number, the log-probability of its completion or the score at its
 * last token.
 *
 * Places of the batch say whose they are by an index, so that rows can be filled to the brim: with one sequence a row and
 * padding, a quarter to a half of the arithmetic is spent on padding.
 */
import type { ModelConfig } from '../models/config.ts';
import { type ForwardInputs, type ForwardResult, forward, type Weights } from '../models/forward.ts';
import type { Graph, Tensor } from '../tensor/graph.ts';
import { add, affine, multiply, sum } from '../tensor/ops/elementwise.ts';
import { embedding, sumById } from '../tensor/ops/embedding.ts';
import { linear } from '../tensor/ops/matmul.ts';
import { loadBalancingLoss } from '../tensor/ops/moe.ts';
import type { InputSpec } from '../training/objective.ts';

/** Rows of a micro-batch. */
export interface RowShape {
  readonly rows: number;
  /** Tokens of a row. */
  readonly time: number;
}

/** Inputs that every objective on such rows has: ids, positions and segmentIds [rows, time], and the share of the step [1]. */
export function rowInputs({ rows, time }: RowShape): Record<string, InputSpec> {
  const ints: InputSpec = { dtype: 'i32', shape: [rows, time] };
  return { ids: ints, positions: ints, segmentIds: ints, share: { dtype: 'f32', shape: [1] } };
}

/** The decoder over the rows of `rowInputs`. */
export function forwardRows(
  config: ModelConfig,
  weights: Weights,
  { rows, time }: RowShape,
  input: (name: string) => Tensor,
  given: Pick<ForwardInputs, 'rope' | 'dropout' | 'recompute' | 'embeddingNoise'>,
): ForwardResult {
  const flat = (name: string): Tensor => input(name).graph.reshape(input(name), [rows * time]);
  return forward(config, weights, {
    ...given,
    batch: rows,
    ids: flat('ids'),
    positions: flat('positions'),
    segmentIds: input('segmentIds'),
  });
}

/** Sums [count] of the numbers of each sequence's places: values [places], owners i32 [places], negative: nobody's. */
export function sumsOf(values: Tensor, owners: Tensor, count: number): Tensor {
  const { graph } = values;
  const places = values.shape.reduce((product, size) => product * size, 1);
  const column = graph.reshape(values, [places, 1]);
  return graph.reshape(sumById(column, graph.reshape(owners, [places]), count), [count]);
}

/** Scores [count] at the places `last` (i32 [count]; negative: 0) of hidden [places, hidden], by the head [1, hidden]. */
export function scoresAt(hidden: Tensor, head: Tensor, last: Tensor): Tensor {
  const scores = linear(embedding(hidden, last), head);
  return hidden.graph.reshape(scores, [last.shape[0]]);
}

/** Σ weights[i] · values[i], [1]. */
export function weighted(values: Tensor, weights: Tensor): Tensor {
  return sum(multiply(values, weights));
}

/**
 * The loss of a mixture of experts' routers added to `loss`, times this micro-batch's share of the step; any other model's loss as
 * it is.
 */
export function withBalance(
  loss: Tensor,
  config: ModelConfig,
  routings: ForwardResult['routings'],
  share: Tensor,
): { loss: Tensor; metrics: Record<string, Tensor> } {
  if (routings.length === 0 || config.architecture === 'gpt2' || config.moe === null) return { loss, metrics: {} };
  const balance = multiply(loadBalancingLoss(routings), share);
  return { loss: add(loss, affine(balance, config.moe.auxLossCoef)), metrics: { balance } };
}

/** What `build` makes, without gradients. */
export function withoutGradient(graph: Graph, build: () => Tensor): Tensor {
  return graph.withTape('off', build).result;
}
