// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references to variables are under test
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, issueLine } from '../../../src/pipeline/config/issues.ts';
import { type LoadOptions, loadPipeline, parsePipeline } from '../../../src/pipeline/config/load.ts';
import * as trainingPart from '../../../src/pipeline/config/training-part.ts';
import type { StageRegistry } from '../../../src/pipeline/stage-loaders.ts';
import { fakeRegistry } from './fake-stages.ts';

const FILE = '/project/pipelines/web.yaml';
const OPTIONS: LoadOptions & { registry: StageRegistry } = { registry: fakeRegistry, env: {}, cwd: '/project' };

const parse = (text: string, options: Omit<LoadOptions, 'registry'> = {}) =>
  parsePipeline(text, FILE, { ...OPTIONS, ...options });

/** The lines that a mistaken pipeline gives, without the first ("3 mistakes in …"). */
function mistakes(text: string, options: Omit<LoadOptions, 'registry'> = {}): string[] {
  try {
    parse(text, options);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n').slice(1);
  }
  throw new Error('the pipeline was accepted');
}

describe('members that train', () => {
  const training = (text: string) => parsePipeline(text, FILE, { ...OPTIONS, training: trainingPart });
  const text = 'inputs: [{path: a.jsonl}]\nstages: [{stage: tidy}]\n';

  it('are known by name where a file has none of them', () => {
    expect(mistakes(`${text}tran: {}\n`)).toEqual([expect.stringContaining("did you mean 'train'?")]);
    expect(() => training(`${text}tran: {}\n`)).toThrow(mistakes(`${text}tran: {}\n`)[0]);
  });

  it('are not checked without their rules', () => {
    expect(() => parse(`${text}train: {}\n`)).toThrow('its rules are needed');
    expect(() => training(`${text}train: {}\n`)).toThrow(ConfigError);
  });
});

