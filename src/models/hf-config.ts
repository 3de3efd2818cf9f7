/**
 * Reads Hugging Face's config.json, old keys and new, into a `ModelConfig`. What is not implemented is refused by name.
 *
 * Defaults are those of transformers 5.18 (`configuration_qwen2.py` and kin); where its versions disagree about a missing key
 * the key has to be given.
 */
import { z } from 'zod';
import { checkConfig, type ModelConfig, type MoeConfig, type RotaryConfig } from './config.ts';
import { configError } from './config-error.ts';
import { readGpt2Config } from './hf-config-gpt2.ts';
import { FIELDS, idList, parseKeys, refuseUnknownKeys } from './hf-config-keys.ts';
import { readQwenConfig } from './hf-config-qwen.ts';
import { readRope } from './rope-scaling.ts';

const ROTARY = {
  qwen2: 'qwen2',
  qwen2_moe: 'qwen2-moe',
  qwen3: 'qwen3',
  qwen3_moe: 'qwen3-moe',
  llama: 'llama',
} as const;

const { size, epsilon, range, flag } = FIELDS;

const rotarySchema = z.object({
  vocab_size: size,
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  num_key_value_heads: size.nullish(),
  head_dim: size.nullish(),
  max_position_embeddings: size,
  rms_norm_eps: epsilon.default(1e-6),
  initializer_range: range.default(0.02),
  tie_word_embeddings: flag.default(false),
  attention_bias: flag.default(false),
  qkv_bias: flag.default(true),
  bos_token_id: FIELDS.tokenId,
  eos_token_id: FIELDS.tokenIds,
  pad_token_id: FIELDS.tokenId,
  use_sliding_window: flag.default(false),
  sliding_window: z.int().nonnegative().nullish(),
  max_window_layers: z.int().nonnegative().nullish(),
  layer_types: z.array(z.enum(['full_attention', 'sliding_attention'])).nullish(),
  dual_chunk_attention_config: z
    .strictObject({ chunk_size: size, local_size: size, original_max_position_embeddings: size })
    .nullish(),
});

const moeSchema = z.object({
  num_experts: size.optional(),
  num_local_experts: size.optional(),
  num_experts_per_tok: size,
  moe_intermediate_size: size,
  shared_expert_intermediate_size: size.optional(),
  norm_topk_prob: flag.default(false),
  decoder_sparse_step: size.default(1),
  mlp_only_layers: z.array(z.int().nonnegative()).nullish(),
  router_aux_loss_coef: z.number().min(0).default(0.001),
});

const ROPE_KEYS = ['model_type', 'rope_theta', 'rope_scaling', 'rope_parameters'];

/** Reads the text of a config.json; `source` names it in messages. Throws CONFIG_INVALID. */
export function readConfigText(text: string, source: string): { config: ModelConfig; json: Record<string, unknown> } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    const hint = 'Give a config.json of Hugging Face’s form.';
    throw configError(source, `it is not JSON: ${(error as Error).message}`, hint);
  }
  const config = readModelConfig(json, source);
  return { config, json: json as Record<string, unknown> };
}

/**
 * Reads parsed JSON; `source` names it in messages. Throws CONFIG_INVALID for what is missing, wrong or not implemented.
 */
export function readModelConfig(json: unknown, source: string): ModelConfig {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw configError(source, 'it is not a JSON object', 'Give a config.json as Hugging Face writes it.');
  }
  const keys = json as Record<string, unknown>;
  return { ...readArchitecture(keys, source), ...headOf(keys, source) };
}

function readArchitecture(keys: Record<string, unknown>, source: string): ModelConfig {
  const type = keys['model_type'];
  if (type === 'qwen') return readQwenConfig(keys, source);
  if (type === 'gpt2') return readGpt2Config(keys, source);
  if (typeof type === 'string' && Object.hasOwn(ROTARY, type)) {
    return checkConfig(readRotary(keys, ROTARY[type as keyof typeof ROTARY], source), source);
  }
  throw configError(
    source,
    type === undefined ? 'model_type is missing' : `model_type is ${JSON.stringify(type)}`,
    `Implemented are ${['qwen', ...Object.keys(ROTARY), 'gpt2'].join(', ')}.`,
  );
}

