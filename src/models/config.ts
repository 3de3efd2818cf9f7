/**
 * What a model is made of, as one typed value that every other file here takes for granted: sizes, attention, position
 * encoding, experts. It is read from and written to Hugging Face's config.json (`hf-config.ts`), checked once, and never
 * changed.
 *
 * Two kinds of decoder: the rotary family (Qwen, Qwen2, Qwen2-MoE, Qwen3, Qwen3-MoE, Llama: RMSNorm, RoPE, SwiGLU), whose
 * members differ in a few switches, and GPT-2 (LayerNorm, learned positions, GELU).
 * Sources: QwenLM/Qwen technical report and `modeling_qwen.py`; arXiv 2407.10671 (Qwen2), 2505.09388 (Qwen3), 2307.09288
 * (Llama 2); transformers 5.18, `configuration_*.py`; openai/gpt-2, karpathy/nanoGPT `model.py`.
 */
import { configError } from './config-error.ts';
import type { RopeScaling } from './rope-scaling.ts';

export const ARCHITECTURES = ['qwen', 'qwen2', 'qwen2-moe', 'qwen3', 'qwen3-moe', 'llama', 'gpt2'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

/** Sizes that every model has. */
export interface ModelSizes {
  /** Rows of the embedding, which may be more than the tokenizer has ids. */
  vocabSize: number;
  hiddenSize: number;
  /** Width of one branch of the feed-forward layer (of the dense layers, in a mixture of experts). */
  intermediateSize: number;
  layers: number;
  heads: number;
  /** Heads of keys and values; query heads share them in groups of heads / kvHeads. */
  kvHeads: number;
  /** Width of a head; heads · headDim need not be hiddenSize. */
  headDim: number;
  /** The longest sequence the model is made for. */
  maxPositionEmbeddings: number;
  tieWordEmbeddings: boolean;
  /**
   * What stands on the last norm. Absent: the output matrix, which gives a logit for each id. `score`: one vector, which gives
   * each position a number (reward and value models; transformers' ForSequenceClassification with one label).
   */
  head?: 'score';
  /** Standard deviation of the initial weights. */
  initializerRange: number;
  bosTokenId: number | null;
  /** Any of these ends a text. */
  eosTokenIds: readonly number[];
  padTokenId: number | null;
}

export interface RotaryConfig extends ModelSizes {
  architecture: Exclude<Architecture, 'gpt2'>;
  ropeTheta: number;
  ropeScaling: RopeScaling;
  rmsNormEps: number;
  /** q_proj, k_proj and v_proj have biases. */
  qkvBias: boolean;
  /** o_proj has a bias too (Qwen3 with `attention_bias`). */
  attentionBias: boolean;
  /** RMSNorm over each head of queries and keys, before RoPE (Qwen3). */
  qkNorm: boolean;
  /** A query sees the keys of the last so many positions, itself included, in the layers marked; null: all of them. */
  slidingWindow: number | null;
  /** By layer: whether the window applies; all false without one. */
  slidingLayers: readonly boolean[];
  /** At inference, queries at position i > trainedLength are multiplied by log(i) / log(trainedLength) (Qwen). */
  logN: { trainedLength: number } | null;
  /** At inference beyond the trained length: positions within chunks (ChunkLlama, vLLM). */
  dualChunk: { chunkSize: number; localSize: number; originalMaxPositionEmbeddings: number } | null;
  /** Present for -moe architectures alone. */
  moe: MoeConfig | null;
}

/** A mixture of experts in place of the feed-forward layer. */
export interface MoeConfig {
  experts: number;
  /** Experts that a token goes through. */
  perToken: number;
  /** Width of one branch of an expert. */
  expertIntermediate: number;
  /** Width of the expert that all tokens go through behind a sigmoid gate (Qwen2-MoE); null: there is none. */
  sharedExpertIntermediate: number | null;
  /** The chosen experts' probabilities are divided by their sum. */
  normTopkProb: boolean;
  /** Layer i has experts where (i + 1) is a multiple of this and i is none of mlpOnlyLayers. */
  decoderSparseStep: number;
  mlpOnlyLayers: readonly number[];
  /** Weight of the load-balancing loss in the training loss. */
  auxLossCoef: number;
}

export interface Gpt2Config extends ModelSizes {
  architecture: 'gpt2';
  layerNormEps: number;
  /** Biases of all linear layers and norms; nanoGPT trains without. */
  bias: boolean;
  /** `gelu` with the error function (nanoGPT), `gelu_new` with the tanh approximation (GPT-2). */
  activation: 'gelu' | 'gelu_new';
}

export type ModelConfig = RotaryConfig | Gpt2Config;

/** Whether a layer has experts in place of its feed-forward layer. */
export function isMoeLayer(config: ModelConfig, layer: number): boolean {
  if (config.architecture === 'gpt2' || config.moe === null) return false;
  return !config.moe.mlpOnlyLayers.includes(layer) && (layer + 1) % config.moe.decoderSparseStep === 0;
}

/** The window of a layer, in positions; null where a query sees all keys before it. */
export function windowOf(config: RotaryConfig, layer: number): number | null {
  return config.slidingLayers[layer] ? config.slidingWindow : null;
}

/**
 * Checks what no single field shows. `source` names the configuration in messages; throws CONFIG_INVALID.
 */
export function checkConfig<C extends ModelConfig>(config: C, source: string): C {
  const fail = (found: string, hint: string): never => {
    throw configError(source, found, hint);
  };
  const { heads, kvHeads, headDim, hiddenSize, vocabSize } = config;
  if (heads % kvHeads !== 0) {
    fail(
      `${heads} attention heads cannot share ${kvHeads} heads of keys and values`,
      'num_attention_heads must be a multiple of num_key_value_heads.',
    );
  }
  for (const [name, id] of [
    ['bos_token_id', config.bosTokenId],
    ['pad_token_id', config.padTokenId],
    ...config.eosTokenIds.map((id) => ['eos_token_id', id] as const),
  ] as const) {
    if (id !== null && id >= vocabSize) {
      fail(`${name} is ${id}, outside of a vocabulary of ${vocabSize}`, `Ids go from 0 to ${vocabSize - 1}.`);
    }
  }
  if (config.architecture === 'gpt2') {
    if (heads * headDim !== hiddenSize) {
      fail(
        `the hidden size ${hiddenSize} is not divisible by ${heads} heads`,
        'GPT-2 splits the hidden size into its heads: choose n_embd as a multiple of n_head.',
      );
    }
    return config;
  }
  if (headDim % 2 !== 0) {
    fail(`the head dimension is ${headDim}, which is odd`, 'Rotary embedding turns pairs: choose an even head_dim.');
  }
  if (config.slidingLayers.length !== config.layers) {
    fail(
      `layer_types has ${config.slidingLayers.length} entries for ${config.layers} layers`,
      'Give one for each layer.',
    );
  }
  const { moe } = config;
  if (moe !== null && moe.perToken > moe.experts) {
    fail(
      `each token goes through ${moe.perToken} of ${moe.experts} experts`,
      'num_experts_per_tok can be at most num_experts.',
    );
  }
  const beyond = moe?.mlpOnlyLayers.find((layer) => layer >= config.layers);
  if (beyond !== undefined) {
    fail(`mlp_only_layers names layer ${beyond} of ${config.layers}`, `Layers go from 0 to ${config.layers - 1}.`);
  }
  return config;
}
