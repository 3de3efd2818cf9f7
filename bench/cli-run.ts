/**
 * One run of the map chain (normalize and the four filter families, then `write`) through the command line, in a
 * process of its own: what a user would type, so start-up, reading and writing are in the figures.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../src/core/package-root.ts';
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

/**
 * Runs the map chain over `input` with `workers` workers in a fresh run directory, which is removed afterwards; on one core
 * alone where that is asked for and the system can (`taskset`).
 */
export async function runMapChain(input: string, workers: number, onOneCore = false): Promise<CliRun> {
  const folder = mkdtempSync(join(benchCache(), 'run-'));
  try {
    const pipeline = join(folder, 'bench.yaml');
    const output = join(folder, 'out');
    mkdirSync(output);
    const stages = [...MAP_CHAIN.map((stage) => ({ stage })), { stage: 'write' }];
    // JSON is YAML.
    writeFileSync(pipeline, JSON.stringify({ name: 'bench', output, inputs: [{ name: 'web', path: input }], stages }));
    const { seconds, peakMiB } = await runCli(['run', pipeline, '--workers', String(workers), '--json'], { onOneCore });
    const timing = JSON.parse(readFileSync(join(output, 'timing.json'), 'utf8')) as { phases: { seconds: number }[] };
    return { seconds, mapSeconds: timing.phases[0].seconds, peakMiB };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface Watched {
  /** Wall seconds. */
  seconds: number;
  /** Processor seconds of all threads; null where the system does not tell (anything but Linux). */
  cpuSeconds: number | null;
  /** Largest resident set of the process in MiB; null where the system does not tell. */
  peakMiB: number | null;
}

/** Clock ticks a second in /proc: 100 on every Linux there is. */
const TICKS = 100;

/** The command that runs another on the first core alone, before it; nothing where there is no such command. */
export function firstCore(): string[] {
  return existsSync('/usr/bin/taskset') ? ['/usr/bin/taskset', '-c', '0'] : [];
}

interface Running {
  /** Sees each second how far the figures are. */
  eachSecond?: (sofar: Watched) => void;
  onOneCore?: boolean;
}

/** Runs `corpusmill ARGS…` to its end in a process of its own. */
export function runCli(args: readonly string[], { eachSecond, onOneCore = false }: Running = {}): Promise<Watched> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const main = join(packageRoot(), 'dist', 'src', 'cli', 'main.js');
    const [command, ...rest] = [...(onOneCore ? firstCore() : []), process.execPath, main, ...args];
    const child = spawn(command, rest, { stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    const seen: Watched = { seconds: 0, cpuSeconds: null, peakMiB: null };
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-4000);
    });
    const look = setInterval(() => {
      try {
        // VmHWM is the largest resident set so far, so the last look is the answer whatever happened between looks.
        const kib = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1];
        if (kib !== undefined) seen.peakMiB = Number(kib) / 1024;
        // Behind the name, which may hold spaces: utime and stime are the 12th and 13th.
        const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8')
          .replace(/^.*\) /, '')
          .split(' ');
        if (fields.length > 12) seen.cpuSeconds = (Number(fields[11]) + Number(fields[12])) / TICKS;
      } catch {
        // Gone already, or no /proc here.
      }
      const seconds = Math.floor((performance.now() - started) / 1000);
      if (seconds > seen.seconds) {
        seen.seconds = seconds;
        eachSecond?.(seen);
      }
    }, 50);
    child.on('error', reject);
    child.on('close', (code) => {
      clearInterval(look);
      seen.seconds = (performance.now() - started) / 1000;
      if (code === 0) resolve(seen);
      else reject(new Error(`corpusmill ${args.join(' ')} ended with ${code}:\n${errors}`));
    });
  });
}
