/** The pipeline of `corpusmill diff`, made in memory: two inputs named `a` and `b`, and the stage `compare`. */
import type { ComparisonDetails } from '../../dedup/compare/comparison.ts';
import { type CorpusSettings, memoryPipeline, type RunSettings } from '../memory-pipeline.ts';
import type { Pipeline } from '../pipeline.ts';
import type { RunResult } from '../run.ts';

export interface DiffRequest extends CorpusSettings, RunSettings {
  a: string;
  b: string;
  normalize: 'raw' | 'loose';
  threshold: number | undefined;
  near: boolean;
  /** Documents of each kind that the result shows. */
  examples: number;
}

/** @throws CorpusmillError USAGE where options do not go together */
export async function diffPipeline(request: DiffRequest): Promise<Pipeline> {
  const { a, b, normalize, threshold, near, examples } = request;
  const inputs = [
    { name: 'a', path: a },
    { name: 'b', path: b },
  ];
  const stage = { stage: 'compare', normalize, near, examples, ...(threshold !== undefined && { threshold }) };
  return memoryPipeline('diff', inputs, [stage], request, { ...request, audit: 'full' });
}

/** What the stage found. */
export function comparisonOf({ summary }: RunResult): ComparisonDetails {
  const details = summary.barriers.find(({ stage }) => stage === 'compare')?.details;
  if (details?.['kind'] !== 'comparison') throw new Error('the run has no comparison');
  return details as ComparisonDetails;
}