/** Classes `…ForSequenceClassification` have a head of scores in place of the output matrix; of one label it is a reward. */
function headOf(keys: Record<string, unknown>, source: string): Pick<ModelConfig, 'head'> {
  const classes = keys['architectures'];
  const scores = Array.isArray(classes) && classes.some((name) => String(name).endsWith('ForSequenceClassification'));
  if (!scores) return {};
  const labels = keys['id2label'];
  const count = keys['num_labels'] ?? (typeof labels === 'object' && labels !== null ? Object.keys(labels).length : 2);
  if (count === 1) return { head: 'score' };
  throw configError(
    source,
    `it classifies into ${String(count)} labels`,
    'Implemented is one label, a reward: num_labels 1, or one entry in id2label.',
  );
}

function readRotary(
  json: Record<string, unknown>,
  architecture: (typeof ROTARY)[keyof typeof ROTARY],
  source: string,
): RotaryConfig {
  const isMoe = architecture === 'qwen2-moe' || architecture === 'qwen3-moe';
  const read = new Set([
    ...Object.keys(rotarySchema.shape),
    ...(isMoe ? Object.keys(moeSchema.shape) : []),
    ...ROPE_KEYS,
  ]);
  refuseUnknownKeys(json, read, source);
  const fields = parseKeys(rotarySchema, json, source);
  const heads = fields.num_attention_heads;
  const { qkvBias, attentionBias } = biasesOf(architecture, json, fields, source);
  const headDim = fields.head_dim ?? headDimOf(architecture, fields.hidden_size, heads, source);
  const sliding = slidingOf(architecture, fields, source);
  const chunk = fields.dual_chunk_attention_config;
  return {
    architecture,
    vocabSize: fields.vocab_size,
    hiddenSize: fields.hidden_size,
    intermediateSize: fields.intermediate_size,
    layers: fields.num_hidden_layers,
    heads,
    kvHeads: fields.num_key_value_heads ?? heads,
    headDim,
    maxPositionEmbeddings: fields.max_position_embeddings,
    tieWordEmbeddings: fields.tie_word_embeddings,
    initializerRange: fields.initializer_range,
    bosTokenId: fields.bos_token_id ?? null,
    eosTokenIds: idList(fields.eos_token_id),
    padTokenId: fields.pad_token_id ?? null,
    ...readRope(json, fields.max_position_embeddings, source),
    rmsNormEps: fields.rms_norm_eps,
    qkvBias,
    attentionBias,
    qkNorm: architecture === 'qwen3' || architecture === 'qwen3-moe',
    ...sliding,
    logN: null,
    dualChunk: chunk
      ? {
          chunkSize: chunk.chunk_size,
          localSize: chunk.local_size,
          originalMaxPositionEmbeddings: chunk.original_max_position_embeddings,
        }
      : null,
    moe: isMoe ? moeOf(architecture, parseKeys(moeSchema, json, source), source) : null,
  };
}

/** Qwen3 has heads of 128 unless said; the others divide the hidden size. */
function headDimOf(architecture: string, hiddenSize: number, heads: number, source: string): number {
  if (architecture === 'qwen3') return 128;
  if (hiddenSize % heads === 0) return hiddenSize / heads;
  throw configError(
    source,
    `the hidden size ${hiddenSize} is not divisible by ${heads} heads`,
    'Choose hidden_size as a multiple of num_attention_heads, or give head_dim.',
  );
}

