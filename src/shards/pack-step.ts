/**
 * Fourth step of the shards sink: the documents of each window are packed into rows, each window on its own, from their
 * token counts alone. The pieces go back to where their tokens are: into a file (bucket-file.ts) with a bucket for each
 * group of parts. Memory is about 100 bytes for each document of the window.
 */
import { join } from 'node:path';
import type { SinkStep } from '../core/stage.ts';
import { bucketStarts, readBucket, writeBuckets } from './bucket-file.ts';
import { DEALT_WORDS, type DealtCorpus, dealtName } from './deal-step.ts';
import type { ShardOptions } from './options.ts';
import { equalBorders, type PackingReport, packDocuments, sumReports } from './packing.ts';

/**
 * Words of a packed piece: the document counted within its group, its first token in the document, its tokens, its row
 * within the window, its place in the row.
 */
export const PACKED_WORDS = 5;

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
    /** Places and documents in the order of groups, and the number of documents up to each group's end. */
    const placeOf = new Uint32Array(places);
    const documentOf = new Uint32Array(places);
    const groupEnd = new Uint32Array(groups);
    let documents = 0;
    for (let group = 0; group < groups; group++) {
      const { words } = await readBucket(join(context.workDir, dealtName(group)), task.window);
      for (let i = 0; i < words.length; i += DEALT_WORDS) {
        placeOf[documents] = words[i];
        documentOf[documents++] = words[i + 1];
        lengths[words[i]] = words[i + 2];
      }
      groupEnd[group] = documents;
    }
    const packed = packDocuments(lengths, options);

    /** [places + 1]: pieces of the document at each place. */
    const firstPiece = new Uint32Array(places + 1);
    for (const place of packed.document) firstPiece[place + 1]++;
    for (let place = 0; place < places; place++) firstPiece[place + 1] += firstPiece[place];
    const counts = new Uint32Array(groups);
    const words = new Uint32Array(PACKED_WORDS * packed.document.length);
    let at = 0;
    for (let d = 0, group = 0; d < documents; d++) {
      while (d >= groupEnd[group]) group++;
      const place = placeOf[d];
      for (let i = firstPiece[place]; i < firstPiece[place + 1]; i++) {
        words[at++] = documentOf[d];
        words[at++] = packed.start[i];
        words[at++] = packed.length[i];
        words[at++] = packed.row[i];
        words[at++] = packed.at[i];
        counts[group]++;
      }
    }
    const { ends } = bucketStarts(counts);
    await writeBuckets(join(context.workDir, packedName(task.window)), { width: PACKED_WORDS, ends, words });
    // A place without a document is no empty document.
    const absent = places - documents;
    const { report } = packed;
    return { ...report, documents, documentsEmpty: report.documentsEmpty - absent };
  },

  async merge(_options, results: PackingReport[], _context, earlier): Promise<PackedCorpus> {
    const { sets } = (earlier as [unknown, unknown, DealtCorpus])[2];
    return {
      windows: results.map(({ rows }) => rows),
      reports: sets.map(({ firstWindow, windows }) => sumReports(results.slice(firstWindow, firstWindow + windows))),
    };
  },
} satisfies SinkStep<ShardOptions>;

/** Name of a window's packed pieces within the work folder. */
export function packedName(window: number): string {
  return `packed-${String(window).padStart(5, '0')}.bin`;
}
