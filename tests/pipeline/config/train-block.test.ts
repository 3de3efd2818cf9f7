import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPipeline } from '../../../src/pipeline/config/load.ts';
import type { Pipeline } from '../../../src/pipeline/pipeline.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'corpusmill-train-block-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const STAGES = ['normalize', { stage: 'tokenizer.train', vocabSize: 300 }, { stage: 'shards', contextLength: 128 }];
const TRAIN = { model: { from: 'tiny-qwen3-1m' }, stop: { steps: 5 } };

async function load(train: object, given: object = {}): Promise<Pipeline> {
  const file = join(folder, 'p.yaml');
  writeFileSync(file, JSON.stringify({ inputs: ['a.txt'], output: 'run', seed: 11, stages: STAGES, train, ...given }));
  return loadPipeline(file, { env: {}, cwd: folder });
}

/** The lines of the mistakes, from the path on. */
async function mistakes(train: object, given: object = {}): Promise<string[]> {
  const error: unknown = await load(train, given).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  const lines = String((error as Error | undefined)?.message).split('\n');
  return lines.slice(1).map((line) => line.replace(/^.*?:\d+:\d+: /, ''));
}

describe('the block train', () => {
  it('reads the shards of this pipeline and writes into its run directory', async () => {
    const { train } = await load(TRAIN);
    expect(train?.shards).toBe('shards');
    expect(train?.config).toMatchObject({
      output: join(folder, 'run', 'output', 'train'),
      data: { shards: join(folder, 'run', 'output', 'shards'), epochs: 'unlimited', order: 'shuffled' },
      seed: 11,
      stop: { steps: 5 },
    });
  });

  it('has the vocabulary of the tokenizer unless it is told otherwise', async () => {
    const of = async (model: unknown) => (await load({ ...TRAIN, model })).train?.config.model;
    expect(await of('tiny-qwen3-1m')).toMatchObject({ from: 'tiny-qwen3-1m', fitVocabulary: true });
    expect(await of({ from: 'tiny-qwen3-1m' })).toMatchObject({ fitVocabulary: true });
    expect(await of({ from: 'tiny-qwen3-1m', fitVocabulary: false })).toMatchObject({ fitVocabulary: false });
  });

  it('keeps a seed of its own, and takes every seed that a pipeline may have', async () => {
    expect((await load({ ...TRAIN, seed: 3 })).train?.config.seed).toBe(3);
    expect((await load(TRAIN, { seed: 0xffffffff })).train?.config.seed).toBe(-1);
  });

  it('takes values of --set', async () => {
    const file = join(folder, 'set.yaml');
    writeFileSync(file, JSON.stringify({ inputs: ['a.txt'], stages: STAGES, train: TRAIN }));
    const { train } = await loadPipeline(file, { env: {}, cwd: folder, set: ['train.stop.steps=2'] });
    expect(train?.config.stop.steps).toBe(2);
  });

  it('needs shards', async () => {
    expect(await mistakes(TRAIN, { stages: ['normalize'] })).toEqual([
      "train: found a model to train and no shards, expected the stage 'shards' among the stages",
    ]);
  });

  it('names the stage whose shards it reads where there are several', async () => {
    const stages = [...STAGES, { stage: 'shards', name: 'long', contextLength: 512 }];
    expect((await load({ ...TRAIN, data: { shards: 'shards' } }, { stages })).train?.shards).toBe('shards');
    expect(await mistakes({ ...TRAIN, data: { shards: 'lnog' } }, { stages })).toEqual([
      "train.data.shards: found 'lnog', expected the name of a stage 'shards': 'shards' or 'long'; did you mean 'long'?",
    ]);
  });

  it('refuses rows that the model or the batch does not fit', async () => {
    const long = [STAGES[1], { stage: 'shards', contextLength: 1024 }];
    expect(await mistakes(TRAIN, { stages: long })).toEqual([
      expect.stringMatching(
        /^train\.model: found 'tiny-qwen3-1m': it is made for 256 positions, rows have 1024 tokens; .*max_position_embeddings/,
      ),
    ]);
    expect(await mistakes({ ...TRAIN, batch: { sequenceLength: 64 } })).toEqual([
      "train.batch.sequenceLength: found 64, expected 128, the contextLength of 'shards', or nothing",
    ]);
  });

  it('refuses a vocabulary larger than that of a model which keeps its own', async () => {
    const stages = [{ stage: 'tokenizer.train', vocabSize: 513 }, STAGES[2]];
    const model = { from: 'tiny-qwen3-1m', fitVocabulary: false };
    expect(await mistakes({ ...TRAIN, model }, { stages })).toEqual([
      expect.stringMatching(
        /^train\.model: found 'tiny-qwen3-1m': its vocabulary has 512 ids, the data use 513; set model\.fitVocabulary/,
      ),
    ]);
  });

  it('refuses a run without an end, an unknown model and members that a training file has and this has not', async () => {
    expect(await mistakes({ model: 'tiny-qwen3-1m', stop: {} })).toEqual([
      expect.stringMatching(/^train: found settings that do not go together: nothing ends the run; set stop\.steps/),
    ]);
    expect(await mistakes({ ...TRAIN, model: 'tiny-qwen9' })).toEqual([
      expect.stringMatching(/^train\.model: found 'tiny-qwen9': .*no configuration has this name/),
    ]);
    expect(await mistakes({ ...TRAIN, data: { text: 'a.txt' } })).toEqual([
      expect.stringMatching(/^train\.data\.text: found an unknown key 'text', expected one of shards, epochs, order/),
    ]);
  });

  it('is ended by a number of epochs too', async () => {
    expect((await load({ model: 'tiny-qwen3-1m', stop: {}, data: { epochs: 2 } })).train?.config.data.epochs).toBe(2);
  });

  it('leaves no stage the name of its folder', async () => {
    const stages = [...STAGES, { stage: 'write', name: 'train' }];
    expect(await mistakes(TRAIN, { stages })).toEqual([
      "stages.3: found a stage named 'train' beside the block 'train', expected a 'name' of its own",
    ]);
  });
});
