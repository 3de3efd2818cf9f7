/**
 * Ids of a sequence of pieces, through a cache of pieces seen before. About nine pieces in ten are in the cache, so most
 * text costs a hash and a comparison per piece; the rest is merged (bpe-merge-piece.ts).
 *
 * The cache is an open-addressing table of short pieces that is emptied when it is full: ids never depend on it.
 * Guarded by bench/tokenizer-encode.
 */
import type { PieceMerger } from './bpe-merge-piece.ts';
import { hashPiece } from './piece-hash.ts';

/** Longer pieces rarely come again. */
const MAX_CACHED_BYTES = 48;
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

export function createPieceEncoder(merger: PieceMerger): PieceEncoder {
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

  return {
    encodePieces(bytes, start, ends, count, out, at) {
      const wrap = (mask << 2) | 3;
      for (let piece = 0; piece < count; piece++) {
        const end = ends[piece];
        const length = end - start;
        if (length <= MAX_CACHED_BYTES) {
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
          } else {
            const n = merger.merge(bytes, start, end, scratch, 0);
            if (at + n > out.length) doesNotFit(out);
            for (let i = 0; i < n; i++) out[at++] = scratch[i];
            remember(hash, bytes, start, length, scratch, n);
          }
        } else {
          if (scratch.length < length) scratch = new Int32Array(length);
          const n = merger.merge(bytes, start, end, scratch, 0);
          if (at + n > out.length) doesNotFit(out);
          out.set(n === scratch.length ? scratch : scratch.subarray(0, n), at);
          at += n;
          if (scratch.length > MAX_KEPT_SCRATCH) scratch = new Int32Array(1024);
        }
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
