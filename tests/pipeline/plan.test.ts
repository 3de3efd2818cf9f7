import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineBarrier, defineMap, defineSink, KEEP, type StageDefinition } from '../../src/core/stage.ts';
import type { InputFile, InputSpec } from '../../src/io/input.ts';
import { resolveTrainConfig } from '../../src/pipeline/config/load-train.ts';
import type { Phase, TrainPhase } from '../../src/pipeline/phase.ts';
import type { Pipeline, PipelineTraining } from '../../src/pipeline/pipeline.ts';
import { planPhases } from '../../src/pipeline/plan.ts';
import { shardsStage } from '../../src/shards/stage.ts';
import type { TrainConfigInput } from '../../src/training/config/schema.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const base = { summary: '', source: '', version: 1, options: z.object({}) };
const clean = defineMap({ ...base, kind: 'map', name: 'clean', create: () => ({ process: () => KEEP }) });
const observer = () => ({ observe: () => {}, finish: () => new Uint8Array() });
const barrier = (name: string, scope: 'document' | 'corpus') =>
  defineBarrier({ ...base, kind: 'barrier', name, scope, createObserver: observer, decide: async () => ({}) });
const exact = barrier('exact', 'document');
const near = barrier('near', 'document');
const train = barrier('train', 'corpus');
const lines = { ...barrier('lines', 'document'), edits: true };
const write = defineSink({ ...base, kind: 'sink', name: 'write', steps: [] });

const input: InputSpec = {
  name: 'web',
  paths: ['/data/a.jsonl'],
  format: 'jsonl',
  textField: 'text',
  idField: undefined,
  metaFields: 'all',
  limit: undefined,
  sample: undefined,
  seed: 0,
  maxRecordBytes: 1e6,
  maxExpansionRatio: 100,
};
const files: InputFile[] = [
  { input: 0, path: '/data/a.jsonl', relativePath: 'a.jsonl', format: 'jsonl', bytes: 10, modifiedMs: 1 },
];

function pipeline(definitions: StageDefinition[], change: Partial<Pipeline> = {}): Pipeline {
  return {
    file: '/p.yaml',
    baseDir: '/',
    name: 'p',
    seed: 1,
    output: '/out',
    inputs: [input],
    stages: definitions.map((definition, i) => ({ name: `${definition.name}${i}`, definition, options: {} })),
    run: { workers: 1, chunkBytes: 1000, maxBadRecords: 0, workerMemoryMiB: 100 },
    ...change,
  };
}

/** `pass(maps)`, `observe`, `barrier`, `sink` with the documents each reads. */
function sketch(phases: Phase[]): string[] {
  return phases.map((phase) => {
    if (phase.kind === 'train') return `${phase.id} <- ${phase.training.shards}`;
    if (phase.kind === 'pass') {
      const from = phase.source === 'inputs' ? 'inputs' : [phase.source.pass, ...phase.source.decisions].join('+');
      const maps = phase.maps.map((stage) => stage.name).join(',');
      return `${phase.id}${phase.writesDocuments ? '' : ' (observes)'} [${maps}] <- ${from} -> ${phase.observers.join(',')}`;
    }
    if (phase.kind === 'align' || phase.kind === 'answers') return phase.id;
    return `${phase.id} ${phase.kind} <- ${[phase.over.pass, ...phase.over.decisions].join('+')}`;
  });
}

