/** What taking out the repeats does to each document: what it loses, and whether what is left is worth keeping. */
import type { BarrierContext } from '../../core/stage.ts';
import { eachCut } from './cuts.ts';
import type { PieceOptions } from './options.ts';
import type { PieceTable } from './piece-table.ts';
import type { Repeats } from './repeats.ts';

/** Counts of one input. */
export interface SourceCounts {
  documents: number;
  /** Kept with something taken out, and dropped for what was left. */
  edited: number;
  dropped: number;
  bytesRemoved: number;
}

/** What cuts do to each document. */
export interface EditPlan {
  /** Documents that are looked at, and those kept with something taken out. */
  seen: number;
  documents: number;
  /** Of documents that are kept: pieces that go, and bytes of UTF-8. */
  pieces: number;
  bytes: number;
  /** Pieces of all documents, also those too short to be touched. */
  allPieces: number;
  /** Documents that are dropped, by ordinal. */
  dropped: Map<number, DropReason>;
  sources: SourceCounts[];
}

interface DropReason {
  reason: 'nothing_left' | 'few_words_left' | 'few_pieces_left';
  value: number;
  threshold: number;
}

/** Measures what marked keys take out of each document; reads all places once. */
export async function planEdits(
  options: PieceOptions,
  table: PieceTable,
  { marked }: Repeats,
  context: BarrierContext,
): Promise<EditPlan> {
  const plan: EditPlan = {
    seen: 0,
    documents: 0,
    pieces: 0,
    bytes: 0,
    allPieces: 0,
    dropped: new Map(),
    sources: context.inputs.map(() => ({ documents: 0, edited: 0, dropped: 0, bytesRemoved: 0 })),
  };
  for (const part of table.parts) {
    const { alive, firstOrdinal, rows } = part;
    const places = await table.places(part);
    const info = await part.rowInfo();
    for (let row = 0; row < rows; row++) {
      let cuts = 0;
      let pieces = 0;
      let bytes = 0;
      let words = 0;
      eachCut(places, table.firstKey[firstOrdinal + row], marked, options.span, (cut) => {
        cuts++;
        pieces += cut.pieces;
        bytes += cut.bytes;
        words += cut.words;
      });
      if (alive !== undefined && alive[row] === 0) continue;
      const source = plan.sources[info[2 * row + 1]];
      plan.seen++;
      source.documents++;
      plan.allPieces += places.totals.pieces;
      if (cuts === 0) continue;
      const reason = dropReason(options, places.totals.pieces - pieces, places.totals.words - words);
      if (reason !== undefined) {
        plan.dropped.set(firstOrdinal + row, reason);
        source.dropped++;
        continue;
      }
      plan.documents++;
      plan.pieces += pieces;
      plan.bytes += bytes;
      source.edited++;
      source.bytesRemoved += bytes;
    }
  }
  return plan;
}

function dropReason(options: PieceOptions, pieces: number, words: number): DropReason | undefined {
  const { action, minWordsLeft, minPiecesLeft } = options;
  if (action === 'mark') return undefined;
  if (pieces === 0) return { reason: 'nothing_left', value: 0, threshold: 1 };
  if (words < minWordsLeft) return { reason: 'few_words_left', value: words, threshold: minWordsLeft };
  if (pieces < minPiecesLeft) return { reason: 'few_pieces_left', value: pieces, threshold: minPiecesLeft };
  return undefined;
}
