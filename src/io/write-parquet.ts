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
import type { Utf8Builder } from './utf8-builder.ts';
import { COLUMN_NAMES, createDocumentGroup } from './write-columns.ts';
import { zstdCodec } from './zstd.ts';

/** UTF-8 bytes in a row group; int32 page and column sizes are far away. */
const GROUP_BYTES = 8 * 1024 * 1024;

export async function parquetEncoder(compression: Compression, level: number): Promise<DocumentEncoder> {
  const zstd = await zstdCodec();
  const writer = new ByteWriter(1024 * 1024);
  const parquet = new ParquetWriter({
    writer,
    schema: schemaFromColumnData({ columnData: columnData(COLUMN_NAMES.map(() => [])) }),
    codec: compression === 'none' ? 'UNCOMPRESSED' : compression === 'gzip' ? 'GZIP' : 'ZSTD',
    compressors: {
      GZIP: (bytes: Uint8Array) => gzipSync(bytes, { level, chunkSize: 256 * 1024 }),
      ZSTD: (bytes: Uint8Array) => zstd.compress(bytes, level),
    },
    createdBy: 'corpusmill',
  });
  const group = createDocumentGroup(GROUP_BYTES);
  const take = async (): Promise<Uint8Array[]> => {
    const { rows } = group.id;
    if (rows > 0) {
      const data = [rowsOf(group.id), rowsOf(group.text), group.source, rowsOf(group.meta)];
      await parquet.write({ columnData: columnData(data), rowGroupSize: rows });
    }
    group.clear();
    const bytes = writer.getBytes().slice();
    writer.index = 0;
    return [bytes];
  };
  return {
    add: (columns, from) => group.add(columns, from),
    ready: () => group.isFull(),
    take,
    async finish() {
      const rest = await take();
      group.release();
      parquet.finish();
      return [...rest, writer.getBytes().slice()];
    },
  };
}

function rowsOf(builder: Utf8Builder): Uint8Array[] {
  const { bytes, offsets } = builder.column();
  return Array.from({ length: builder.rows }, (_, row) => bytes.subarray(offsets[row], offsets[row + 1]));
}

type ColumnData = Parameters<ParquetWriter['write']>[0]['columnData'];

/** `data` in the order of COLUMN_NAMES. Values may be UTF-8 bytes as well as strings. */
function columnData(data: readonly (readonly unknown[])[]): ColumnData {
  return COLUMN_NAMES.map((name, i) => ({
    name,
    data: data[i] as unknown[],
    type: 'STRING',
    nullable: false,
    // `source` repeats: a dictionary and its statistics serve it. The others are as good as unique.
    ...(name === 'source' ? {} : { encoding: 'PLAIN', statistics: false }),
  }));
}
