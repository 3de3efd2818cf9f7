import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Engine } from '../../src/cli/context.ts';
import type { DuplicateDetails, RunSummary } from '../../src/core/run-summary.ts';
import { sizeHistogram, stageStats } from '../../src/core/stats.ts';
import type { Pipeline } from '../../src/pipeline/pipeline.ts';
import { cli } from './cli.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'corpusmill-dedup-'));
  await writeFile(join(dir, 'a.jsonl'), '{"text":"x"}\n');
  await writeFile(join(dir, 'b.jsonl'), '{"text":"x"}\n');
});
afterEach(() => rm(dir, { recursive: true }));

const DETAILS: DuplicateDetails = {
  kind: 'duplicates',
  method: 'exact',
  documents: 100,
  duplicates: 3,
  saved: { bytes: 300, tokens: 30 },
  clusters: 1,
  clusterSizes: { '4': 1 },
  sources: {
    by: 'source',
    names: ['a', 'b'],
    documents: [60, 40],
    duplicates: [1, 2],
    bytesSaved: [100, 200],
    matrix: [
      [0, 0, 1],
      [1, 0, 2],
    ],
  },
  largest: [
    {
      size: 4,
      skipped: 0,
      members: [
        { id: 'first', source: 'a', kept: true, excerpt: 'The text that\nall of them have.', bytes: 100 },
        { id: 'second', source: 'b', kept: false, excerpt: 'The text that\nall of them have.', bytes: 100 },
      ],
    },
  ],
  settings: {},
};

function summary(): RunSummary {
  const stage = stageStats('dedup.exact', 'dedup.exact');
  stage.input = { documents: 100, bytes: 10_000 };
  stage.output = { documents: 97, bytes: 9700 };
  stage.dropped = { duplicate: { documents: 3, bytes: 300 } };
  return {
    schemaVersion: 1,
    corpusmillVersion: '0.0.0',
    pipeline: { name: 'dedup', file: 'corpusmill dedup', hash: 'abc', seed: 0 },
    inputs: [
      { name: 'a', format: 'jsonl', files: 1, fileBytes: 13, documents: 60, badRecords: 0 },
      { name: 'b', format: 'jsonl', files: 1, fileBytes: 13, documents: 40, badRecords: 0 },
    ],
    stages: [stage],
    lengthsBefore: { ...sizeHistogram(), count: 100, sum: 10_000, min: 100, max: 100 },
    lengthsAfter: { ...sizeHistogram(), count: 97, sum: 9700, min: 100, max: 100 },
    sources: {
      a: { input: { documents: 60, bytes: 6000 }, output: { documents: 59, bytes: 5900 } },
      b: { input: { documents: 40, bytes: 4000 }, output: { documents: 38, bytes: 3800 } },
    },
    quarantine: { records: 0, byReason: {}, path: undefined },
    barriers: [{ name: 'dedup.exact', stage: 'dedup.exact', details: DETAILS, artifacts: {} }],
    outputs: [],
    dropped: { path: 'dropped', fraction: 1, text: 'excerpt', documents: 3, files: 1 },
  };
}

/** An engine that remembers the pipelines it was given and finds what `summary` says. */
function fakeEngine(): { engine: Engine; pipelines: Pipeline[] } {
  const pipelines: Pipeline[] = [];
  return {
    pipelines,
    engine: {
      async runPipeline(pipeline) {
        pipelines.push(pipeline);
        return { summary: summary(), runDir: dir, timing: { phases: [], seconds: 1.23, workers: 2 } };
      },
      planPipeline: async () => [],
    },
  };
}

/** The stages of the one pipeline that a command line makes, with the options that it sets. */
async function stagesOf(...args: string[]): Promise<Record<string, Record<string, unknown>>> {
  const { engine, pipelines } = fakeEngine();
  const { code, stderr } = await cli(['dedup', 'a.jsonl', ...args], { cwd: dir, engine });
  expect(code, stderr).toBe(0);
  return Object.fromEntries(pipelines[0].stages.map(({ name, options }) => [name, options]));
}

