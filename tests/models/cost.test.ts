/** Counts and arithmetic equal the published figures and those computed elsewhere (shared/research/parameter-counts.txt). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ModelConfig } from '../../src/models/config.ts';
import { costOf, countParameters, sizeOf } from '../../src/models/cost.ts';
import { readModelConfig } from '../../src/models/hf-config.ts';
import { findConfig } from '../../src/models/known-configs.ts';
import { parametersOf } from '../../src/models/parameters.ts';
import { describeWithShared, shared } from '../shared.ts';

const known = (name: string): ModelConfig => findConfig(name).config;

/** A Llama of GPT-2's size, which the file of counts has. */
const GPT2_LIKE = {
  model_type: 'llama',
  vocab_size: 50304,
  hidden_size: 768,
  intermediate_size: 2048,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  max_position_embeddings: 1024,
  tie_word_embeddings: true,
};

/** Names of the file of counts. */
const NAMES: Record<string, string> = {
  'Qwen1-1.8B': 'qwen-1.8b',
  'Qwen1-7B': 'qwen-7b',
  'Qwen1-14B': 'qwen-14b',
  'Qwen2-0.5B': 'qwen2-0.5b',
  'Qwen2-1.5B': 'qwen2-1.5b',
  'Qwen2-7B': 'qwen2-7b',
  'Qwen2-72B': 'qwen2-72b',
  'Qwen2-57B-A14B': 'qwen2-57b-a14b',
  'Qwen3-0.6B': 'qwen3-0.6b',
  'Qwen3-30B-A3B': 'qwen3-30b-a3b',
  'GPT2-124M-like': '',
  'nano 25M (V8k)': 'tiny-qwen2-25m',
  'tiny 6M (V4k)': 'tiny-qwen2-6m',
  'micro 1M (V512)': 'tiny-qwen2-1m',
};

describeWithShared('parameter-counts.txt', () => {
  const rows = readFileSync(shared('research/parameter-counts.txt'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const [, name, total, active, nonEmbedding, length, full, causal] =
        /^(.+?) +total +([\d,]+) active +([\d,]+) nonemb +([\d,]+) \| GF\/tok T=(\d+): full ([\d.]+) causal ([\d.]+)/.exec(
          line,
        )!;
      const count = (text: string): number => Number(text.replaceAll(',', ''));
      return {
        name,
        counts: [total, active, nonEmbedding].map(count),
        length: Number(length),
        gigaflops: [full, causal],
      };
    });

  it.each(rows.map((row) => [row.name, row] as const))('%s', (name, { counts, length, gigaflops }) => {
    const config = NAMES[name] === '' ? readModelConfig(GPT2_LIKE, 'x') : known(NAMES[name]);
    const { parameters, flopsPerToken } = costOf(config, length);
    expect([parameters.total, parameters.active, parameters.nonEmbedding]).toEqual(counts);
    // The file has four significant digits.
    const rounded = (flops: number): number => Number((flops / 1e9).toPrecision(4));
    expect([rounded(flopsPerToken.full), rounded(flopsPerToken.causal)]).toEqual(gigaflops.map(Number));
  });
});

describe('published counts', () => {
  // Sources: Llama 2 and GPT-2 as PyTorch counts them; Qwen2.5 and Qwen3 model cards, in billions.
  it.each([
    ['llama2-7b', 6_738_415_616],
    ['llama2-13b', 13_015_864_320],
    ['llama2-70b', 68_976_648_192],
    ['gpt2-124m', 124_439_808],
  ])('%s has %d', (name, total) => expect(countParameters(known(name)).total).toBe(total));

  it.each([
    ['qwen2.5-0.5b', 0.49, 0.36],
    ['qwen2.5-1.5b', 1.54, 1.31],
    ['qwen2.5-3b', 3.09, 2.77],
    ['qwen2.5-7b', 7.62, 6.53],
    ['qwen2.5-14b', 14.77, 13.21],
    ['qwen2.5-32b', 32.76, 31.21],
    ['qwen2.5-72b', 72.71, 70.21],
    ['qwen3-1.7b', 1.72, 1.41],
    ['qwen3-4b', 4.02, 3.63],
    ['qwen3-8b', 8.19, 6.95],
    ['qwen3-14b', 14.77, 13.21],
    ['qwen3-32b', 32.76, 31.21],
  ])('%s has %d billion, %d without embeddings', (name, total, nonEmbedding) => {
    const counts = countParameters(known(name));
    const billions = (count: number): number => Number((count / 1e9).toFixed(2));
    expect([billions(counts.total), billions(counts.nonEmbedding)]).toEqual([total, nonEmbedding]);
  });

  it('of Qwen3-235B-A22B 235 billion, 22 of them active', () => {
    const { total, active } = countParameters(known('qwen3-235b-a22b'));
    expect([Math.round(total / 1e9), Math.round(active / 1e9)]).toEqual([235, 22]);
  });

  it('of nanoGPT on a CPU 0.80 M without positions, as it prints', () => {
    // karpathy/nanoGPT: "number of parameters: 0.80M" for this configuration subtracts the learned positions.
    const { total } = countParameters(known('nanogpt-cpu'));
    expect(total - 64 * 128).toBe(795_904);
  });
});

