/**
 * What a training step minimises: it says which inputs a micro-batch brings and builds the loss from them. Pretraining is
 * here; the alignment stages add theirs.
 */
import type { ModelConfig } from '../models/config.ts';
import { type ForwardInputs, forward, outputWeight, type Weights } from '../models/forward.ts';
import type { DType } from '../tensor/backend.ts';
import type { Graph, Tensor } from '../tensor/graph.ts';
import { add, affine, multiply } from '../tensor/ops/elementwise.ts';
import { linearCrossEntropy } from '../tensor/ops/loss.ts';
import { loadBalancingLoss } from '../tensor/ops/moe.ts';

/** An input of a micro-batch. */
export interface InputSpec {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

export interface ObjectiveContext {
  readonly graph: Graph;
  readonly config: ModelConfig;
  readonly weights: Weights;
  /** By the names of `inputs`. */
  readonly input: (name: string) => Tensor;
  /** What the trainer decides about the forward pass: rotary tables, dropout, recompute. */
  readonly forward: Pick<ForwardInputs, 'rope' | 'dropout' | 'recompute'>;
  /** i32 [2], another one for each micro-batch; undefined where nothing is trained. */
  readonly seed?: Tensor | undefined;
}

export interface BuiltObjective {
  /** [1]; the gradients of micro-batches add up, so it must carry its share of the whole step. */
  readonly loss: Tensor;
  /** Small tensors that are read after each micro-batch, by name. */
  readonly metrics: Readonly<Record<string, Tensor>>;
}

export interface Objective {
  readonly name: string;
  /** What a micro-batch's weight counts, over which losses are means; default: tokens. */
  readonly unit?: 'pairs';
  readonly inputs: Readonly<Record<string, InputSpec>>;
  build(context: ObjectiveContext): BuiltObjective;
}

export interface PretrainingOptions {
  readonly batch: number;
  readonly time: number;
  /** Rows hold several documents, which do not see each other. */
  readonly packed: boolean;
  readonly zLoss?: number;
  readonly labelSmoothing?: number;
}

/**
 * Next-token prediction. Inputs: ids, positions, labels (shifted by the caller: labels[t] is the id after ids[t], negative: not
 * trained) and segmentIds, i32 [batch, time]; tokenWeights f32 [batch, time], 1 / (trained tokens of the whole step); and
 * share f32 [1], this micro-batch's share of the step, for the load-balancing loss of experts.
 */
export function pretrainingObjective(options: PretrainingOptions): Objective {
  const { batch, time, packed, zLoss = 0, labelSmoothing = 0 } = options;
  const ints: InputSpec = { dtype: 'i32', shape: [batch, time] };
  return {
    name: 'pretraining',
    inputs: {
      ids: ints,
      positions: ints,
      labels: ints,
      ...(packed && { segmentIds: ints }),
      tokenWeights: { dtype: 'f32', shape: [batch, time] },
      share: { dtype: 'f32', shape: [1] },
    },
    build({ graph, config, weights, input, forward: given }): BuiltObjective {
      const flat = (name: string): Tensor => graph.reshape(input(name), [batch * time]);
      const { hidden, routings } = forward(config, weights, {
        ...given,
        batch,
        ids: flat('ids'),
        positions: flat('positions'),
        segmentIds: packed ? input('segmentIds') : undefined,
      });
      const labels = flat('labels');
      const tokenWeights = flat('tokenWeights');
      const head = outputWeight(config, weights);
      const { loss } = linearCrossEntropy(hidden, head, labels, tokenWeights, { zLoss, labelSmoothing });
      if (routings.length === 0 || config.architecture === 'gpt2' || config.moe === null)
        return { loss, metrics: { loss } };
      const balance = multiply(loadBalancingLoss(routings), input('share'));
      const total = add(loss, affine(balance, config.moe.auxLossCoef));
      return { loss: total, metrics: { loss, balance } };
    },
  };
}
