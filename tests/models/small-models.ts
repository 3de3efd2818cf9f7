/** A model of each architecture, small enough for every test, and weights that differ everywhere. */
import type { ModelConfig } from '../../src/models/config.ts';
import { sizeOf } from '../../src/models/cost.ts';
import { parametersOf } from '../../src/models/parameters.ts';

const QWEN2 = {
  model_type: 'qwen2',
  vocab_size: 40,
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 64,
};
const MOE = { num_experts: 4, num_experts_per_tok: 2, moe_intermediate_size: 8, decoder_sparse_step: 2 };
const GPT2 = { model_type: 'gpt2', vocab_size: 40, n_embd: 16, n_layer: 2, n_head: 2, n_positions: 32 };

/** By name, config.json. */
export const SMALL: Readonly<Record<string, object>> = {
  qwen2: QWEN2,
  'qwen2 tied': { ...QWEN2, tie_word_embeddings: true },
  'qwen2-moe': { ...QWEN2, ...MOE, model_type: 'qwen2_moe', shared_expert_intermediate_size: 12 },
  qwen3: { ...QWEN2, model_type: 'qwen3', head_dim: 6, attention_bias: true },
  'qwen3-moe': { ...QWEN2, ...MOE, model_type: 'qwen3_moe' },
  llama: { ...QWEN2, model_type: 'llama' },
  qwen: {
    model_type: 'qwen',
    vocab_size: 40,
    hidden_size: 16,
    intermediate_size: 48,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    kv_channels: 4,
    seq_length: 32,
    max_position_embeddings: 64,
  },
  gpt2: GPT2,
  'gpt2 without biases': { ...GPT2, bias: false },
};

/** Values from sine waves: no two neighbours equal, the same everywhere. */
export function wavyParameters(config: ModelConfig): Map<string, Float32Array> {
  let phase = 0;
  return new Map(
    parametersOf(config).map((parameter) => {
      phase++;
      return [parameter.name, Float32Array.from({ length: sizeOf(parameter) }, (_, i) => Math.sin(i * 1.7 + phase))];
    }),
  );
}
