/**
 * The feature blob of most barriers: uint32 columns, one value per row, laid out column by column, so that `decide`
 * reads one band of every part without the rest, and behind them a trailer for what is no column (a part's dictionary):
 *
 *   [mark, rows, columns, bytes of trailer] [column 0] [column 1] … [trailer], words little-endian.
 */

import { largeBytes } from './large-pages.ts';
import { borrowBytes, returnBytes } from './reused-bytes.ts';

/** 'cmc2': a blob of another layout is refused, not misread. */
const MARK = 0x32636d63;
const HEADER_WORDS = 4;
export const HEADER_BYTES = 4 * HEADER_WORDS;

/** Rows that a writer has room for at first. */
const FIRST_ROWS = 256;
const LINE_WORDS = 16;
const PAGE_WORDS = 1024;

/** Collects rows of `columns` values each. */
export interface ColumnWriter {
  /** Appends the first `columns` entries of `row`. */
  push(row: Uint32Array): void;
  /**
   * Appends `rows` rows, which the caller fills before anything else is appended. `expected`: rows that this and later blocks
   * will have in all; a blob of just so many is not copied.
   */
  block(rows: number, expected?: number): ColumnBlock;
  /** The blob; the trailer is bytes, or any other value, which is kept as JSON. Called once, last. */
  finish(trailer?: unknown): Uint8Array;
}

/** Rows to be filled: value i of column c at `at + i + c * stride`. They hold anything at first. */
export interface ColumnBlock {
  words: Uint32Array<ArrayBuffer>;
  at: number;
  stride: number;
}

export function createColumnWriter(columns: number): ColumnWriter {
  // By column from the start, since a row's columns lie in the cache while they are filled, and a blob is then copied
  // column after column: turning rows into columns at the end was the larger part of a short document's cost.
  // A cache line lies between columns: a power of two apart, all values of a row would fall into the same few lines.
  let capacity = 0;
  let memory: Buffer<ArrayBuffer> | undefined;
  let store = new Uint32Array();
  let rows = 0;
  // The blob itself, where the rows that are expected are the first.
  let whole: Buffer<ArrayBuffer> | undefined;
  const reserve = (needed: number): void => {
    let wider = Math.max(capacity, FIRST_ROWS + LINE_WORDS);
    while (wider < needed) wider = 2 * (wider - LINE_WORDS) + LINE_WORDS;
    const larger = borrowBytes(4 * columns * wider);
    const grown = wordsIn(larger);
    for (let i = 0; i < columns; i++) grown.set(store.subarray(i * capacity, i * capacity + rows), i * wider);
    if (memory !== undefined) returnBytes(memory);
    whole = undefined;
    memory = larger;
    store = grown;
    capacity = wider;
  };
  const push = (row: Uint32Array): void => {
    if (rows === capacity) reserve(rows + 1);
    for (let i = 0, at = rows; i < columns; i++, at += capacity) store[at] = row[i];
    rows++;
  };
  const block = (more: number, expected = 0): ColumnBlock => {
    if (capacity === 0 && more > 0 && expected >= more && expected % PAGE_WORDS !== 0) {
      whole = largeBytes(HEADER_BYTES + 4 * columns * expected);
      store = new Uint32Array(whole.buffer, whole.byteOffset + HEADER_BYTES, columns * expected);
      capacity = expected;
    }
    if (rows + more > capacity) reserve(rows + more);
    const at = rows;
    rows += more;
    return { words: store, at, stride: capacity };
  };
  const finish = (trailer?: unknown): Uint8Array => {
    const last = bytesOf(trailer);
    const isWhole = whole !== undefined && rows === capacity && last.length === 0;
    const blob = isWhole ? whole! : largeBytes(HEADER_BYTES + 4 * rows * columns + last.length);
    const words = new Uint32Array(blob.buffer, blob.byteOffset, HEADER_WORDS + rows * columns);
    words.set([MARK, rows, columns, last.length]);
    if (isWhole) return blob;
    for (let i = 0; i < columns; i++) {
      words.set(store.subarray(i * capacity, i * capacity + rows), HEADER_WORDS + i * rows);
    }
    blob.set(last, words.byteLength);
    if (memory !== undefined) returnBytes(memory);
    return blob;
  };
  return { push, block, finish };
}

function wordsIn({ buffer, byteOffset, length }: Buffer<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  return new Uint32Array(buffer, byteOffset, length >>> 2);
}

function bytesOf(trailer: unknown): Uint8Array {
  if (trailer === undefined) return new Uint8Array();
  return trailer instanceof Uint8Array ? trailer : new TextEncoder().encode(JSON.stringify(trailer));
}

/** What the first `HEADER_BYTES` of a blob say. */
export interface ColumnHeader {
  rows: number;
  columns: number;
  trailerBytes: number;
}

export function readHeader(blob: Uint8Array): ColumnHeader {
  const [mark, rows, columns, trailerBytes] = wordsOf(blob.subarray(0, HEADER_BYTES));
  if (blob.length < HEADER_BYTES || mark !== MARK) throw new Error('this is no blob of feature columns');
  return { rows, columns, trailerBytes };
}

/** A stretch of a blob, in bytes. */
export interface ByteRange {
  offset: number;
  length: number;
}

/** Where `count` columns from `first` on lie; they are one stretch. */
export function columnRange(rows: number, first: number, count: number): ByteRange {
  return { offset: HEADER_BYTES + 4 * rows * first, length: 4 * rows * count };
}

export function trailerRange({ rows, columns, trailerBytes }: ColumnHeader): ByteRange {
  return { offset: HEADER_BYTES + 4 * rows * columns, length: trailerBytes };
}

/** The stretch of a blob that is in memory, as `FeaturePart.features` gives it. */
export function cutRange(blob: Uint8Array, range: ByteRange | undefined): Uint8Array {
  return range === undefined ? blob : blob.subarray(range.offset, range.offset + range.length);
}

/** All columns of a blob, without copying where its alignment allows. */
export function readColumns(blob: Uint8Array): Uint32Array[] {
  const header = readHeader(blob);
  const { rows, columns, trailerBytes } = header;
  const { offset } = trailerRange(header);
  if (blob.length !== offset + trailerBytes) {
    throw new Error(`a feature blob of ${blob.length} bytes says it has ${rows} rows of ${columns} columns`);
  }
  return splitColumns(wordsOf(blob.subarray(HEADER_BYTES, offset)), rows, columns);
}

/** The trailer's bytes of a whole blob. */
export function readTrailer(blob: Uint8Array): Uint8Array {
  return cutRange(blob, trailerRange(readHeader(blob)));
}

/** Columns that lie one behind the other in `words`. */
export function splitColumns(words: Uint32Array, rows: number, columns: number): Uint32Array[] {
  return Array.from({ length: columns }, (_, i) => words.subarray(i * rows, (i + 1) * rows));
}

/** Bytes as words, copied where they are not aligned. */
export function wordsOf(bytes: Uint8Array): Uint32Array {
  // Not bytes.slice(): a Buffer's slice is a view at the same offset.
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength >>> 2);
}
