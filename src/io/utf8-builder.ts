/**
 * A utf8 column that grows row by row, in memory that is used again: from strings, or from bytes that are UTF-8 already,
 * which is a plain copy.
 */
import { type Data, makeData, Utf8 as Utf8Type } from 'apache-arrow';
import { CorpusmillError } from '../core/errors.ts';
import { borrowBytes, returnBytes } from '../core/reused-bytes.ts';
import type { Utf8Column } from '../core/utf8-column.ts';
import type { TextBuffer } from './text-bytes.ts';

/** Offsets of a utf8 column are int32: its text ends at 2 GiB. */
export const MAX_COLUMN_BYTES = 0x7fffffff;

export interface Utf8Builder {
  readonly rows: number;
  /** Of all rows. */
  readonly bytes: number;
  /** All adders throw OUTPUT_FAILED when the column would get too large. */
  add(value: string): void;
  /** One row: the UTF-8 `bytes[start, end)`. */
  addBytes(bytes: Uint8Array, start: number, end: number): void;
  /** Rows [from, to) of a column. */
  addRows(column: Utf8Column, from: number, to: number): void;
  /** Memory with room for so many more bytes and rows behind those there are, for others to write to. */
  open(bytes: number, rows: number): { values: Uint8Array; offsets: Int32Array };
  /** Takes rows that others wrote where `open` said, up to a new number of rows. */
  advance(rows: number): void;
  /** Of the rows so far: views, good until the next row, `clear` or `release`. */
  column(): Utf8Column;
  /** The same for apache-arrow. */
  data(): Data<Utf8Type>;
  /** Forgets the rows and keeps the memory. */
  clear(): void;
  /** Gives the memory back. Called once, last. */
  release(): void;
}

const FIRST_BYTES = 1024 * 1024;

/** A builder of the column `name`, of at most `mostBytes` bytes: 2 GiB, or in tests less. It has room for `firstBytes` at first. */
export function createUtf8Builder(name: string, mostBytes = MAX_COLUMN_BYTES, firstBytes = FIRST_BYTES): Utf8Builder {
  let values = borrowBytes(firstBytes) as Buffer<ArrayBuffer> & TextBuffer;
  // Borrowed memory may be larger than what was asked for, and than the format's end.
  let room = Math.min(values.length, mostBytes);
  let offsets = new Int32Array(1024);
  let rows = 0;
  let end = 0;
  const reserve = (bytes: number): void => {
    if (end + bytes <= room) return;
    if (end + bytes > mostBytes) throw tooLarge(name, rows + 1, end + bytes, mostBytes);
    const wanted = Math.max(end + bytes, Math.min(2 * values.length, mostBytes));
    const grown = borrowBytes(wanted) as typeof values;
    values.copy(grown, 0, 0, end);
    returnBytes(values);
    values = grown;
    room = Math.min(values.length, mostBytes);
  };
  const reserveRows = (more: number): void => {
    if (rows + more < offsets.length) return;
    const grown = new Int32Array(Math.max(2 * offsets.length, rows + more + 1));
    grown.set(offsets);
    offsets = grown;
  };
  return {
    get rows() {
      return rows;
    },
    get bytes() {
      return end;
    },
    add(value) {
      // Three bytes hold any UTF-16 unit; where they might not fit it is worth counting.
      if (end + 3 * value.length > room) reserve(Buffer.byteLength(value));
      reserveRows(1);
      end += values.utf8Write(value, end);
      offsets[++rows] = end;
    },
    addBytes(bytes, start, stop) {
      reserve(stop - start);
      reserveRows(1);
      values.set(bytes.subarray(start, stop), end);
      end += stop - start;
      offsets[++rows] = end;
    },
    addRows({ bytes, offsets: from }, first, stop) {
      const [start, last] = [from[first], from[stop]];
      reserve(last - start);
      reserveRows(stop - first);
      values.set(bytes.subarray(start, last), end);
      for (let row = first; row < stop; row++) offsets[++rows] = end + from[row + 1] - start;
      end += last - start;
    },
    open(bytes, more) {
      reserve(bytes);
      reserveRows(more);
      return { values: values.subarray(0, room), offsets };
    },
    advance(to) {
      rows = to;
      end = offsets[rows];
    },
    column: () => ({ bytes: values.subarray(0, end), offsets: offsets.subarray(0, rows + 1) }),
    data: () =>
      makeData({
        type: new Utf8Type(),
        length: rows,
        nullCount: 0,
        valueOffsets: offsets.subarray(0, rows + 1),
        data: values.subarray(0, end),
      }),
    clear() {
      rows = 0;
      end = 0;
    },
    release: () => returnBytes(values),
  };
}

function tooLarge(name: string, rows: number, bytes: number, mostBytes: number): CorpusmillError {
  return new CorpusmillError(
    'OUTPUT_FAILED',
    `Writing ${rows} documents as one Arrow batch: column ${name} has ${bytes} bytes and the format ends at ${mostBytes}`,
    { hint: 'Lower `chunkBytes` or the target size of files, so that a batch holds fewer documents.' },
  );
}
