/** GGUF files by the format's own words; that llama.cpp computes the same from them is judged by bench/interop/gguf.mjs. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { float16Value } from '../../../../src/core/half.ts';
import { exportGguf } from '../../../../src/models/checkpoint/gguf/export.ts';
import { llama3Divisors } from '../../../../src/models/checkpoint/gguf/model-tensors.ts';
import { encodeValues } from '../../../../src/models/checkpoint/gguf/quantize.ts';
import { writeCheckpoint } from '../../../../src/models/checkpoint/write.ts';
import type { RotaryConfig } from '../../../../src/models/config.ts';
import { readModelConfig } from '../../../../src/models/hf-config.ts';
import { byteTokenizer } from '../../../tokenizer/byte-tokenizer.ts';
import { SMALL, wavyParameters } from '../../small-models.ts';
import { readGguf } from './gguf-reader.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'corpusmill-gguf-'));
});
afterAll(() => rm(dir, { recursive: true }));

/** techniques.txt: 0.7 · sin(1..32). */
const SINE = Float32Array.from({ length: 32 }, (_, i) => 0.7 * Math.sin(i + 1));

describe('quantised blocks', () => {
  it('of Q4_0 have the scale and quanta of techniques.txt', () => {
    const block = encodeValues('Q4_0', SINE);
    expect(block.length).toBe(18);
    expect(float16Value(block[0] | (block[1] << 8))).toBe(0.0875244140625);
    const quanta = [...block.subarray(2)];
    expect([...quanta.map((byte) => byte & 15), ...quanta.map((byte) => byte >> 4)]).toEqual([
      15, 15, 9, 2, 0, 6, 13, 15, 11, 4, 0, 4, 11, 15, 13, 6, 0, 2, 9, 15, 15, 8, 1, 1, 7, 14, 15, 10, 3, 0, 5, 12,
    ]);
  });

  it('of Q8_0 have the scale and quanta of techniques.txt', () => {
    const block = encodeValues('Q8_0', SINE);
    expect(block.length).toBe(34);
    expect(float16Value(block[0] | (block[1] << 8))).toBe(0.005512237548828125);
    expect([...new Int8Array(block.buffer, 2, 8)]).toEqual([107, 115, 18, -96, -122, -35, 83, 126]);
  });

  it.each(['Q8_0', 'Q4_0'] as const)('of %s are zero for zeros', (type) => {
    const [low, high, ...quanta] = encodeValues(type, new Float32Array(32));
    expect(float16Value(low | (high << 8))).toBeCloseTo(0, 10);
    // Eight is the zero of Q4_0, in both halves of a byte.
    expect(new Set(quanta)).toEqual(new Set([type === 'Q4_0' ? 0x88 : 0]));
  });

  it('come back within half a step of Q8_0, and within a step of Q4_0', () => {
    const value = fc.float({ min: -100, max: 100, noNaN: true });
    fc.assert(
      fc.property(fc.array(value, { minLength: 32, maxLength: 32 }), (list) => {
        const values = Float32Array.from(list, (v) => (Math.abs(v) < 1e-3 ? 0 : v));
        const q8 = encodeValues('Q8_0', values);
        const q4 = encodeValues('Q4_0', values);
        const scale8 = float16Value(q8[0] | (q8[1] << 8));
        const scale4 = float16Value(q4[0] | (q4[1] << 8));
        values.forEach((v, i) => {
          // The scale's own rounding to float16 adds up to 2^-11 of the value.
          const slack = Math.abs(v) * 2 ** -10 + 1e-6;
          expect(Math.abs(new Int8Array(q8.buffer)[2 + i] * scale8 - v)).toBeLessThanOrEqual(scale8 / 2 + slack);
          const nibble = i < 16 ? q4[2 + i] & 15 : q4[2 + i - 16] >> 4;
          expect(Math.abs((nibble - 8) * scale4 - v)).toBeLessThanOrEqual(Math.abs(scale4) + slack);
        });
      }),
    );
  });
});

async function exported(json: object, options: Parameters<typeof exportGguf>[2] = {}, tokenizer?: string) {
  const config = readModelConfig(json, 'x');
  const parameters = wavyParameters(config);
  const folder = await mkdtemp(join(dir, 'model-'));
  await writeCheckpoint(folder, {
    config,
    values: (name) => parameters.get(name)!,
    ...(tokenizer !== undefined && { tokenizer }),
  });
  const path = join(folder, 'model.gguf');
  const result = await exportGguf(folder, path, options);
  return { result, file: readGguf(path), parameters, config: config as RotaryConfig };
}

