/**
 * Writes a `ModelConfig` as config.json, with the keys of transformers 5 and those that older versions know instead
 * (`dtype` and `torch_dtype`, `rope_parameters` and `rope_theta`), of equal values.
 */
import type { ModelConfig, RotaryConfig } from './config.ts';
import { configError } from './config-error.ts';
import { writeGpt2Config } from './hf-config-gpt2.ts';
import { writeQwenConfig } from './hf-config-qwen.ts';
import { writeRope } from './rope-scaling.ts';

/** How weights are stored. */
export type StoredDtype = 'float32' | 'bfloat16' | 'float16';

const NAMES = {
  qwen: { model_type: 'qwen', class: 'QWenLMHeadModel' },
  qwen2: { model_type: 'qwen2', class: 'Qwen2ForCausalLM' },
  'qwen2-moe': { model_type: 'qwen2_moe', class: 'Qwen2MoeForCausalLM' },
  qwen3: { model_type: 'qwen3', class: 'Qwen3ForCausalLM' },
  'qwen3-moe': { model_type: 'qwen3_moe', class: 'Qwen3MoeForCausalLM' },
  llama: { model_type: 'llama', class: 'LlamaForCausalLM' },
  gpt2: { model_type: 'gpt2', class: 'GPT2LMHeadModel' },
} as const;

/** The object that becomes config.json; `readModelConfig` reads the same configuration back. */
export function writeModelConfig(config: ModelConfig, dtype: StoredDtype): Record<string, unknown> {
  const names = NAMES[config.architecture];
  const own =
    config.architecture === 'gpt2'
      ? writeGpt2Config(config)
      : config.architecture === 'qwen'
        ? writeQwenConfig(config)
        : rotaryKeys(config);
  return {
    architectures: [classOf(config)],
    model_type: names.model_type,
    vocab_size: config.vocabSize,
    ...own,
    tie_word_embeddings: config.tieWordEmbeddings,
    initializer_range: config.initializerRange,
    bos_token_id: config.bosTokenId,
    eos_token_id: config.eosTokenIds.length > 1 ? config.eosTokenIds : (config.eosTokenIds[0] ?? null),
    pad_token_id: config.padTokenId,
    dtype,
    torch_dtype: dtype,
    use_cache: true,
    ...(config.head === 'score' && { id2label: { 0: 'reward' }, label2id: { reward: 0 } }),
  };
}

function classOf(config: ModelConfig): string {
  const name = NAMES[config.architecture].class;
  if (config.head !== 'score') return name;
  if (config.architecture === 'qwen') {
    throw configError(
      'qwen',
      'the first Qwen has no class with a head of scores',
      'Convert it: `corpusmill model convert`.',
    );
  }
  return name.replace(/(ForCausalLM|LMHeadModel)$/, 'ForSequenceClassification');
}

function rotaryKeys(config: RotaryConfig): Record<string, unknown> {
  const { architecture } = config;
  const isMoe = architecture === 'qwen2-moe' || architecture === 'qwen3-moe';
  return {
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.kvHeads,
    head_dim: config.headDim,
    hidden_act: 'silu',
    max_position_embeddings: config.maxPositionEmbeddings,
    rms_norm_eps: config.rmsNormEps,
    attention_dropout: 0,
    ...writeRope(config.ropeTheta, config.ropeScaling),
    ...(architecture === 'llama' && { attention_bias: false, mlp_bias: false }),
    ...(config.qkNorm && { attention_bias: config.attentionBias }),
    ...(architecture === 'qwen2-moe' && { qkv_bias: config.qkvBias }),
    ...(architecture !== 'llama' && slidingKeys(config)),
    ...(isMoe && moeKeys(config)),
    ...(config.dualChunk !== null && {
      dual_chunk_attention_config: {
        chunk_size: config.dualChunk.chunkSize,
        local_size: config.dualChunk.localSize,
        original_max_position_embeddings: config.dualChunk.originalMaxPositionEmbeddings,
      },
    }),
  };
}

function slidingKeys(config: RotaryConfig): Record<string, unknown> {
  const first = config.slidingLayers.indexOf(true);
  return {
    use_sliding_window: config.slidingWindow !== null,
    sliding_window: config.slidingWindow,
    // The rule of versions without layer_types: layers from this one on slide.
    max_window_layers: first === -1 ? config.layers : first,
    layer_types: config.slidingLayers.map((slides) => (slides ? 'sliding_attention' : 'full_attention')),
  };
}

function moeKeys({ moe }: RotaryConfig): Record<string, unknown> {
  if (moe === null) return {};
  return {
    num_experts: moe.experts,
    num_experts_per_tok: moe.perToken,
    moe_intermediate_size: moe.expertIntermediate,
    ...(moe.sharedExpertIntermediate !== null && { shared_expert_intermediate_size: moe.sharedExpertIntermediate }),
    norm_topk_prob: moe.normTopkProb,
    decoder_sparse_step: moe.decoderSparseStep,
    mlp_only_layers: moe.mlpOnlyLayers,
    router_aux_loss_coef: moe.auxLossCoef,
    output_router_logits: false,
  };
}
