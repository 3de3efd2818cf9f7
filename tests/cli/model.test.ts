import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeCheckpoint } from '../../src/models/checkpoint/write.ts';
import { readModelConfig } from '../../src/models/hf-config.ts';
import { SMALL, wavyParameters } from '../models/small-models.ts';
import { cli, type Outcome } from './cli.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'corpusmill-cli-model-'));
  for (const name of ['qwen2', 'qwen']) {
    const config = readModelConfig(SMALL[name], name);
    const parameters = wavyParameters(config);
    await writeCheckpoint(join(dir, name), { config, values: (parameter) => parameters.get(parameter)! });
  }
  await writeFile(join(dir, 'odd.json'), JSON.stringify({ ...SMALL['qwen2'], hidden_act: 'relu' }));
});
afterAll(() => rm(dir, { recursive: true }));

const here = (...args: string[]): Promise<Outcome> => cli(['model', ...args], { cwd: dir });

describe('model list', () => {
  it('names every configuration with its size, experts that are active apart', async () => {
    const { code, stdout } = await here('list');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^qwen2-0\.5b +qwen2 +494 M$/m);
    expect(stdout).toMatch(/^qwen2-57b-a14b +qwen2-moe +57\.4 B \(14\.2 B active\)$/m);
    expect(JSON.parse((await here('list', '--json')).stdout).models).toContainEqual({
      name: 'gpt2-124m',
      architecture: 'gpt2',
      total: 124_439_808,
      active: 124_439_808,
      source: expect.stringContaining('openai/gpt-2'),
    });
  });
});

describe('model info', () => {
  it('prints parameters, arithmetic and memory', async () => {
    const { code, stdout } = await here('info', 'qwen2-0.5b', '--sequence-length', '4096');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^parameters +494,032,768 \(tied embeddings\)$/m);
    expect(stdout).toMatch(/^a training token +3\.492 GFLOP \(4\.021 GFLOP without a causal mask\)/m);
    expect(stdout).toMatch(/^key-value cache +24,576 B a token in float32, 12,288 B in bfloat16$/m);
    expect(stdout).toMatch(/^training memory +7\.36 GiB: weights 1\.84 GiB/m);
  });

  it('reads the folder of a checkpoint', async () => {
    const { stdout } = await here('info', 'qwen2', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      name: 'qwen2',
      dtype: 'float32',
      config: { architecture: 'qwen2', hiddenSize: 16 },
      flopsPerToken: { sequenceLength: 64 },
    });
  });

  it.each([
    [['info', 'nothing'], 3, 'no configuration has this name'],
    [['info', 'odd.json'], 2, 'hidden_act is "relu"'],
    [['info', 'qwen2-0.5b', '--sequence-length', '0'], 2, 'at least 1'],
    [['convert', 'qwen2', 'qwen2'], 2, 'the output is the same folder'],
    [['convert', 'qwen2', 'out', '--max-shard-size', 'much'], 2, 'expected a size such as'],
    [['convert', 'nowhere', 'out'], 3, 'there is no such file'],
    [['export', 'qwen2'], 2, "required option '--gguf <file>'"],
    [['export', 'qwen2', '--gguf', 'x.gguf', '--type', 'q2'], 2, 'Allowed choices are'],
  ])('%j is refused', async (args, exitCode, message) => {
    const { code, stderr } = await here(...args);
    expect(stderr).toContain(message);
    expect(code).toBe(exitCode);
  });
});

describe('model convert', () => {
  it('writes another precision in shards', async () => {
    const { code, stdout } = await here('convert', 'qwen2', 'half', '--dtype', 'bfloat16', '--max-shard-size', '2kB');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^half: \d files of weights, model\.safetensors\.index\.json, generation_config\.json, config\.json\n$/,
    );
    expect(JSON.parse(readFileSync(join(dir, 'half', 'config.json'), 'utf8'))).toMatchObject({
      torch_dtype: 'bfloat16',
    });
  });

  it('says what a Qwen2 cannot keep of the first Qwen', async () => {
    const { stdout } = await here('convert', 'qwen', 'as-qwen2', '--to', 'qwen2');
    expect(stdout).toContain('not kept: LogN attention beyond 32 positions\n');
  });
});

describe('model export', () => {
  it('writes a GGUF file', async () => {
    const { code, stdout } = await here('export', 'qwen2', '--gguf', 'model.gguf', '--type', 'q8_0');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^model\.gguf: qwen2, 27 tensors, [\d,]+ B, without a tokenizer: it works with ids\n$/);
    expect(existsSync(join(dir, 'model.gguf'))).toBe(true);
  });
});
