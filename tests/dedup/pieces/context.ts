/** A stage below the document run in memory, its spans cut out as the engine does. */
import type { Document } from '../../../src/core/document.ts';
import { type BarrierContext, type BarrierDefinition, type FeaturePart, NOBODY } from '../../../src/core/stage.ts';
import type { PieceDetails } from '../../../src/dedup/pieces/describe.ts';

export interface Edited {
  /** Text that is left of each document; undefined: dropped. */
  texts: (string | undefined)[];
  reasons: Record<number, { reason: string; value?: number; threshold?: number }>;
  spans: [row: number, start: number, end: number][];
  details: PieceDetails;
  documents: number;
  bytesRemoved: number;
}

export interface Settings {
  partRows?: readonly number[];
  alive?: (ordinal: number) => boolean;
  memoryBytes?: number;
}

export async function editTexts(
  definition: BarrierDefinition,
  given: Record<string, unknown>,
  texts: readonly string[],
  { partRows = [Math.max(1, texts.length)], alive, memoryBytes = 2 ** 26 }: Settings = {},
): Promise<Edited> {
  const options = definition.options.parse(given);
  const stage = { name: 'pieces', seed: 1, baseDir: '.' };
  const documents: Document[] = texts.map((text, i) => ({ id: `d${i}`, text, meta: { source: 'test' } }));
  const parts: FeaturePart[] = [];
  for (let first = 0; first < texts.length; ) {
    const firstOrdinal = first;
    const rows = Math.min(partRows[Math.min(parts.length, partRows.length - 1)], texts.length - first);
    const observer = definition.createObserver(options, stage);
    for (let row = 0; row < rows; row++) observer.observe(documents[first + row]);
    const blob = observer.finish();
    parts.push({
      part: parts.length,
      rows,
      firstOrdinal,
      alive: alive && Uint8Array.from({ length: rows }, (_, row) => (alive(firstOrdinal + row) ? 1 : 0)),
      features: async ({ offset, length } = { offset: 0, length: blob.length }) =>
        Buffer.concat([Buffer.alloc(1), blob.subarray(offset, offset + length)]).subarray(1),
      rowInfo: async () =>
        Uint32Array.from({ length: 2 * rows }, (_, i) => (i % 2 === 0 ? texts[firstOrdinal + i / 2].length : 0)),
    });
    first += rows;
  }
  const context: BarrierContext = {
    ...stage,
    parts,
    rows: texts.length,
    inputs: ['test'],
    outputDir: '.',
    workDir: '.',
    memoryBytes,
    readDocuments: async (ordinals) => ordinals.map((ordinal) => documents[ordinal]),
    readTexts: async (ordinals) => ordinals.map((ordinal) => documents[ordinal].text),
    withTexts: async () => {},
    progress: () => {},
    signal: new AbortController().signal,
  };
  const { keptAs, edits, reasonOf, details } = await definition.decide(options, context);
  const edited: Edited = {
    texts: [...texts],
    reasons: {},
    spans: [],
    details: details as PieceDetails,
    documents: edits!.documents,
    bytesRemoved: edits!.bytesRemoved,
  };
  for (const part of parts) {
    const spans = await edits!.spans(part.part);
    for (let i = spans.length - 3; i >= 0; i -= 3) {
      const [row, start, end] = spans.subarray(i, i + 3);
      const ordinal = part.firstOrdinal + row;
      edited.spans.unshift([ordinal, start, end]);
      if (edits!.action === 'mark') continue;
      const text = edited.texts[ordinal]!;
      edited.texts[ordinal] = text.slice(0, start) + text.slice(end);
    }
  }
  edited.spans.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  for (let i = 0; i < texts.length; i++) {
    if (alive !== undefined && !alive(i)) edited.texts[i] = undefined;
    if (keptAs?.[i] !== NOBODY) continue;
    edited.texts[i] = undefined;
    edited.reasons[i] = reasonOf!(i);
  }
  return edited;
}
