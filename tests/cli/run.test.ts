import { EventEmitter } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Engine } from '../../src/cli/context.ts';
import { CorpusmillError } from '../../src/core/errors.ts';
import type { RunSummary } from '../../src/core/run-summary.ts';
import { sizeHistogram, stageStats } from '../../src/core/stats.ts';
import type { Pipeline } from '../../src/pipeline/pipeline.ts';
import type { RunPipelineOptions } from '../../src/pipeline/run.ts';
import { cli } from './cli.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'corpusmill-run-'));
  await writeFile(join(dir, 'a.jsonl'), '{"text":"x"}\n');
  await writeFile(join(dir, 'p.yaml'), 'name: web\ninputs: [a.jsonl]\nstages: [tidy, tokenizer.train, shards]\n');
});
afterEach(() => rm(dir, { recursive: true }));

const SUMMARY: RunSummary = {
  schemaVersion: 1,
  corpusmillVersion: '0.0.0',
  pipeline: { name: 'web', file: 'p.yaml', hash: 'abc', seed: 0 },
  inputs: [{ name: 'a', format: 'jsonl', files: 1, fileBytes: 13, documents: 10, badRecords: 2 }],
  stages: [stageStats('tidy', 'tidy')],
  lengthsBefore: { ...sizeHistogram(), count: 10, sum: 100, min: 1, max: 20 },
  lengthsAfter: { ...sizeHistogram(), count: 8, sum: 80, min: 1, max: 20 },
  sources: { a: { input: { documents: 10, bytes: 100 }, output: { documents: 8, bytes: 80 } } },
  quarantine: { records: 2, byReason: { 'invalid JSON': 2 }, path: 'quarantine.jsonl' },
  barriers: [
    { name: 'tokenizer.train', stage: 'tokenizer.train', details: {}, artifacts: { tokenizer: 'output/tok' } },
  ],
  outputs: [
    {
      name: 'shards',
      stage: 'shards',
      path: 'output/shards',
      files: 2,
      bytes: 3 * 2 ** 20,
      details: { tokens: 12345 },
    },
  ],
};

/** An engine that remembers what it was asked to do. */
function fakeEngine(run?: (pipeline: Pipeline, options: RunPipelineOptions) => Promise<void>) {
  const calls: { pipeline: Pipeline; options: RunPipelineOptions }[] = [];
  const engine: Engine = {
    async runPipeline(pipeline, options) {
      calls.push({ pipeline, options });
      await run?.(pipeline, options);
      const phases = [
        { id: '01-pass', title: 'read, tidy', seconds: 1, reused: true },
        { id: '02-shards', title: 'shards', seconds: 2, reused: false },
      ];
      return { summary: SUMMARY, runDir: dir, timing: { phases, seconds: 3.21, workers: 2 } };
    },
    planPipeline: async () => [
      { id: '01-pass', title: 'read, tidy', kind: 'pass', stages: ['tidy'], reused: true },
      { id: '02-shards', title: 'shards', kind: 'sink', stages: ['shards'], reused: false },
    ],
  };
  return { engine, calls };
}

