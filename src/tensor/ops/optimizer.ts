/** What follows the gradients in a training step. */
import type { Graph, Tensor } from '../graph.ts';

/** The square root of the sum of all squares, [1]. */
export function globalNorm(graph: Graph, tensors: readonly Tensor[]): Tensor {
  return graph.emit('globalNorm', tensors, [], [{ shape: [1] }])[0];
}

/** How many entries of each tensor are NaN or infinite, [tensors]. */
export function countNonFinite(graph: Graph, tensors: readonly Tensor[]): Tensor {
  return graph.emit('countNonFinite', tensors, [], [{ shape: [tensors.length] }])[0];
}

/**
 * What gradients are multiplied by in `adamw`: see `clipFactor` in ../operations.ts. limits [2] = (scale of the gradients,
 * largest norm that is not a spike).
 */
export function clipFactor(norm: Tensor, limits: Tensor, maxNorm: number): Tensor {
  return norm.graph.emit('clipFactor', [norm, limits], [maxNorm], [{ shape: [1] }])[0];
}

export interface AdamwGroup {
  readonly parameter: Tensor;
  readonly gradient: Tensor;
  readonly firstMoment: Tensor;
  readonly secondMoment: Tensor;
  /** Weight decay of this parameter. */
  readonly decay: number;
}

export interface AdamwOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
}

/** One step of AdamW on all groups, in place: scalars [3] = (learning rate, 1 − β1^t, 1 − β2^t), factor as of `clipFactor`. */
export function adamw(groups: readonly AdamwGroup[], scalars: Tensor, factor: Tensor, options: AdamwOptions): void {
  const inputs = groups.flatMap((group) => [group.parameter, group.gradient, group.firstMoment, group.secondMoment]);
  const attributes = [options.beta1, options.beta2, options.eps, ...groups.map((group) => group.decay)];
  scalars.graph.emit('adamw', [scalars, factor, ...inputs], attributes, []);
}
