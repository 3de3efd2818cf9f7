/**
 * Training a byte-level BPE on 100 MB and 1 GB of mixed text (mixed-text.ts), beside HF tokenizers' BpeTrainer with the same
 * pattern, normalization, alphabet and settings on the same file; merges are compared in order. Every run is a process of
 * its own; both peers read and parse the file within their time. HF gets one thread: with two it takes longer. Our one thread
 * has one core (`taskset`), since the thread that reads the file is beside those that count: without that, "one thread" would
 * use two cores and the second seem worth nothing. Medians of three rounds, one thread and two by turns. Last the same as a
 * pipeline, through the command line with 2 workers, from the file to the tokenizer and the report.
 *
 * HF on 1 GB takes a quarter of an hour and some ten GiB; it runs only with CORPUSMILL_BENCH_HF_GB=1.
 */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../src/core/package-root.ts';
import { PATTERNS } from '../src/tokenizer/pre-tokenizer.ts';
import type { Bench } from './bench.ts';
import { firstCore, runCli, type Watched } from './cli-run.ts';
import { median } from './median.ts';
import { mixedTextFile } from './mixed-text.ts';
import { pythonOfPeers } from './python-peer.ts';
import { NO_PEERS } from './tokenizer-judge.ts';
import type { TrainRun } from './tokenizer-train-run.ts';

interface HfRun {
  cpuSeconds: number;
  peakMiB: number;
}

const SIZES = [32_000, 64_000];
const ROUNDS = 3;

export const tokenizerTrain: Bench = {
  name: 'tokenizer-train',
  summary: 'BPE training to 32,000 and 64,000 tokens on 100 MB and 1 GB, beside HF tokenizers',
  async run() {
    const folder = await mkdtemp(join(tmpdir(), 'corpusmill-bench-'));
    try {
      const table: (string | number)[][] = [
        ['MB', 'vocabulary', 'trainer', 'CPU s', 's', 'counting CPU s', 'peak MiB', 'merges identical'],
      ];
      const figures: Record<string, number | boolean | null> = {};
      let identical: boolean | null = null;
      for (const megabytes of [100, 1000]) {
        const path = mixedTextFile(megabytes * 1e6);
        for (const size of SIZES) {
          const out = (who: string): string => join(folder, `${who}-${megabytes}-${size}.txt`);
          const rounds: [TrainRun[], TrainRun[]] = [[], []];
          for (let round = 0; round < ROUNDS; round++) {
            rounds[0].push(await train(path, size, 1, out('one')));
            rounds[1].push(await train(path, size, 2, out('two')));
          }
          const [one, two] = rounds.map(medians);
          const hf =
            megabytes === 100 || process.env['CORPUSMILL_BENCH_HF_GB'] ? await trainHf(path, size, out('hf')) : null;
          const merges = readFileSync(out('one'), 'utf8');
          const same =
            readFileSync(out('two'), 'utf8') === merges && (!hf || readFileSync(out('hf'), 'utf8') === merges);
          identical = same && identical !== false;
          for (const [threads, run] of [one, two].entries()) {
            table.push([
              megabytes,
              size,
              `corpusmill, ${threads + 1} thread${threads > 0 ? 's' : ''}`,
              run.cpuSeconds.toFixed(2),
              run.wallSeconds.toFixed(2),
              run.countCpuSeconds.toFixed(2),
              run.peakMiB,
              '',
            ]);
          }
          const suffix = `${size / 1000}k${megabytes === 100 ? '' : 'At1GB'}`;
          if (hf)
            table.push([megabytes, size, 'HF tokenizers', hf.cpuSeconds.toFixed(2), '', '', hf.peakMiB, String(same)]);
          figures[`cpuRatioToHf${suffix}`] = hf && Number((hf.cpuSeconds / one.cpuSeconds).toFixed(2));
          figures[`cpuSeconds${suffix}`] = Number(one.cpuSeconds.toFixed(2));
          figures[`wallSeconds2Threads${suffix}`] = Number(two.wallSeconds.toFixed(2));
          figures[`speedup2Threads${suffix}`] = Number((one.wallSeconds / two.wallSeconds).toFixed(2));
          if (size === SIZES[0]) {
            const at = megabytes === 100 ? '' : 'At1GB';
            figures[`peakMiB${at}`] = two.peakMiB;
            figures[`hfPeakMiB${at}`] = hf?.peakMiB ?? null;
          }
        }
      }
      const { seconds, cpuSeconds, peakMiB } = await trainInPipeline(mixedTextFile(1e9), folder);
      const peak = peakMiB === null ? null : Math.round(peakMiB);
      const cpu = cpuSeconds === null ? '' : cpuSeconds.toFixed(2);
      table.push([1000, SIZES[0], 'corpusmill run, 2 workers', cpu, seconds.toFixed(2), '', peak ?? '', '']);
      Object.assign(figures, { pipelineSecondsAt1GB: Number(seconds.toFixed(2)), pipelinePeakMiBAt1GB: peak });
      const asked = existsSync(pythonOfPeers());
      return {
        table,
        figures: { ...figures, mergesIdentical: asked ? identical : null },
        notes: asked ? [] : [NO_PEERS],
      };
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};

async function train(path: string, size: number, threads: number, out: string): Promise<TrainRun> {
  const script = join(packageRoot(), 'dist', 'bench', 'tokenizer-train-run.js');
  const command = [...(threads === 1 ? firstCore() : []), process.execPath, script, path, `${size}`, `${threads}`, out];
  const { stdout } = await promisify(execFile)(command[0], command.slice(1));
  return JSON.parse(stdout) as TrainRun;
}

/** Of each figure the median of the runs. */
function medians(runs: readonly TrainRun[]): TrainRun {
  const names = Object.keys(runs[0]) as (keyof TrainRun)[];
  return Object.fromEntries(names.map((name) => [name, median(runs.map((run) => run[name]))])) as unknown as TrainRun;
}

async function trainInPipeline(path: string, folder: string): Promise<Watched> {
  const pipeline = join(folder, 'bench.yaml');
  const stages = [{ stage: 'tokenizer.train', vocabSize: SIZES[0] }];
  // JSON is YAML.
  await writeFile(pipeline, JSON.stringify({ output: join(folder, 'run'), inputs: [{ name: 'mixed', path }], stages }));
  return runCli(['run', pipeline, '--workers', '2', '--json']);
}

async function trainHf(path: string, size: number, out: string): Promise<HfRun | null> {
  if (!existsSync(pythonOfPeers())) return null;
  const script = join(packageRoot(), 'bench', 'peers', 'bpe_train_hf.py');
  const env = { ...process.env, TOKENIZERS_PARALLELISM: 'false', RAYON_NUM_THREADS: '1' };
  const { stdout } = await promisify(execFile)(pythonOfPeers(), [script, path, PATTERNS.qwen2, `${size}`, out], {
    env,
  });
  return JSON.parse(stdout) as HfRun;
}
