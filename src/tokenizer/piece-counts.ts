/**
 * How often each distinct piece occurs: the whole of what BPE training needs to know of a corpus. 100 MB of mixed text
 * hold about 20 million pieces, 0.9 million of them distinct, in 15 MB.
 *
 * An open-addressing table over one byte arena; counts are doubles, exact to 2^53. Sums do not depend on the order of
 * addition, so tables of parts merge to the same counts in any order.
 */
import { CorpusmillError } from '../core/errors.ts';
import { hashPiece } from './piece-hash.ts';

export interface PieceCounts {
  /** Distinct pieces. */
  readonly size: number;
  /** Distinct bytes, all pieces end to end: piece i is `arena[starts[i], starts[i + 1])`. Valid until the next `add`. */
  readonly arena: Uint8Array;
  readonly starts: Uint32Array;
  /** Occurrences of piece i. */
  readonly counts: Float64Array;
  /** Adds `count` occurrences of the piece `bytes[start, end)`. */
  add(bytes: Uint8Array, start: number, end: number, count: number): void;
  /** Adds all counts of a table written by `serializePieceCounts`. Throws INPUT_CORRUPT. */
  addSerialized(blob: Uint8Array): void;
  /** Drops the rarest pieces, whole counts at a time (1, then 2 …), until at most `size` remain. */
  prune(size: number): { pieces: number; occurrences: number; upToCount: number };
}

export function createPieceCounts(): PieceCounts {
  return new Table();
}

class Table implements PieceCounts {
  size = 0;
  arena = new Uint8Array(1 << 16);
  starts = new Uint32Array(1 << 12);
  counts = new Float64Array(1 << 12);
  #hashes = new Int32Array(1 << 12);
  /** Piece index + 1, or 0. */
  #slots = new Int32Array(1 << 13);

  add(bytes: Uint8Array, start: number, end: number, count: number): void {
    const hash = hashPiece(bytes, start, end);
    const { arena, starts } = this;
    const slots = this.#slots;
    const mask = slots.length - 1;
    const length = end - start;
    let slot = hash & mask;
    for (let found = slots[slot]; found !== 0; found = slots[slot]) {
      const piece = found - 1;
      if (this.#hashes[piece] === hash) {
        let key = starts[piece];
        if (starts[piece + 1] - key === length) {
          let i = start;
          while (i < end && bytes[i] === arena[key]) {
            i++;
            key++;
          }
          if (i === end) {
            this.counts[piece] += count;
            return;
          }
        }
      }
      slot = (slot + 1) & mask;
    }
    this.#append(slot, hash, bytes, start, end, count);
  }

  #append(slot: number, hash: number, bytes: Uint8Array, start: number, end: number, count: number): void {
    const from = this.starts[this.size];
    const to = from + end - start;
    if (to > 0xffffffff) {
      throw new CorpusmillError('INPUT_UNREADABLE', 'counting pieces for a tokenizer: distinct pieces pass 4 GiB', {
        hint: 'Lower maxPieces, or train on a sample of the corpus.',
      });
    }
    if (to > this.arena.length) this.arena = grown(this.arena, new Uint8Array(Math.max(to, this.arena.length * 2)));
    this.arena.set(bytes.subarray(start, end), from);
    if (this.size + 1 === this.starts.length) {
      const room = this.starts.length * 2;
      this.starts = grown(this.starts, new Uint32Array(room));
      this.counts = grown(this.counts, new Float64Array(room));
      this.#hashes = grown(this.#hashes, new Int32Array(room));
    }
    this.#hashes[this.size] = hash;
    this.counts[this.size] = count;
    this.starts[++this.size] = to;
    this.#slots[slot] = this.size;
    if (this.size * 2 > this.#slots.length) this.#rehash(this.#slots.length * 2);
  }

  #rehash(room: number): void {
    const slots = new Int32Array(room);
    const mask = room - 1;
    for (let piece = 0; piece < this.size; piece++) {
      let slot = this.#hashes[piece] & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = piece + 1;
    }
    this.#slots = slots;
  }

  addSerialized(blob: Uint8Array): void {
    let at = MAGIC.length;
    const corrupt = (what: string): never => {
      throw new CorpusmillError('INPUT_CORRUPT', `reading piece counts at byte ${at} of ${blob.length}: ${what}`, {
        hint: 'Delete the run directory and run again.',
      });
    };
    const readVarint = (): number => {
      let value = 0;
      let scale = 1;
      for (;;) {
        if (at >= blob.length) corrupt('they end in the middle of a number');
        const byte = blob[at++];
        value += (byte & 0x7f) * scale;
        if (byte < 0x80) return value;
        scale *= 128;
      }
    };
    if (!MAGIC.every((byte, i) => blob[i] === byte)) corrupt('they do not begin with CMPC1');
    for (let left = readVarint(); left > 0; left--) {
      const count = readVarint();
      const length = readVarint();
      if (at + length > blob.length) corrupt(`a piece of ${length} bytes passes the end`);
      this.add(blob, at, at + length, count);
      at += length;
    }
    if (at !== blob.length) corrupt('bytes follow the last piece');
  }

  prune(size: number): { pieces: number; occurrences: number; upToCount: number } {
    const dropped = { pieces: 0, occurrences: 0, upToCount: 0 };
    if (this.size <= size) return dropped;
    const sorted = this.counts.slice(0, this.size).sort();
    // The smallest count of those that could stay; pieces that share it with one that must go, go too.
    const borderline = sorted[this.size - size - 1];
    const kept = new Table();
    for (let piece = 0; piece < this.size; piece++) {
      const count = this.counts[piece];
      if (count <= borderline) {
        dropped.pieces++;
        dropped.occurrences += count;
      } else kept.add(this.arena, this.starts[piece], this.starts[piece + 1], count);
    }
    dropped.upToCount = borderline;
    this.size = kept.size;
    this.arena = kept.arena;
    this.starts = kept.starts;
    this.counts = kept.counts;
    this.#hashes = kept.#hashes;
    this.#slots = kept.#slots;
    return dropped;
  }
}

/** "CMPC1": corpusmill piece counts, version 1. */
const MAGIC = [0x43, 0x4d, 0x50, 0x43, 0x31];

/** A table as bytes: magic, number of pieces, then count, length and bytes of each; numbers as LEB128. */
export function serializePieceCounts(table: PieceCounts): Uint8Array {
  const { size, arena, starts, counts } = table;
  const out = new Uint8Array(MAGIC.length + 10 + starts[size] + size * 15);
  out.set(MAGIC);
  let at = MAGIC.length;
  const writeVarint = (value: number): void => {
    while (value >= 128) {
      out[at++] = (value % 128) | 0x80;
      value = Math.floor(value / 128);
    }
    out[at++] = value;
  };
  writeVarint(size);
  for (let piece = 0; piece < size; piece++) {
    writeVarint(counts[piece]);
    writeVarint(starts[piece + 1] - starts[piece]);
    out.set(arena.subarray(starts[piece], starts[piece + 1]), at);
    at += starts[piece + 1] - starts[piece];
  }
  return out.slice(0, at);
}

function grown<T extends Uint8Array | Uint32Array | Int32Array | Float64Array>(array: T, larger: T): T {
  larger.set(array);
  return larger;
}
