/**
 * How often each distinct piece occurs: the whole of what BPE training needs to know of a corpus. 100 MB of mixed text
 * hold about 20 million pieces, 1 to 1.5 million of them distinct, in 15 to 30 MB.
 *
 * An open-addressing table over one byte arena; counts are exact to 2^53. Sums do not depend on the order of addition,
 * so tables of parts add up to the same counts in any order (sum-piece-counts.ts). The native twin, native/piece_table.cc,
 * also scans the text.
 *
 * Serialized: "CMPC2"; for each of 64 partitions its bytes as uint32 (little-endian); the partitions. A partition is
 * count, length and bytes of its pieces, numbers as LEB128; a piece is in partition `hashPiece(piece) >>> 26`.
 */
import type { NativePieceTable } from '../core/native-addon.ts';
import { nativeBpe } from './native-bpe.ts';
import { hashPiece } from './piece-hash.ts';

/** Longer pieces (a page without a space, base64, a million letters) are cut at character borders for training, so that
 * no merge has to walk megabytes; a cut hides at most one pair. */
export const MAX_PIECE_BYTES = 16_384;

export const PARTITIONS = 64;
const PARTITION_SHIFT = 26;
export const MAGIC = [0x43, 0x4d, 0x50, 0x43, 0x32];
export const DIRECTORY_BYTES = MAGIC.length + 4 * PARTITIONS;

/** Piece i is `arena[starts[i], starts[i + 1])` and occurs `counts[i]` times. */
export interface PieceColumns {
  size: number;
  arena: Uint8Array;
  starts: Uint32Array;
  counts: Float64Array;
}

export interface PieceCounts {
  /** Distinct pieces, and their bytes. */
  readonly size: number;
  readonly pieceBytes: number;
  /**
   * Counts `times` occurrences of each of the pieces that end at `ends[0]` … `ends[count - 1]`, the first of which begins
   * at `start`; those above MAX_PIECE_BYTES in cuts. Returns the number of pieces that were cut.
   */
  count(bytes: Uint8Array, start: number, ends: Uint32Array, count: number, times?: number): number;
  serialize(): Uint8Array;
  /** Drops the pieces that occur `most` times or less. */
  drop(most: number): void;
  /** The counts of all pieces. */
  allCounts(): Float64Array;
  /** The native table, where it is one. */
  readonly native?: NativePieceTable;
}

export function createPieceCounts(): PieceCounts {
  return nativeBpe === undefined ? createTwinPieceCounts() : new NativeCounts(new nativeBpe.PieceTable());
}

/** The table in TypeScript. */
export function createTwinPieceCounts(): PieceCounts {
  return new Table();
}

/** Adds partitions to each of the tables: `partitions[i]` to `tables[i]`. False: one of them is no partition. */
export function addPartitions(tables: readonly PieceCounts[], partitions: readonly (readonly Uint8Array[])[]): boolean {
  if (tables.every((table) => table.native !== undefined)) {
    return nativeBpe!.PieceTable.addPartitions(
      tables.map((table) => table.native!),
      partitions,
    );
  }
  return tables.every((table, i) => partitions[i].every((partition) => (table as Table).addPartition(partition)));
}

/** Leaves each piece in one of the tables alone, with its whole count. They are not counted with any more. */
export function gatherPieces(tables: readonly PieceCounts[]): void {
  if (tables.every((table) => table.native !== undefined)) {
    nativeBpe!.PieceTable.gather(tables.map((table) => table.native!));
    return;
  }
  const [first, ...others] = tables as readonly Table[];
  for (const other of others) first.absorb(other);
}

/** Copies the pieces of tables, those of the first before those of the second, to columns with room for them. */
export function readPieces(tables: readonly PieceCounts[], columns: PieceColumns): void {
  const { arena, starts, counts } = columns;
  if (tables.every((table) => table.native !== undefined)) {
    const all = tables.map((table) => table.native!);
    nativeBpe!.PieceTable.read(all, arena, starts, counts);
    starts[columns.size] = arena.length;
    return;
  }
  let first = 0;
  for (const table of tables as readonly Table[]) {
    table.read(columns, first);
    first += table.size;
  }
}

class NativeCounts implements PieceCounts {
  readonly native: NativePieceTable;
  constructor(table: NativePieceTable) {
    this.native = table;
  }
  get size(): number {
    return this.native.size();
  }
  get pieceBytes(): number {
    return this.native.pieceBytes();
  }
  count(bytes: Uint8Array, start: number, ends: Uint32Array, count: number, times = 1): number {
    return this.native.countPieces(bytes, start, ends, count, times, MAX_PIECE_BYTES);
  }
  serialize(): Uint8Array {
    return this.native.serialize();
  }
  drop(most: number): void {
    this.native.drop(most);
  }
  allCounts(): Float64Array {
    const counts = new Float64Array(this.native.size());
    this.native.counts(counts);
    return counts;
  }
}

class Table implements PieceCounts {
  size = 0;
  #arena = new Uint8Array(1 << 16);
  #starts = new Uint32Array(1 << 12);
  #counts = new Float64Array(1 << 12);
  #hashes = new Int32Array(1 << 12);
  /** Piece index + 1, or 0. */
  #slots = new Int32Array(1 << 13);

