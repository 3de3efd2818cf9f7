/** config.json in both spellings, what is refused, and that nothing is lost on the way back. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CorpusmillError } from '../../src/core/errors.ts';
import { isMoeLayer, type RotaryConfig, windowOf } from '../../src/models/config.ts';
import { readModelConfig } from '../../src/models/hf-config.ts';
import { writeModelConfig } from '../../src/models/hf-config-write.ts';
import { findConfig, knownConfigs } from '../../src/models/known-configs.ts';
import { describeWithShared, shared } from '../shared.ts';

type Json = Record<string, unknown>;

const QWEN2: Json = {
  model_type: 'qwen2',
  vocab_size: 512,
  hidden_size: 64,
  intermediate_size: 176,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 256,
};
const MOE: Json = {
  ...QWEN2,
  model_type: 'qwen2_moe',
  num_experts: 8,
  num_experts_per_tok: 2,
  moe_intermediate_size: 48,
  shared_expert_intermediate_size: 96,
};
const QWEN3: Json = { ...QWEN2, model_type: 'qwen3', head_dim: 24 };
const LLAMA: Json = { ...QWEN2, model_type: 'llama' };
const QWEN: Json = {
  model_type: 'qwen',
  vocab_size: 512,
  hidden_size: 64,
  intermediate_size: 352,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  kv_channels: 16,
  seq_length: 128,
  max_position_embeddings: 256,
};
const GPT2: Json = { model_type: 'gpt2', vocab_size: 65, n_embd: 128, n_layer: 4, n_head: 4, n_positions: 64 };

const rotary = (json: Json): RotaryConfig => readModelConfig(json, 'x') as RotaryConfig;

describe('reading config.json', () => {
  it('has the defaults of transformers', () => {
    expect(rotary(QWEN2)).toEqual({
      architecture: 'qwen2',
      vocabSize: 512,
      hiddenSize: 64,
      intermediateSize: 176,
      layers: 4,
      heads: 4,
      kvHeads: 2,
      headDim: 16,
      maxPositionEmbeddings: 256,
      tieWordEmbeddings: false,
      initializerRange: 0.02,
      bosTokenId: null,
      eosTokenIds: [],
      padTokenId: null,
      ropeTheta: 10_000,
      ropeScaling: { type: 'none' },
      rmsNormEps: 1e-6,
      qkvBias: true,
      attentionBias: false,
      qkNorm: false,
      slidingWindow: null,
      slidingLayers: [false, false, false, false],
      logN: null,
      dualChunk: null,
      moe: null,
    });
  });

  it('halves the intermediate size of the first Qwen, whose switches act beyond the trained length', () => {
    expect(rotary(QWEN)).toMatchObject({
      architecture: 'qwen',
      intermediateSize: 176,
      kvHeads: 4,
      ropeScaling: { type: 'qwen-dynamic-ntk', trainedLength: 128 },
      logN: { trainedLength: 128 },
    });
    expect(rotary({ ...QWEN, use_dynamic_ntk: false, use_logn_attn: false })).toMatchObject({
      ropeScaling: { type: 'none' },
      logN: null,
    });
  });

  it('knows what distinguishes Qwen3: norms of queries and keys, heads of 128, no biases unless asked for', () => {
    expect(rotary(QWEN3)).toMatchObject({ qkNorm: true, headDim: 24, qkvBias: false, attentionBias: false });
    expect(rotary({ ...QWEN3, head_dim: undefined }).headDim).toBe(128);
    expect(rotary({ ...QWEN3, attention_bias: true })).toMatchObject({ qkvBias: true, attentionBias: true });
  });

  it('takes rope_parameters over the keys of before', () => {
    const both = { ...QWEN2, rope_theta: 1e6, rope_scaling: { type: 'linear', factor: 2 } };
    expect(rotary(both)).toMatchObject({ ropeTheta: 1e6, ropeScaling: { type: 'linear', factor: 2 } });
    expect(rotary({ ...both, rope_parameters: { rope_type: 'default', rope_theta: 5e5 } })).toMatchObject({
      ropeTheta: 5e5,
      ropeScaling: { type: 'none' },
    });
  });

  it.each<[Json, unknown]>([
    [
      { rope_type: 'dynamic', factor: 2 },
      { type: 'dynamic', factor: 2 },
    ],
    [
      { type: 'yarn', factor: 4 },
      { type: 'yarn', factor: 4, originalMaxPositionEmbeddings: 256, betaFast: 32, betaSlow: 1, attentionFactor: null },
    ],
    [
      { rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 64 },
      { type: 'llama3', factor: 8, originalMaxPositionEmbeddings: 64, lowFreqFactor: 1, highFreqFactor: 4 },
    ],
  ])('reads the scaling %j', (scaling, expected) => {
    expect(rotary({ ...QWEN2, rope_scaling: scaling }).ropeScaling).toEqual(expected);
  });

  it('slides in the upper layers, from max_window_layers on, or where layer_types says', () => {
    const window = { use_sliding_window: true, sliding_window: 32 };
    const upper = rotary({ ...QWEN2, ...window, max_window_layers: 3 });
    expect([0, 1, 2, 3].map((layer) => windowOf(upper, layer))).toEqual([null, null, null, 32]);
    expect(rotary({ ...QWEN2, sliding_window: 32, max_window_layers: 0 }).slidingWindow).toBeNull();
    const types = ['sliding_attention', 'full_attention', 'sliding_attention', 'full_attention'];
    expect(rotary({ ...QWEN2, ...window, layer_types: types }).slidingLayers).toEqual([true, false, true, false]);
    expect(
      rotary({ ...MOE, model_type: 'qwen3_moe', shared_expert_intermediate_size: undefined, ...window }).slidingLayers,
    ).toEqual([true, true, true, true]);
  });

  it('has experts in every n-th layer that is not excepted', () => {
    const config = rotary({ ...MOE, decoder_sparse_step: 2, mlp_only_layers: [3] });
    expect([0, 1, 2, 3].map((layer) => isMoeLayer(config, layer))).toEqual([false, true, false, false]);
  });

  it('reads the dual chunk attention of Qwen2.5-1M', () => {
    const dual_chunk_attention_config = { chunk_size: 192, local_size: 16, original_max_position_embeddings: 256 };
    expect(rotary({ ...QWEN2, dual_chunk_attention_config }).dualChunk).toEqual({
      chunkSize: 192,
      localSize: 16,
      originalMaxPositionEmbeddings: 256,
    });
  });

  it('passes over what changes nothing, and remarks', () => {
    const extra = {
      _source: 'x',
      transformers_version: '5',
      attention_dropout: 0.1,
      quantization_config: null,
      use_cache: true,
    };
    expect(rotary({ ...QWEN2, ...extra, hidden_act: 'silu' })).toEqual(rotary(QWEN2));
  });
});

describe('what is refused', () => {
  it.each<[unknown, RegExp]>([
    [[], /not a JSON object/],
    [{}, /model_type is missing/],
    [{ model_type: 'mistral' }, /model_type is "mistral"/],
    [{ ...QWEN2, vocab_size: undefined }, /vocab_size is missing/],
    [{ ...QWEN2, hidden_size: -1 }, /hidden_size is -1/],
    [{ ...QWEN2, hidden_size: 66 }, /hidden size 66 is not divisible by 4 heads/],
    [{ ...QWEN2, num_key_value_heads: 3 }, /4 attention heads cannot share 3/],
    [{ ...QWEN3, head_dim: 15 }, /head dimension is 15, which is odd/],
    [{ ...QWEN2, eos_token_id: [1, 512] }, /eos_token_id is 512, outside of a vocabulary of 512/],
    [{ ...QWEN2, hidden_act: 'gelu' }, /hidden_act is "gelu"/],
    [{ ...QWEN2, partial_rotary_factor: 0.5 }, /partial_rotary_factor is 0.5/],
    [
      { ...QWEN2, rope_parameters: { rope_type: 'default', partial_rotary_factor: 0.5 } },
      /partial_rotary_factor is 0.5/,
    ],
    [{ ...QWEN2, attention_bias: true }, /attention_bias is true/],
    [{ ...LLAMA, attention_bias: true }, /attention_bias is true/],
    [{ ...LLAMA, mlp_bias: true }, /mlp_bias is true/],
    [{ ...QWEN2, rope_scaling: { rope_type: 'longrope', factor: 2 } }, /rope_scaling has the rope_type "longrope"/],
    [{ ...QWEN2, rope_scaling: { rope_type: 'yarn', factor: 2, mscale: 1 } }, /rope_scaling: .*mscale/],
    [{ ...QWEN2, rope_scaling: { rope_type: 'linear' } }, /rope_scaling.factor/],
    [{ ...QWEN2, rope_theta: 0 }, /rope_theta is 0/],
    [{ ...QWEN2, quantization_config: { bits: 4 } }, /quantization_config is/],
    [{ ...QWEN2, final_logit_softcapping: 30 }, /the key final_logit_softcapping \(30\) is not known/],
    [{ ...QWEN2, num_experts: 8 }, /the key num_experts/],
    [{ ...QWEN2, layer_types: ['full_attention'] }, /layer_types has 1 entries for 4 layers/],
    [{ ...QWEN2, layer_types: Array(4).fill('sliding_attention') }, /no window is in use/],
    [{ ...MOE, num_experts_per_tok: 9 }, /through 9 of 8 experts/],
    [{ ...MOE, mlp_only_layers: [4] }, /mlp_only_layers names layer 4 of 4/],
    [{ ...MOE, shared_expert_intermediate_size: undefined }, /shared_expert_intermediate_size is missing/],
    [{ ...MOE, use_sliding_window: true, sliding_window: 8 }, /layer_types is missing/],
    [{ ...QWEN, intermediate_size: 351 }, /351, which is odd/],
    [{ ...QWEN, kv_channels: 8 }, /make 32, hidden_size is 64/],
    [{ ...QWEN, rotary_pct: 0.25 }, /rotary_pct is 0.25/],
    [{ ...GPT2, n_head: 3 }, /n_embd 128 is not divisible by n_head 3/],
    [{ ...GPT2, activation_function: 'relu' }, /activation_function is "relu"/],
    [{ ...GPT2, scale_attn_by_inverse_layer_idx: true }, /scale_attn_by_inverse_layer_idx is true/],
  ])('%j', (json, message) => {
    const read = (): unknown => readModelConfig(JSON.parse(JSON.stringify(json)), 'some.json');
    expect(read).toThrow(message);
    expect(read).toThrow(CorpusmillError);
    expect(read).toThrow(/some\.json/);
  });
});

describe('writing config.json', () => {
  const window = { use_sliding_window: true, sliding_window: 32, max_window_layers: 2 };
  it.each<[string, Json]>([
    ['qwen', QWEN],
    ['qwen without extrapolation', { ...QWEN, use_dynamic_ntk: false, use_logn_attn: false, seq_length: 256 }],
    ['qwen2', { ...QWEN2, ...window, tie_word_embeddings: true, eos_token_id: [1, 2], bos_token_id: 3 }],
    ['qwen2 with yarn', { ...QWEN2, rope_scaling: { type: 'yarn', factor: 4, attention_factor: 1.2 } }],
    ['qwen2-moe', { ...MOE, mlp_only_layers: [1], norm_topk_prob: true, qkv_bias: false }],
    ['qwen3', { ...QWEN3, attention_bias: true }],
    ['qwen3-moe', { ...MOE, model_type: 'qwen3_moe', shared_expert_intermediate_size: undefined, head_dim: 32 }],
    ['llama', { ...LLAMA, rope_scaling: { rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4 } }],
    ['gpt2', { ...GPT2, bias: false, activation_function: 'gelu', n_inner: 300 }],
  ])('gives %s back', (_, json) => {
    const config = readModelConfig(JSON.parse(JSON.stringify(json)), 'x');
    const written = JSON.parse(JSON.stringify(writeModelConfig(config, 'bfloat16'))) as Json;
    expect(readModelConfig(written, 'x')).toEqual(config);
    expect([written['dtype'], written['torch_dtype']]).toEqual(['bfloat16', 'bfloat16']);
  });

  it('says base and scaling in the words of transformers 5 and of its forerunners', () => {
    const config = rotary({ ...QWEN2, rope_theta: 1e6, rope_scaling: { type: 'linear', factor: 2 } });
    expect(writeModelConfig(config, 'float32')).toMatchObject({
      rope_theta: 1e6,
      rope_scaling: { type: 'linear', rope_type: 'linear', factor: 2 },
      rope_parameters: { rope_theta: 1e6, rope_type: 'linear', factor: 2 },
    });
  });
});

describe('configs/models', () => {
  it('are all valid and name their source', () => {
    const known = knownConfigs();
    expect(known.length).toBeGreaterThan(35);
    expect(known.filter(({ source }) => source === undefined)).toEqual([]);
  });

  it('are found by name, by file and by folder, never outside', () => {
    const { config, path, name } = findConfig('qwen2-0.5b');
    expect(name).toBe('qwen2-0.5b');
    expect(findConfig(path).config).toEqual(config);
    expect(() => findConfig('qwen2-0.5')).toThrow(/no configuration has this name/);
    expect(() => findConfig('../pipeline.schema')).toThrow(CorpusmillError);
  });
});

describeWithShared('golden configurations', () => {
  it.each(['llama', 'qwen2-gqa', 'qwen2-mha-tied', 'qwen2-yarn', 'qwen2-moe', 'qwen3'])('%s', (name) => {
    const json = JSON.parse(readFileSync(shared(`goldens/${name}/config.json`), 'utf8')) as Json;
    const config = rotary(json);
    const written = writeModelConfig(config, 'float32');
    // What transformers wrote is written again with the same value, but for what has no effect without a window.
    for (const [key, value] of Object.entries(json)) {
      if (
        [
          'transformers_version',
          'max_window_layers',
          'sliding_window',
          'pretraining_tp',
          'output_router_logits',
        ].includes(key)
      )
        continue;
      if (key === 'rope_parameters') expect(written[key]).toMatchObject(value as Json);
      else expect(written[key], key).toEqual(value);
    }
  });
});
