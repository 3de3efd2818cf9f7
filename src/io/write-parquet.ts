/**
 * Parquet through hyparquet-writer: row groups of about 8 MB of text (what a worker holds while it writes: with 64 MB the
 * peak of a whole run doubled, 16 MB cost two workers 60 MB more), 1 MB pages with an offset index (so a range of rows
 * can be read alone), PLAIN encoding and no statistics for text, id and meta (parquet-text-column.ts). Mostly compression.
 */
import { gzipSync } from 'node:zlib';
import { ParquetWriter, schemaFromColumnData } from 'hyparquet-writer';
import type { Compression } from './codecs.ts';
import type { DocumentEncoder } from './document-encoder.ts';
import { addRowGroup, writePages, writeStrings } from './parquet-columns.ts';
import { textPages } from './parquet-text-column.ts';
import { COLUMN_NAMES, createDocumentGroup, type DocumentGroup } from './write-columns.ts';
import { returnWriter, takeWriter } from './writer-memory.ts';
import { zstdCodec } from './zstd.ts';

/** UTF-8 bytes in a row group; int32 page and column sizes are far away. */
const GROUP_BYTES = 8 * 1024 * 1024;

export async function parquetEncoder(compression: Compression, level: number): Promise<DocumentEncoder> {
  const pages = await pageCompression(compression, level);
  const writer = takeWriter();
  const columns = COLUMN_NAMES.map((name) => ({ name, data: [], type: 'STRING' as const, nullable: false }));
  const parquet = new ParquetWriter({
    writer,
    schema: schemaFromColumnData({ columnData: columns }),
    codec: pages.codec,
    compressors: { [pages.codec]: (page: Uint8Array) => pages.compress(page).slice() },
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
    release: () => returnWriter(writer),
  };
}

interface PageCompression {
  codec: 'UNCOMPRESSED' | 'GZIP' | 'ZSTD';
  /** Good until the next call. */
  compress(page: Uint8Array): Uint8Array;
}

async function pageCompression(compression: Compression, level: number): Promise<PageCompression> {
  if (compression === 'none') return { codec: 'UNCOMPRESSED', compress: (page) => page };
  if (compression === 'gzip') {
    return { codec: 'GZIP', compress: (page) => gzipSync(page, { level, chunkSize: 256 * 1024 }) };
  }
  const zstd = await zstdCodec();
  return { codec: 'ZSTD', compress: (page) => zstd.compressHeld(page, level) };
}

/** Sources repeat: a dictionary and its statistics serve them. The others are as good as unique. */
function writeGroup(parquet: ParquetWriter, group: DocumentGroup, { codec, compress }: PageCompression): void {
  const { rows } = group.id;
  const columns = COLUMN_NAMES.map((name) => () => {
    if (name === 'source') return writeStrings(parquet, name, [...group.source], codec);
    return writePages(parquet, {
      name,
      encoding: 'PLAIN',
      codec,
      pages: textPages(group[name].column(), rows, compress),
    });
  });
  addRowGroup(parquet, rows, columns);
}