describe('a valid pipeline', () => {
  const minimal = 'inputs: [{path: a.jsonl}]\nstages: [{stage: tidy}]\n';

  it('gets every default', () => {
    const { stages, ...rest } = parse(minimal);
    expect(rest).toEqual({
      file: FILE,
      baseDir: '/project/pipelines',
      name: 'web',
      seed: 0,
      output: '/project/runs/web',
      inputs: [
        {
          name: 'a',
          paths: ['/project/pipelines/a.jsonl'],
          format: 'auto',
          textField: 'text',
          idField: 'id',
          metaFields: 'all',
          limit: undefined,
          sample: undefined,
          seed: 0,
          maxRecordBytes: 128 * 1024 * 1024,
          maxExpansionRatio: 200,
        },
      ],
      run: {
        workers: 0,
        chunkBytes: 4 * 1024 * 1024,
        maxBadRecords: 100,
        workerMemoryMiB: 1024,
        decideMemoryMiB: 1024,
        audit: 'sampled',
        auditFraction: 0.05,
        auditText: 'excerpt',
      },
    });
    expect(stages.map(({ name, definition, options }) => [name, definition.name, options])).toEqual([
      ['tidy', 'tidy', { form: 'NFC', trim: true }],
    ]);
  });

  it('takes what it says over the defaults', () => {
    const pipeline = parse(`
name: sotu-1
seed: 42
output: ../out
inputs:
  - name: mail
    path: [mail/*.txt, /abs/b.csv]
    format: csv
    textField: body
    metaFields: [subject, date]
    limit: 10
    sample: 0.5
    maxRecordBytes: 1.5 MB
stages:
  - stage: filter.word-count
    name: short
    minWords: 3
    limits: {lower: 2}
run: {workers: 2, chunkBytes: 65536}
`);
    expect(pipeline.name).toBe('sotu-1');
    expect(pipeline.output).toBe('/project/out');
    expect(pipeline.inputs[0]).toMatchObject({
      paths: ['/project/pipelines/mail/*.txt', '/abs/b.csv'],
      format: 'csv',
      textField: 'body',
      metaFields: ['subject', 'date'],
      limit: 10,
      sample: 0.5,
      seed: 42,
      maxRecordBytes: 1_500_000,
    });
    expect(pipeline.stages[0].name).toBe('short');
    expect(pipeline.stages[0].options).toMatchObject({
      minWords: 3,
      maxWords: 100_000,
      limits: { lower: 2, upper: 10 },
    });
    expect(pipeline.run).toMatchObject({ workers: 2, chunkBytes: 65536 });
  });

  it('may write a stage or an input as a bare string, and leave `run` empty', () => {
    const pipeline = parse('inputs: [a.jsonl, more/*.parquet]\nstages: [tidy, dedup.same]\nrun:\n');
    expect(pipeline.inputs.map(({ name, paths }) => [name, paths])).toEqual([
      ['a', ['/project/pipelines/a.jsonl']],
      ['more', ['/project/pipelines/more/*.parquet']],
    ]);
    expect(pipeline.stages.map(({ name }) => name)).toEqual(['tidy', 'dedup.same']);
  });

  it('may switch a threshold off with null', () => {
    const { stages } = parse('inputs: [a]\nstages: [{stage: filter.word-count, maxRatio: null}]');
    expect(stages[0].options['maxRatio']).toBeNull();
  });

  it('names inputs that share a file name apart', () => {
    const pipeline = parse('inputs: [2023/web.jsonl.gz, 2024/web.jsonl.gz, {name: web-2, path: x}]\nstages: [tidy]');
    expect(pipeline.inputs.map(({ name }) => name)).toEqual(['web', 'web-3', 'web-2']);
  });

  it('may use anchors, aliases and merge keys', () => {
    const pipeline = parse(`
inputs:
  - &common {name: a, path: a.jsonl, limit: 5}
  - {<<: *common, name: b, path: b.jsonl}
stages: [tidy]
`);
    expect(pipeline.inputs.map(({ name, limit }) => [name, limit])).toEqual([
      ['a', 5],
      ['b', 5],
    ]);
  });

  it('may use a sink that needs a tokenizer when one is trained before it or an option names a file', () => {
    const inputs = 'inputs: [a.jsonl]\n';
    expect(parse(`${inputs}stages: [tokenizer.train, tidy, shards]`).stages).toHaveLength(3);
    expect(
      parse(`${inputs}stages: [{stage: shards, tokenizer: ${JSON.stringify(import.meta.filename)}}]`).stages,
    ).toHaveLength(1);
  });

  it('may have documents flow on after a sink', () => {
    expect(
      parse('inputs: [a]\nstages: [tokenizer.train, shards, tidy, {stage: shards, name: s2}]').stages,
    ).toHaveLength(4);
  });
});

