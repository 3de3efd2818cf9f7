/** Folders of transformers are read, every architecture is given back, and what does not fit is named. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bfloat16Bits, bfloat16Value } from '../../../src/core/half.ts';
import { openSafetensors } from '../../../src/io/safetensors/reader.ts';
import { type TensorSource, writeSafetensors } from '../../../src/io/safetensors/writer.ts';
import { convertCheckpoint } from '../../../src/models/checkpoint/convert.ts';
import { fileTensors, gather } from '../../../src/models/checkpoint/layout.ts';
import { openCheckpoint, readCheckpoint } from '../../../src/models/checkpoint/read.ts';
import { writeCheckpoint } from '../../../src/models/checkpoint/write.ts';
import type { ModelConfig } from '../../../src/models/config.ts';
import { readModelConfig } from '../../../src/models/hf-config.ts';
import { describeWithShared, shared } from '../../shared.ts';
import { byteTokenizer } from '../../tokenizer/byte-tokenizer.ts';
import { SMALL, wavyParameters } from '../small-models.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'corpusmill-checkpoint-'));
});
afterAll(() => rm(dir, { recursive: true }));

const read = (json: unknown): ModelConfig => readModelConfig(json, 'x');

describe.each(Object.entries(SMALL))('%s', (name, json) => {
  const config = read(json);
  const parameters = wavyParameters(config);
  const values = (parameter: string): Float32Array => parameters.get(parameter)!;

  it('is given back, bit for bit', async () => {
    const folder = join(dir, name);
    const files = await writeCheckpoint(folder, { config, values });
    expect(files).toEqual(['model.safetensors', 'generation_config.json', 'config.json']);
    const again = await readCheckpoint(folder);
    expect(again.config).toEqual(config);
    expect([...again.parameters.keys()]).toEqual([...parameters.keys()]);
    for (const [parameter, expected] of parameters)
      expect(again.parameters.get(parameter), parameter).toEqual(expected);
  });

  it('is given back parameter by parameter, from shards', async () => {
    const folder = join(dir, `${name}-shards`);
    const files = await writeCheckpoint(folder, { config, values, maxShardBytes: 3000 });
    expect(files.filter((file) => file.startsWith('model-')).length).toBeGreaterThan(2);
    const opened = await openCheckpoint(folder);
    for (const [parameter, expected] of parameters) expect(await opened.read(parameter), parameter).toEqual(expected);
    await opened.close();
  });

  it('is rounded to nearest as bfloat16', async () => {
    const folder = join(dir, `${name}-bf16`);
    await writeCheckpoint(folder, { config, values, dtype: 'bfloat16' });
    const again = await readCheckpoint(folder);
    for (const [parameter, expected] of parameters) {
      const rounded = expected.map((value) => bfloat16Value(bfloat16Bits(value)));
      expect(again.parameters.get(parameter), parameter).toEqual(rounded);
    }
  });
});

describe('layouts', () => {
  const tensorsOf = async (json: unknown, layout?: 'hf-fused') => {
    const config = read(json);
    const parameters = wavyParameters(config);
    const tensors = fileTensors(config, layout);
    const tensor = async (name: string) => {
      const found = tensors.find((one) => one.name === name)!;
      return { shape: found.shape, values: await gather(found, (parameter) => parameters.get(parameter)!) };
    };
    return { names: tensors.map(({ name }) => name), tensor, parameters };
  };

  it('of the first Qwen: c_attn is queries, keys, values; w2 is the gate, w1 the other branch', async () => {
    // modeling_qwen.py: `a1 = self.w1(x); a2 = self.w2(x); intermediate = a1 * F.silu(a2)`.
    const { names, tensor, parameters } = await tensorsOf(SMALL['qwen']);
    expect(names.slice(0, 9)).toEqual([
      'transformer.wte.weight',
      ...['ln_1.weight', 'attn.c_attn.weight', 'attn.c_attn.bias', 'attn.c_proj.weight', 'ln_2.weight'].map(
        (part) => `transformer.h.0.${part}`,
      ),
      ...['w2', 'w1', 'c_proj'].map((part) => `transformer.h.0.mlp.${part}.weight`),
    ]);
    expect(names.slice(-2)).toEqual(['transformer.ln_f.weight', 'lm_head.weight']);
    const { shape, values } = await tensor('transformer.h.0.attn.c_attn.weight');
    expect(shape).toEqual([48, 16]);
    expect(values.subarray(2 * 256)).toEqual(parameters.get('model.layers.0.self_attn.v_proj.weight'));
    const gate = await tensor('transformer.h.1.mlp.w2.weight');
    expect(gate.values).toEqual(parameters.get('model.layers.1.mlp.gate_proj.weight'));
  });

  it('of GPT-2: matrices are [in, out], and zero biases stand for none', async () => {
    const { names, tensor, parameters } = await tensorsOf(SMALL['gpt2 without biases']);
    const { shape, values } = await tensor('transformer.h.0.attn.c_attn.weight');
    expect(shape).toEqual([16, 48]);
    const key = parameters.get('model.layers.0.self_attn.k_proj.weight')!;
    // Row 3 (input 3), column 16 + 5 (key output 5).
    expect(values[3 * 48 + 16 + 5]).toBe(key[5 * 16 + 3]);
    const bias = await tensor('transformer.h.1.mlp.c_fc.bias');
    expect([bias.shape, bias.values.every((value) => value === 0)]).toEqual([[64], true]);
    expect(names).toContain('transformer.ln_f.bias');
    expect(names).not.toContain('transformer.wte.bias');
  });

  it('of fused experts: gate above up, for each expert', async () => {
    const { names, tensor, parameters } = await tensorsOf(SMALL['qwen3-moe'], 'hf-fused');
    const { shape, values } = await tensor('model.layers.1.mlp.experts.gate_up_proj');
    expect(shape).toEqual([4, 16, 16]);
    const up = parameters.get('model.layers.1.mlp.experts.up_proj.weight')!;
    // Expert 2, row 8 + 1: the second row of its up matrix.
    expect(values.subarray(2 * 256 + 9 * 16, 2 * 256 + 10 * 16)).toEqual(up.subarray(2 * 128 + 16, 2 * 128 + 32));
    expect(names).not.toContain('model.layers.1.mlp.experts.up_proj.weight');
  });

  it('with fused experts are recognised and read', async () => {
    const folder = join(dir, 'fused');
    const config = read(SMALL['qwen3-moe']);
    const parameters = wavyParameters(config);
    await writeCheckpoint(folder, { config, values: (name) => parameters.get(name)! });
    await writeSafetensors(
      join(folder, 'model.safetensors'),
      fileTensors(config, 'hf-fused').map(
        (tensor): TensorSource => ({
          name: tensor.name,
          dtype: 'F32',
          shape: tensor.shape,
          values: () => gather(tensor, (name) => parameters.get(name)!),
        }),
      ),
    );
    const again = await readCheckpoint(folder);
    for (const [name, values] of parameters) expect(again.parameters.get(name), name).toEqual(values);
  });
});

describe('what does not fit', () => {
  const config = read(SMALL['qwen2 tied']);
  const parameters = wavyParameters(config);
  const values = (name: string): Float32Array => parameters.get(name)!;
  const sources = (): TensorSource[] =>
    fileTensors(config).map((tensor) => ({
      name: tensor.name,
      dtype: 'F32',
      shape: tensor.shape,
      values: () => gather(tensor, values),
    }));
  let folder: string;
  beforeAll(async () => {
    folder = join(dir, 'unfit');
    await writeCheckpoint(folder, { config, values });
  });
  const replace = (tensors: TensorSource[]) => writeSafetensors(join(folder, 'model.safetensors'), tensors);
  const extra = (name: string, from: Float32Array): TensorSource => ({
    name,
    dtype: 'F32',
    shape: [from.length / 16, 16],
    values: () => from,
  });

  it('is named: missing, unexpected, of another shape', async () => {
    await replace(sources().slice(1));
    await expect(readCheckpoint(folder)).rejects.toThrow('model.embed_tokens.weight is missing');
    await replace([...sources(), extra('model.vision.weight', new Float32Array(16))]);
    await expect(readCheckpoint(folder)).rejects.toThrow('model.vision.weight is not expected');
    await replace([extra('model.embed_tokens.weight', new Float32Array(32)), ...sources().slice(1)]);
    await expect(readCheckpoint(folder)).rejects.toThrow(
      'model.embed_tokens.weight has the shape [2, 16], expected [40, 16]',
    );
  });

  it('is not an output matrix equal to the tied embedding, nor a computed buffer', async () => {
    const embedding = values('model.embed_tokens.weight');
    await replace([
      ...sources(),
      extra('lm_head.weight', embedding),
      extra('model.layers.0.self_attn.rotary_emb.inv_freq', new Float32Array(16)),
    ]);
    expect((await readCheckpoint(folder)).parameters.get('model.embed_tokens.weight')).toEqual(embedding);
    await replace([
      ...sources(),
      extra(
        'lm_head.weight',
        embedding.map((value) => value + 1),
      ),
    ]);
    await expect(readCheckpoint(folder)).rejects.toThrow('lm_head.weight differs from the embedding');
  });

  it('is a folder without configuration or weights', async () => {
    await expect(readCheckpoint(dir)).rejects.toThrow(/config\.json: there is no such file/);
    const empty = join(dir, 'no-weights');
    await writeCheckpoint(empty, { config, values });
    await rm(join(empty, 'model.safetensors'));
    await expect(readCheckpoint(empty)).rejects.toThrow(/model\.safetensors: there is no such file/);
  });
});

describe('the folder', () => {
  const config = read({ ...SMALL['qwen2'], eos_token_id: [1, 2], pad_token_id: 0 });
  const parameters = wavyParameters(config);
  const values = (name: string): Float32Array => parameters.get(name)!;

  it('takes a tokenizer’s files along, and what generation needs', async () => {
    const tokenizer = join(dir, 'tokenizer');
    await mkdir(tokenizer);
    await expect(writeCheckpoint(join(dir, 'x'), { config, values, tokenizer })).rejects.toThrow(
      /has none of tokenizer.json/,
    );
    await writeFile(join(tokenizer, 'tokenizer.json'), JSON.stringify(byteTokenizer([]).toJson()));
    await writeFile(join(tokenizer, 'notes.txt'), 'not a tokenizer file');
    const folder = join(dir, 'whole');
    await writeCheckpoint(folder, { config, values, tokenizer, generation: { temperature: 0.7 } });
    expect((await readdir(folder)).sort()).toEqual([
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'tokenizer.json',
    ]);
    expect(JSON.parse(readFileSync(join(folder, 'generation_config.json'), 'utf8'))).toEqual({
      eos_token_id: [1, 2],
      pad_token_id: 0,
      temperature: 0.7,
    });
  });

  it('written over has the new weights alone', async () => {
    const folder = join(dir, 'over');
    await writeCheckpoint(folder, { config, values, maxShardBytes: 4000 });
    expect(existsSync(join(folder, 'model.safetensors.index.json'))).toBe(true);
    await writeCheckpoint(folder, { config, values });
    expect((await readdir(folder)).sort()).toEqual(['config.json', 'generation_config.json', 'model.safetensors']);
  });

  it('of the first Qwen becomes a Qwen2 with the same weights', async () => {
    const qwen = read(SMALL['qwen']);
    const weights = wavyParameters(qwen);
    await writeCheckpoint(join(dir, 'qwen1'), { config: qwen, values: (name) => weights.get(name)! });
    const { lost } = await convertCheckpoint(join(dir, 'qwen1'), join(dir, 'qwen1-as-2'), { architecture: 'qwen2' });
    expect(lost).toEqual(['dynamic NTK scaling beyond 32 positions', 'LogN attention beyond 32 positions']);
    const again = await readCheckpoint(join(dir, 'qwen1-as-2'));
    expect(again.config).toEqual({ ...qwen, architecture: 'qwen2', ropeScaling: { type: 'none' }, logN: null });
    for (const [name, expected] of weights) expect(again.parameters.get(name), name).toEqual(expected);
    await expect(convertCheckpoint(join(dir, 'qwen1'), join(dir, 'qwen1', '.'))).rejects.toThrow(/the same folder/);
  });
});

describeWithShared('golden checkpoints', () => {
  it.each(['llama', 'qwen2-gqa', 'qwen2-mha-tied', 'qwen2-yarn', 'qwen2-moe', 'qwen3'])(
    '%s: what transformers wrote is written again, tensor by tensor',
    async (name) => {
      const source = shared(`goldens/${name}`);
      const copy = join(dir, `golden-${name}`);
      await convertCheckpoint(source, copy);
      const [theirs, ours] = [
        await openSafetensors(join(source, 'model.safetensors')),
        await openSafetensors(join(copy, 'model.safetensors')),
      ];
      expect([...ours.tensors.keys()].sort()).toEqual([...theirs.tensors.keys()].sort());
      for (const { name: tensor, shape } of theirs.tensors.values()) {
        expect(ours.tensors.get(tensor)!.shape).toEqual(shape);
        expect(await ours.read(tensor), tensor).toEqual(await theirs.read(tensor));
      }
      await theirs.close();
      await ours.close();
    },
  );
});
