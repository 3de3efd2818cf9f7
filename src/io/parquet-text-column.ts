/**
 * A column of UTF-8 in a Parquet row group, PLAIN, required, without statistics: what hyparquet-writer writes for such a
 * column, from bytes in one piece. The library takes a value at a time into a buffer that grows anew for every page, which
 * took longer than the compression; its header, thrift and footer are used as they are.
 */
import type { ColumnChunk, CompressionCodec, OffsetIndex } from 'hyparquet';
import type { Writer } from 'hyparquet-writer';
import { writePageHeader } from 'hyparquet-writer/src/datapage.js';
import { borrowBytes, returnBytes } from '../core/reused-bytes.ts';
import type { Utf8Column } from '../core/utf8-column.ts';

/** A page ends with the value that brings it to this many bytes. */
const PAGE_BYTES = 1024 * 1024;
/** Before each value its length (Parquet encodings, "Plain: BYTE_ARRAY"). */
const LENGTH_BYTES = 4;

export interface PageCompression {
  codec: CompressionCodec;
  compress(page: Uint8Array): Uint8Array;
}

/** Writes the pages of a column and returns what the footer says of them. `rows` is 1 or more. */
export function writeTextColumn(
  writer: Writer,
  name: string,
  column: Utf8Column,
  rows: number,
  { codec, compress }: PageCompression,
): { chunk: ColumnChunk; offsetIndex?: OffsetIndex } {
  const begin = writer.offset;
  const locations: OffsetIndex['page_locations'] = [];
  let uncompressedBytes = 0;
  for (let from = 0; from < rows; ) {
    const to = pageEnd(column.offsets, from, rows);
    const offset = writer.offset;
    uncompressedBytes += withPage(column, from, to, (page) => {
      const compressed = compress(page);
      writePageHeader(writer, {
        type: 'DATA_PAGE_V2',
        uncompressed_page_size: page.length,
        compressed_page_size: compressed.length,
        data_page_header_v2: {
          num_values: to - from,
          num_nulls: 0,
          num_rows: to - from,
          encoding: 'PLAIN',
          definition_levels_byte_length: 0,
          repetition_levels_byte_length: 0,
          is_compressed: true,
        },
      });
      const headerBytes = writer.offset - offset;
      writer.appendBytes(compressed);
      return headerBytes + page.length;
    });
    locations.push({
      offset: BigInt(offset),
      compressed_page_size: writer.offset - offset,
      first_row_index: BigInt(from),
    });
    from = to;
  }
  const chunk: ColumnChunk = {
    file_offset: BigInt(begin),
    meta_data: {
      type: 'BYTE_ARRAY',
      encodings: ['PLAIN'],
      path_in_schema: [name],
      codec,
      num_values: BigInt(rows),
      total_compressed_size: BigInt(writer.offset - begin),
      total_uncompressed_size: BigInt(uncompressedBytes),
      data_page_offset: BigInt(begin),
    },
  };
  return locations.length > 1 ? { chunk, offsetIndex: { page_locations: locations } } : { chunk };
}

/** The first row behind the page that begins at `from`. */
function pageEnd(offsets: Int32Array, from: number, rows: number): number {
  let to = from + 1;
  while (to < rows && offsets[to] - offsets[from] + LENGTH_BYTES * (to - from) < PAGE_BYTES) to++;
  return to;
}

/** Calls `use` with the page of rows [from, to), in memory that is used again. */
function withPage<R>({ bytes, offsets }: Utf8Column, from: number, to: number, use: (page: Uint8Array) => R): R {
  const length = offsets[to] - offsets[from] + LENGTH_BYTES * (to - from);
  const buffer = borrowBytes(length);
  try {
    let at = 0;
    for (let row = from; row < to; row++) {
      const [start, end] = [offsets[row], offsets[row + 1]];
      at = buffer.writeUInt32LE(end - start, at);
      buffer.set(bytes.subarray(start, end), at);
      at += end - start;
    }
    return use(buffer.subarray(0, length));
  } finally {
    returnBytes(buffer);
  }
}