describe('mistakes', () => {
  it('are all reported at once, in the order of the file', () => {
    expect(
      mistakes(`name: my web
sed: 3
inputs:
  - name: sotu
    path: ../x/*.txt
    format: jsnl
    sample: 2
    maxRecordBytes: 12Q
  - pth: data
  - name: sotu
    path: [a, 3]
stages:
  - stage: filter.word-cont
  - stage: tidy
    form: nfc
    trim: yes
  - stage: filter.word-count
    minWord: 20
    maxRatio: "0.5"
    stopWords: fr
    limits: {lower: x, uper: 3}
  - stage: filter.pattern
  - 3
  - stage: tokenizer.train
    vocabSize: 100
run:
  workers: -1
  chunkBytes: 0KiB
`),
    ).toEqual([
      "pipelines/web.yaml:1:7: name: found 'my web', expected a name of letters, digits, '.', '_' and '-' that begins with a letter or digit",
      "pipelines/web.yaml:2:1: sed: found an unknown key 'sed', expected one of name, seed, output, inputs, stages, train, align, prompts, run; did you mean 'seed'?",
      "pipelines/web.yaml:6:13: inputs.0.format: found 'jsnl', expected 'auto', 'jsonl', 'csv', 'tsv', 'parquet', 'arrow', 'text', 'html' or 'warc'; did you mean 'jsonl'?",
      'pipelines/web.yaml:7:13: inputs.0.sample: found 2, expected a number above 0 and at most 1',
      "pipelines/web.yaml:8:21: inputs.0.maxRecordBytes: found '12Q', expected a whole number of at least 1 or a size such as '4MiB'",
      "pipelines/web.yaml:9:5: inputs.1.pth: found an unknown key 'pth', expected one of name, path, format, textField, template, conversations, idField, metaFields, limit, sample, maxRecordBytes, maxExpansionRatio, …; did you mean 'path'?",
      "pipelines/web.yaml:10:11: inputs.2.name: found a second input named 'sotu' (the first: line 4), expected names that differ",
      'pipelines/web.yaml:11:15: inputs.2.path.1: found 3, expected a string that is not empty',
      "pipelines/web.yaml:13:12: stages.0.stage: found 'filter.word-cont', expected the name of a stage (`corpusmill stages` lists them); did you mean 'filter.word-count'?",
      "pipelines/web.yaml:15:11: stages.1.form: found 'nfc', expected 'NFC', 'NFKC' or 'none'; did you mean 'NFC'?",
      "pipelines/web.yaml:16:11: stages.1.trim: found 'yes', expected true or false",
      "pipelines/web.yaml:18:5: stages.2.minWord: found an unknown option 'minWord', expected one of minWords, maxWords, maxRatio, stopWords, limits; did you mean 'minWords'?",
      "pipelines/web.yaml:19:15: stages.2.maxRatio: found the string '0.5', expected a number from 0 to 1 or null",
      "pipelines/web.yaml:20:16: stages.2.stopWords: found 'fr', expected 'en', 'zh' or a list of strings (at least 1)",
      "pipelines/web.yaml:21:21: stages.2.limits.lower: found the string 'x', expected a number",
      "pipelines/web.yaml:21:24: stages.2.limits.uper: found an unknown key 'uper', expected one of lower, upper; did you mean 'upper'?",
      'pipelines/web.yaml:22:5: stages.3.exclude: found nothing, expected a list of strings',
      "pipelines/web.yaml:23:5: stages.4: found 3, expected a stage: 'stage: NAME' and its options",
      'pipelines/web.yaml:25:16: stages.5.vocabSize: found 100, expected a whole number of at least 256',
      'pipelines/web.yaml:27:12: run.workers: found -1, expected a whole number from 0 to 1024',
      "pipelines/web.yaml:28:15: run.chunkBytes: found '0KiB', expected a whole number of at least 1 or a size such as '4MiB'",
    ]);
  });

  it.each([
    ['template: "{a}", textField: t', "found 'textField' beside 'template'"],
    ['conversations: true, textField: t', "found 'textField' beside 'conversations'"],
    ['conversations: true, template: "{a}"', "found 'template' beside 'conversations'"],
  ])('%s: one would be ignored in silence', (options, found) => {
    expect(() => parse(`inputs: [{ path: a, ${options} }]\nstages: []`)).toThrow(`${found}, expected one of them`);
    expect(() => parse('inputs: [{ path: a, conversations: false, textField: t }]\nstages: []')).not.toThrow(/beside/);
  });

  it('are also given as data, with a hint and exit code 2', () => {
    let caught: unknown;
    try {
      parse('inputs: [a]\nstages: [tidi]');
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(ConfigError);
    const error = caught as ConfigError;
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', exitCode: 2 });
    expect(error.message.split('\n')[0]).toBe('1 mistake in pipelines/web.yaml');
    expect(error.issues).toEqual([
      {
        file: 'pipelines/web.yaml',
        line: 2,
        column: 10,
        path: 'stages.0.stage',
        found: "'tidi'",
        expected: 'the name of a stage (`corpusmill stages` lists them)',
        message: undefined,
        suggestion: 'tidy',
      },
    ]);
  });

  const rest = 'inputs: [a]\nstages: [tidy]\n';
  it.each<[string, string, string[]]>([
    ['an empty file', '', ["1:1: found an empty file, expected a mapping with 'inputs' and 'stages'"]],
    ['only comments', '# nothing yet\n', ["1:1: found an empty file, expected a mapping with 'inputs' and 'stages'"]],
    ['a list', '- a\n', ["1:1: found a list of 1, expected a mapping with 'inputs' and 'stages'"]],
    [
      'no inputs and no stages',
      'seed: 1\n',
      [
        '1:1: inputs: found nothing, expected a list of inputs',
        '1:1: stages: found nothing, expected a list of stages',
      ],
    ],
    [
      'empty lists',
      'inputs: []\nstages:\n',
      [
        '1:9: inputs: found an empty list, expected a list of inputs',
        '2:1: stages: found an empty value, expected a list of stages',
      ],
    ],
    [
      'an empty value',
      `${rest}seed:\n`,
      ['3:1: seed: found an empty value, expected a whole number from 0 to 4294967295'],
    ],
    [
      'a key twice',
      `${rest}seed: 1\nseed: 2\n`,
      ["4:1: found the key 'seed' a second time in one mapping, expected each key once"],
    ],
    [
      'YAML that ends inside a string',
      'inputs: ["a\nstages: [tidy]\n',
      ['1:10: found text that is not YAML (Missing closing "quote), expected valid YAML 1.2'],
    ],
    [
      'a bracket that is never closed',
      'inputs: [a\nstages: [tidy]\n',
      [
        '1:9: found text that is not YAML (Flow sequence in block collection must be sufficiently indented and end with a ]), expected valid YAML 1.2',
      ],
    ],
    [
      'a glob without quotes, which YAML takes for an alias',
      'inputs:\n  - path: *.txt\nstages: [tidy]\n',
      ["2:11: found the alias '*.txt', which nothing defines, expected quotes around a value that begins with *"],
    ],
    [
      'two documents',
      `${rest}---\n${rest}`,
      ["3:1: found a second document after '---', expected one pipeline in a file"],
    ],
    [
      'a tag that YAML does not know',
      'inputs: [a]\nstages: [!stage tidy]\n',
      ['2:10: found text that is not YAML (Unresolved tag: !stage), expected valid YAML 1.2'],
    ],
    [
      'a tab for indentation',
      'inputs:\n\t- a\n',
      ['2:1: found text that is not YAML (Tabs are not allowed as indentation), expected valid YAML 1.2'],
    ],
    [
      'a stage without its name',
      'inputs: [a]\nstages:\n  - tidy: {form: NFC}\n',
      [
        "3:5: stages.0.stage: found no 'stage' in a mapping with 'tidy', expected the name of a stage; did you mean 'stage: tidy'?",
      ],
    ],
    [
      'the last part of a stage name',
      'inputs: [a]\nstages: [word-count]\n',
      [
        "2:10: stages.0.stage: found 'word-count', expected the name of a stage (`corpusmill stages` lists them); did you mean 'filter.word-count'?",
      ],
    ],
    [
      'a stage like none',
      'inputs: [a]\nstages: [quux]\n',
      ["2:10: stages.0.stage: found 'quux', expected the name of a stage (`corpusmill stages` lists them)"],
    ],
    [
      'one stage twice without names',
      'inputs: [a]\nstages:\n  - tidy\n  - tidy\n',
      [
        "4:5: stages.1.stage: found a second stage named 'tidy' (the first: line 3), expected a 'name' of its own for one of them",
      ],
    ],
    [
      'two stages with one name',
      'inputs: [a]\nstages:\n  - {stage: tidy, name: x}\n  - {stage: dedup.same, name: x}\n',
      ["4:31: stages.1.name: found a second stage named 'x' (the first: line 3), expected names that differ"],
    ],
    [
      'shards without a tokenizer',
      'inputs: [a]\nstages:\n  - tidy\n  - stage: shards\n',
      [
        "4:5: stages.1: found 'shards' with no tokenizer, expected 'tokenizer.train' before it, or its option 'tokenizer'",
      ],
    ],
    [
      'shards before the tokenizer',
      'inputs: [a]\nstages:\n  - shards\n  - tokenizer.train\n',
      [
        "3:5: stages.0: found 'shards' before 'tokenizer.train', which makes its tokenizer, expected 'tokenizer.train' before it, or its option 'tokenizer'",
      ],
    ],
    [
      'a misspelt tokenizer stage: one mistake, not two',
      'inputs: [a]\nstages: [tokenizer.trian, shards]\n',
      [
        "2:10: stages.0.stage: found 'tokenizer.trian', expected the name of a stage (`corpusmill stages` lists them); did you mean 'tokenizer.train'?",
      ],
    ],
    [
      'a file that an option names and that is not there',
      'inputs: [a]\nstages:\n  - stage: shards\n    tokenizer: none/tok.json\n',
      [
        "4:16: stages.0.tokenizer: found 'none/tok.json', which does not exist, expected a file (relative to the folder of the pipeline file)",
      ],
    ],
    [
      'a threshold left without a value, which would switch it off in silence',
      'inputs: [a]\nstages:\n  - stage: filter.word-count\n    maxRatio:\n',
      ["4:5: stages.0.maxRatio: found an empty value, expected a value, or 'null' written out"],
    ],
    [
      "a rule that the stage's author put into words",
      'inputs: [a]\nstages:\n  - {stage: filter.pattern, exclude: [], flags: x}\n',
      ["3:49: stages.0.flags: found 'x': flags are any of i, m and s"],
    ],
    [
      'options that only the factory can refuse',
      'inputs: [a]\nstages:\n  - stage: filter.pattern\n    exclude: [fine, "("]\n',
      [
        "4:21: stages.0.exclude.1: found '(': Invalid regular expression: /(/u: Unterminated group (a regular expression is wanted)",
      ],
    ],
    [
      'keys that name nothing but a prototype',
      `${rest}__proto__: {x: 1}\nconstructor: 1\n`,
      [
        "3:1: __proto__: found an unknown key '__proto__', expected one of name, seed, output, inputs, stages, train, align, prompts, run",
        "4:1: constructor: found an unknown key 'constructor', expected one of name, seed, output, inputs, stages, train, align, prompts, run",
      ],
    ],
    [
      'a mistake behind an alias and in a merged mapping',
      'inputs:\n  - &c {path: a, limit: none}\n  - {<<: *c, path: b}\nstages: [tidy]\n',
      [
        "2:25: inputs.0.limit: found the string 'none', expected a whole number of at least 1",
        "2:25: inputs.1.limit: found the string 'none', expected a whole number of at least 1",
      ],
    ],
  ])('%s', (_, text, expected) => {
    const lines = expected.map((line) => `pipelines/web.yaml:${line}`);
    expect(mistakes(text)).toEqual(lines);
  });

  it('places a mistake in a file with CRLF and a byte order mark', () => {
    expect(mistakes('\ufeffinputs: [a]\r\nstages:\r\n  - tidi\r\n')[0]).toMatch(
      /^pipelines\/web\.yaml:3:5: stages\.0\.stage: /,
    );
  });

  it('cuts a long value and keeps it on one line', () => {
    const [line] = mistakes(`inputs: [a]\nstages: ["tidy\\n${'x'.repeat(500)}"]`);
    expect(line).toContain(`found 'tidy\\n${'x'.repeat(54)}…', expected`);
  });

  it('refuses a file that expands without end', () => {
    const layers = Array.from({ length: 9 }, (_, i) => `x${i}: &x${i} [${`*x${i - 1},`.repeat(9).slice(0, -1)}]`);
    layers[0] = 'x0: &x0 [a, a, a, a, a, a, a, a, a]';
    expect(mistakes(layers.join('\n'))).toEqual([
      'pipelines/web.yaml:1:1: found Excessive alias count indicates a resource exhaustion attack, expected at most 100 uses of aliases',
    ]);
  });
});

describe('any text at all', () => {
  const VALID = `name: web
inputs:
  - &a {name: a, path: "a/*.jsonl", limit: 5, maxRecordBytes: 4MiB}
  - <<: *a
    name: b
    path: ["\${X:-b}", c]
stages:
  - tidy
  - stage: filter.word-count
    limits: {lower: 1}
  - {stage: filter.pattern, exclude: ["^a$", 'b']}
  - tokenizer.train
  - stage: shards
run: {workers: 2}
`;
  const accepts = (text: string, set: string[] = []): boolean => {
    try {
      parse(text, { set });
      return true;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      const lines = text.split('\n').length;
      for (const issue of error.issues) {
        expect(issueLine(issue)).not.toContain('\n');
        if (issue.line === undefined) continue;
        expect(issue.line).toBeLessThanOrEqual(lines);
        expect(issue.column).toBeGreaterThanOrEqual(1);
      }
      return false;
    }
  };

  it('is accepted or refused with places inside the file, and never breaks the loader', () => {
    expect(accepts(VALID)).toBe(true);
    const signs = fc.constantFrom(
      ...'{}[]&*!|>"\'%@`,:-#?\n\t \\$x1~<',
      'null',
      '\u0000',
      '\ud800',
      '${',
      '---\n',
      '\r\n',
      ': ',
    );
    const edit = fc.tuple(fc.nat(VALID.length), fc.nat(12), signs);
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        let text = VALID;
        for (const [at, length, sign] of edits) text = text.slice(0, at) + sign + text.slice(at + length);
        accepts(text);
      }),
      { numRuns: 200, seed: 7 },
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => void accepts(text)),
      { numRuns: 100, seed: 7 },
    );
  });

  it('is true of overrides as well', () => {
    const step = fc.constantFrom(
      'inputs',
      'stages',
      'run',
      'a',
      '0',
      '1',
      '2',
      '99',
      'tidy',
      'exclude',
      'limits',
      '__proto__',
      'length',
      '',
      'path',
    );
    const value = fc.oneof(
      fc.string(),
      fc.constantFrom('1', '[1, 2]', '{a: 1}', 'null', '', '*x', '!!binary x', '&a b'),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.array(step, { maxLength: 4 }), value), { maxLength: 3 }), (assignments) => {
        accepts(
          VALID,
          assignments.map(([path, text]) => `${path.join('.')}=${text}`),
        );
      }),
      { numRuns: 200, seed: 7 },
    );
  });
});

