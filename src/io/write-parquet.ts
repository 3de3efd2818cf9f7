/**
 * Parquet through hyparquet-writer: row groups of about 8 MB of text (what a worker holds while it writes: with 64 MB the
 * peak of a whole run doubled, 16 MB cost two workers 60 MB more), 1 MB pages with an offset index (so a range of rows
 * can be read alone), PLAIN encoding and no statistics for text and id. Writes 80–140 MB/s of text, one thread, mostly
 * spent in compression.
 */
import { gzipSync } from 'node:zlib';
import { ByteWriter, ParquetWriter, schemaFromColumnData } from 'hyparquet-writer';
import type { Compression } from './codecs.ts';
import type { DocumentEncoder } from './document-encoder.ts';
import { appendDocument, COLUMN_NAMES, type DocumentColumns, emptyColumns } from './write-columns.ts';
import { zstdCodec } from './zstd.ts';

/** UTF-16 units in a row group; int32 page and column sizes are far away. */
const GROUP_CHARS = 8 * 1024 * 1024;

export async function parquetEncoder(compression: Compression, level: number): Promise<DocumentEncoder> {
  const zstd = await zstdCodec();
  const writer = new ByteWriter(1024 * 1024);
  const parquet = new ParquetWriter({
    writer,
    schema: schemaFromColumnData({ columnData: columnData(emptyColumns()) }),
    codec: compression === 'none' ? 'UNCOMPRESSED' : compression === 'gzip' ? 'GZIP' : 'ZSTD',
    compressors: {
      GZIP: (bytes: Uint8Array) => gzipSync(bytes, { level, chunkSize: 256 * 1024 }),
      ZSTD: (bytes: Uint8Array) => zstd.compress(bytes, level),
    },
    createdBy: 'corpusmill',
  });
  let columns = emptyColumns();
  let chars = 0;
  const take = async (): Promise<Uint8Array[]> => {
    if (columns.id.length > 0)
      await parquet.write({ columnData: columnData(columns), rowGroupSize: columns.id.length });
    columns = emptyColumns();
    chars = 0;
    const bytes = writer.getBytes().slice();
    writer.index = 0;
    return [bytes];
  };
  return {
    add(document) {
      chars += appendDocument(columns, document);
    },
    ready: () => chars >= GROUP_CHARS,
    take,
    async finish() {
      const rest = await take();
      parquet.finish();
      return [...rest, writer.getBytes().slice()];
    },
  };
}

type ColumnData = Parameters<ParquetWriter['write']>[0]['columnData'];

function columnData(columns: DocumentColumns): ColumnData {
  return COLUMN_NAMES.map((name) => ({
    name,
    data: columns[name],
    type: 'STRING',
    nullable: false,
    // `source` repeats: a dictionary and its statistics serve it. The others are as good as unique.
    ...(name === 'source' ? {} : { encoding: 'PLAIN', statistics: false }),
  }));
}