describe('planPhases', () => {
  it('runs consecutive map stages in one pass, and reads the inputs even when there is no map stage', () => {
    expect(sketch(planPhases(pipeline([clean, clean, write]), files).phases)).toEqual([
      '01-pass [clean0,clean1] <- inputs -> ',
      '02-write2 sink <- 01-pass',
    ]);
    expect(sketch(planPhases(pipeline([write]), files).phases)).toEqual([
      '01-pass [] <- inputs -> ',
      '02-write0 sink <- 01-pass',
    ]);
  });

  it('takes the features of neighbouring document barriers in the pass before them', () => {
    expect(sketch(planPhases(pipeline([clean, exact, near, write]), files).phases)).toEqual([
      '01-pass [clean0] <- inputs -> 02-exact1,03-near2',
      '02-exact1 barrier <- 01-pass',
      '03-near2 barrier <- 01-pass+02-exact1',
      '04-write3 sink <- 01-pass+02-exact1+03-near2',
    ]);
  });

  it('gives a corpus barrier a pass of its own behind undecided barriers, without rewriting documents', () => {
    expect(sketch(planPhases(pipeline([clean, exact, train, write]), files).phases)).toEqual([
      '01-pass [clean0] <- inputs -> 02-exact1',
      '02-exact1 barrier <- 01-pass',
      '03-observe (observes) [] <- 01-pass+02-exact1 -> 04-train2',
      '04-train2 barrier <- 01-pass+02-exact1',
      '05-write3 sink <- 01-pass+02-exact1+04-train2',
    ]);
  });

  it('lets a corpus barrier observe the pass before it when nothing is undecided', () => {
    expect(sketch(planPhases(pipeline([clean, train]), files).phases)).toEqual([
      '01-pass [clean0] <- inputs -> 02-train1',
      '02-train1 barrier <- 01-pass',
    ]);
  });

  it('writes documents anew only behind a barrier that map stages follow', () => {
    expect(sketch(planPhases(pipeline([clean, exact, clean, write]), files).phases)).toEqual([
      '01-pass [clean0] <- inputs -> 02-exact1',
      '02-exact1 barrier <- 01-pass',
      '03-pass [clean2] <- 01-pass+02-exact1 -> ',
      '04-write3 sink <- 03-pass',
    ]);
  });

  it('writes documents anew behind a barrier that edits them, before anything else looks at them', () => {
    expect(sketch(planPhases(pipeline([exact, lines, write]), files).phases)).toEqual([
      '01-pass [] <- inputs -> 02-exact0,03-lines1',
      '02-exact0 barrier <- 01-pass',
      '03-lines1 barrier <- 01-pass+02-exact0',
      '04-pass [] <- 01-pass+02-exact0+03-lines1 -> ',
      '05-write2 sink <- 04-pass',
    ]);
    expect(sketch(planPhases(pipeline([lines, near]), files).phases)).toEqual([
      '01-pass [] <- inputs -> 02-lines0',
      '02-lines0 barrier <- 01-pass',
      '03-pass [] <- 01-pass+02-lines0 -> 04-near1',
      '04-near1 barrier <- 03-pass',
    ]);
    // Also where nothing follows: the documents that the summary counts are the edited ones.
    expect(sketch(planPhases(pipeline([lines]), files).phases).at(-1)).toBe('03-pass [] <- 01-pass+02-lines0 -> ');
  });

  it('changes the keys of a changed stage and of everything downstream, and of nothing upstream', () => {
    const stages = [clean, exact, clean, train, write];
    const before = planPhases(pipeline(stages), files).phases;
    const changed = pipeline(stages);
    changed.stages[2] = { ...changed.stages[2], options: { strict: true } };
    const after = planPhases(changed, files).phases;
    const same = after.map((phase, i) => phase.key === before[i].key);
    expect(sketch(after)).toEqual(sketch(before));
    expect(same).toEqual([true, true, false, false, false]);
  });

  it('keeps keys when only the number of workers changes, and changes them with seed, file or stage version', () => {
    const keys = (p: Pipeline, f = files): string[] => planPhases(p, f).phases.map((phase) => phase.key);
    const first = keys(pipeline([clean, exact]));
    expect(
      keys(pipeline([clean, exact], { run: { workers: 9, chunkBytes: 1000, maxBadRecords: 5, workerMemoryMiB: 200 } })),
    ).toEqual(first);
    // 4 MiB of memory allow records of half a MiB, less than the input's own limit.
    const small = { workers: 1, chunkBytes: 1000, maxBadRecords: 0, workerMemoryMiB: 4 };
    expect(keys(pipeline([clean, exact], { run: small }))[0]).not.toBe(first[0]);
    expect(keys(pipeline([clean, exact], { seed: 2 }))[0]).not.toBe(first[0]);
    expect(keys(pipeline([clean, exact]), [{ ...files[0], modifiedMs: 2 }])[0]).not.toBe(first[0]);
    expect(keys(pipeline([{ ...clean, version: 2 }, exact]))[0]).not.toBe(first[0]);
  });

  it('changes keys when a pattern gives the same file another relative path, which is in made-up ids', () => {
    const first = planPhases(pipeline([clean]), files).phases[0].key;
    const other = planPhases(pipeline([clean]), [{ ...files[0], relativePath: 'data/a.jsonl' }]).phases[0].key;
    expect(other).not.toBe(first);
  });

  describe('of a tokenizer', () => {
    let folder: string;
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'corpusmill-plan-'));
    });
    afterAll(() => rmSync(folder, { recursive: true }));
    const shardsKey = (options: object): string => {
      const stage = { name: 'shards', definition: shardsStage, options: shardsStage.options.parse(options) };
      return planPhases({ ...pipeline([]), baseDir: folder, stages: [stage] }, files).phases[1].key;
    };

    it('takes a folder that holds ranks or a SentencePiece model of any name', () => {
      for (const name of ['cl100k_base.tiktoken', 'sentencepiece.bpe.model']) {
        const tokenizer = mkdtempSync(join(folder, 'one-'));
        writeFileSync(join(tokenizer, name), 'YQ== 0');
        const before = shardsKey({ tokenizer });
        expect(shardsKey({ tokenizer })).toBe(before);
        writeFileSync(join(tokenizer, name), 'YQ== 1');
        expect(shardsKey({ tokenizer })).not.toBe(before);
      }
    });

    it('changes keys when what lies beside the vocabulary changes, appears or goes', () => {
      mkdirSync(join(folder, 'chat'));
      writeFileSync(join(folder, 'chat', 'tokenizer.json'), '{}');
      for (const tokenizer of ['chat', 'chat/tokenizer.json']) {
        const template = join(folder, 'chat', 'chat_template.jinja');
        const bare = shardsKey({ tokenizer });
        writeFileSync(template, 'one');
        const first = shardsKey({ tokenizer });
        writeFileSync(template, 'two');
        const second = shardsKey({ tokenizer });
        expect(new Set([bare, first, second]).size).toBe(3);
        rmSync(template);
        expect(shardsKey({ tokenizer })).toBe(bare);
      }
    });

    it('says which stage names a folder without one, and a file that is gone', () => {
      mkdirSync(join(folder, 'weights'));
      writeFileSync(join(folder, 'weights', 'model.safetensors'), '');
      expect(() => shardsKey({ tokenizer: 'weights' })).toThrow(
        /^stage shards names a file that cannot be read: reading the tokenizer .*weights: there is none in it; it has model\.safetensors$/,
      );
      expect(() => shardsKey({ tokenizer: 'gone.json' })).toThrow(
        /^stage shards names a file that cannot be read: ENOENT/,
      );
    });
  });

  describe('with a train block', () => {
    const train = (config: Partial<TrainConfigInput> = {}): PipelineTraining => ({
      shards: 'shards0',
      config: resolveTrainConfig({
        model: 'tiny-qwen3-1m',
        data: { shards: '/out/output/shards0' },
        stop: { steps: 4 },
        output: '/out/output/train',
        ...config,
      }),
    });
    const of = (training: PipelineTraining, change: Partial<Pipeline> = {}): TrainPhase => {
      const plan = planPhases(pipeline([shardsStage, write], { train: training, ...change }), files);
      const phase = plan.phases.at(-1)!;
      if (phase.kind !== 'train') throw new Error('the last phase trains');
      return phase;
    };

    it("names a model's configuration that is not there", () => {
      const model = temporaryFolder();
      const training = train();
      expect(() => of({ ...training, config: { ...training.config, model } })).toThrow(
        expect.objectContaining({
          code: 'INPUT_NOT_FOUND',
          message: expect.stringContaining(join(model, 'config.json')),
        }),
      );
    });

    it('trains behind all other phases', () => {
      const plan = planPhases(pipeline([shardsStage, write], { train: train() }), files);
      expect(sketch(plan.phases)).toEqual([
        '01-pass [] <- inputs -> ',
        '02-shards0 sink <- 01-pass',
        '03-write1 sink <- 01-pass',
        '04-train <- shards0',
      ]);
      expect(plan.phases.at(-1)?.title).toBe('train tiny-qwen3-1m');
    });

    it('runs again for what changes the model or the run, and for nothing else', () => {
      const { key } = of(train());
      expect(of(train({ threads: 3, tensorboard: false, output: '/elsewhere' })).key).toBe(key);
      expect(of(train({ stop: { steps: 5 } })).key).not.toBe(key);
      expect(of(train({ optimizer: { learningRate: 1e-4 } })).key).not.toBe(key);
      expect(of(train({ model: 'tiny-qwen3-6m' })).key).not.toBe(key);
      expect(of(train(), { seed: 2 }).key).not.toBe(key);
    });

    it('tells other data from other settings: only with other data old checkpoints are worthless', () => {
      const { dataKey } = of(train());
      expect(of(train({ stop: { steps: 5 }, optimizer: { learningRate: 1e-4 } })).dataKey).toBe(dataKey);
      expect(of(train(), { seed: 2 }).dataKey).not.toBe(dataKey);
      expect(of(train({ model: 'tiny-qwen3-6m' })).dataKey).not.toBe(dataKey);
    });

    it('counts in the hash of the pipeline, wherever its files lie', () => {
      const hash = (p: Partial<Pipeline>): string => planPhases(pipeline([shardsStage], p), files).hash;
      expect(hash({ train: train() })).not.toBe(hash({}));
      expect(hash({ train: train({ output: '/elsewhere' }) })).toBe(hash({ train: train() }));
    });
  });

  it('gives products an origin that no other machine or moment changes, and every other option does', () => {
    const hash = (p: Pipeline, f = files): string => planPhases(p, f).hash;
    const first = hash(pipeline([clean, exact]));
    const moved: InputFile[] = [{ ...files[0], path: '/elsewhere/a.jsonl', modifiedMs: 99 }];
    expect(hash(pipeline([clean, exact]), moved)).toBe(first);
    expect(hash(pipeline([clean, exact], { output: '/other', baseDir: '/q', file: '/q/p.yaml' }))).toBe(first);
    expect(hash(pipeline([clean, exact]), [{ ...files[0], bytes: 11 }])).not.toBe(first);
    expect(hash(pipeline([clean, exact], { seed: 2 }))).not.toBe(first);
    expect(hash(pipeline([clean]))).not.toBe(first);
  });
});