describe('the pipeline', () => {
  it('looks for exact copies and then for near ones, and writes nothing', async () => {
    expect(Object.keys(await stagesOf())).toEqual(['dedup.exact', 'dedup.minhash']);
  });

  it.each<[string[], string[]]>([
    [['--exact'], ['dedup.exact']],
    [['--near'], ['dedup.minhash']],
    [
      ['--exact', '--near'],
      ['dedup.exact', 'dedup.minhash'],
    ],
    [
      ['--by', 'url', '--near'],
      ['dedup.exact', 'dedup.minhash'],
    ],
    [
      ['--write', 'jsonl'],
      ['dedup.exact', 'dedup.minhash', 'write'],
    ],
  ])('with %j has the stages %j', async (args, stages) => {
    expect(Object.keys(await stagesOf(...args))).toEqual(stages);
  });

  it('hands options to the stages', async () => {
    const stages = await stagesOf('--threshold', '.8', '--verify', '0.7', '--keep', 'best:quality.score');
    expect(stages['dedup.minhash']).toMatchObject({ threshold: 0.8, verify: 0.7, keep: { best: 'quality.score' } });
    expect(stages['dedup.exact']).toMatchObject({ by: 'text', normalize: 'raw', keep: { best: 'quality.score' } });
  });

  it('compares a field named url as an address, unless told otherwise', async () => {
    expect((await stagesOf('--by', 'meta.url'))['dedup.exact']).toMatchObject({ by: 'meta.url', normalize: 'url' });
    expect((await stagesOf('--by', 'url', '--normalize', 'raw'))['dedup.exact']).toMatchObject({ normalize: 'raw' });
  });

  it('has an input of its own for each path, and takes a dollar sign for itself', async () => {
    const { engine, pipelines } = fakeEngine();
    const args = ['a.jsonl', 'x/b.jsonl.gz', `it's \${HOME}/*.jsonl`, '--text-field', 'body', '--workers', '3'];
    const { code, stderr } = await cli(['dedup', ...args, '--output', 'out', '--memory', '512'], { cwd: dir, engine });
    expect(code, stderr).toBe(0);
    const [{ inputs, run, output, name }] = pipelines;
    expect(inputs.map((input) => [input.name, input.paths[0], input.textField])).toEqual([
      ['a', join(dir, 'a.jsonl'), 'body'],
      ['b', join(dir, 'x/b.jsonl.gz'), 'body'],
      [expect.any(String), expect.stringContaining(`it's \${HOME}/*.jsonl`), 'body'],
    ]);
    expect(run).toMatchObject({ workers: 3, decideMemoryMiB: 512, audit: 'full' });
    expect([name, output]).toEqual(['dedup', join(dir, 'out')]);
  });
});

describe('the result', () => {
  it('is rates by source, the largest clusters, where the reports lie and what to do next', async () => {
    const { engine } = fakeEngine();
    const { code, stdout } = await cli(['dedup', 'a.jsonl', 'b.jsonl'], { cwd: dir, engine });
    expect(code).toBe(0);
    expect(stdout).toBe(`
3 duplicates among 100 documents (3.0 %); 300 B of 10.0 kB of text less without them

  source   documents  duplicates       share
  b               40           2       5.0 %
  a               60           1       1.7 %

largest clusters
  4 copies: first, second …
    The text that all of them have.

done in 1.2 s with 2 workers

Reports
  json     report.json
  md       report.md
  html     report.html
  dropped  dropped

Next
  open report.html in a browser         clusters side by side, differences marked
  corpusmill inspect dropped --limit 3  every copy, and what it is a copy of
  add --baseline report.json            to compare the next run with this one (keep a copy of it)
  add --write parquet                   to get the documents without their copies
`);
  });

  it('is one JSON object with --json, without excerpts', async () => {
    const { engine } = fakeEngine();
    const { stdout } = await cli(['dedup', 'a.jsonl', '--json', '--fail-over', '5%'], { cwd: dir, engine });
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({
      runDir: dir,
      totals: { duplicates: 3, duplicateShare: 0.03 },
      verdict: { limit: '5%', counted: 'all', duplicates: 3, documents: 100, over: false },
      duplicates: [{ name: 'dedup.exact', duplicates: 3 }],
      reports: [{ format: 'json' }, { format: 'md' }, { format: 'html' }],
    });
    expect(stdout).not.toContain('The text that');
  });

  it('has the formats asked for, and always report.json', async () => {
    const { engine } = fakeEngine();
    const args = ['dedup', 'a.jsonl', '--format', 'md, junit', '--json'];
    const { stdout } = await cli(args, { cwd: dir, engine });
    const files = JSON.parse(stdout).reports.map(({ path }: { path: string }) => path.slice(dir.length + 1));
    expect(files).toEqual(['report.json', 'report.md', 'junit.xml']);
  });
});

