/**
 * Text to pieces, for training and encoding alike: normalize, encode as UTF-8, cut. The bytes and the piece ends live
 * in scratch buffers that are used again for the next text, so nothing is allocated per document.
 */
import { type Normalization, normalizeText } from './normalization.ts';
import { createPreTokenizer, regexPieceEnds } from './pre-tokenizer.ts';

/**
 * Receives pieces in order: the first begins at `start`, the others where the one before ends. `bytes` and `ends` are
 * valid during the call.
 */
export interface PieceSink {
  pieces(bytes: Uint8Array, start: number, ends: Uint32Array, count: number): void;
}

export interface Segmenter {
  /** The regular expression as it stands in tokenizer.json. */
  readonly pattern: string;
  /** Cuts a text; returns its UTF-8 length after normalization. Lone surrogates become U+FFFD. */
  segment(text: string, sink: PieceSink): number;
}

/** Pieces per call of the sink: their ends stay in the first-level cache. */
const PIECES_AT_A_TIME = 4096;
/** Scratch for longer texts is given back after use. */
const MAX_KEPT_BYTES = 1 << 23;

/** `pattern`: a name of `PATTERNS` or a regular expression. Throws CONFIG_INVALID for one that cannot be run. */
export function createSegmenter(pattern: string, normalization: Normalization): Segmenter {
  const { pattern: fullPattern, scan, regex } = createPreTokenizer(pattern);
  const utf8 = new TextEncoder();
  const ends = new Uint32Array(PIECES_AT_A_TIME);
  let bytes = new Uint8Array(1 << 16);
  return {
    pattern: fullPattern,
    segment(text, sink) {
      let source = normalizeText(text, normalization);
      if (regex !== undefined) source = source.toWellFormed();
      const room = source.length * 3;
      if (bytes.length < room) bytes = new Uint8Array(Math.max(room, Math.min(room * 2, MAX_KEPT_BYTES)));
      const length = utf8.encodeInto(source, bytes).written;
      if (scan !== undefined) {
        let start = 0;
        while (start < length) {
          const count = scan(bytes, start, length, ends);
          sink.pieces(bytes, start, ends, count);
          start = ends[count - 1];
        }
      } else if (length > 0) {
        const all = regexPieceEnds(source, regex!);
        sink.pieces(bytes, 0, all, all.length);
      }
      if (bytes.length > MAX_KEPT_BYTES) bytes = new Uint8Array(1 << 16);
      return length;
    },
  };
}