describe('files', () => {
  it('have version 3, aligned data, reversed dimensions and llama.cpp’s names', async () => {
    const { file, parameters } = await exported(SMALL['qwen2'], { type: 'F32' });
    expect(file.version).toBe(3);
    expect([...file.tensors.values()].every(({ offset }) => offset % 32 === 0)).toBe(true);
    expect([...file.tensors.keys()].slice(0, 6)).toEqual([
      'token_embd.weight',
      'blk.0.attn_norm.weight',
      'blk.0.attn_q.weight',
      'blk.0.attn_q.bias',
      'blk.0.attn_k.weight',
      'blk.0.attn_k.bias',
    ]);
    const key = file.tensors.get('blk.1.attn_k.weight')!;
    expect([key.type, key.dims]).toEqual([0, [16, 8]]);
    const values = parameters.get('model.layers.1.self_attn.k_proj.weight')!;
    expect(key.bytes(values.byteLength)).toEqual(Buffer.from(values.buffer));
    expect(file.tensors.get('output.weight')!.dims).toEqual([16, 40]);
  });

  it('say the shape of the model', async () => {
    const { file } = await exported({ ...SMALL['qwen3'], attention_bias: false, rope_theta: 1e6, eos_token_id: 7 });
    expect(Object.fromEntries(file.metadata)).toMatchObject({
      'general.architecture': 'qwen3',
      'general.file_type': 1,
      'qwen3.block_count': 2,
      'qwen3.context_length': 64,
      'qwen3.embedding_length': 16,
      'qwen3.feed_forward_length': 24,
      'qwen3.attention.head_count': 4,
      'qwen3.attention.head_count_kv': 2,
      'qwen3.attention.key_length': 6,
      'qwen3.attention.value_length': 6,
      'qwen3.rope.freq_base': 1e6,
      'tokenizer.ggml.eos_token_id': 7,
      'tokenizer.ggml.merges': [],
    });
    expect(file.metadata.get('qwen3.attention.layer_norm_rms_epsilon')).toBeCloseTo(1e-6, 12);
  });

  it('have no output matrix where embeddings are tied', async () => {
    const { file } = await exported(SMALL['qwen2 tied']);
    expect(file.tensors.has('output.weight')).toBe(false);
  });

  it('have experts stacked, the shared expert’s gate as a vector, routers in float32', async () => {
    const { file } = await exported({ ...SMALL['qwen2-moe'], decoder_sparse_step: 1 }, { type: 'BF16' });
    expect(file.tensors.get('blk.0.ffn_gate_exps.weight')).toMatchObject({ dims: [16, 8, 4], type: 30 });
    expect(file.tensors.get('blk.0.ffn_down_exps.weight')!.dims).toEqual([8, 16, 4]);
    expect(file.tensors.get('blk.0.ffn_gate_inp.weight')).toMatchObject({ dims: [16, 4], type: 0 });
    expect(file.tensors.get('blk.0.ffn_gate_inp_shexp.weight')).toMatchObject({ dims: [16], type: 0 });
    expect(Object.fromEntries(file.metadata)).toMatchObject({
      'qwen2moe.expert_count': 4,
      'qwen2moe.expert_used_count': 2,
      'qwen2moe.expert_feed_forward_length': 8,
      'qwen2moe.expert_shared_feed_forward_length': 12,
    });
  });

  it('have Llama’s queries and keys with the halves of each head side by side', async () => {
    const { file, parameters } = await exported(SMALL['llama'], { type: 'F32' });
    const values = parameters.get('model.layers.0.self_attn.q_proj.weight')!;
    const bytes = file.tensors.get('blk.0.attn_q.weight')!.bytes(values.byteLength);
    const found = new Float32Array(Uint8Array.from(bytes).buffer);
    // Head 1, of four rows: 4, 6, 5, 7.
    const rows = [4, 6, 5, 7].map((row) => values.subarray(row * 16, (row + 1) * 16));
    expect(rows.map((_, i) => found.subarray((4 + i) * 16, (5 + i) * 16))).toEqual(rows);
  });

  it('quantise rows that blocks of 32 divide, and give the others float16', async () => {
    const wide = { ...SMALL['qwen2'], hidden_size: 64, intermediate_size: 24 };
    const { file } = await exported(wide, { type: 'Q4_0' });
    const type = (name: string): number => file.tensors.get(name)!.type;
    expect(type('blk.0.attn_q.weight')).toBe(2);
    expect(type('token_embd.weight')).toBe(8);
    expect(type('blk.0.ffn_down.weight')).toBe(1);
    expect(type('blk.0.attn_q.bias')).toBe(0);
    expect(file.metadata.get('general.quantization_version')).toBe(2);
  });

  it('of the first Qwen are those of a Qwen2', async () => {
    const { file, result } = await exported(SMALL['qwen']);
    expect(file.metadata.get('general.architecture')).toBe('qwen2');
    expect(result.lost).toEqual(['dynamic NTK scaling beyond 32 positions', 'LogN attention beyond 32 positions']);
  });

  it('of Llama 3 have the divisors of frequencies as a tensor', async () => {
    const rope_scaling = {
      rope_type: 'llama3',
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 32,
    };
    const { file, config } = await exported({ ...SMALL['llama'], hidden_size: 32, rope_scaling });
    expect(file.tensors.get('rope_freqs.weight')).toMatchObject({ dims: [4], type: 0 });
    // Wavelengths 2π, 62.8, 628, 6283: the first below 32/4, the others above 32.
    expect([...llama3Divisors(config)]).toEqual([1, 8, 8, 8]);
  });
});