  get pieceBytes(): number {
    return this.#starts[this.size];
  }

  count(bytes: Uint8Array, start: number, ends: Uint32Array, count: number, times = 1): number {
    let cut = 0;
    for (let i = 0; i < count; i++) {
      const end = ends[i];
      if (end - start > MAX_PIECE_BYTES) cut++;
      while (end - start > MAX_PIECE_BYTES) {
        let at = start + MAX_PIECE_BYTES;
        while (at > start + 1 && (bytes[at] & 0xc0) === 0x80) at--;
        this.#add(bytes, start, at, times);
        start = at;
      }
      this.#add(bytes, start, end, times);
      start = end;
    }
    return cut;
  }

  #add(bytes: Uint8Array, start: number, end: number, count: number): void {
    const hash = hashPiece(bytes, start, end);
    const arena = this.#arena;
    const starts = this.#starts;
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
            this.#counts[piece] += count;
            return;
          }
        }
      }
      slot = (slot + 1) & mask;
    }
    this.#append(slot, hash, bytes, start, end, count);
  }

  #append(slot: number, hash: number, bytes: Uint8Array, start: number, end: number, count: number): void {
    const from = this.#starts[this.size];
    const to = from + end - start;
    if (to > this.#arena.length) this.#arena = grown(this.#arena, new Uint8Array(Math.max(to, this.#arena.length * 2)));
    this.#arena.set(bytes.subarray(start, end), from);
    if (this.size + 1 === this.#starts.length) {
      const room = this.#starts.length * 2;
      this.#starts = grown(this.#starts, new Uint32Array(room));
      this.#counts = grown(this.#counts, new Float64Array(room));
      this.#hashes = grown(this.#hashes, new Int32Array(room));
    }
    this.#hashes[this.size] = hash;
    this.#counts[this.size] = count;
    this.#starts[++this.size] = to;
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

  /** False: the bytes are not such pieces. */
  addPartition(bytes: Uint8Array): boolean {
    let at = 0;
    // NaN: the bytes end in the middle of a number.
    const readVarint = (): number => {
      let value = 0;
      for (let scale = 1; at < bytes.length; scale *= 128) {
        const byte = bytes[at++];
        value += (byte & 0x7f) * scale;
        if (byte < 0x80) return value;
      }
      return Number.NaN;
    };
    while (at < bytes.length) {
      const count = readVarint();
      const length = readVarint();
      if (!(length <= bytes.length - at)) return false;
      this.#add(bytes, at, at + length, count);
      at += length;
    }
    return true;
  }

  serialize(): Uint8Array {
    const partitionOf = Uint8Array.from(this.#hashes.subarray(0, this.size), (hash) => hash >>> PARTITION_SHIFT);
    const order = Uint32Array.from(partitionOf, (_, piece) => piece).sort(
      (a, b) => partitionOf[a] - partitionOf[b] || a - b,
    );
    const out = new Uint8Array(DIRECTORY_BYTES + this.pieceBytes + this.size * 16);
    out.set(MAGIC);
    const directory = new DataView(out.buffer, MAGIC.length);
    let at = DIRECTORY_BYTES;
    const writeVarint = (value: number): void => {
      while (value >= 128) {
        out[at++] = (value % 128) | 0x80;
        value = Math.floor(value / 128);
      }
      out[at++] = value;
    };
    for (const piece of order) {
      const begin = at;
      const from = this.#starts[piece];
      const to = this.#starts[piece + 1];
      writeVarint(this.#counts[piece]);
      writeVarint(to - from);
      out.set(this.#arena.subarray(from, to), at);
      at += to - from;
      const entry = 4 * partitionOf[piece];
      directory.setUint32(entry, directory.getUint32(entry, true) + at - begin, true);
    }
    return out.slice(0, at);
  }

  /** Appends the pieces to the columns, behind piece `first - 1`; `starts[first]` must say where in the arena. */
  read({ arena, starts, counts }: PieceColumns, first: number): void {
    const base = starts[first];
    arena.set(this.#arena.subarray(0, this.pieceBytes), base);
    counts.set(this.#counts.subarray(0, this.size), first);
    for (let piece = 1; piece <= this.size; piece++) starts[first + piece] = base + this.#starts[piece];
  }

  drop(most: number): void {
    const kept = new Table();
    for (let piece = 0; piece < this.size; piece++) {
      if (this.#counts[piece] <= most) continue;
      kept.#add(this.#arena, this.#starts[piece], this.#starts[piece + 1], this.#counts[piece]);
    }
    this.size = kept.size;
    this.#arena = kept.#arena;
    this.#starts = kept.#starts;
    this.#counts = kept.#counts;
    this.#hashes = kept.#hashes;
    this.#slots = kept.#slots;
  }

  absorb(other: Table): void {
    for (let piece = 0; piece < other.size; piece++) {
      this.#add(other.#arena, other.#starts[piece], other.#starts[piece + 1], other.#counts[piece]);
    }
    other.drop(Number.MAX_SAFE_INTEGER);
  }

  allCounts(): Float64Array {
    return this.#counts.slice(0, this.size);
  }
}

function grown<T extends Uint8Array | Uint32Array | Int32Array | Float64Array>(array: T, larger: T): T {
  larger.set(array);
  return larger;
}
