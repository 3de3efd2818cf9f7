/**
 * The whole phase that tokenizes and packs, documents in and shards out, beside bare encoding of the same texts with the same
 * tokenizer: 268 MB of web pages (web-mix and four shifted copies), a vocabulary of 32,000 trained on web-mix. Medians of
 * alternating runs. The phase's seconds are what the run's `timing.json` says; its CPU time is that of the whole command, less
 * that of the same command when all is finished already.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../src/core/package-root.ts';
import { writeTokenizerFiles } from '../src/tokenizer/tokenizer-files.ts';
import type { Bench } from './bench.ts';
import { runCli } from './cli-run.ts';
import type { BareCost } from './shards-bare.ts';
import { readWebMix, trainOn } from './tokenizer-judge.ts';
import { benchCache, shiftedWebMix } from './web-mix.ts';

const RUNS = 3;
const WORKERS = [1, 2];

interface Cost {
  seconds: number;
  cpuSeconds: number;
}

export const shards: Bench = {
  name: 'shards',
  summary: 'The phase that tokenizes and packs, documents in and shards out, beside bare encoding; 1 and 2 workers',
  async run() {
    const input = shiftedWebMix();
    const folder = mkdtempSync(join(benchCache(), 'shards-'));
    try {
      const tokenizer = join(folder, 'tokenizer');
      mkdirSync(tokenizer);
      await writeTokenizerFiles(trainOn(readWebMix().rows).tables, tokenizer);
      const output = join(folder, 'out');
      const pipeline = join(folder, 'bench.yaml');
      const stages = [{ stage: 'shards', tokenizer }];
      // JSON is YAML.
      writeFileSync(
        pipeline,
        JSON.stringify({ name: 'bench', output, inputs: [{ name: 'web', path: input }], stages }),
      );
      await runCli(['run', pipeline, '--json']);
      const start = (await runCli(['run', pipeline, '--json'])).cpuSeconds ?? 0;
      const table: (string | number)[][] = [['workers', 'what', 'seconds', 'CPU seconds', 'MB/s', 'share of bare']];
      const figures: Record<string, number> = {};
      for (const workers of WORKERS) {
        const bare: BareCost[] = [];
        const phase: Cost[] = [];
        for (let run = 0; run < RUNS; run++) {
          bare.push(encodeBare(input, join(tokenizer, 'tokenizer.json'), workers));
          const { cpuSeconds } = await runCli([
            'run',
            pipeline,
            '--from',
            'shards',
            '--workers',
            `${workers}`,
            '--json',
          ]);
          phase.push({ seconds: phaseSeconds(output), cpuSeconds: (cpuSeconds ?? 0) - start });
        }
        const { megabytes } = bare[0];
        const costs = { encoding: median(bare), phase: median(phase) };
        for (const [what, { seconds, cpuSeconds }] of Object.entries(costs)) {
          const share = what === 'phase' ? `${percent(costs.encoding.seconds / seconds)} %` : '';
          table.push([
            workers,
            what,
            seconds.toFixed(2),
            cpuSeconds.toFixed(2),
            (megabytes / seconds).toFixed(1),
            share,
          ]);
        }
        figures[`shareOfBare${workers}`] = percent(costs.encoding.seconds / costs.phase.seconds);
        figures[`shareOfBareCpu${workers}`] = percent(costs.encoding.cpuSeconds / costs.phase.cpuSeconds);
        figures[`phaseMBPerSecond${workers}`] = Number((megabytes / costs.phase.seconds).toFixed(1));
      }
      return { table, figures };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

function encodeBare(input: string, tokenizer: string, threads: number): BareCost {
  const script = join(packageRoot(), 'dist', 'bench', 'shards-bare.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, input, tokenizer, `${threads}`]);
  if (status !== 0) throw new Error(stderr.toString());
  return JSON.parse(stdout.toString()) as BareCost;
}

function phaseSeconds(output: string): number {
  const timing = JSON.parse(readFileSync(join(output, 'timing.json'), 'utf8')) as {
    phases: { title: string; seconds: number }[];
  };
  return timing.phases.find(({ title }) => title === 'shards')?.seconds ?? Number.NaN;
}

function median(costs: readonly Cost[]): Cost {
  const middle = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1];
  return {
    seconds: middle(costs.map(({ seconds }) => seconds)),
    cpuSeconds: middle(costs.map(({ cpuSeconds }) => cpuSeconds)),
  };
}

function percent(share: number): number {
  return Math.round(100 * share);
}
