/** The logits that a model without a cache gives, to compare generation with. */
import { forward, outputWeight } from '../../../src/models/forward.ts';
import type { ModelWeights } from '../../../src/models/weights.ts';
import type { Backend } from '../../../src/tensor/backend.ts';
import { Graph } from '../../../src/tensor/graph.ts';
import { linear } from '../../../src/tensor/ops/matmul.ts';
import { plan } from '../../../src/tensor/plan.ts';
import { createPlaceInputs, textLength } from '../../../src/training/generation/place-inputs.ts';

/** Logits of every position in one pass without a cache; `promptLength` for angles that follow it. */
export async function fullLogits(
  backend: Backend,
  weights: ModelWeights,
  ids: ArrayLike<number>,
  promptLength = ids.length,
): Promise<Float32Array[]> {
  const { config } = weights;
  const time = ids.length;
  const graph = new Graph('full');
  const buffer = backend.createBuffer('i32', time, 'ids');
  backend.write(buffer, Int32Array.from(ids));
  const places = createPlaceInputs(backend, config, { maxRows: time, maxLength: time });
  const length = textLength(config, promptLength, time);
  places.write(
    Int32Array.from({ length: time }, (_, t) => t),
    new Int32Array(time).fill(length),
  );
  const tensors = weights.tensors(graph);
  const { hidden } = forward(config, tensors, {
    batch: 1,
    ids: graph.buffer(buffer, [time]),
    ...places.tensors(graph, time),
  });
  const out = backend.createBuffer('f32', time * config.vocabSize, 'logits');
  graph.assign(out, linear(hidden, outputWeight(config, tensors)));
  await backend.compile(plan(graph)).run();
  const all = (await backend.read(out)) as Float32Array;
  return Array.from({ length: time }, (_, t) => all.subarray(t * config.vocabSize, (t + 1) * config.vocabSize));
}