describe('what llama.cpp would compute otherwise', () => {
  it.each<[object, RegExp]>([
    [
      { ...SMALL['qwen2'], use_sliding_window: true, sliding_window: 8, max_window_layers: 1 },
      /the sliding window of qwen2/,
    ],
    [{ ...SMALL['qwen2'], rope_scaling: { type: 'dynamic', factor: 2 } }, /dynamic NTK scaling/],
    [{ ...SMALL['qwen2'], rope_scaling: { type: 'yarn', factor: 2, beta_fast: 16 } }, /beta_fast/],
    [
      { ...SMALL['qwen2'], rope_scaling: { rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4 } },
      /the llama3 scaling of qwen2/,
    ],
    [SMALL['qwen2-moe'], /layers without experts/],
    [{ ...SMALL['qwen2-moe'], decoder_sparse_step: 1, norm_topk_prob: true }, /norm_topk_prob true of qwen2-moe/],
    [{ ...SMALL['qwen3-moe'], decoder_sparse_step: 1 }, /norm_topk_prob false of qwen3-moe/],
    [SMALL['qwen3'], /biases of all attention projections/],
    [SMALL['gpt2'], /models of gpt2 are not written/],
  ])('%j is refused', async (json, message) => {
    await expect(exported(json)).rejects.toThrow(message);
  });
});

describe('tokenizers', () => {
  const model = { ...SMALL['qwen2'], vocab_size: 264 };

  it('go along: byte alphabet, merges, kinds, pattern, roles, template', async () => {
    const folder = join(dir, 'tokenizer');
    const json = byteTokenizer(['<|endoftext|>', '<|im_start|>']).toJson() as {
      model: { vocab: Record<string, number>; merges: unknown };
    };
    await mkdir(folder);
    await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(json));
    await writeFile(
      join(folder, 'tokenizer_config.json'),
      JSON.stringify({ eos_token: '<|endoftext|>', chat_template: '{{ messages }}' }),
    );
    const { file, result } = await exported(model, {}, folder);
    const { metadata } = file;
    expect(result.tokenizer).toBeDefined();
    expect(metadata.get('tokenizer.ggml.model')).toBe('gpt2');
    expect(metadata.get('tokenizer.ggml.pre')).toBe('gpt-2');
    expect(metadata.get('tokenizer.chat_template')).toBe('{{ messages }}');
    const tokens = metadata.get('tokenizer.ggml.tokens') as string[];
    for (const [token, id] of Object.entries(json.model.vocab)) expect(tokens[id]).toBe(token);
    expect(tokens.slice(256)).toEqual([
      '<|endoftext|>',
      '<|im_start|>',
      ...[258, 259, 260, 261, 262, 263].map((i) => `[PAD${i}]`),
    ]);
    expect((metadata.get('tokenizer.ggml.token_type') as number[]).slice(255)).toEqual([1, 3, 3, 5, 5, 5, 5, 5, 5]);
    expect(metadata.get('tokenizer.ggml.eos_token_id')).toBe(256);
    await expect(exported(SMALL['qwen2'], {}, folder)).rejects.toThrow(/has ids up to 257, the model 40 rows/);
  });

  it('that cut texts in a way without a name there are refused', async () => {
    const folder = join(dir, 'odd');
    await mkdir(folder);
    const text = JSON.stringify(byteTokenizer([]).toJson()).replace(/"Regex":"(?:[^"\\]|\\.)*"/, '"Regex":"\\\\S+"');
    await writeFile(join(folder, 'tokenizer.json'), text);
    await expect(exported(model, { tokenizer: folder })).rejects.toThrow(/no name for/);
  });
});
