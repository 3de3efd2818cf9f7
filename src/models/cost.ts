/**
 * What a model costs, from its configuration alone: parameters, arithmetic, memory for training and for the cache of keys
 * and values.
 *
 * Arithmetic of a training token, forward and backward: 6 for each weight that a token is multiplied with (the output matrix
 * included, tied or not; of experts only the chosen ones; norms and biases not) and, for attention over T positions,
 * 12 · layers · heads · headDim · T, of which a causal mask leaves half.
 * Source: arXiv 2204.02311 (PaLM), appendix B.
 */
import type { ModelConfig } from './config.ts';
import { type Parameter, type ParameterGroup, parametersOf } from './parameters.ts';

export interface ParameterCounts {
  total: number;
  /** Those that one token goes through: of the experts only as many as are chosen. */
  active: number;
  /** Without the embeddings (tokens, positions) and the output matrix. */
  nonEmbedding: number;
  byGroup: Partial<Record<ParameterGroup, number>>;
}

export interface ModelCost {
  parameters: ParameterCounts;
  /** Floating-point operations of a training token in a sequence of `sequenceLength`. */
  flopsPerToken: { sequenceLength: number; full: number; causal: number };
  /** Bytes for training in float32, without activations: those depend on batch and length. */
  trainingBytes: { weights: number; gradients: number; moments: number; total: number };
  /** Bytes of the cache of keys and values for each token. */
  kvCacheBytesPerToken: { float32: number; bfloat16: number };
}

/** Number of values of a parameter. */
export function sizeOf({ shape }: Pick<Parameter, 'shape'>): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Counts the parameters; tied embeddings count once. */
export function countParameters(config: ModelConfig): ParameterCounts {
  const counts: ParameterCounts = { total: 0, active: 0, nonEmbedding: 0, byGroup: {} };
  for (const parameter of parametersOf(config)) {
    const size = sizeOf(parameter);
    const { group } = parameter;
    counts.total += size;
    counts.active += size * activeShare(config, parameter);
    if (group !== 'embedding' && group !== 'output') counts.nonEmbedding += size;
    counts.byGroup[group] = (counts.byGroup[group] ?? 0) + size;
  }
  return counts;
}

/** Everything above. `sequenceLength`: positions that attention sees; by default all that the model is made for. */
export function costOf(config: ModelConfig, sequenceLength = config.maxPositionEmbeddings): ModelCost {
  const parameters = countParameters(config);
  let multiplied = 0;
  for (const parameter of parametersOf(config)) {
    if (parameter.kind === 'matrix') multiplied += sizeOf(parameter) * activeShare(config, parameter);
  }
  // The tied embedding multiplies as the output matrix; as an embedding it is only looked up.
  if (config.tieWordEmbeddings && config.head !== 'score') multiplied += config.vocabSize * config.hiddenSize;
  const attention = 12 * config.layers * config.heads * config.headDim * sequenceLength;
  const weights = 4 * parameters.total;
  const cached = 2 * config.layers * config.kvHeads * config.headDim;
  return {
    parameters,
    flopsPerToken: { sequenceLength, full: 6 * multiplied + attention, causal: 6 * multiplied + attention / 2 },
    trainingBytes: { weights, gradients: weights, moments: 2 * weights, total: 4 * weights },
    kvCacheBytesPerToken: { float32: 4 * cached, bfloat16: 2 * cached },
  };
}

function activeShare(config: ModelConfig, { group }: Parameter): number {
  if (group !== 'experts' || config.architecture === 'gpt2' || config.moe === null) return 1;
  return config.moe.perToken / config.moe.experts;
}
