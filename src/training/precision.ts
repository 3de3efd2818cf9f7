/**
 * Weights as a 16-bit format would store them, over float32 master weights: the forward pass and its gradient see them rounded,
 * the optimizer updates the full ones (Micikevicius et al. 2018, Mixed Precision Training). It shows what a run would
 * lose in that format. It does not make it faster, for arithmetic stays float32, but on a GPU with float16: there `f16` also
 * multiplies matrices in it (tensor/webgpu/kernels/product-kernel.ts), with sums in float32.
 *
 * In float16 gradients of weights are stored in it too, so that small ones vanish and large ones overflow unless the loss is
 * scaled (loss-scale.ts).
 */
import type { Weights } from '../models/forward.ts';
import { elements, type Tensor } from '../tensor/graph.ts';
import { ROUND_KINDS, type RoundKind } from '../tensor/operations.ts';

export const PRECISIONS = ['float32', 'bf16', 'f16'] as const;
export type Precision = (typeof PRECISIONS)[number];

/** The weights as the forward pass sees them; each is rounded once a graph. */
export function storedAs(precision: Precision, weights: Weights): Weights {
  if (precision === 'float32') return weights;
  const rounded = new Map<string, Tensor | undefined>();
  return (name) => {
    if (!rounded.has(name)) {
      const weight = weights(name);
      rounded.set(name, weight && round(precision, weight));
    }
    return rounded.get(name);
  };
}

function round(kind: RoundKind & Precision, x: Tensor): Tensor {
  const attributes = [elements(x.shape), ROUND_KINDS.indexOf(kind)];
  return x.graph.emit('roundTo', [x], attributes, [{ shape: x.shape }], ([dy], sink) => {
    if (dy === undefined) return;
    sink.add(x, kind === 'f16' ? x.graph.emit('roundTo', [dy], attributes, [{ shape: x.shape }])[0] : dy);
  })[0];
}
