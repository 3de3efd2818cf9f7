/** Runs the built command line as a user would: a process, its exit code, and what it prints and leaves on disk. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { packageRoot } from '../../src/core/package-root.ts';
import type { RunSummary } from '../../src/core/run-summary.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const MAIN = join(packageRoot(), 'dist', 'src', 'cli', 'main.js');

export interface CliResult {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface CliRun {
  child: ChildProcess;
  done: Promise<CliResult>;
}

/** Starts `corpusmill ARGS…` in `cwd`; color, progress and the machine's own settings are kept out. */
export function startCli(args: string[], cwd: string, options: SpawnOptions = {}): CliRun {
  if (!existsSync(MAIN)) throw new Error(`no ${MAIN}: these tests run the built program, \`npm run build\` first`);
  const env = { ...process.env, NO_COLOR: '1', CORPUSMILL_WORKERS: undefined, ...options.env };
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'], ...options, cwd, env });
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.setEncoding('utf8').on('data', (text: string) => {
      output[stream] += text;
    });
  }
  const done = new Promise<CliResult>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, ...output }));
  });
  return { child, done };
}

export function cli(args: string[], cwd: string, options: SpawnOptions = {}): Promise<CliResult> {
  return startCli(args, cwd, options).done;
}

/** True when what was printed looks like a JavaScript stack trace: a user must never see one for bad input. */
export function hasStackTrace(result: CliResult): boolean {
  return /^\s+at .+[:(]\d+:\d+\)?$/m.test(`${result.stdout}\n${result.stderr}`);
}

/** A folder of its own for a test, holding `files`; removed when the file of the test has ended. */
export function workspace(files: Record<string, string | Uint8Array> = {}): string {
  const folder = temporaryFolder();
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

/** A pipeline file; JSON is YAML. */
export function pipelineFile(pipeline: {
  name?: string;
  output?: string;
  seed?: number;
  inputs: object[];
  stages: (string | object)[];
  train?: object;
  run?: object;
}): string {
  return JSON.stringify({ name: 'e2e', output: 'run', seed: 7, ...pipeline }, null, 1);
}

export function summaryOf(runDir: string): RunSummary {
  return JSON.parse(readFileSync(join(runDir, 'summary.json'), 'utf8')) as RunSummary;
}

export interface Timing {
  workers: number;
  seconds: number;
  phases: { id: string; title: string; seconds: number; reused: boolean }[];
}

export function timingOf(runDir: string): Timing {
  return JSON.parse(readFileSync(join(runDir, 'timing.json'), 'utf8')) as Timing;
}

/** Every file under `folder`, relative and sorted. */
export function filesUnder(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

/**
 * SHA-256 of everything a run leaves for people and other programs. Left out: `timing.json`, which tells the clock, and
 * the phases' own state, which tells of interruptions.
 */
export function productsOf(runDir: string): Record<string, string> {
  const products = filesUnder(runDir).filter(
    (path) => !path.startsWith('phases/') && !['timing.json', 'run.lock', 'run.json'].includes(path),
  );
  return Object.fromEntries(
    products.map((path) => [
      path,
      createHash('sha256')
        .update(readFileSync(join(runDir, path)))
        .digest('hex'),
    ]),
  );
}

/** The documents that a `write` stage named `name` left as JSONL, in order. */
export function writtenDocuments(
  runDir: string,
  name = 'write',
): { id: string; text: string; [key: string]: unknown }[] {
  const folder = join(runDir, 'output', name);
  return filesUnder(folder)
    .filter((path) => path.endsWith('.jsonl'))
    .flatMap((path) => readFileSync(join(folder, path), 'utf8').split('\n'))
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { id: string; text: string });
}

/** Waits until `condition` holds, looking every few milliseconds; false when the process ended first. */
export async function waitFor(condition: () => boolean, run: CliRun): Promise<boolean> {
  let ended = false;
  void run.done.then(() => {
    ended = true;
  });
  while (!ended) {
    if (condition()) return true;
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  return false;
}

export function sizeOf(path: string): number {
  return statSync(path).size;
}

/** Every kind of stage once, sized for a small made corpus. */
export const everyStage = [
  'normalize',
  'filter.gopher-quality',
  'filter.gopher-repetition',
  'filter.c4',
  'filter.fineweb',
  'dedup.exact',
  'dedup.minhash',
  { stage: 'tokenizer.train', vocabSize: 400 },
  { stage: 'shards', contextLength: 128 },
  { stage: 'write', format: 'jsonl', compression: 'none' },
];
