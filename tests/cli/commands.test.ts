import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pipelineJsonSchema } from '../../src/pipeline/config/json-schema.ts';
import { parsePipeline } from '../../src/pipeline/config/load.ts';
import { fakeRegistry } from '../pipeline/config/fake-stages.ts';
import { cli, type Outcome } from './cli.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'corpusmill-cli-'));
});
afterEach(() => rm(dir, { recursive: true }));

const here = (...args: string[]): Promise<Outcome> => cli(args, { cwd: dir });
const write = (name: string, text: string) => writeFile(join(dir, name), text);

describe('validate', () => {
  it('says what a valid pipeline holds', async () => {
    await write('a.jsonl', '{"text":"x"}\n');
    await write('p.yaml', 'inputs: [a.jsonl]\nstages: [tidy, tokenizer.train, shards]\n');
    expect(await here('validate', 'p.yaml')).toEqual({
      code: 0,
      stdout: 'ok p.yaml: 1 input, 3 stages: tidy → tokenizer.train → shards\n',
      stderr: '',
    });
  });

  it('lists every mistake of every file and goes on', async () => {
    await write('a.jsonl', '{"text":"x"}\n');
    await write('good.yaml', 'inputs: [a.jsonl]\nstages: [tokenizer.train, shards]\n');
    await write('bad.yaml', 'inputs: [a.jsonl]\nstages: [tidi]\nseed: x\n');
    expect(await here('validate', 'bad.yaml', 'none.yaml', 'good.yaml')).toEqual({
      code: 2,
      stdout: 'ok good.yaml: 1 input, 2 stages: tokenizer.train → shards\n',
      stderr: [
        'corpusmill: 2 mistakes in bad.yaml',
        "bad.yaml:2:10: stages.0.stage: found 'tidi', expected the name of a stage (`corpusmill stages` lists them); did you mean 'tidy'?",
        "bad.yaml:3:7: seed: found the string 'x', expected a whole number from 0 to 4294967295",
        'corpusmill: there is no pipeline file none.yaml',
        '',
      ].join('\n'),
    });
  });

  it('warns of inputs that are not there and of pipelines that write nothing', async () => {
    await write('p.yaml', 'inputs: [none.jsonl]\nstages: [tidy]\n');
    const { code, stderr } = await here('validate', 'p.yaml');
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /^warning: p\.yaml: no stage writes documents or shards: a run leaves only its reports\nwarning: p\.yaml: .*none\.jsonl does not exist.*\n$/,
    );
  });

  it('does not warn of a pipeline that makes a tokenizer', async () => {
    await write('a.jsonl', '');
    await write('p.yaml', 'inputs: [a.jsonl]\nstages: [tidy, tokenizer.train]\n');
    const { code, stderr } = await here('validate', 'p.yaml');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('checks overrides, and prints JSON', async () => {
    await write('a.jsonl', '');
    await write('p.yaml', 'inputs: [a.jsonl]\nstages: [tokenizer.train, shards]\n');
    const { code, stdout, stderr } = await here('validate', 'p.yaml', '--set', 'seed=-1', '--json');
    expect(code).toBe(2);
    expect(stderr).toContain('--set seed=-1: seed: found -1, expected a whole number from 0 to 4294967295');
    expect(JSON.parse(stdout)).toMatchObject({
      valid: false,
      files: [{ file: 'p.yaml', valid: false, issues: [{ file: '--set seed=-1', path: 'seed', found: '-1' }] }],
    });
  });
});

describe('stages', () => {
  it('lists every stage with its kind and what it does', async () => {
    const { code, stdout } = await here('stages');
    expect(code).toBe(0);
    expect(stdout).toBe(`tidy               map      Tidy the text.
filter.word-count  map      Drop documents by their number of words.
filter.pattern     map      Drop documents that match a pattern.
dedup.same         barrier  Drop copies.
tokenizer.train    barrier  Train a tokenizer.
shards             sink     Write token shards.

corpusmill stages NAME shows the options of one.
`);
  });

  it('shows one with every option, its type, default and description, its source and its reasons', async () => {
    const { stdout } = await here('stages', 'filter.word-count');
    expect(stdout).toBe(`filter.word-count (map)
Drop documents by their number of words.

Source
  Rae et al. 2021, §A1.1

Options
  minWords   integer ≥ 0, default 50
      Fewest words (Gopher: 50).
  maxWords   integer ≥ 1, default 100000
      Most words (Gopher: 100,000).
  maxRatio   number in [0, 1] | null, default 0.1
      Largest ratio of symbols to words.
  stopWords  en | zh | string[], default en
      Stop words.
  limits     object, default {}
      Mean word length.
      lower  number, default 3
      upper  number, default 10

Drops documents for
  too-few-words  fewer words than minWords

In a pipeline
    stages:
      - stage: filter.word-count
        minWords: 50
        maxWords: 100000
        maxRatio: 0.1
`);
  });

  it('shows required options and needs', async () => {
    expect((await here('stages', 'filter.pattern')).stdout).toContain('exclude  string[], required');
    const shards = (await here('stages', 'shards')).stdout;
    expect(shards).toContain('tokenizer      string, optional');
    expect(shards).toContain('Needs\n  tokenizer, made by an earlier stage or given by an option');
  });

  it('prints JSON', async () => {
    const all = JSON.parse((await here('stages', '--json')).stdout) as { stages: { name: string }[] };
    expect(all.stages.map(({ name }) => name)).toEqual([...fakeRegistry.keys()]);
    expect(JSON.parse((await here('stages', 'tokenizer.train', '--json')).stdout)).toMatchObject({
      name: 'tokenizer.train',
      kind: 'barrier',
      options: [
        {
          name: 'vocabSize',
          type: 'integer ≥ 256',
          required: false,
          default: 8192,
          description: 'Size of the vocabulary.',
        },
      ],
    });
  });

  it('suggests the nearest name', async () => {
    expect(await here('stages', 'word_count')).toEqual({
      code: 2,
      stdout: '',
      stderr: "corpusmill: there is no stage 'word_count'\nhint: did you mean 'filter.word-count'?\n",
    });
  });
});

describe('schema', () => {
  it('prints the JSON Schema', async () => {
    const { code, stdout } = await here('schema');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual(JSON.parse(JSON.stringify(pipelineJsonSchema(fakeRegistry))));
  });
});

describe('init', () => {
  const load = async (file: string) => {
    const path = join(dir, file);
    return parsePipeline(await readFile(path, 'utf8'), path, { registry: fakeRegistry, env: {}, cwd: dir });
  };

  it('writes a valid pipeline with placeholders and says what to do next', async () => {
    const { code, stdout } = await here('init');
    expect(code).toBe(0);
    expect(stdout).toBe(`wrote pipeline.yaml
  data  data/*.jsonl

Next
  edit pipeline.yaml, then
  corpusmill validate pipeline.yaml
  corpusmill run pipeline.yaml --set inputs.0.limit=1000
`);
    expect((await load('pipeline.yaml')).inputs[0].paths).toEqual([join(dir, 'data/*.jsonl')]);
  });

  it('guesses the fields from the first records, with paths relative to the pipeline', async () => {
    const records = [1, 2, 3].map((n) => JSON.stringify({ url: `u${n}`, title: 't', body: 'a long text '.repeat(20) }));
    await write('crawl.jsonl', `${records.join('\n')}\n`);
    const { stdout, stderr } = await here('init', 'conf/web.yaml', '--input', 'crawl.jsonl');
    expect(stderr).toBe('');
    expect(stdout).toContain("crawl  ../crawl.jsonl: text in 'body' (the longest of 3, about 240 characters a record)");
    expect((await load('conf/web.yaml')).inputs).toMatchObject([
      { name: 'crawl', paths: [join(dir, 'crawl.jsonl')], textField: 'body', idField: 'url' },
    ]);
  });

  it('reads plain text as it is', async () => {
    await write('a.txt', 'hello');
    await here('init', '--input', '*.txt');
    expect((await load('pipeline.yaml')).inputs).toMatchObject([{ paths: [join(dir, '*.txt')], textField: 'text' }]);
  });

  it('writes the pipeline even when the input is not there yet, and says so', async () => {
    const { code, stderr } = await here('init', '--input', 'none/*.jsonl');
    expect(code).toBe(0);
    expect(stderr).toMatch(/^warning: none\/\*\.jsonl: .*; the defaults stand\n$/);
    expect(existsSync(join(dir, 'pipeline.yaml'))).toBe(true);
  });

  it('does not overwrite a file without --force', async () => {
    await write('pipeline.yaml', 'mine');
    expect(await here('init')).toEqual({
      code: 2,
      stdout: '',
      stderr: 'corpusmill: pipeline.yaml exists already\nhint: give another name, or --force to overwrite it\n',
    });
    expect(await readFile(join(dir, 'pipeline.yaml'), 'utf8')).toBe('mine');
    expect((await here('init', '--force')).code).toBe(0);
    expect(await readFile(join(dir, 'pipeline.yaml'), 'utf8')).not.toBe('mine');
  });
});
