/**
 * A language model with a value head beside its output matrix: policy and critic in one backbone, at the price that each pulls at
 * what the other stands on. (A critic of its own is a model with `head: 'score'`, src/models/config.ts.)
 */

import type { ModelWeights, StoredParameter } from '../models/weights.ts';
import type { Backend } from '../tensor/backend.ts';

/**
 * `weights` and one parameter more, `score.weight` [1, hidden], zero: every value is 0 at first. Reading, writing and tensors go to the
 * same memory as before; disposing of it frees the head alone.
 */
export function withValueHead(backend: Backend, weights: ModelWeights): ModelWeights {
  const { hiddenSize } = weights.config;
  const head: StoredParameter = {
    name: 'score.weight',
    shape: [1, hiddenSize],
    kind: 'matrix',
    group: 'output',
    layer: null,
    decays: true,
    init: { kind: 'zeros' },
    buffer: backend.createBuffer('f32', hiddenSize, 'score.weight'),
  };
  return {
    config: weights.config,
    parameters: [...weights.parameters, head],
    tensors(graph, options = {}) {
      const of = weights.tensors(graph, options);
      const { requiresGradient = false } = options;
      return (name) => (name === head.name ? graph.buffer(head.buffer, head.shape, { requiresGradient }) : of(name));
    },
    write(name, values) {
      if (name !== head.name) weights.write(name, values);
      else if (values.length === hiddenSize) backend.write(head.buffer, values);
      else throw new RangeError(`weights: ${name} is [1,${hiddenSize}], found ${values.length} values`);
    },
    async read(name) {
      return name === head.name ? ((await backend.read(head.buffer)) as Float32Array) : weights.read(name);
    },
    initialize(seed) {
      weights.initialize(seed);
      backend.write(head.buffer, new Float32Array(hiddenSize));
    },
    dispose: () => backend.disposeBuffer(head.buffer),
  };
}