describe('memory', () => {
  // Source: Qwen2 technical report, table 1, as bytes at bfloat16.
  it.each([
    ['qwen2-0.5b', 12_288],
    ['qwen2-1.5b', 28_672],
    ['qwen2-7b', 57_344],
    ['qwen2-72b', 327_680],
  ])('the cache of %s takes %d bytes a token', (name, bytes) => {
    expect(costOf(known(name)).kvCacheBytesPerToken).toEqual({ float32: 2 * bytes, bfloat16: bytes });
  });

  it('training holds weights, gradients and two moments in float32: 16 bytes a parameter', () => {
    const { trainingBytes, parameters } = costOf(known('tiny-qwen2-1m'));
    expect(trainingBytes.total).toBe(16 * parameters.total);
  });
});

describe('parameters', () => {
  it('have unique names and HF shapes', () => {
    const list = parametersOf(known('tiny-qwen2-moe'));
    expect(new Set(list.map(({ name }) => name)).size).toBe(list.length);
    const shape = (name: string): unknown => list.find((p) => p.name === name)?.shape;
    expect(shape('model.embed_tokens.weight')).toEqual([4096, 192]);
    expect(shape('lm_head.weight')).toBeUndefined();
    expect(shape('model.layers.0.self_attn.k_proj.weight')).toEqual([64, 192]);
    expect(shape('model.layers.0.self_attn.k_proj.bias')).toEqual([64]);
    expect(shape('model.layers.3.mlp.experts.gate_proj.weight')).toEqual([16, 128, 192]);
    expect(shape('model.layers.3.mlp.experts.down_proj.weight')).toEqual([16, 192, 128]);
    expect(shape('model.layers.3.mlp.shared_expert_gate.weight')).toEqual([1, 192]);
  });

  it('decay as matrices and embeddings do, not as norms and biases', () => {
    for (const parameter of parametersOf(known('tiny-qwen3-1m'))) {
      expect(parameter.decays, parameter.name).toBe(parameter.shape.length > 1);
    }
  });

  it('begin normal, those that write into the residual stream smaller by the root of twice the layers', () => {
    const list = parametersOf(known('qwen2-0.5b'));
    const init = (end: string): unknown => list.find(({ name }) => name.endsWith(end))?.init;
    expect(init('q_proj.weight')).toEqual({ kind: 'normal', std: 0.02 });
    // techniques.txt: gpt2 residual std .02/sqrt(2L) L=24
    expect(init('o_proj.weight')).toEqual({ kind: 'normal', std: expect.closeTo(0.002886751345948129, 15) });
    expect(init('down_proj.weight')).toEqual({ kind: 'normal', std: expect.closeTo(0.002886751345948129, 15) });
    expect(init('q_proj.bias')).toEqual({ kind: 'zeros' });
    expect(init('input_layernorm.weight')).toEqual({ kind: 'ones' });
  });

  it('of GPT-2 without biases are matrices and the weights of norms', () => {
    const list = parametersOf(known('nanogpt-cpu'));
    expect(list.filter(({ kind }) => kind === 'bias')).toEqual([]);
    expect(list.map(sizeOf).reduce((a, b) => a + b)).toBe(804_096);
  });
});
