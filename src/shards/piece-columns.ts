/**
 * Columns of the table of pieces, made by the add-on: the bytes that hyparquet-writer would make of them, without an object
 * for any piece. The library frames them: its writer holds the file's head and footer, and these columns are added to it as its
 * own are. Processor time of a million pieces with ids of 40 bytes: 2.5 µs each by the library alone, 1 so, most of it for the
 * column of sources.
 */
import type { ColumnChunk, Encoding, OffsetIndex, SchemaElement } from 'hyparquet';
import type { ParquetWriter } from 'hyparquet-writer';
import { writeColumn } from 'hyparquet-writer/src/column.js';
import { writePageHeader } from 'hyparquet-writer/src/datapage.js';
import type { NativeAddon } from '../core/native-addon.ts';
import type { PieceRecords } from './pieces-table.ts';

/** As hyparquet-writer cuts columns into pages. */
const PAGE_BYTES = 1 << 20;

interface Page {
  bytes: Uint8Array;
  uncompressed: number;
  values: number;
}

/** Adds pieces [from, to), at least one, as a row group. The columns are those of `parquet.schema`, in that order. */
export function addPieceGroup(
  parquet: ParquetWriter,
  native: NativeAddon,
  pieces: PieceRecords,
  from: number,
  to: number,
): void {
  const columns: Record<string, () => ColumnChunk> = {
    row: () => numbers('row', pieces.row),
    piece: () => numbers('piece', pieces.piece),
    doc_id: () => addColumn(parquet, 'doc_id', 'PLAIN', documentIds(), undefined),
    source: () => addSources(parquet, pieces, from, to),
    start: () => numbers('start', pieces.start),
    tokens: () => numbers('tokens', pieces.tokens),
  };
  const facts = new Float64Array(3);
  function numbers(name: string, values: Int32Array): ColumnChunk {
    const bytes = native.parquetNumbers(values.subarray(from, to), facts);
    const [uncompressed, min_value, max_value] = facts;
    const pages = [{ bytes, uncompressed, values: to - from }];
    return addColumn(parquet, name, 'DELTA_BINARY_PACKED', pages, { min_value, max_value, null_count: 0n });
  }
  function documentIds(): Page[] {
    const { ids, idStart, idEnd } = pieces;
    const pages: Page[] = [];
    for (let first = from; first < to; ) {
      const bytes = native.parquetStrings(ids, idStart, idEnd, first, to, PAGE_BYTES, facts);
      pages.push({ bytes, uncompressed: facts[0], values: facts[1] - first });
      [, first] = facts;
    }
    return pages;
  }
  const start = parquet.writer.offset;
  const chunks = parquet.schema.slice(1).map(({ name }) => columns[name]());
  parquet.num_rows += BigInt(to - from);
  parquet.row_groups.push({
    columns: chunks,
    total_byte_size: chunks.reduce((sum, { meta_data }) => sum + (meta_data?.total_uncompressed_size ?? 0n), 0n),
    num_rows: BigInt(to - from),
    total_compressed_size: BigInt(parquet.writer.offset - start),
  });
}

/** A column of required values from its pages; statistics where readers are to skip groups by them. */
function addColumn(
  parquet: ParquetWriter,
  name: string,
  encoding: Encoding,
  pages: readonly Page[],
  statistics: { min_value: number; max_value: number; null_count: bigint } | undefined,
): ColumnChunk {
  const { writer } = parquet;
  const start = writer.offset;
  let uncompressed = 0;
  let row = 0;
  const offsetIndex: OffsetIndex | undefined = pages.length > 1 ? { page_locations: [] } : undefined;
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
    offsetIndex?.page_locations.push({
      offset: BigInt(at),
      compressed_page_size: writer.offset - at,
      first_row_index: BigInt(row),
    });
    row += page.values;
  }
  const chunk: ColumnChunk = {
    meta_data: {
      type: elementOf(parquet, name).type ?? 'BYTE_ARRAY',
      encodings: [encoding],
      path_in_schema: [name],
      codec: 'SNAPPY',
      num_values: BigInt(row),
      total_compressed_size: BigInt(writer.offset - start),
      total_uncompressed_size: BigInt(uncompressed),
      data_page_offset: BigInt(start),
      ...(statistics && {
        statistics,
        encoding_stats: [{ page_type: 'DATA_PAGE_V2', encoding, count: pages.length }],
      }),
    },
    file_offset: BigInt(start),
  };
  parquet.pendingIndexes.push({ chunk, ...(offsetIndex && { offsetIndex }) });
  return chunk;
}

/** The library's own way, with its choice of a dictionary. */
function addSources(parquet: ParquetWriter, { source, sources }: PieceRecords, from: number, to: number): ColumnChunk {
  const [root] = parquet.schema;
  const element = elementOf(parquet, 'source');
  const values = Array.from(source.subarray(from, to), (number) => sources[number]);
  const result = writeColumn({
    writer: parquet.writer,
    column: {
      columnName: 'source',
      element,
      schemaPath: [root, element],
      codec: 'SNAPPY',
      compressors: parquet.compressors,
      stats: true,
      pageSize: PAGE_BYTES,
      columnIndex: false,
      offsetIndex: true,
    },
    pageData: { values, definitionLevels: [], repetitionLevels: [], maxDefinitionLevel: 0 },
  });
  parquet.pendingIndexes.push(result);
  return result.chunk;
}

function elementOf({ schema }: ParquetWriter, name: string): SchemaElement {
  const element = schema.find((other) => other.name === name);
  if (element === undefined) throw new RangeError(`the table of pieces has no column ${name}`);
  return element;
}
