/**
 * Fourth step of the shards sink: the documents of each window are packed into rows, each window on its own, from their
 * token counts alone. The pieces go back to where their tokens are: into a file (bucket-file.ts) with a bucket for each
 * group of parts. Memory is about 100 bytes for each document of the window.
 */
import { join } from 'node:path';
import { native } from '../core/native.ts';
import type { SinkStep } from '../core/stage.ts';
import { bucketStarts, readBucket, writeBuckets } from './bucket-file.ts';
import { type DealtCorpus, dealtName } from './deal-step.ts';
import { DEALT_WORDS } from './kernels/deal-documents.ts';
import { groupPieces, PACKED_WORDS, type WindowDocuments } from './kernels/group-pieces.ts';
import type { ShardOptions } from './options.ts';
import { equalBorders, type PackingReport, packDocuments, sumReports } from './packing.ts';

export interface PackedCorpus {
  /** Rows of each window. */
  windows: number[];
  /** Of each set. */
  reports: PackingReport[];
}

interface PackTask {
  window: number;
  /** Documents that have a place in it. */
  places: number;
  groups: number;
}

export const packStep = {
  name: 'pack',

  async plan(_options, _context, earlier): Promise<PackTask[]> {
    const { sets, groups } = (earlier as [unknown, unknown, DealtCorpus])[2];
    return sets.flatMap(({ firstWindow, windows, places }) => {
      const borders = equalBorders(places, windows);
      return Array.from({ length: windows }, (_, w) => ({
        window: firstWindow + w,
        places: borders[w + 1] - borders[w],
        groups,
      }));
    });
  },

  async run(options, task: PackTask, context): Promise<PackingReport> {
    const { places, groups } = task;
    const lengths = new Uint32Array(places);
    const window: WindowDocuments = {
      placeOf: new Uint32Array(places),
      documentOf: new Uint32Array(places),
      groupEnd: new Uint32Array(groups),
      documents: 0,
      places,
    };
    for (let group = 0; group < groups; group++) {
      const { words } = readBucket(join(context.workDir, dealtName(group)), task.window);
      addDocuments(window, lengths, words);
      window.groupEnd[group] = window.documents;
    }
    const packed = packDocuments(lengths, options);
    const { counts, words } = groupPieces(window, packed, native);
    const { ends } = bucketStarts(counts);
    await writeBuckets(join(context.workDir, packedName(task.window)), { width: PACKED_WORDS, ends, words });
    // A place without a document is no empty document.
    const absent = places - window.documents;
    const { report } = packed;
    return { ...report, documents: window.documents, documentsEmpty: report.documentsEmpty - absent };
  },

  async merge(_options, results: PackingReport[], _context, earlier): Promise<PackedCorpus> {
    const { sets } = (earlier as [unknown, unknown, DealtCorpus])[2];
    return {
      windows: results.map(({ rows }) => rows),
      reports: sets.map(({ firstWindow, windows }) => sumReports(results.slice(firstWindow, firstWindow + windows))),
    };
  },
} satisfies SinkStep<ShardOptions>;

// A loop in a function of its own: V8 compiles a function whole when a loop in it gets hot, and that of a long `async run` took
// it 60 ms, more than the loop.
function addDocuments(window: WindowDocuments, lengths: Uint32Array, words: Uint32Array): void {
  const { placeOf, documentOf } = window;
  for (let i = 0; i < words.length; i += DEALT_WORDS) {
    placeOf[window.documents] = words[i];
    documentOf[window.documents++] = words[i + 1];
    lengths[words[i]] = words[i + 2];
  }
}

/** Name of a window's packed pieces within the work folder. */
export function packedName(window: number): string {
  return `packed-${String(window).padStart(5, '0')}.bin`;
}