describe('the file itself', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'corpusmill-config-'));
  });
  afterAll(() => rm(dir, { recursive: true }));

  it('is read relative to the current directory', async () => {
    await writeFile(join(dir, 'p.yaml'), 'inputs: [a.txt]\nstages: [tidy]\n');
    const pipeline = await loadPipeline('p.yaml', { ...OPTIONS, cwd: dir });
    expect(pipeline.file).toBe(join(dir, 'p.yaml'));
    expect(pipeline.inputs[0].paths).toEqual([join(dir, 'a.txt')]);
  });

  it('is said to be missing, a folder, or not text', async () => {
    const load = (file: string) => loadPipeline(file, { ...OPTIONS, cwd: dir });
    await expect(load('nope.yaml')).rejects.toMatchObject({
      code: 'INPUT_NOT_FOUND',
      message: 'there is no pipeline file nope.yaml',
      hint: '`corpusmill init` writes one for your files',
    });
    await expect(load('.')).rejects.toMatchObject({
      code: 'INPUT_UNREADABLE',
      message: 'cannot read the pipeline file .: it is a folder',
    });
    await writeFile(join(dir, 'latin1.yaml'), Buffer.from([0x6e, 0xe9, 0x0a]));
    await expect(load('latin1.yaml')).rejects.toMatchObject({
      code: 'INPUT_UNREADABLE',
      message: 'the pipeline file latin1.yaml is not UTF-8 text',
    });
  });
});
