/** The gated unit of the feed-forward block (Shazeer 2020, GLU Variants Improve Transformer). */
import { elements, type Tensor } from '../graph.ts';

/** silu(gate) · up. */
export function swiglu(gate: Tensor, up: Tensor): Tensor {
  const length = elements(gate.shape);
  return gate.graph.emit('swiglu', [gate, up], [length], [{ shape: gate.shape }], ([dy], sink) => {
    if (dy === undefined) return;
    const outputs = [{ shape: gate.shape }, { shape: up.shape }];
    const [dgate, dup] = gate.graph.emit('swigluGrad', [dy, gate, up], [length], outputs);
    sink.add(gate, dgate!);
    sink.add(up, dup!);
  })[0];
}
