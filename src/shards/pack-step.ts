/**
 * Second step of the shards sink: windows of consecutive documents are packed into rows, each on its own, from the token
 * counts alone. A window's layout rests in the work folder (layout.ts).
 */
import { join } from 'node:path';
import { mix32 } from '../core/random.ts';
import type { SinkStep } from '../core/stage.ts';
import type { EncodedCorpus } from './encode-step.ts';
import { encodedPartName, openEncodedPart } from './encoded-part.ts';
import { layoutName, type Span, writeLayout } from './layout.ts';
import type { ShardOptions } from './options.ts';
import { type PackingReport, packDocuments, sumReports, windowBorders } from './packing.ts';

export interface PackedCorpus {
  /** Rows of each window. */
  windows: number[];
  report: PackingReport;
}

interface PackTask {
  window: number;
  spans: Span[];
}

export const packStep = {
  name: 'pack',

  async plan(options, _context, earlier): Promise<PackTask[]> {
    const [{ parts, documents }] = earlier as [EncodedCorpus];
    if (documents === 0) return [];
    const borders = windowBorders(documents, options.windowDocuments);
    return borders.slice(1).map((end, window) => ({ window, spans: spansOf(parts, borders[window], end) }));
  },

  async run(options, task: PackTask, context): Promise<PackingReport> {
    const documents = task.spans.reduce((sum, span) => sum + span.documents, 0);
    const lengths = new Uint32Array(documents);
    let filled = 0;
    for (const span of task.spans) {
      const part = await openEncodedPart(join(context.workDir, encodedPartName(span.part)));
      try {
        lengths.set((await part.lengths()).subarray(span.from, span.from + span.documents), filled);
      } finally {
        await part.close();
      }
      filled += span.documents;
    }
    const packed = packDocuments(lengths, {
      contextLength: options.contextLength,
      packing: options.packing,
      shuffleSeed: options.shuffle ? mix32(mix32(context.seed) + task.window) : undefined,
    });
    await writeLayout(join(context.workDir, layoutName(task.window)), packed, task.spans);
    return packed.report;
  },

  async merge(_options, results: PackingReport[]): Promise<PackedCorpus> {
    return { windows: results.map(({ rows }) => rows), report: sumReports(results) };
  },
} satisfies SinkStep<ShardOptions>;

/** Documents [from, to) of the corpus as stretches of parts. */
function spansOf(parts: EncodedCorpus['parts'], from: number, to: number): Span[] {
  const spans: Span[] = [];
  let first = 0;
  for (const { part, documents } of parts) {
    const start = Math.max(from, first);
    const end = Math.min(to, first + documents);
    if (start < end) spans.push({ part, from: start - first, documents: end - start });
    first += documents;
  }
  return spans;
}
