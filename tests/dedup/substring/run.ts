/** `dedup.substring` in memory, over documents given in parts, with a scratch folder of its own. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cutRange } from '../../../src/core/columns.ts';
import { type BarrierContext, type FeaturePart, NOBODY } from '../../../src/core/stage.ts';
import { type SubstringDetails, substring } from '../../../src/dedup/substring/stage.ts';
import { applyEdits } from '../../../src/pipeline/edits.ts';

export interface Outcome {
  /** Texts as they leave the stage; undefined where the document is dropped. */
  texts: (string | undefined)[];
  /** By document: spans in UTF-16 units. */
  spans: [number, number][][];
  reasons: (string | undefined)[];
  bytesRemoved: number;
  editedDocuments: number;
  details: SubstringDetails;
}

export async function runSubstring(
  texts: readonly string[],
  options: Record<string, unknown> = {},
  {
    partRows = texts.length,
    memoryBytes = 2 ** 30,
    alive,
  }: { partRows?: number; memoryBytes?: number; alive?: (ordinal: number) => boolean } = {},
): Promise<Outcome> {
  const given = substring.options.parse(options);
  const stage = { name: 'repeats', seed: 1, baseDir: '.' };
  const parts: FeaturePart[] = [];
  for (let first = 0; first < texts.length; first += partRows) {
    const rows = Math.min(partRows, texts.length - first);
    const observer = substring.createObserver(given, stage);
    for (let row = 0; row < rows; row++) observer.observe({ id: '', text: texts[first + row], meta: {} });
    const blob = observer.finish();
    parts.push({
      part: parts.length,
      rows,
      firstOrdinal: first,
      alive: alive && Uint8Array.from({ length: rows }, (_, row) => (alive(first + row) ? 1 : 0)),
      // As read from a file: a view at an odd offset must do as well.
      features: async (range) => {
        const read = cutRange(blob, range);
        return Buffer.concat([Buffer.alloc(1), read]).subarray(1);
      },
      rowInfo: async () =>
        Uint32Array.from({ length: 2 * rows }, (_, i) => (i % 2 === 0 ? Buffer.byteLength(texts[first + i / 2]) : 0)),
    });
  }
  const workDir = mkdtempSync(join(tmpdir(), 'corpusmill-substring-'));
  const context: BarrierContext = {
    ...stage,
    parts,
    rows: texts.length,
    inputs: ['test'],
    outputDir: '.',
    workDir,
    memoryBytes,
    readDocuments: async (ordinals) => ordinals.map((i) => ({ id: `d${i}`, text: texts[i], meta: {} })),
    readTexts: async (ordinals) => ordinals.map((i) => texts[i]),
    withTexts: async () => {},
    progress: () => {},
    signal: new AbortController().signal,
  };
  try {
    const { keptAs, reasonOf, edits, details } = await substring.decide(given, context);
    // As the engine does: the scratch folder is gone when the spans are asked for.
    rmSync(workDir, { recursive: true });
    const documents = texts.map((text, i) => ({ id: `d${i}`, text, meta: {} as Record<string, unknown> }));
    const spans: [number, number][][] = texts.map(() => []);
    for (const { part, rows, firstOrdinal } of parts) {
      const found = await edits!.spans(part);
      for (let i = 0; i < found.length; i += 3) spans[firstOrdinal + found[i]].push([found[i + 1], found[i + 2]]);
      applyEdits(documents.slice(firstOrdinal, firstOrdinal + rows), found, { action: edits!.action, name: 'repeats' });
    }
    const isDropped = (i: number): boolean => keptAs![i] === NOBODY;
    return {
      texts: documents.map(({ text }, i) => (isDropped(i) || alive?.(i) === false ? undefined : text)),
      spans,
      reasons: texts.map((_, i) => (isDropped(i) ? reasonOf!(i).reason : undefined)),
      bytesRemoved: edits!.bytesRemoved,
      editedDocuments: edits!.documents,
      details: details as SubstringDetails,
    };
  } finally {
    rmSync(workDir, { recursive: true, force: true });
  }
}

/**
 * What should go, by definition and in quadratic time: symbols of passages of `minLength` that stand in `minDocuments`
 * documents and in two places, all but the first place where `keep` is `first`. One boolean for each symbol.
 */
export function repeatsByDefinition(
  documents: readonly (readonly unknown[])[],
  {
    minLength,
    minDocuments = 1,
    keep = 'first',
  }: { minLength: number; minDocuments?: number; keep?: 'first' | 'none' },
): boolean[][] {
  const places = new Map<string, { document: number; start: number }[]>();
  for (const [document, symbols] of documents.entries()) {
    for (let start = 0; start + minLength <= symbols.length; start++) {
      const passage = JSON.stringify(symbols.slice(start, start + minLength));
      const known = places.get(passage) ?? [];
      known.push({ document, start });
      places.set(passage, known);
    }
  }
  const goes = documents.map((symbols) => symbols.map(() => false));
  for (const found of places.values()) {
    if (found.length < 2 || new Set(found.map(({ document }) => document)).size < minDocuments) continue;
    for (const { document, start } of keep === 'first' ? found.slice(1) : found) {
      goes[document].fill(true, start, start + minLength);
    }
  }
  return goes;
}
