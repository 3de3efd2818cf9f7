/**
 * Counting the pieces of documents: the part of training that reads the corpus, and that workers share. Native where the
 * pattern has a native scanner: one call a text, which scans and counts. Text is normalized only where that may change it.
 */
import type { TextRows } from '../core/utf8-column.ts';
import type { Normalization } from './hf-json.ts';
import { NATIVE_PATTERNS } from './native-bpe.ts';
import { createPieceCounts, MAX_PIECE_BYTES, type PieceCounts } from './piece-counts.ts';
import { PATTERNS } from './pre-tokenizer.ts';
import { createSegmenter } from './segmenter.ts';

export interface PieceCounter {
  readonly counts: PieceCounts;
  /** Pieces cut because they were longer than `MAX_PIECE_BYTES`. */
  cutPieces: number;
  count(text: string): void;
  /** The same for rows of a column, where there is a faster way than text by text. */
  countRows?(rows: TextRows): void;
}

/** Scratch for longer texts is given back after use. */
const MAX_KEPT_BYTES = 1 << 23;

/** `pattern`: a name of `PATTERNS` or a regular expression. Throws CONFIG_INVALID for one that cannot be run. */
export function createPieceCounter(pattern: string, normalization: Normalization): PieceCounter {
  const counts = createPieceCounts();
  const table = counts.native;
  const scanner = nativePattern(pattern);
  if (table === undefined || scanner === undefined) return countSegments(counts, pattern, normalization);

  const isNfc = normalization === 'nfc' ? 0 : 1;
  const utf8 = new TextEncoder();
  const strings = new TextDecoder('utf-8', { ignoreBOM: true });
  let left = new Uint32Array(0);
  let bytes = new Uint8Array(1 << 16);
  const countBytes = (text: string, given: 0 | 1): number => {
    const room = text.length * 3;
    if (bytes.length < room) bytes = new Uint8Array(Math.max(room, Math.min(room * 2, MAX_KEPT_BYTES)));
    return table.countText(scanner, bytes, utf8.encodeInto(text, bytes).written, MAX_PIECE_BYTES, given);
  };
  const counter: PieceCounter = {
    counts,
    cutPieces: 0,
    count(text) {
      let cut = countBytes(text, isNfc);
      if (cut < 0) cut = countBytes(text.normalize('NFC'), 1);
      counter.cutPieces += cut;
      if (bytes.length > MAX_KEPT_BYTES) bytes = new Uint8Array(1 << 16);
    },
    countRows({ bytes, offsets, from, to }) {
      if (left.length < to - from) left = new Uint32Array(to - from);
      const [cut, uncounted] = table.countRows(scanner, bytes, offsets, from, to, MAX_PIECE_BYTES, isNfc, left);
      counter.cutPieces += cut;
      for (let i = 0; i < uncounted; i++) {
        const row = from + left[i];
        counter.count(strings.decode(bytes.subarray(offsets[row], offsets[row + 1])));
      }
    },
  };
  return counter;
}

function countSegments(counts: PieceCounts, pattern: string, normalization: Normalization): PieceCounter {
  const segmenter = createSegmenter(pattern, normalization);
  const counter: PieceCounter = {
    counts,
    cutPieces: 0,
    count: (text) => void segmenter.segment(text, sink),
  };
  const sink = {
    pieces(bytes: Uint8Array, start: number, ends: Uint32Array, count: number): void {
      counter.cutPieces += counts.count(bytes, start, ends, count);
    },
  };
  return counter;
}

/** The number by which native scanners know a pattern, given by name or as a regular expression. */
export function nativePattern(pattern: string): number | undefined {
  const place = NATIVE_PATTERNS.findIndex((name) => name === pattern || PATTERNS[name] === pattern);
  return place < 0 ? undefined : place;
}
