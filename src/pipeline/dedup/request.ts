/**
 * The pipeline of `corpusmill dedup`, made in memory: inputs, `dedup.exact`, `dedup.minhash`, the stage for repeated
 * lines where it is asked for, `write` where it is asked for. It runs like any other: resumable, in workers, and with
 * the same bytes for any number of them.
 */
import { join } from 'node:path';
import { CorpusmillError } from '../../core/errors.ts';
import type { Keep } from '../../dedup/keep.ts';
import type { InputFormat } from '../../io/input.ts';
import { inputNameOf, resolveGlob } from '../config/inputs.ts';
import { ConfigError } from '../config/issues.ts';
import { parsePipeline } from '../config/load.ts';
import type { Pipeline } from '../pipeline.ts';
import { loadStages } from '../stage-loaders.ts';

/** How copies are looked for. */
export interface DedupSettings {
  /** Which of the three are looked for; none named: exact and near. */
  exact: boolean;
  near: boolean;
  lines: boolean;
  /** What must be the same for exact copies: `text`, `id`, or a path into meta. */
  by: string;
  /** How it is compared; undefined: `url` for a field of that name, else `raw`. */
  normalize: 'raw' | 'loose' | 'url' | undefined;
  threshold: number | undefined;
  verify: number | 'containment' | undefined;
  keep: Keep | undefined;
  /** Path into meta to what the report counts as a source; undefined: the input. */
  sourceField: string | undefined;
}

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
}

export interface DedupRequest extends DedupSettings, CorpusSettings, RunSettings {
  /** Files, folders, globs. */
  paths: readonly string[];
  write: 'jsonl' | 'parquet' | 'none';
}

/**
 * The pipeline of a request. Each path is an input of its own, so that rates are by path; it is named after its file.
 *
 * @throws CorpusmillError USAGE where options do not go together
 */
export async function dedupPipeline(request: DedupRequest): Promise<Pipeline> {
  const stages: Record<string, unknown>[] = [];
  const { exact, near, lines, by, normalize, threshold, verify, sourceField, write } = request;
  const both = !exact && !near && !lines;
  const shared = {
    ...(request.keep !== undefined && { keep: request.keep }),
    // A record's own `source` makes way for the input's name (src/io/record.ts).
    ...(sourceField !== undefined && { sourceField: sourceField === 'source' ? 'original_source' : sourceField }),
  };
  if (exact || both || by !== 'text') {
    const form = normalize ?? (/(^|[._-])(url|uri)$/i.test(by) ? 'url' : 'raw');
    stages.push({ stage: 'dedup.exact', by, normalize: form, ...shared });
  }
  if (near || both) {
    stages.push({
      stage: 'dedup.minhash',
      ...(threshold !== undefined && { threshold }),
      ...(verify !== undefined && { verify }),
      ...shared,
    });
  }
  // Last: what it cuts out of documents would be read anew by a stage behind it.
  if (lines) stages.push({ stage: LINES_STAGE });
  if (write !== 'none') stages.push({ stage: 'write', format: write });
  const taken = new Set<string>();
  const inputs = request.paths.map((path) => {
    const name = inputNameOf([path], taken);
    taken.add(name);
    return { name, path };
  });
  return memoryPipeline('dedup', inputs, stages, request, request);
}

/** The registered stage that drops or cuts repeated lines. */
const LINES_STAGE = 'dedup.lines';

/** A pipeline without a file, checked as if it came from one. */
export async function memoryPipeline(
  name: string,
  inputs: readonly { name: string; path: string }[],
  stages: readonly Record<string, unknown>[],
  { format, textField, idField }: CorpusSettings,
  { cwd, env, output, workers, memoryMiB, maxBadRecords }: RunSettings,
): Promise<Pipeline> {
  const text = JSON.stringify({
    name,
    output,
    inputs: inputs.map(({ name, path }) => ({ name, path: resolveGlob(cwd, path), format, textField, idField })),
    stages,
    run: {
      ...(workers !== undefined && { workers }),
      ...(memoryMiB !== undefined && { decideMemoryMiB: memoryMiB }),
      ...(maxBadRecords !== undefined && { maxBadRecords }),
      // Who was dropped, and for whom, is what people come for.
      audit: 'full',
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
    const mistakes = error.issues.map(
      ({ path, found, expected, message }) =>
        `${path.replace(/^stages\.\d+\./, '')}: found ${found}, ${message ?? `expected ${expected}`}`,
    );
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
