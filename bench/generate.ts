/**
 * Generation: tokens a second of prefill and decode for models of 25 and 110 million parameters, one text and eight, on two
 * threads, float32, beside llama.cpp (node-llama-cpp, one text, float32 cache) and transformers. Each is a process of its own,
 * taken in turn; medians. Decode reads every weight once a step, so its measure is bytes of weights a second beside what
 * memory gives.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../src/core/package-root.ts';
import { exportGguf } from '../src/models/checkpoint/gguf/export.ts';
import { writeCheckpoint } from '../src/models/checkpoint/write.ts';
import { countParameters } from '../src/models/cost.ts';
import { findConfig } from '../src/models/known-configs.ts';
import { parametersOf } from '../src/models/parameters.ts';
import { initialValues } from '../src/models/weights.ts';
import type { Bench } from './bench.ts';
import { median } from './median.ts';
import { pythonOfPeers } from './python-peer.ts';

const MODELS = ['tiny-qwen2-25m', 'tiny-qwen2-110m'];
const [PROMPT, FRESH, THREADS, ROUNDS] = [128, 48, 2, 3];

interface Seconds {
  prefill: number[];
  decode: number[];
  steps: number;
}

interface Own extends Seconds {
  choosingShare: number;
}

export const generate: Bench = {
  name: 'generate',
  summary: `tokens/s of prefill (${PROMPT} tokens) and decode (${FRESH}), float32, beside llama.cpp and transformers`,
  async run() {
    const table: (string | number)[][] = [
      ['model', 'texts', 'program', 'prefill tokens/s', 'decode tokens/s', 'weights GB/s'],
    ];
    const figures: Record<string, number | null> = {};
    const notes = new Set<string>();
    const folder = mkdtempSync(join(tmpdir(), 'corpusmill-generate-'));
    try {
      for (const name of MODELS) {
        const model = await writeModel(name, folder, notes);
        for (const batch of [1, 8]) {
          const own = runOwn(name, batch);
          const peers: [string, Seconds | string][] = [
            ...(batch === 1 && model.gguf !== undefined
              ? ([['llama.cpp', runLlama(model.gguf)]] as [string, Seconds | string][])
              : []),
            ['transformers', runTransformers(model.folder, batch)],
          ];
          const key = `${name.replace(/^tiny-qwen2-/, '')}Batch${batch}`;
          for (const [program, result] of [['corpusmill', own] as [string, Seconds | string], ...peers]) {
            if (typeof result === 'string') {
              notes.add(result);
              continue;
            }
            const prefill = (batch * PROMPT) / median(result.prefill);
            const decode = (batch * result.steps) / median(result.decode);
            const bandwidth = ((decode / batch) * model.weightBytes) / 1e9;
            table.push([name, batch, program, round(prefill), round(decode), bandwidth.toFixed(1)]);
            const programKey = program.replace(/\W/g, '');
            figures[`${key}_${programKey}_prefillTokensPerSecond`] = round(prefill);
            figures[`${key}_${programKey}_decodeTokensPerSecond`] = round(decode);
          }
        }
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
    return { table, figures, notes: [...notes] };
  },
};

const round = (value: number): number => Number(value.toPrecision(4));

/** A folder of random weights, its GGUF, and the bytes of weights that a token goes through. */
async function writeModel(
  name: string,
  parent: string,
  notes: Set<string>,
): Promise<{ folder: string; gguf: string | undefined; weightBytes: number }> {
  const { config } = findConfig(name);
  const folder = join(parent, name);
  const parameters = new Map(parametersOf(config).map((parameter) => [parameter.name, parameter]));
  await writeCheckpoint(folder, { config, values: (parameter) => initialValues(parameters.get(parameter)!, 1) });
  const gguf = join(parent, `${name}.gguf`);
  // The tied embedding is the output matrix, which is read whole.
  const weightBytes = 4 * countParameters(config).total;
  try {
    await exportGguf(folder, gguf, { type: 'F32' });
    return { folder, gguf, weightBytes };
  } catch (error) {
    notes.add(`llama.cpp was left out: ${(error as Error).message}`);
    return { folder, gguf: undefined, weightBytes };
  }
}

function runOwn(name: string, batch: number): Own {
  const script = join(packageRoot(), 'dist', 'bench', 'generate-run.js');
  const config = join(packageRoot(), 'configs', 'models', `${name}.json`);
  const found = lastLine<Own>(process.execPath, [
    script,
    config,
    ...[batch, PROMPT, FRESH, THREADS, ROUNDS].map(String),
  ]);
  if (typeof found === 'string') throw new Error(found);
  return found;
}

function runLlama(gguf: string): Seconds | string {
  const script = join(packageRoot(), 'bench', 'peers', 'generate_llama.mjs');
  return lastLine(process.execPath, [script, gguf, ...[PROMPT, FRESH, THREADS, ROUNDS].map(String)]);
}

function runTransformers(folder: string, batch: number): Seconds | string {
  const script = join(packageRoot(), 'bench', 'peers', 'generate_transformers.py');
  const args = [script, folder, ...[batch, PROMPT, FRESH, THREADS, ROUNDS].map(String)];
  return lastLine(pythonOfPeers(), args);
}

/** The last line of a program's output, or a sentence on why there is none. */
function lastLine<T>(command: string, args: readonly string[]): T | string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (error === undefined && status === 0) return JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as T;
  return `${args[0]} did not run: ${error?.message ?? stderr.trim().split('\n').slice(-3).join(' ')}`;
}
