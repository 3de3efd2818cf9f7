/** A corpus that comes in batches, each compared with the indexes of the earlier ones, and the same in one run. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Document } from '../../../src/core/document.ts';
import type { BarrierDefinition } from '../../../src/core/stage.ts';
import { temporaryFolder } from '../../temporary-folder.ts';
import { type Outcome, runBarrier, type Settings } from '../context.ts';

export interface Batches {
  /** Ids of kept documents, in order. */
  kept: string[];
  outcomes: Outcome[];
  /** The folder of each batch's index. */
  indexes: string[];
}

/** Runs the batches in order; each sees the indexes of all before it, or with `merged` the last of them. */
export async function runBatches(
  definition: BarrierDefinition,
  options: Record<string, unknown>,
  batches: readonly (readonly Document[])[],
  { writeIndex = true, ...settings }: Settings & { writeIndex?: true | 'merged' } = {},
): Promise<Batches> {
  const root = temporaryFolder();
  const found: Batches = { kept: [], outcomes: [], indexes: [] };
  for (const [i, documents] of batches.entries()) {
    const outputDir = join(root, String(i));
    mkdirSync(outputDir);
    const index = writeIndex === 'merged' ? found.indexes.slice(-1) : [...found.indexes];
    const given = { ...options, writeIndex, ...(index.length > 0 && { index }) };
    const outcome = await runBarrier(definition, given, documents, { ...settings, outputDir });
    found.outcomes.push(outcome);
    found.indexes.push(join(outputDir, 'index'));
    found.kept.push(...keptIds(outcome, documents));
  }
  return found;
}

export function keptIds({ keptAs }: Outcome, documents: readonly Document[]): string[] {
  return documents.filter((_, i) => keptAs[i] === i).map(({ id }) => id);
}

/** `documents` in `count` runs of consecutive ones. */
export function inParts<T>(documents: readonly T[], count: number): T[][] {
  const size = Math.ceil(documents.length / count);
  return Array.from({ length: count }, (_, i) => documents.slice(i * size, (i + 1) * size));
}
