/**
 * Ids of a sequence of pieces, through a cache of pieces seen before. About nine pieces in ten are in the cache, so most
 * text costs a hash and a comparison per piece; the rest is merged (bpe-merge-piece.ts). Pieces of scripts without spaces are
 * first cut where no merge reaches across (char-borders.ts).
 *
 * The cache is an open-addressing table of short pieces that is emptied when it is full: ids never depend on it.
 * Guarded by bench/tokenizer-encode.
 */
import type { PieceMerger } from './bpe-merge-piece.ts';
import { type CharBorders, mayJoin, packed } from './char-borders.ts';
import { hashPiece } from './piece-hash.ts';
import { widthOf } from './scan-runs.ts';

/** Longer pieces rarely come again. */
const MAX_CACHED_BYTES = 48;
/** Shorter pieces are not worth cutting. */
const MIN_CUT_BYTES = 6;
/** 2 MiB of slots: more would crowd the merge table out of the second-level cache. */
const SLOTS = 1 << 17;
const MAX_CACHED_PIECES = SLOTS * 0.6;

export interface PieceEncoder {
  /**
   * Appends the ids of the pieces of `bytes` that begin at `start` and end at `ends[0]`, `ends[1]` … `ends[count - 1]`
   * to `out` from `at`; returns the new end. Throws RangeError when they do not fit.
   */
  encodePieces(
    bytes: Uint8Array,
    start: number,
    ends: Uint32Array,
    count: number,
    out: Uint32Array,
    at: number,
  ): number;
}

/** `borders`: where pieces may be cut; without them every piece is merged as it is. */
export function createPieceEncoder(merger: PieceMerger, borders?: CharBorders): PieceEncoder {
  // Slots of [hash, key offset, key length | id count << 8, the id itself or the offset of several].
  const slots = new Int32Array(SLOTS * 4);
  const mask = SLOTS - 1;
  const keys = new Uint8Array(1 << 21);
  const ids = new Int32Array(1 << 19);
  let usedKeys = 0;
  let usedIds = 0;
  let pieces = 0;
  let scratch = new Int32Array(1024);

  function remember(
    hash: number,
    bytes: Uint8Array,
    start: number,
    length: number,
    from: Int32Array,
    count: number,
  ): void {
    if (pieces >= MAX_CACHED_PIECES || usedKeys + length > keys.length || usedIds + count > ids.length) {
      slots.fill(0);
      usedKeys = usedIds = pieces = 0;
    }
    let slot = (hash & mask) << 2;
    while (slots[slot + 2] !== 0) slot = (slot + 4) & ((mask << 2) | 3);
    slots[slot] = hash;
    slots[slot + 1] = usedKeys;
    slots[slot + 2] = length | (count << 8);
    slots[slot + 3] = count === 1 ? from[0] : usedIds;
    for (let i = 0; i < length; i++) keys[usedKeys++] = bytes[start + i];
    if (count > 1) for (let i = 0; i < count; i++) ids[usedIds++] = from[i];
    pieces++;
  }

  const wrap = (mask << 2) | 3;

  /** Appends the ids of one piece, from the cache or merged. */
  function encodeOne(bytes: Uint8Array, start: number, end: number, out: Uint32Array, at: number): number {
    const length = end - start;
    if (length > MAX_CACHED_BYTES) {
      if (scratch.length < length) scratch = new Int32Array(length);
      const n = merger.merge(bytes, start, end, scratch, 0);
      if (at + n > out.length) doesNotFit(out);
      out.set(n === scratch.length ? scratch : scratch.subarray(0, n), at);
      if (scratch.length > MAX_KEPT_SCRATCH) scratch = new Int32Array(1024);
      return at + n;
    }
    const hash = hashPiece(bytes, start, end);
    let slot = (hash & mask) << 2;
    let shape = slots[slot + 2];
    while (shape !== 0) {
      if (slots[slot] === hash && (shape & 0xff) === length) {
        let key = slots[slot + 1];
        let i = start;
        while (i < end && bytes[i] === keys[key]) {
          i++;
          key++;
        }
        if (i === end) break;
      }
      slot = (slot + 4) & wrap;
      shape = slots[slot + 2];
    }
    if (shape !== 0) {
      const n = shape >> 8;
      if (at + n > out.length) doesNotFit(out);
      const value = slots[slot + 3];
      if (n === 1) out[at++] = value;
      else for (let i = value; i < value + n; i++) out[at++] = ids[i];
      return at;
    }
    const n = merger.merge(bytes, start, end, scratch, 0);
    if (at + n > out.length) doesNotFit(out);
    for (let i = 0; i < n; i++) out[at++] = scratch[i];
    remember(hash, bytes, start, length, scratch, n);
    return at;
  }

  /** A piece in parts, cut at the borders that no merge reaches across. */
  function encodeParts(
    bytes: Uint8Array,
    start: number,
    end: number,
    out: Uint32Array,
    at: number,
    borders: CharBorders,
  ): number {
    let before = packed(bytes, start);
    let next = start + widthOf(bytes[start]);
    while (next < end) {
      const lead = bytes[next];
      const here = packed(bytes, next);
      if (!mayJoin(borders, before, here, lead)) {
        at = encodeOne(bytes, start, next, out, at);
        start = next;
      }
      before = here;
      next += widthOf(lead);
    }
    return encodeOne(bytes, start, end, out, at);
  }

  return {
    encodePieces(bytes, start, ends, count, out, at) {
      for (let piece = 0; piece < count; piece++) {
        const end = ends[piece];
        const length = end - start;
        // A piece that ends in a wide character is likely one of a script without spaces.
        at =
          borders !== undefined && (length > MAX_CACHED_BYTES || (length > MIN_CUT_BYTES && bytes[end - 1] >= 0x80))
            ? encodeParts(bytes, start, end, out, at, borders)
            : encodeOne(bytes, start, end, out, at);
        start = end;
      }
      return at;
    },
  };
}

/** Scratch for longer pieces is given back. */
const MAX_KEPT_SCRATCH = 1 << 18;

function doesNotFit(out: Uint32Array): never {
  throw new RangeError(`the ids do not fit into the ${out.length} places of the output`);
}