describe('the limit', () => {
  it.each([
    ['3%', 0],
    ['2.9%', 4],
    ['0.03', 0],
    ['0.029', 4],
    ['3', 0],
    ['2', 4],
    ['0', 4],
  ])('--fail-over %s ends with %d where 3 of 100 are duplicates', async (limit, expected) => {
    const { engine } = fakeEngine();
    const { code, stderr, stdout } = await cli(['dedup', 'a.jsonl', '--fail-over', limit], { cwd: dir, engine });
    expect(code).toBe(expected);
    const said = `3 duplicates among 100 documents (3.0 %), ${expected === 0 ? 'within' : 'over'} the limit of ${limit}`;
    if (expected === 0) expect([stdout, stderr]).toEqual([expect.stringContaining(said), '']);
    else expect(stderr).toBe(`corpusmill: ${said}\n`);
    // Also for those who read the report alone.
    const { verdict } = JSON.parse(await readFile(join(dir, 'report.json'), 'utf8'));
    expect(verdict).toMatchObject({ limit, over: expected === 4 });
  });
});

describe('what is wrong with a command line', () => {
  const wrong: [string[], string, string?][] = [
    [['--fail-over', 'much'], "expected a share ('2%' or '0.02') or a number of documents ('100')"],
    [['--fail-over', '120%'], "expected a share ('2%' or '0.02')"],
    [['--threshold', '8'], 'expected a similarity above 0 and at most 1 (0.8)'],
    [['--verify', 'yes'], "expected 'containment' or a similarity"],
    [['--keep', 'best'], 'expected first, longest, best:FIELD, newest:FIELD or sources:NAME,NAME'],
    [['--format', 'md,pdf'], "'pdf' is no format; expected a list of md, json, html, junit, codequality"],
    [['--new-only', '--fail-over', '0'], '--new-only needs a baseline', 'give --baseline report.json'],
    [['--new-only', '--baseline', 'r.json'], 'there is no --fail-over'],
    [['--lines', '--fail-over', '1'], '--lines alone looks for none', 'add --exact, --near or both'],
    [['--keep', 'sources:c'], 'keep.sources.0: found c, expected the name of an input\n'],
    [['-', '-'], 'standard input (-) is given twice'],
    [['--write', 'csv'], 'Allowed choices are jsonl, parquet, none'],
  ];
  it.each(wrong)('%j is said, and nothing runs', async (args, message, hint) => {
    const { engine, pipelines } = fakeEngine();
    const { code, stdout, stderr } = await cli(['dedup', 'a.jsonl', ...args], { cwd: dir, engine });
    expect([code, stdout, pipelines]).toEqual([2, '', []]);
    expect(stderr).toContain(message);
    if (hint !== undefined) expect(stderr).toContain(hint);
  });

  it('needs an input', async () => {
    const { code, stderr } = await cli(['dedup'], { cwd: dir });
    expect([code, stderr]).toEqual([2, expect.stringContaining("missing required argument 'input'")]);
  });

  it.each<[string, string | undefined, string]>([
    ['that is not there', undefined, 'the baseline old.json does not exist'],
    ['that is no JSON', '<html>', 'is no report.json of corpusmill: it is no JSON'],
    ['that is another JSON', '[1, 2]', 'is no report.json of corpusmill: it has no schemaVersion'],
    ['of another version', '{"schemaVersion": 99}', 'has version 99'],
  ])('a baseline %s is said before anything runs, with exit code 3', async (_, content, message) => {
    const { engine, pipelines } = fakeEngine();
    if (content !== undefined) await writeFile(join(dir, 'old.json'), content);
    const { code, stderr } = await cli(['dedup', 'a.jsonl', '--baseline', 'old.json'], { cwd: dir, engine });
    expect([code, pipelines]).toEqual([3, []]);
    expect(stderr).toContain(message);
    expect(stderr).toContain('hint: ');
  });
});
