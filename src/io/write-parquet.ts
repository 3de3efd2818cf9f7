/**
 * Parquet through hyparquet-writer: row groups of about 8 MB of text (what a worker holds while it writes: with 64 MB the
 * peak of a whole run doubled, 16 MB cost two workers 60 MB more), 1 MB pages with an offset index (so a range of rows
 * can be read alone), PLAIN encoding and no statistics for text, id and meta (parquet-text-column.ts). Mostly compression.
 */
import { gzipSync } from 'node:zlib';
import type { RowGroup } from 'hyparquet';
import { ByteWriter, ParquetWriter, schemaFromColumnData } from 'hyparquet-writer';
import { writeColumn } from 'hyparquet-writer/src/column.js';
import type { Compression } from './codecs.ts';
import type { DocumentEncoder } from './document-encoder.ts';
import { type PageCompression, writeTextColumn } from './parquet-text-column.ts';
import { COLUMN_NAMES, createDocumentGroup, type DocumentGroup } from './write-columns.ts';
import { zstdCodec } from './zstd.ts';

/** UTF-8 bytes in a row group; int32 page and column sizes are far away. */
const GROUP_BYTES = 8 * 1024 * 1024;
const PAGE_BYTES = 1024 * 1024;

export async function parquetEncoder(compression: Compression, level: number): Promise<DocumentEncoder> {
  const pages = await pageCompression(compression, level);
  const writer = new ByteWriter(1024 * 1024);
  const columns = COLUMN_NAMES.map((name) => ({ name, data: [], type: 'STRING' as const, nullable: false }));
  const parquet = new ParquetWriter({
    writer,
    schema: schemaFromColumnData({ columnData: columns }),
    codec: pages.codec,
    createdBy: 'corpusmill',
  });
  const group = createDocumentGroup(GROUP_BYTES);
  // Nothing is written to the writer until these bytes are.
  const written = (): Uint8Array[] => {
    const bytes = writer.getBytes();
    writer.index = 0;
    return [bytes];
  };
  const takeGroup = (): void => {
    if (group.id.rows > 0) writeGroup(parquet, group, pages);
    group.clear();
  };
  return {
    add: (columns, from) => group.add(columns, from),
    ready: () => group.isFull(),
    async take() {
      takeGroup();
      return written();
    },
    async finish() {
      takeGroup();
      group.release();
      parquet.finish();
      return written();
    },
  };
}

async function pageCompression(compression: Compression, level: number): Promise<PageCompression> {
  if (compression === 'none') return { codec: 'UNCOMPRESSED', compress: (page) => page };
  if (compression === 'gzip') {
    return { codec: 'GZIP', compress: (page) => gzipSync(page, { level, chunkSize: 256 * 1024 }) };
  }
  const zstd = await zstdCodec();
  return { codec: 'ZSTD', compress: (page) => zstd.compress(page, level) };
}

/** What `ParquetWriter.write` does for a row group, whose columns are here of two kinds. */
function writeGroup(parquet: ParquetWriter, group: DocumentGroup, pages: PageCompression): void {
  const { writer } = parquet;
  const { rows } = group.id;
  const begin = writer.offset;
  const indexes = COLUMN_NAMES.map((name, i) =>
    name === 'source'
      ? writeSources(parquet, 1 + i, group.source, pages)
      : writeTextColumn(writer, name, group[name].column(), rows, pages),
  );
  const columns = indexes.map(({ chunk }) => chunk);
  const total = columns.reduce((sum, { meta_data }) => sum + meta_data!.total_uncompressed_size, 0n);
  const rowGroup: RowGroup = {
    columns,
    total_byte_size: total,
    num_rows: BigInt(rows),
    total_compressed_size: BigInt(writer.offset - begin),
  };
  parquet.num_rows += BigInt(rows);
  parquet.row_groups.push(rowGroup);
  parquet.pendingIndexes.push(...indexes);
}

/** Sources repeat: a dictionary and its statistics serve them. `element` is the column's place in the schema. */
function writeSources(
  { writer, schema }: ParquetWriter,
  element: number,
  values: readonly string[],
  { codec, compress }: PageCompression,
): ReturnType<typeof writeColumn> {
  return writeColumn({
    writer,
    column: {
      columnName: 'source',
      element: schema[element],
      schemaPath: [schema[0], schema[element]],
      codec,
      compressors: { [codec]: compress },
      stats: true,
      pageSize: PAGE_BYTES,
      columnIndex: false,
      offsetIndex: true,
    },
    pageData: { values: [...values], definitionLevels: [], repetitionLevels: [], maxDefinitionLevel: 0 },
  });
}
