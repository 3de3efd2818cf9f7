/** A head of scores in place of the output matrix: parameters, config.json, folders, and what begins from a language model. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSafetensors } from '../../../src/io/safetensors/reader.ts';
import { readWeights } from '../../../src/models/checkpoint/load-weights.ts';
import { readCheckpoint } from '../../../src/models/checkpoint/read.ts';
import { writeCheckpoint } from '../../../src/models/checkpoint/write.ts';
import type { ModelConfig } from '../../../src/models/config.ts';
import { countParameters } from '../../../src/models/cost.ts';
import { readModelConfig } from '../../../src/models/hf-config.ts';
import { writeModelConfig } from '../../../src/models/hf-config-write.ts';
import { createWeights } from '../../../src/models/weights.ts';
import { openBackend } from '../../../src/tensor/open-backend.ts';
import { SMALL, wavyParameters } from '../small-models.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'corpusmill-score-'));
});
afterAll(() => rm(dir, { recursive: true }));

const read = (json: unknown): ModelConfig => readModelConfig(json, 'x');
const scored = (name: string): ModelConfig => ({ ...read(SMALL[name]), head: 'score' });

describe.each(Object.keys(SMALL).filter((name) => name !== 'qwen'))('%s with a head of scores', (name) => {
  it('has score.weight [1, hidden] and no lm_head, in memory and in its files', async () => {
    const config = scored(name);
    const parameters = wavyParameters(config);
    const folder = join(dir, name);
    await writeCheckpoint(folder, { config, values: (parameter) => parameters.get(parameter)! });
    const file = await openSafetensors(join(folder, 'model.safetensors'));
    expect(file.tensors.get('score.weight')?.shape).toEqual([1, 16]);
    expect([...file.tensors.keys()].filter((tensor) => tensor.includes('lm_head'))).toEqual([]);
    await file.close();
    const again = await readCheckpoint(folder);
    expect(again.config).toEqual(config);
    for (const [parameter, values] of parameters) expect(again.parameters.get(parameter), parameter).toEqual(values);
  });
});

describe('config.json', () => {
  it('names the class of transformers, with one label', () => {
    const classes = ['qwen2', 'qwen2-moe', 'qwen3', 'llama', 'gpt2'].map(
      (name) => writeModelConfig(scored(name), 'float32')['architectures'],
    );
    expect(classes.flat()).toEqual([
      'Qwen2ForSequenceClassification',
      'Qwen2MoeForSequenceClassification',
      'Qwen3ForSequenceClassification',
      'LlamaForSequenceClassification',
      'GPT2ForSequenceClassification',
    ]);
    expect(writeModelConfig(scored('qwen2'), 'float32')).toMatchObject({ id2label: { 0: 'reward' } });
  });

  it('of more labels than one is refused', () => {
    const json = { ...SMALL['qwen2'], architectures: ['Qwen2ForSequenceClassification'] };
    expect(() => read(json)).toThrow('x: it classifies into 2 labels');
    expect(read({ ...json, id2label: { 0: 'LABEL_0' } }).head).toBe('score');
  });

  it('of the first Qwen has no such class', () => {
    expect(() => writeModelConfig(scored('qwen'), 'float32')).toThrow('no class with a head of scores');
  });
});

it('counts hidden size in place of vocabulary · hidden size', () => {
  const language = countParameters(read(SMALL['qwen2'])).total;
  expect(countParameters(scored('qwen2')).total).toBe(language - 40 * 16 + 16);
});

describe('weights of a language model', () => {
  it('give the body; the head is drawn from the seed, and the same for the same seed', async () => {
    const config = read(SMALL['qwen2 tied']);
    const parameters = wavyParameters(config);
    const folder = join(dir, 'language');
    await writeCheckpoint(folder, { config, values: (parameter) => parameters.get(parameter)! });
    const backend = await openBackend('reference');
    const weights = createWeights(backend, { ...config, head: 'score' });
    const heads: Float32Array[] = [];
    for (const seed of [1, 1, 2]) {
      await readWeights(weights, folder, seed);
      heads.push(await weights.read('score.weight'));
    }
    expect(await weights.read('model.norm.weight')).toEqual(parameters.get('model.norm.weight'));
    expect(heads[1]).toEqual(heads[0]);
    expect(heads[2]).not.toEqual(heads[0]);
    expect(heads[0].some((value) => value !== 0)).toBe(true);
  });

  it('are not to be had from a reward model', async () => {
    const config = scored('qwen2');
    const parameters = wavyParameters(config);
    const folder = join(dir, 'reward');
    await writeCheckpoint(folder, { config, values: (parameter) => parameters.get(parameter)! });
    const weights = createWeights(await openBackend('reference'), read(SMALL['qwen2']));
    await expect(readWeights(weights, folder)).rejects.toThrow('it is a reward model');
  });
});
