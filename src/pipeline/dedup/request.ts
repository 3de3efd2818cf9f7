/**
 * The pipeline of `corpusmill dedup`, made in memory: inputs, `dedup.exact`, `dedup.minhash`, the stage for repeated
 * lines where it is asked for, `write` where it is asked for. It runs like any other: resumable, in workers, and with
 * the same bytes for any number of them.
 */
import type { Keep } from '../../dedup/keep.ts';
import { namedInputs } from '../config/inputs.ts';
import { type CorpusSettings, memoryPipeline, type RunSettings } from '../memory-pipeline.ts';
import type { Pipeline } from '../pipeline.ts';

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
  return memoryPipeline('dedup', namedInputs(request.paths), stages, request, { ...request, audit: 'full' });
}

/** The registered stage that drops or cuts repeated lines. */
const LINES_STAGE = 'dedup.lines';
