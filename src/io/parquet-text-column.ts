/**
 * Pages of a column of UTF-8, PLAIN, from bytes in one piece: what hyparquet-writer makes of such a column. The library takes a
 * value at a time into a buffer that grows anew for every page, which took longer than the compression.
 */
import { native } from '../core/native.ts';
import { borrowBytes, returnBytes } from '../core/reused-bytes.ts';
import type { Utf8Column } from '../core/utf8-column.ts';
import { PAGE_BYTES, type Page } from './parquet-columns.ts';

/** Before each value its length (Parquet encodings, "Plain: BYTE_ARRAY"). */
const LENGTH_BYTES = 4;

/** The pages of a column's rows, one after the other in the same memory. A page ends with the value that fills it. */
export function* textPages(
  column: Utf8Column,
  rows: number,
  compress: (page: Uint8Array) => Uint8Array,
): Generator<Page> {
  for (let from = 0; from < rows; ) {
    const to = pageEnd(column.offsets, from, rows);
    const length = pageBytes(column.offsets, from, to);
    const buffer = borrowBytes(length);
    try {
      fillPage(buffer, column, from, to);
      yield { bytes: compress(buffer.subarray(0, length)), uncompressed: length, values: to - from };
    } finally {
      returnBytes(buffer);
    }
    from = to;
  }
}

function pageBytes(offsets: Int32Array, from: number, to: number): number {
  return offsets[to] - offsets[from] + LENGTH_BYTES * (to - from);
}

/** The first row behind the page that begins at `from`. */
function pageEnd(offsets: Int32Array, from: number, rows: number): number {
  let to = from + 1;
  while (to < rows && pageBytes(offsets, from, to) < PAGE_BYTES) to++;
  return to;
}

/** Writes rows [from, to) with their lengths to the start of `page`. */
function fillPage(page: Buffer, column: Utf8Column, from: number, to: number): void {
  if (native === undefined) fillPageTwin(page, column, from, to);
  else native.writePlain(column.bytes, column.offsets, from, to, page);
}

/** The native kernel's twin. */
export function fillPageTwin(page: Buffer, { bytes, offsets }: Utf8Column, from: number, to: number): void {
  let at = 0;
  for (let row = from; row < to; row++) {
    const [start, end] = [offsets[row], offsets[row + 1]];
    at = page.writeUInt32LE(end - start, at);
    page.set(bytes.subarray(start, end), at);
    at += end - start;
  }
}