/** Which projections have biases; a key that the architecture's own code does not read must not claim otherwise. */
function biasesOf(
  architecture: RotaryConfig['architecture'],
  json: Record<string, unknown>,
  fields: { attention_bias: boolean; qkv_bias: boolean },
  source: string,
): { qkvBias: boolean; attentionBias: boolean } {
  const refuse = (key: string, implemented: string): never => {
    throw configError(
      source,
      `${key} is ${JSON.stringify(json[key])}`,
      `Of ${architecture} ${implemented} is implemented.`,
    );
  };
  switch (architecture) {
    case 'llama':
      if (fields.attention_bias) refuse('attention_bias', 'attention without biases');
      if (json['qkv_bias'] === true) refuse('qkv_bias', 'attention without biases');
      return { qkvBias: false, attentionBias: false };
    case 'qwen3':
    case 'qwen3-moe':
      if (json['qkv_bias'] === true) refuse('qkv_bias', 'attention_bias, which stands for all four projections,');
      return { qkvBias: fields.attention_bias, attentionBias: fields.attention_bias };
    case 'qwen2-moe':
      if (fields.attention_bias) refuse('attention_bias', 'qkv_bias');
      return { qkvBias: fields.qkv_bias, attentionBias: false };
    default:
      if (fields.attention_bias) refuse('attention_bias', 'the bias of queries, keys and values');
      if (!fields.qkv_bias) refuse('qkv_bias', 'the bias of queries, keys and values');
      return { qkvBias: true, attentionBias: false };
  }
}

/** Window and layers: `layer_types` where it is given, else the rule of the architecture. */
function slidingOf(
  architecture: RotaryConfig['architecture'],
  fields: z.infer<typeof rotarySchema>,
  source: string,
): { slidingWindow: number | null; slidingLayers: readonly boolean[] } {
  const layers = fields.num_hidden_layers;
  const types = fields.layer_types?.map((type) => type === 'sliding_attention');
  const window = fields.use_sliding_window ? (fields.sliding_window ?? 0) : 0;
  if (window === 0) {
    if (types?.includes(true)) {
      throw configError(
        source,
        'layer_types has sliding_attention, but no window is in use',
        'Set use_sliding_window to true and sliding_window to the window’s positions.',
      );
    }
    const none = new Array<boolean>(types?.length ?? layers).fill(false);
    return { slidingWindow: null, slidingLayers: none };
  }
  if (architecture === 'llama') {
    throw configError(source, 'use_sliding_window is true', 'Llama has no sliding window: remove the key.');
  }
  if (architecture === 'qwen3-moe') {
    // Its code passes the window to every layer and does not read layer_types.
    if (types?.includes(false)) {
      throw configError(
        source,
        'layer_types has full_attention beside a window',
        'Qwen3-MoE slides in all layers or none.',
      );
    }
    return { slidingWindow: window, slidingLayers: new Array<boolean>(layers).fill(true) };
  }
  if (types !== undefined) return { slidingWindow: window, slidingLayers: types };
  if (architecture === 'qwen2-moe') {
    throw configError(
      source,
      'use_sliding_window is true and layer_types is missing',
      'Versions of transformers disagree about the layers of a Qwen2-MoE that slide: list them in layer_types.',
    );
  }
  const first = fields.max_window_layers ?? 28;
  return { slidingWindow: window, slidingLayers: Array.from({ length: layers }, (_, layer) => layer >= first) };
}

function moeOf(architecture: string, fields: z.infer<typeof moeSchema>, source: string): MoeConfig {
  const experts = fields.num_experts ?? fields.num_local_experts;
  const shared = fields.shared_expert_intermediate_size;
  if (experts === undefined) throw configError(source, 'num_experts is missing', 'Give the number of experts.');
  if (architecture === 'qwen2-moe' ? shared === undefined : shared !== undefined) {
    const what = shared === undefined ? 'is missing' : `is ${shared}`;
    throw configError(
      source,
      `shared_expert_intermediate_size ${what}`,
      'Qwen2-MoE has a shared expert, Qwen3-MoE has none.',
    );
  }
  return {
    experts,
    perToken: fields.num_experts_per_tok,
    expertIntermediate: fields.moe_intermediate_size,
    sharedExpertIntermediate: shared ?? null,
    normTopkProb: fields.norm_topk_prob,
    decoderSparseStep: fields.decoder_sparse_step,
    mlpOnlyLayers: fields.mlp_only_layers ?? [],
    auxLossCoef: fields.router_aux_loss_coef,
  };
}
