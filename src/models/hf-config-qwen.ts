/**
 * config.json of the first Qwen (`QWenLMHeadModel`), read and written. Its `intermediate_size` is twice the width of a branch,
 * its base and epsilon have names of their own, and two switches act beyond the trained length (`seq_length`).
 * Source: QwenLM/Qwen, `configuration_qwen.py`, `modeling_qwen.py` (`QWenMLP`, `get_ntk_alpha`, `logn_tensor`).
 */
import { z } from 'zod';
import { checkConfig, type RotaryConfig } from './config.ts';
import { configError } from './config-error.ts';
import { FIELDS, idList, parseKeys, refuseUnknownKeys } from './hf-config-keys.ts';

const { size, epsilon, range, flag } = FIELDS;

const qwenSchema = z.object({
  vocab_size: size,
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  kv_channels: size,
  seq_length: size,
  max_position_embeddings: size,
  layer_norm_epsilon: epsilon.default(1e-6),
  rotary_emb_base: z.number().gt(1).default(10_000),
  initializer_range: range.default(0.02),
  tie_word_embeddings: flag.default(false),
  use_dynamic_ntk: flag.default(true),
  use_logn_attn: flag.default(true),
  bos_token_id: FIELDS.tokenId,
  eos_token_id: FIELDS.tokenIds,
  pad_token_id: FIELDS.tokenId,
});

/** Reads parsed JSON with model_type "qwen". Throws CONFIG_INVALID. */
export function readQwenConfig(json: Record<string, unknown>, source: string): RotaryConfig {
  refuseUnknownKeys(json, new Set([...Object.keys(qwenSchema.shape), 'model_type']), source);
  const fields = parseKeys(qwenSchema, json, source);
  const { intermediate_size: both, num_attention_heads: heads, seq_length: trainedLength } = fields;
  if (both % 2 !== 0) {
    throw configError(
      source,
      `intermediate_size is ${both}, which is odd`,
      'In a qwen configuration it holds both branches.',
    );
  }
  if (heads * fields.kv_channels !== fields.hidden_size) {
    throw configError(
      source,
      `${heads} heads of kv_channels ${fields.kv_channels} make ${heads * fields.kv_channels}, hidden_size is ${fields.hidden_size}`,
      'The first Qwen splits its hidden size into its heads.',
    );
  }
  if (fields.tie_word_embeddings) {
    throw configError(source, 'tie_word_embeddings is true', 'The first Qwen has an output matrix of its own.');
  }
  return checkConfig(
    {
      architecture: 'qwen',
      vocabSize: fields.vocab_size,
      hiddenSize: fields.hidden_size,
      intermediateSize: both / 2,
      layers: fields.num_hidden_layers,
      heads,
      kvHeads: heads,
      headDim: fields.kv_channels,
      maxPositionEmbeddings: fields.max_position_embeddings,
      tieWordEmbeddings: false,
      initializerRange: fields.initializer_range,
      bosTokenId: fields.bos_token_id ?? null,
      eosTokenIds: idList(fields.eos_token_id),
      padTokenId: fields.pad_token_id ?? null,
      ropeTheta: fields.rotary_emb_base,
      ropeScaling: fields.use_dynamic_ntk ? { type: 'qwen-dynamic-ntk', trainedLength } : { type: 'none' },
      rmsNormEps: fields.layer_norm_epsilon,
      qkvBias: true,
      attentionBias: false,
      qkNorm: false,
      slidingWindow: null,
      slidingLayers: new Array<boolean>(fields.num_hidden_layers).fill(false),
      logN: fields.use_logn_attn ? { trainedLength } : null,
      dualChunk: null,
      moe: null,
    },
    source,
  );
}

/** The keys of the first Qwen's configuration, without those that all have. */
export function writeQwenConfig(config: RotaryConfig): Record<string, unknown> {
  const scaling = config.ropeScaling;
  const ntkLength = scaling.type === 'qwen-dynamic-ntk' ? scaling.trainedLength : undefined;
  return {
    hidden_size: config.hiddenSize,
    intermediate_size: 2 * config.intermediateSize,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    kv_channels: config.headDim,
    seq_length: ntkLength ?? config.logN?.trainedLength ?? config.maxPositionEmbeddings,
    max_position_embeddings: config.maxPositionEmbeddings,
    layer_norm_epsilon: config.rmsNormEps,
    rotary_emb_base: config.ropeTheta,
    rotary_pct: 1,
    scale_attn_weights: true,
    no_bias: true,
    use_dynamic_ntk: ntkLength !== undefined,
    use_logn_attn: config.logN !== null,
  };
}
