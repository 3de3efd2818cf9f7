/** Counting the pieces of documents: the part of training that reads the corpus, and that workers share. */
import { createPieceCounts, type PieceCounts } from './piece-counts.ts';
import type { PieceSink, Segmenter } from './segmenter.ts';

/**
 * Longer pieces (a page without a space, base64, a million letters) are cut at character borders for training, so that
 * no merge has to walk megabytes; a cut hides at most one pair.
 */
export const MAX_PIECE_BYTES = 16_384;

export interface PieceCounter {
  readonly counts: PieceCounts;
  /** UTF-8 bytes of the texts after normalization. */
  bytes: number;
  /** Pieces cut because they were longer than `MAX_PIECE_BYTES`. */
  cutPieces: number;
  count(text: string): void;
}

export function createPieceCounter(segmenter: Segmenter): PieceCounter {
  const counts = createPieceCounts();
  const sink: PieceSink = {
    pieces(bytes, start, ends, count) {
      for (let i = 0; i < count; i++) {
        const end = ends[i];
        if (end - start > MAX_PIECE_BYTES) {
          counter.cutPieces++;
          start = addInCuts(counts, bytes, start, end);
        }
        counts.add(bytes, start, end, 1);
        start = end;
      }
    },
  };
  const counter: PieceCounter = {
    counts,
    bytes: 0,
    cutPieces: 0,
    count(text) {
      counter.bytes += segmenter.segment(text, sink);
    },
  };
  return counter;
}

/** Adds cuts of at most MAX_PIECE_BYTES until that much or less is left; returns where the rest begins. */
function addInCuts(counts: PieceCounts, bytes: Uint8Array, start: number, end: number): number {
  while (end - start > MAX_PIECE_BYTES) {
    let cut = start + MAX_PIECE_BYTES;
    while ((bytes[cut] & 0xc0) === 0x80) cut--;
    counts.add(bytes, start, cut, 1);
    start = cut;
  }
  return start;
}
