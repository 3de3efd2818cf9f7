/** Arrow IPC files (file form): record batches of about 16 MB of text, optionally with zstd buffers. */
import { CompressionType, Field, Schema, Utf8 } from 'apache-arrow';
import { registerArrowCodecs } from './arrow-codecs.ts';
import { arrowFileWriter } from './arrow-file-writer.ts';
import { utf8Column } from './document-batch.ts';
import type { DocumentEncoder } from './document-encoder.ts';
import { appendDocument, COLUMN_NAMES, emptyColumns } from './write-columns.ts';

/** UTF-16 units in a record batch. */
const BATCH_CHARS = 16 * 1024 * 1024;

const SCHEMA = new Schema(COLUMN_NAMES.map((name) => new Field(name, new Utf8(), false)));

export async function arrowEncoder(compression: 'none' | 'zstd', level: number): Promise<DocumentEncoder> {
  if (compression === 'zstd') await registerArrowCodecs(level);
  const writer = arrowFileWriter(SCHEMA, compression === 'zstd' ? CompressionType.ZSTD : null);
  let columns = emptyColumns();
  let chars = 0;
  const take = async (): Promise<Uint8Array[]> => {
    const rows = columns.id.length;
    if (rows === 0) return [];
    const children = COLUMN_NAMES.map((name) => utf8Column(name, columns[name]));
    columns = emptyColumns();
    chars = 0;
    return writer.batch(children, rows);
  };
  return {
    add(document) {
      chars += appendDocument(columns, document);
    },
    ready: () => chars >= BATCH_CHARS,
    take,
    finish: async () => [...(await take()), ...writer.finish()],
  };
}
