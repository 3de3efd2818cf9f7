/** Pipelines of commands that take files in place of a pipeline file. */
import { join } from 'node:path';
import { CorpusmillError } from '../core/errors.ts';
import type { InputFormat } from '../io/input.ts';
import { resolveGlob } from './config/inputs.ts';
import { ConfigError } from './config/issues.ts';
import { parsePipeline } from './config/load.ts';
import type { Pipeline } from './pipeline.ts';
import { loadStages } from './stage-loaders.ts';

export interface CorpusSettings {
  format: InputFormat | 'auto';
  textField: string;
  idField: string;
}

export interface RunSettings {
  cwd: string;
  env: NodeJS.ProcessEnv;
  /** Run directory, relative to `cwd`. */
  output: string;
  workers: number | undefined;
  /** For decisions, in MiB. */
  memoryMiB: number | undefined;
  maxBadRecords: number | undefined;
  /** Which dropped documents are written out. Default: none. */
  audit?: 'off' | 'full';
  /** Default 0. */
  seed?: number;
}

/** A pipeline without a file, checked as if it came from one. */
export async function memoryPipeline(
  name: string,
  inputs: readonly { name: string; path: string }[],
  stages: readonly Record<string, unknown>[],
  { format, textField, idField }: CorpusSettings,
  { cwd, env, output, workers, memoryMiB, maxBadRecords, audit = 'off', seed = 0 }: RunSettings,
): Promise<Pipeline> {
  const text = JSON.stringify({
    name,
    seed,
    output,
    inputs: inputs.map(({ name, path }) => ({ name, path: resolveGlob(cwd, path), format, textField, idField })),
    stages,
    run: {
      ...(workers !== undefined && { workers }),
      ...(memoryMiB !== undefined && { decideMemoryMiB: memoryMiB }),
      ...(maxBadRecords !== undefined && { maxBadRecords }),
      audit,
    },
  });
  const registry = await loadStages(stages.map(({ stage }) => String(stage)));
  // Dollar signs in paths are no variables here.
  const escaped = text.replaceAll('${', () => '$${');
  try {
    return parsePipeline(escaped, join(cwd, `corpusmill ${name}`), { cwd, env, registry });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    // Lines and columns of a text that nobody wrote would only confuse.
    const mistakes = error.issues.map(({ path, found, expected, message }) => {
      // What a stage says of itself names no option.
      if (/^stages\.\d+$/.test(path) && message !== undefined) return message;
      return `${path.replace(/^stages\.\d+\./, '')}: found ${found}, ${message ?? `expected ${expected}`}`;
    });
    // Stages that share a flag share its mistakes.
    throw new CorpusmillError('USAGE', [...new Set(mistakes)].join('; '), { cause: error });
  }
}

/** An error of a run, for someone who has typed the paths and written no pipeline file. */
export function withoutPipelineFile(error: unknown): unknown {
  if (!(error instanceof CorpusmillError) || error.code !== 'INPUT_NOT_FOUND') return error;
  const hint = 'paths are relative to the current directory; check the spelling, and quote globs';
  return new CorpusmillError(error.code, error.message, { hint, cause: error });
}