describe('run', () => {
  it('hands the pipeline and the flags to the engine', async () => {
    const { engine, calls } = fakeEngine();
    const args = [
      'run',
      'p.yaml',
      '--workers',
      '3',
      '--output',
      '12',
      '--from',
      'shards',
      '--force',
      '--set',
      'seed=9',
    ];
    const { code } = await cli(args, { cwd: dir, engine });
    expect(code).toBe(0);
    expect(calls[0].pipeline).toMatchObject({ name: 'web', seed: 9, output: join(dir, '12'), run: { workers: 3 } });
    expect(calls[0].options).toMatchObject({ from: 'shards', force: true });
  });

  it('ends with the funnel, where everything lies and what to try next', async () => {
    const { engine } = fakeEngine();
    const { stdout } = await cli(['run', 'p.yaml'], { cwd: dir, engine });
    expect(stdout).toContain('8 of 10 documents kept');
    expect(stdout.slice(stdout.indexOf('done'))).toBe(`done in 3.2 s with 2 workers; 1 of 2 phases were finished already

Outputs
  shards       output/shards     2 files, 3.15 MB, 12,345 tokens
  tokenizer    output/tok
  report       report.html       also report.md and report.json
  bad records  quarantine.jsonl  2 invalid JSON

Next
  corpusmill inspect output/shards --limit 3  packed rows as text, document borders shown
  open report.html in a browser               what was dropped and why, with examples
  corpusmill run p.yaml --dry-run             after a change: what would run again
`);
  });

  it('repeats the flags that decide what is run and where', async () => {
    const { engine } = fakeEngine();
    const args = ['run', 'p.yaml', '--set', 'inputs.0.path=a b.jsonl', '--output', 'out', '--workers', '1'];
    const { stdout } = await cli(args, { cwd: dir, engine });
    expect(stdout).toContain("  corpusmill run p.yaml --set 'inputs.0.path=a b.jsonl' --output out --dry-run\n");
  });

  it('names npx where npm started it', async () => {
    const { engine } = fakeEngine();
    const { stdout } = await cli(['run', 'p.yaml'], { cwd: dir, engine, env: { npm_command: 'run-script' } });
    expect(stdout).toContain('  npx corpusmill inspect output/shards');
  });

  it('--json leaves one object on standard output and everything else on standard error', async () => {
    const { engine } = fakeEngine(async (_, { onProgress }) => {
      onProgress?.({ type: 'phase-start', phase: '01', title: 'read', index: 0, phases: 1, totalBytes: 1 });
      onProgress?.({ type: 'phase-end', phase: '01', seconds: 1, reused: false, documents: 1, bytes: 1 });
    });
    const { stdout, stderr } = await cli(['run', 'p.yaml', '--json'], { cwd: dir, engine });
    expect(JSON.parse(stdout)).toMatchObject({
      summary: { pipeline: { name: 'web' } },
      runDir: dir,
      timing: { workers: 2 },
      reports: { html: join(dir, 'report.html') },
    });
    expect(stderr).toContain('read');
  });

  it('--dry-run says what would run and runs nothing', async () => {
    const { engine, calls } = fakeEngine();
    expect(await cli(['run', 'p.yaml', '--dry-run'], { cwd: dir, engine })).toEqual({
      code: 0,
      stdout: `web: 2 phases in runs/web; nothing was run
01-pass    finished  read, tidy
02-shards  to run    shards
`,
      stderr: '',
    });
    expect(calls).toEqual([]);
    const { stdout } = await cli(['run', 'p.yaml', '--dry-run', '--json'], { cwd: dir, engine });
    expect(JSON.parse(stdout)).toMatchObject({ pipeline: 'web', phases: [{ reused: true }, { reused: false }] });
  });

  it('runs nothing when the pipeline is mistaken', async () => {
    const { engine, calls } = fakeEngine();
    const { code, stdout, stderr } = await cli(['run', 'p.yaml', '--set', 'run.workers=many'], { cwd: dir, engine });
    expect([code, stdout, calls]).toEqual([2, '', []]);
    expect(stderr).toBe(`corpusmill: 1 mistake in p.yaml
--set run.workers=many: run.workers: found the string 'many', expected a whole number from 0 to 1024
hint: nothing was run; \`corpusmill stages NAME\` shows every option of a stage
`);
  });

  it.each<[ConstructorParameters<typeof CorpusmillError>[0], number]>([
    ['INPUT_NOT_FOUND', 3],
    ['TOO_MANY_BAD_RECORDS', 3],
    ['CHECK_FAILED', 4],
    ['RUN_CONFLICT', 5],
    ['OUTPUT_FAILED', 5],
    ['WORKER_FAILED', 1],
  ])('a run that fails with %s exits with %d, without a stack trace', async (code, exitCode) => {
    const { engine } = fakeEngine(async () => {
      throw new CorpusmillError(code, 'what was wrong', { hint: 'what to do' });
    });
    expect(await cli(['run', 'p.yaml'], { cwd: dir, engine })).toEqual({
      code: exitCode,
      stdout: '',
      stderr: 'corpusmill: what was wrong\nhint: what to do\n',
    });
  });

  it('calls a defect a defect', async () => {
    const { engine } = fakeEngine(async () => {
      throw new TypeError('x is not a function');
    });
    const { code, stderr } = await cli(['run', 'p.yaml'], { cwd: dir, engine });
    expect(code).toBe(1);
    expect(stderr).toBe(
      'corpusmill: unforeseen failure: x is not a function\nhint: this is a defect in corpusmill: please report it with the output of the same command under CORPUSMILL_DEBUG=1\n',
    );
  });
});

describe('Ctrl-C', () => {
  it('once: the engine is asked to stop, and the exit code is 130', async () => {
    const signals = new EventEmitter();
    const { engine } = fakeEngine(async (_, { signal }) => {
      signals.emit('SIGINT');
      expect(signal?.aborted).toBe(true);
      throw new CorpusmillError('INTERRUPTED', 'interrupted');
    });
    const exits: number[] = [];
    const { code, stderr } = await cli(['run', 'p.yaml'], { cwd: dir, engine, signals, exit: (c) => exits.push(c) });
    expect([code, exits]).toEqual([130, []]);
    expect(stderr).toBe(`
stopping: finished parts are kept and the same command resumes (again: exit at once)
corpusmill: interrupted
hint: finished parts are kept: the same command goes on
`);
    expect(signals.listenerCount('SIGINT') + signals.listenerCount('SIGTERM')).toBe(0);
  });

  it('twice: the process exits at once with 130', async () => {
    const signals = new EventEmitter();
    const exits: number[] = [];
    const { engine } = fakeEngine(async () => {
      signals.emit('SIGINT');
      signals.emit('SIGTERM');
    });
    await cli(['run', 'p.yaml'], { cwd: dir, engine, signals, exit: (code) => exits.push(code) });
    expect(exits).toEqual([130]);
  });
});
