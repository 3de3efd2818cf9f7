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
import { equalBorders, type PackedPieces, type PackingReport, packDocuments, sumReports } from './packing.ts';

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
    const window: Window = {
      lengths: new Uint32Array(places),
      placeOf: new Uint32Array(places),
      documentOf: new Uint32Array(places),
      groupEnd: new Uint32Array(groups),
      documents: 0,
    };
    for (let group = 0; group < groups; group++) {
      const { words } = readBucket(join(context.workDir, dealtName(group)), task.window);
      addDocuments(window, words);
      window.groupEnd[group] = window.documents;
    }
    const packed = packDocuments(window.lengths, options);
    const { ends, words } = piecesByGroup(window, packed);
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

/** The documents of a window, group by group. */
interface Window {
  /** [places]: tokens of the document at each place. */
  lengths: Uint32Array;
  /** [documents]: its place, and its number within its group. */
  placeOf: Uint32Array;
  documentOf: Uint32Array;
  /** [groups]: the number of documents up to each one's end. */
  groupEnd: Uint32Array;
  documents: number;
}

// Loops in functions of their own: why is said in deal-step.ts.

function addDocuments(window: Window, words: Uint32Array): void {
  const { lengths, placeOf, documentOf } = window;
  for (let i = 0; i < words.length; i += DEALT_WORDS) {
    placeOf[window.documents] = words[i];
    documentOf[window.documents++] = words[i + 1];
    lengths[words[i]] = words[i + 2];
  }
}

/** The pieces in the order of groups and their documents. */
function piecesByGroup(
  { placeOf, documentOf, groupEnd, documents, lengths }: Window,
  packed: PackedPieces,
): { ends: Float64Array; words: Uint32Array } {
  const { document, start, length, row, at } = packed;
  /** [places + 1]: pieces of the document at each place. */
  const firstPiece = new Uint32Array(lengths.length + 1);
  for (let i = 0; i < document.length; i++) firstPiece[document[i] + 1]++;
  for (let place = 0; place < lengths.length; place++) firstPiece[place + 1] += firstPiece[place];
  const counts = new Uint32Array(groupEnd.length);
  const words = new Uint32Array(PACKED_WORDS * document.length);
  let to = 0;
  for (let d = 0, group = 0; d < documents; d++) {
    while (d >= groupEnd[group]) group++;
    const place = placeOf[d];
    for (let i = firstPiece[place]; i < firstPiece[place + 1]; i++) {
      words[to++] = documentOf[d];
      words[to++] = start[i];
      words[to++] = length[i];
      words[to++] = row[i];
      words[to++] = at[i];
      counts[group]++;
    }
  }
  return { ends: bucketStarts(counts).ends, words };
}

/** Name of a window's packed pieces within the work folder. */
export function packedName(window: number): string {
  return `packed-${String(window).padStart(5, '0')}.bin`;
}
