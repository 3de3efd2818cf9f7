/**
 * A model's configuration as GGUF metadata, in llama.cpp's names. What llama.cpp would compute otherwise, or not at all, is refused:
 * it reads no key for it and would answer wrongly without a word.
 *
 * Keys without which llama.cpp ends its whole process (feed_forward_length, head_count, expert_count …) are always there.
 * Source: ggml-org/llama.cpp, `convert_hf_to_gguf.py`, `gguf-py/gguf/constants.py`, `src/llama-model.cpp`.
 */
import type { RotaryConfig } from '../../config.ts';
import { type GgufValue, inexpressible, type TensorType } from './format.ts';

/** Names of the architectures in llama.cpp. */
const NAMES = {
  qwen2: 'qwen2',
  'qwen2-moe': 'qwen2moe',
  qwen3: 'qwen3',
  'qwen3-moe': 'qwen3moe',
  llama: 'llama',
} as const;

/** `general.file_type`. */
const FILE_TYPES: Readonly<Record<TensorType, number>> = { F32: 0, F16: 1, Q4_0: 2, Q8_0: 7, BF16: 32 };

/** The architecture's name in llama.cpp. Throws CONFIG_INVALID for one that is not written. */
export function ggufArchitecture({ architecture }: { architecture: string }): string {
  if (Object.hasOwn(NAMES, architecture)) return NAMES[architecture as keyof typeof NAMES];
  throw inexpressible(
    `models of ${architecture} are not written`,
    `Written are ${Object.keys(NAMES).join(', ')} and qwen.`,
  );
}

/** Keys about the model. Throws CONFIG_INVALID for what llama.cpp does not compute, by name. */
export function modelKeys(config: RotaryConfig, name: string, type: TensorType): [string, GgufValue][] {
  const architecture = ggufArchitecture(config);
  refuseUnread(config);
  const uint32 = (value: number): GgufValue => ({ type: 'uint32', value });
  const float32 = (value: number): GgufValue => ({ type: 'float32', value });
  const own: [string, GgufValue][] = [
    ['block_count', uint32(config.layers)],
    ['context_length', uint32(config.maxPositionEmbeddings)],
    ['embedding_length', uint32(config.hiddenSize)],
    ['feed_forward_length', uint32(config.intermediateSize)],
    ['vocab_size', uint32(config.vocabSize)],
    ['attention.head_count', uint32(config.heads)],
    ['attention.head_count_kv', uint32(config.kvHeads)],
    ['attention.key_length', uint32(config.headDim)],
    ['attention.value_length', uint32(config.headDim)],
    ['attention.layer_norm_rms_epsilon', float32(config.rmsNormEps)],
    ['rope.dimension_count', uint32(config.headDim)],
    ['rope.freq_base', float32(config.ropeTheta)],
  ];
  const scaling = config.ropeScaling;
  if (scaling.type === 'linear' || scaling.type === 'yarn') {
    own.push(['rope.scaling.type', { type: 'string', value: scaling.type }]);
    own.push(['rope.scaling.factor', float32(scaling.factor)]);
  }
  if (scaling.type === 'yarn') {
    own.push(['rope.scaling.original_context_length', uint32(scaling.originalMaxPositionEmbeddings)]);
  }
  const { moe } = config;
  if (moe !== null) {
    own.push(['expert_count', uint32(moe.experts)]);
    own.push(['expert_used_count', uint32(moe.perToken)]);
    own.push(['expert_feed_forward_length', uint32(moe.expertIntermediate)]);
    if (moe.sharedExpertIntermediate !== null) {
      own.push(['expert_shared_feed_forward_length', uint32(moe.sharedExpertIntermediate)]);
    }
  }
  return [
    ['general.architecture', { type: 'string', value: architecture }],
    ['general.type', { type: 'string', value: 'model' }],
    ['general.name', { type: 'string', value: name }],
    ['general.file_type', uint32(FILE_TYPES[type])],
    ...(type === 'Q4_0' || type === 'Q8_0' ? [['general.quantization_version', uint32(2)] as [string, GgufValue]] : []),
    ...own.map(([key, value]): [string, GgufValue] => [`${architecture}.${key}`, value]),
  ];
}

function refuseUnread(config: RotaryConfig): void {
  const { moe, ropeScaling: scaling, architecture } = config;
  const refuse = (what: string): never => {
    throw inexpressible(what, 'llama.cpp would compute another model; keep the safetensors form.');
  };
  if (config.slidingLayers.includes(true)) refuse(`the sliding window of ${architecture} is not read by llama.cpp`);
  if (config.dualChunk !== null) refuse('dual chunk attention is not implemented by llama.cpp');
  if (config.logN !== null) refuse('LogN attention is not implemented by llama.cpp');
  if (config.attentionBias) refuse(`biases of all attention projections of ${architecture} are not read by llama.cpp`);
  if (scaling.type === 'dynamic' || scaling.type === 'qwen-dynamic-ntk') {
    refuse('dynamic NTK scaling is not implemented by llama.cpp');
  }
  if (scaling.type === 'llama3' && architecture !== 'llama') {
    refuse(`the llama3 scaling of ${architecture} is not read by llama.cpp`);
  }
  if (
    scaling.type === 'yarn' &&
    (scaling.betaFast !== 32 || scaling.betaSlow !== 1 || scaling.attentionFactor !== null)
  ) {
    refuse(
      'beta_fast, beta_slow and attention_factor of YaRN other than 32, 1 and none are not read by all of llama.cpp',
    );
  }
  if (moe === null) return;
  if (moe.decoderSparseStep !== 1 || moe.mlpOnlyLayers.length > 0) {
    refuse('layers without experts between layers with experts are not read by llama.cpp');
  }
  // Fixed in llama.cpp by architecture, whatever the file says.
  if (moe.normTopkProb !== (architecture === 'qwen3-moe')) {
    refuse(`norm_topk_prob ${moe.normTopkProb} of ${architecture} is not what llama.cpp computes`);
  }
}
