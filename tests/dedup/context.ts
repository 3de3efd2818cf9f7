/** A barrier run in memory: observers over documents given in parts, then `decide` on what they left. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect } from 'vitest';
import { cutRange } from '../../src/core/columns.ts';
import type { Document } from '../../src/core/document.ts';
import type { DuplicateDetails } from '../../src/core/run-summary.ts';
import type { BarrierContext, BarrierDefinition, BarrierResult, FeaturePart, Observer } from '../../src/core/stage.ts';
import { columnOf } from '../../src/core/utf8-column.ts';

export interface Outcome {
  keptAs: number[];
  details: DuplicateDetails & { verification?: Record<string, number> };
  /** Ordinals asked for, in order, all of a part where its texts are: one array per call. */
  reads: number[][];
  result: BarrierResult;
}

export interface Settings {
  /** Rows per part, the last repeating; one part when absent. */
  partRows?: readonly number[];
  /** False for each ordinal that an earlier stage dropped. */
  alive?: (ordinal: number) => boolean;
  seed?: number;
  /** Default: 1 GiB. */
  memoryBytes?: number;
  /** Scratch folder; needed where memory is scarce. */
  workDir?: string;
  /** Where the stage leaves its artifacts, and what its relative paths start from. */
  outputDir?: string;
}

export function documentsFrom(texts: readonly string[]): Document[] {
  return texts.map((text, i) => ({ id: `d${i}`, text, meta: { source: 'test' } }));
}

/** The documents of a .jsonl.gz file. */
export function readJsonlGz<T>(path: string): T[] {
  const lines = gunzipSync(readFileSync(path)).toString('utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as T);
}

/** What an observer leaves that is given texts in blocks; undefined for one that wants documents. */
function observedInBlocks(observer: Observer, documents: readonly Document[]): Uint8Array | undefined {
  if (observer.observeTexts === undefined) return undefined;
  // Behind a text that no observer sees.
  const column = columnOf(['x', ...documents.map(({ text }) => text)]);
  const ends = [1, 2, 3, 40, 41, 900, documents.length].filter((end) => end <= documents.length);
  for (let i = 0, from = 0; i < ends.length; from = ends[i++]) {
    if (ends[i] > from) observer.observeTexts({ ...column, from: from + 1, to: ends[i] + 1 });
  }
  return observer.finish();
}

export async function runBarrier(
  definition: BarrierDefinition,
  options: Record<string, unknown>,
  documents: readonly Document[],
  {
    partRows = [documents.length],
    alive,
    seed = 1,
    memoryBytes = 2 ** 30,
    outputDir = '.',
    workDir = '.',
  }: Settings = {},
): Promise<Outcome> {
  const parsed = definition.options.parse(options);
  const stage = { name: 'dedup', seed, baseDir: outputDir };
  const parts: FeaturePart[] = [];
  for (let first = 0; first < documents.length; ) {
    const rows = Math.min(partRows[Math.min(parts.length, partRows.length - 1)], documents.length - first);
    const observer = definition.createObserver(parsed, stage);
    for (let row = 0; row < rows; row++) observer.observe(documents[first + row]);
    const inBlocks = observedInBlocks(definition.createObserver(parsed, stage), documents.slice(first, first + rows));
    const blob = observer.finish();
    // Block by block an observer leaves the same.
    if (inBlocks !== undefined) expect(Buffer.compare(inBlocks, blob)).toBe(0);
    const firstOrdinal = first;
    parts.push({
      part: parts.length,
      rows,
      firstOrdinal,
      alive: alive && Uint8Array.from({ length: rows }, (_, row) => (alive(firstOrdinal + row) ? 1 : 0)),
      // As read from a file: a view at an odd offset must do as well.
      features: async (range) => {
        const read = cutRange(blob, range);
        return Buffer.concat([Buffer.alloc(1), read]).subarray(1);
      },
      rowInfo: async () =>
        Uint32Array.from({ length: 2 * rows }, (_, i) =>
          i % 2 === 0 ? Buffer.byteLength(documents[firstOrdinal + i / 2].text) : 0,
        ),
    });
    first += rows;
  }
  const reads: number[][] = [];
  const context: BarrierContext = {
    ...stage,
    parts,
    rows: documents.length,
    inputs: ['test'],
    outputDir,
    workDir,
    memoryBytes,
    readDocuments: async (ordinals) => {
      reads.push([...ordinals]);
      return ordinals.map((ordinal) => documents[ordinal]);
    },
    readTexts: async (ordinals) => {
      reads.push([...ordinals]);
      return ordinals.map((ordinal) => documents[ordinal].text);
    },
    withTexts: async (part, use) => {
      const { firstOrdinal, rows } = parts[part];
      reads.push(Array.from({ length: rows }, (_, row) => firstOrdinal + row));
      use(columnOf(documents.slice(firstOrdinal, firstOrdinal + rows).map(({ text }) => text)));
    },
    progress: () => {},
    signal: new AbortController().signal,
  };
  const result = await definition.decide(parsed, context);
  const { keptAs } = result;
  const details = { ...result.details, ...(await result.describe?.()) };
  return { keptAs: [...(keptAs ?? [])], details: details as unknown as Outcome['details'], reads, result };
}
