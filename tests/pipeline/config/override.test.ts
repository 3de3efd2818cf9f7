import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../src/pipeline/config/issues.ts';
import { type LoadOptions, parsePipeline } from '../../../src/pipeline/config/load.ts';
import { fakeRegistry } from './fake-stages.ts';

const TEXT = `
inputs:
  - name: sotu
    path: sotu/*.txt
    textField: body
  - name: web.en
    path: [a.jsonl, b.jsonl]
stages:
  - stage: tidy
  - stage: filter.word-count
    name: gopher
    minWords: 50
  - stage: dedup.same
  - stage: filter.pattern
    exclude: [spam]
  - tokenizer.train
  - shards
run: {workers: 3}
`;

const parse = (set: string[], options: LoadOptions = {}) =>
  parsePipeline(TEXT, '/project/pipelines/web.yaml', {
    registry: fakeRegistry,
    env: {},
    cwd: '/shell',
    set,
    ...options,
  });

function mistakes(set: string[], options: LoadOptions = {}): string[] {
  try {
    parse(set, options);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n').slice(1);
    throw error;
  }
  throw new Error('the overrides were accepted');
}

/** Options of the instance with this name. */
const stage = (set: string[], name: string) => parse(set).stages.find((instance) => instance.name === name)!.options;

describe('--set', () => {
  it('sets a top-level value and a value of `run`', () => {
    const pipeline = parse(['seed=7', 'run.workers=1', 'run.chunkBytes=1MiB', 'name=other']);
    expect(pipeline).toMatchObject({ seed: 7, name: 'other', run: { workers: 1, chunkBytes: 1024 * 1024 } });
  });

  it.each([
    ['by index', 'stages.1.minWords=30'],
    ['by instance name', 'stages.gopher.minWords=30'],
    ['by registered name', 'stages.filter.word-count.minWords=30'],
  ])('sets an option of a stage %s', (_, assignment) => {
    expect(stage([assignment], 'gopher')).toMatchObject({ minWords: 30, maxWords: 100_000 });
  });

  it('sets an option of a stage that the file writes as a bare string', () => {
    expect(stage(['stages.tokenizer.train.vocabSize=512'], 'tokenizer.train')).toEqual({ vocabSize: 512 });
    expect(stage(['stages.5.contextLength=64'], 'shards')).toMatchObject({ contextLength: 64 });
  });

  it('sets an option inside an option, and an item of a list', () => {
    expect(stage(['stages.gopher.limits.lower=1'], 'gopher')).toMatchObject({ limits: { lower: 1, upper: 10 } });
    expect(stage(['stages.filter.pattern.exclude.0=ham'], 'filter.pattern')).toMatchObject({ exclude: ['ham'] });
  });

  it('sets a value of an input by index and by name, and adds an input', () => {
    expect(parse(['inputs.0.limit=5']).inputs[0].limit).toBe(5);
    expect(parse(['inputs.web.en.limit=5']).inputs[1].limit).toBe(5);
    expect(parse(['inputs.2.path=new.csv']).inputs[2]).toMatchObject({ name: 'new', paths: ['/shell/new.csv'] });
  });

  it('adds a stage at the end of the list', () => {
    expect(parse(['stages.6.stage=tidy', 'stages.6.name=again']).stages.at(-1)).toMatchObject({ name: 'again' });
  });

  it('replaces all inputs by files', () => {
    const { inputs } = parse(['inputs=a.jsonl.gz,/data/b*.parquet']);
    expect(inputs.map(({ name, paths, textField }) => [name, paths, textField])).toEqual([
      ['a', ['/shell/a.jsonl.gz'], 'text'],
      ['data', ['/data/b*.parquet'], 'text'],
    ]);
  });

  it('takes relative paths from the current directory, not from the file', () => {
    const pipeline = parse(['output=out', 'inputs.sotu.path=*.txt', 'stages.filter.pattern.exclude.0=./x']);
    expect(pipeline.output).toBe('/shell/out');
    expect(pipeline.inputs[0].paths).toEqual(['/shell/*.txt']);
    expect(pipeline.stages[3].options['exclude']).toEqual(['/shell/x']);
    expect(pipeline.inputs[1].paths).toEqual(['/project/pipelines/a.jsonl', '/project/pipelines/b.jsonl']);
  });

  it('takes a file that a stage says it reads from the current directory too', () => {
    const here = import.meta.dirname;
    const { stages } = parse(['stages.shards.tokenizer=fake-stages.ts'], { cwd: here });
    expect(stages.at(-1)!.options['tokenizer']).toBe(`${here}/fake-stages.ts`);
    expect(mistakes(['stages.shards.tokenizer=none.json'], { cwd: here })).toEqual([
      "--set stages.shards.tokenizer=none.json: stages.5.tokenizer: found 'none.json', which does not exist, expected a file (relative to the current directory)",
    ]);
  });

  it('does not take a folder named like a glob for one', () => {
    expect(parse(['inputs=*.txt'], { cwd: '/old [2019]' }).inputs[0].paths).toEqual(['/old \\[2019\\]/*.txt']);
    expect(parse(['inputs=a.txt'], { cwd: '/old [2019]' }).inputs[0].paths).toEqual(['/old [2019]/a.txt']);
  });

  it.each<[string, unknown]>([
    ['12', 12],
    ['1e3', 1000],
    ['true', true],
    ['plain words', 'plain words'],
    ['"12"', '12'],
    ['[a, "b c", 3]', ['a', 'b c', 3]],
    ['*.txt', '*.txt'],
    ['a: b', 'a: b'],
    ['a #b', 'a #b'],
    ['@x', '@x'],
    ['!x', '!x'],
    ['- x', '- x'],
    ['[unclosed', '[unclosed'],
    ['x=y', 'x=y'],
    ['{a: 1}', { a: 1 }],
  ])('reads the value %s as YAML does, or as it stands', async (text, value) => {
    const { readScalar } = await import('../../../src/pipeline/config/scalar.ts');
    expect(readScalar(text)).toEqual(value);
  });

  it('applies later overrides over earlier ones', () => {
    expect(parse(['run.workers=1', 'run.workers=2']).run.workers).toBe(2);
  });

  it('names itself as the place of a mistake', () => {
    expect(
      mistakes([
        'run.wrkers=2',
        'stages.gopher.minWords=many',
        'stages.gofer.minWords=1',
        'inputs.9.path=x',
        'inputs.mail.path=x',
        'stages.gopher.minWords.x=1',
        'seed',
        '=1',
      ]),
    ).toEqual([
      "--set stages.gofer.minWords=1: stages: found no stage 'gofer', expected one of this pipeline's: tidy, gopher, filter.word-count, dedup.same, filter.pattern, tokenizer.train, shards; did you mean 'gopher'?",
      '--set inputs.9.path=x: inputs: found index 9 in a list of 2, expected an index from 0 to 2 (2 adds one)',
      "--set inputs.mail.path=x: inputs: found no input 'mail', expected one of this pipeline's: sotu, web.en",
      "--set stages.gopher.minWords.x=1: stages.1.minWords: found 'many', expected a mapping or a list there, to set 'x' in it",
      "--set seed: found 'seed', expected PATH=VALUE, for example 'run.workers=2'",
      "--set =1: found '=1', expected PATH=VALUE, for example 'run.workers=2'",
      "--set run.wrkers=2: run.wrkers: found an unknown key 'wrkers', expected one of workers, chunkBytes, maxBadRecords, workerMemoryMiB, decideMemoryMiB, audit, auditFraction, auditText; did you mean 'workers'?",
      "--set stages.gopher.minWords=many: stages.1.minWords: found the string 'many', expected a whole number of at least 0",
    ]);
  });

  it('asks which stage is meant when a registered name fits several', () => {
    const text = 'inputs: [a]\nstages:\n  - {stage: tidy, name: x}\n  - {stage: tidy, name: y}\n';
    const options = { registry: fakeRegistry, env: {}, cwd: '/', set: ['stages.tidy.trim=false'] };
    expect(() => parsePipeline(text, '/p.yaml', options)).toThrow(
      "--set stages.tidy.trim=false: stages: found 2 stages that 'tidy' could mean, expected one of the names 'x', 'y', or an index",
    );
  });

  it('cannot reach a prototype', () => {
    expect(mistakes(['__proto__.polluted=1', 'constructor.prototype.polluted=1'])).toHaveLength(2);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe('environment', () => {
  it('CORPUSMILL_WORKERS stands over the file and below --set', () => {
    const env = { CORPUSMILL_WORKERS: '5' };
    expect(parse([], { env }).run.workers).toBe(5);
    expect(parse(['run.workers=6'], { env }).run.workers).toBe(6);
    expect(parse([], { env: { CORPUSMILL_WORKERS: '' } }).run.workers).toBe(3);
    expect(mistakes([], { env: { CORPUSMILL_WORKERS: 'all' } })).toEqual([
      "CORPUSMILL_WORKERS: run.workers: found the string 'all', expected a whole number from 0 to 1024",
    ]);
  });
});
