/**
 * Columns that are made elsewhere, from bytes, put into a file of hyparquet-writer's: its writer holds the file's head and footer,
 * and what is added here is noted as its own columns are. All of them are flat and required.
 */
import type { ColumnChunk, CompressionCodec, Encoding, OffsetIndex, SchemaElement } from 'hyparquet';
import type { ParquetWriter } from 'hyparquet-writer';
import { writeColumn } from 'hyparquet-writer/src/column.js';
import { writePageHeader } from 'hyparquet-writer/src/datapage.js';

/** As hyparquet-writer cuts columns into pages. */
export const PAGE_BYTES = 1 << 20;

/** A data page: its values, encoded and compressed. */
export interface Page {
  /** Copied before the next page is asked for. */
  bytes: Uint8Array;
  uncompressed: number;
  values: number;
}

export interface PagedColumn {
  name: string;
  encoding: Encoding;
  codec: CompressionCodec;
  pages: Iterable<Page>;
  /** Where readers are to skip row groups by them. */
  statistics?: { min_value: number; max_value: number; null_count: bigint };
}

/** A column as the footer has it. */
type AddedColumn = ParquetWriter['pendingIndexes'][number];

/** Adds a row group of `rows` rows, one or more; `columns` write theirs one after the other, in the schema's order. */
export function addRowGroup(
  parquet: ParquetWriter,
  rows: number,
  columns: readonly ((parquet: ParquetWriter) => AddedColumn)[],
): void {
  const start = parquet.writer.offset;
  const added = columns.map((write) => write(parquet));
  const chunks = added.map(({ chunk }) => chunk);
  parquet.pendingIndexes.push(...added);
  parquet.num_rows += BigInt(rows);
  parquet.row_groups.push({
    columns: chunks,
    total_byte_size: chunks.reduce((sum, { meta_data }) => sum + (meta_data?.total_uncompressed_size ?? 0n), 0n),
    num_rows: BigInt(rows),
    total_compressed_size: BigInt(parquet.writer.offset - start),
  });
}

/** Writes a column's pages, with an index of them where there are several. */
export function writePages(
  parquet: ParquetWriter,
  { name, encoding, codec, pages, statistics }: PagedColumn,
): AddedColumn {
  const { writer } = parquet;
  const start = writer.offset;
  const locations: OffsetIndex['page_locations'] = [];
  let uncompressed = 0;
  let rows = 0;
  for (const page of pages) {
    const at = writer.offset;
    writePageHeader(writer, {
      type: 'DATA_PAGE_V2',
      uncompressed_page_size: page.uncompressed,
      compressed_page_size: page.bytes.length,
      data_page_header_v2: {
        num_values: page.values,
        num_nulls: 0,
        num_rows: page.values,
        encoding,
        definition_levels_byte_length: 0,
        repetition_levels_byte_length: 0,
        is_compressed: true,
      },
    });
    uncompressed += writer.offset - at + page.uncompressed;
    writer.appendBytes(page.bytes);
    locations.push({
      offset: BigInt(at),
      compressed_page_size: writer.offset - at,
      first_row_index: BigInt(rows),
    });
    rows += page.values;
  }
  const chunk: ColumnChunk = {
    meta_data: {
      type: elementOf(parquet, name).type ?? 'BYTE_ARRAY',
      encodings: [encoding],
      path_in_schema: [name],
      codec,
      num_values: BigInt(rows),
      total_compressed_size: BigInt(writer.offset - start),
      total_uncompressed_size: BigInt(uncompressed),
      data_page_offset: BigInt(start),
      ...(statistics && {
        statistics,
        encoding_stats: [{ page_type: 'DATA_PAGE_V2', encoding, count: locations.length }],
      }),
    },
    file_offset: BigInt(start),
  };
  return locations.length > 1 ? { chunk, offsetIndex: { page_locations: locations } } : { chunk };
}

/** Writes a column of strings the library's own way: with statistics, and a dictionary where they repeat. */
export function writeStrings(
  parquet: ParquetWriter,
  name: string,
  values: string[],
  codec: CompressionCodec,
): AddedColumn {
  const { writer, schema, compressors } = parquet;
  const element = elementOf(parquet, name);
  return writeColumn({
    writer,
    column: {
      columnName: name,
      element,
      schemaPath: [schema[0], element],
      codec,
      compressors,
      stats: true,
      pageSize: PAGE_BYTES,
      columnIndex: false,
      offsetIndex: true,
    },
    pageData: { values, definitionLevels: [], repetitionLevels: [], maxDefinitionLevel: 0 },
  });
}

function elementOf({ schema }: ParquetWriter, name: string): SchemaElement {
  const found = schema.find((element) => element.name === name);
  if (found === undefined) throw new Error(`the file has no column ${name}`);
  return found;
}
