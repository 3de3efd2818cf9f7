/**
 * What the critic minimises: the squared error of the value that it gives to each place of a response, held within reach of the
 * value that it gave when the response was sampled: ½·max((v − R)², (v_old + clip(v − v_old, ±c) − R)²). The first Qwen's 0.15 is this
 * clip, not that of the policy's ratio.
 *
 * The value of an action is read at the place before its token, where the policy chose it: a bias-free linear head,
 * `score.weight` [1, hidden], on the last norm's output. The critic is a model of its own or a head on the policy's backbone.
 */
import { forward, scoreWeight, type Weights } from '../models/forward.ts';
import type { Tensor } from '../tensor/graph.ts';
import { add, affine, clamp, maximum, multiply, subtract, sum, unary } from '../tensor/ops/elementwise.ts';
import { linear } from '../tensor/ops/matmul.ts';
import type { BuiltObjective, InputSpec, Objective, ObjectiveContext } from '../training/objective.ts';

export interface ValueLossOptions {
  /** How far a value may move from what it was before its loss stops falling; infinity: anywhere. */
  readonly clip: number;
}

/** oldValues, returns and valueWeights (they add up to 1 over all micro-batches of an update), f32 [batch, time]. */
export function valueInputs(batch: number, time: number): Record<string, InputSpec> {
  const floats: InputSpec = { dtype: 'f32', shape: [batch, time] };
  return { oldValues: floats, returns: floats, valueWeights: floats };
}

/** The value at each place: hidden [places, hidden] → [places]. Throws a TypeError for weights without a head of scores. */
export function predictedValues(hidden: Tensor, weights: Weights): Tensor {
  return hidden.graph.reshape(linear(hidden, scoreWeight(weights)), [hidden.shape[0]]);
}

/** Σ weight · ½·max(squared error, squared error of the held value): [1]. */
export function valueLoss(
  values: Tensor,
  { graph, input }: Pick<ObjectiveContext, 'graph' | 'input'>,
  { clip }: ValueLossOptions,
): Tensor {
  const flat = (name: string): Tensor => graph.reshape(input(name), values.shape);
  const before = flat('oldValues');
  const returns = flat('returns');
  const error = (value: Tensor): Tensor => unary('square', subtract(value, returns));
  const plain = error(values);
  const largest = Number.isFinite(clip)
    ? maximum(plain, error(add(clamp(subtract(values, before), -clip, clip), before)))
    : plain;
  return affine(sum(multiply(largest, flat('valueWeights'))), 0.5);
}

export interface ValueObjectiveOptions extends ValueLossOptions {
  readonly batch: number;
  readonly time: number;
}

/** A critic with a backbone of its own. Inputs: ids, positions (i32) and those of `valueInputs`. Metrics: loss, values. */
export function valueObjective(options: ValueObjectiveOptions): Objective {
  const { batch, time } = options;
  const ints: InputSpec = { dtype: 'i32', shape: [batch, time] };
  return {
    name: 'value',
    inputs: { ids: ints, positions: ints, ...valueInputs(batch, time) },
    build(context): BuiltObjective {
      const { graph, config, weights, input } = context;
      const flat = (name: string): Tensor => graph.reshape(input(name), [batch * time]);
      const { hidden } = forward(config, weights, {
        ...context.forward,
        batch,
        ids: flat('ids'),
        positions: flat('positions'),
      });
      const values = predictedValues(hidden, weights);
      const loss = valueLoss(values, context, options);
      return { loss, metrics: { loss, values } };
    },
  };
}
