/**
 * Reverse-mode differentiation: replays the tape backwards and appends the operations of the gradients to the graph.
 *
 * A tensor used in several places gathers its gradient in turn: each rule is handed what is there already and includes it
 * in what it writes (a matrix product adds to its output as it goes), so that no separate additions are made where the
 * kernel can do them. The same mechanism adds a micro-batch's gradients to those of the ones before it.
 *
 * `checkpoint` drops what a part of the model keeps for its gradient and computes it anew when the gradient is due
 * (Chen et al. 2016, Training Deep Nets with Sublinear Memory Cost): same kernels, same inputs, so the same bits.
 */
import type { GradientSink, Graph, TapeEntry, Tensor } from './graph.ts';
import { add } from './ops/elementwise.ts';

/**
 * The gradients of `loss` (shape [1], or any shape with a `seed` of that shape) for each tensor of `wanted`, in that
 * order; undefined where it has none. `partial` holds what to add to: a leaf's gradient of earlier micro-batches.
 */
export function gradients(
  loss: Tensor,
  wanted: readonly Tensor[],
  options: { seed?: Tensor; partial?: ReadonlyMap<Tensor, Tensor> } = {},
): (Tensor | undefined)[] {
  const graph = loss.graph;
  const tape = graph.tape;
  if (tape === undefined) throw new TypeError(`graph ${graph.name}: gradients are asked for while recording is off`);
  const found = new Map<Tensor, Tensor>(options.partial);
  const touched = new Set<Tensor>([loss]);
  found.set(loss, options.seed ?? ones(graph));
  const sink = createSink((tensor, produce) => {
    found.set(tensor, produce(found.get(tensor)));
    touched.add(tensor);
  });
  graph.withTape('off', () => replay(tape, found, sink, new Set(wanted)));
  return wanted.map((tensor) => (touched.has(tensor) ? found.get(tensor) : undefined));
}

/**
 * What `build` makes of `inputs`, without keeping its inner tensors for the gradient: `build` is called again, with the same
 * inputs, when the gradient is computed. It must make the same operations each time and may use parameters freely.
 */
export function checkpoint(
  inputs: readonly Tensor[],
  build: (inputs: readonly Tensor[]) => readonly Tensor[],
): readonly Tensor[] {
  const graph = inputs[0].graph;
  if (graph.tape === undefined) return build(inputs);
  const { result } = graph.withTape('off', () => build(inputs));
  const outputs = result.map((output) => ({ ...output, requiresGradient: true }));
  graph.record(inputs, outputs, (outputGradients, outer) => {
    const { result: again, tape } = graph.withTape('own', () => build(inputs));
    const inner = new Set(tape.flatMap((entry) => entry.outputs));
    const found = new Map<Tensor, Tensor>();
    const sink = createSink((tensor, produce) => {
      if (inner.has(tensor)) found.set(tensor, produce(found.get(tensor)));
      else outer.accumulate(tensor, produce);
    });
    // An output may be made of nothing here (an input handed on) or be there twice.
    again.forEach((output, index) => {
      const gradient = outputGradients[index];
      if (gradient !== undefined) sink.add(output, gradient);
    });
    replay(tape, found, sink);
  });
  return outputs;
}

/**
 * Walks a tape backwards from the gradients in `found`, which holds a tensor's gradient until its rule has used it, or
 * beyond that if the tensor is one of `keep`.
 */
function replay(
  tape: readonly TapeEntry[],
  found: Map<Tensor, Tensor>,
  sink: GradientSink,
  keep?: ReadonlySet<Tensor>,
): void {
  for (let at = tape.length - 1; at >= 0; at--) {
    const entry = tape[at];
    const outputs = entry.outputs.map((output) => found.get(output));
    if (outputs.every((gradient) => gradient === undefined)) continue;
    for (const output of entry.outputs) if (!keep?.has(output)) found.delete(output);
    entry.rule(outputs, sink);
  }
}

function createSink(accumulate: GradientSink['accumulate']): GradientSink {
  const sink: GradientSink = {
    wants: (tensor): tensor is Tensor => tensor?.requiresGradient === true,
    accumulate(tensor, produce) {
      if (tensor.requiresGradient) accumulate(tensor, produce);
    },
    add(tensor, gradient) {
      sink.accumulate(tensor, (before) => (before === undefined ? gradient : add(before, gradient)));
    },
  };
  return sink;
}

function ones(graph: Graph): Tensor {
  return graph.emit('fill', [], [1, 1], [{ shape: [1] }])[0];
}
