/**
 * One run of the map chain (normalize and the four filter families, then `write`) through the command line, in a
 * process of its own: what a user would type, so start-up, reading and writing are in the figures.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../src/core/native.ts';
import { benchCache } from './web-mix.ts';

export const MAP_CHAIN = [
  'normalize',
  'filter.gopher-quality',
  'filter.gopher-repetition',
  'filter.c4',
  'filter.fineweb',
];

export interface CliRun {
  /** Wall seconds of the whole process. */
  seconds: number;
  /** Wall seconds of the first phase, reading and filtering, as the run's own `timing.json` says. */
  mapSeconds: number;
  /** Largest resident set of the process in MiB; null where the system does not tell (anything but Linux). */
  peakMiB: number | null;
}

/** Runs the map chain over `input` with `workers` workers in a fresh run directory, which is removed afterwards. */
export async function runMapChain(input: string, workers: number): Promise<CliRun> {
  const folder = mkdtempSync(join(benchCache(), 'run-'));
  try {
    const pipeline = join(folder, 'bench.yaml');
    const output = join(folder, 'out');
    mkdirSync(output);
    const stages = [...MAP_CHAIN.map((stage) => ({ stage })), { stage: 'write' }];
    // JSON is YAML.
    writeFileSync(pipeline, JSON.stringify({ name: 'bench', output, inputs: [{ name: 'web', path: input }], stages }));
    const { seconds, peakMiB } = await watch([
      join(packageRoot(), 'dist', 'src', 'cli', 'main.js'),
      'run',
      pipeline,
      '--workers',
      String(workers),
      '--json',
    ]);
    const timing = JSON.parse(readFileSync(join(output, 'timing.json'), 'utf8')) as { phases: { seconds: number }[] };
    return { seconds, mapSeconds: timing.phases[0].seconds, peakMiB };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function watch(args: string[]): Promise<{ seconds: number; peakMiB: number | null }> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    let peakMiB: number | null = null;
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-4000);
    });
    // VmHWM is the largest resident set so far, so the last look is the answer whatever happened between looks.
    const look = setInterval(() => {
      try {
        const kib = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1];
        if (kib !== undefined) peakMiB = Number(kib) / 1024;
      } catch {
        // Gone already, or no /proc here.
      }
    }, 50);
    child.on('error', reject);
    child.on('close', (code) => {
      clearInterval(look);
      if (code === 0) resolve({ seconds: (performance.now() - started) / 1000, peakMiB });
      else reject(new Error(`corpusmill ${args.slice(1).join(' ')} ended with ${code}:\n${errors}`));
    });
  });
}
