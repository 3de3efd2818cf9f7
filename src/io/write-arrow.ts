/** Arrow IPC files (file form): record batches of about 16 MB of text, optionally with zstd buffers. */
import { CompressionType, Field, Schema, Utf8 } from 'apache-arrow';
import { registerArrowCodecs } from './arrow-codecs.ts';
import { arrowFileWriter } from './arrow-file-writer.ts';
import type { DocumentEncoder } from './document-encoder.ts';
import { createUtf8Builder } from './utf8-builder.ts';
import { COLUMN_NAMES, createDocumentGroup } from './write-columns.ts';

/** UTF-8 bytes in a record batch. */
const BATCH_BYTES = 16 * 1024 * 1024;

const SCHEMA = new Schema(COLUMN_NAMES.map((name) => new Field(name, new Utf8(), false)));

export async function arrowEncoder(compression: 'none' | 'zstd', level: number): Promise<DocumentEncoder> {
  if (compression === 'zstd') await registerArrowCodecs(level);
  const writer = arrowFileWriter(SCHEMA, compression === 'zstd' ? CompressionType.ZSTD : null);
  const group = createDocumentGroup(BATCH_BYTES);
  const sources = createUtf8Builder('source');
  const take = async (): Promise<Uint8Array[]> => {
    const { rows } = group.id;
    if (rows === 0) return [];
    for (const source of group.source) sources.add(source);
    const children = [group.id, group.text, sources, group.meta].map((builder) => builder.data());
    const pieces = writer.batch(children, rows);
    for (const builder of [group, sources]) builder.clear();
    return pieces;
  };
  return {
    add: (columns, from) => group.add(columns, from),
    ready: () => group.isFull(),
    take,
    // Its last pieces are views of the builders, whose memory is left to the collector.
    finish: async () => [...(await take()), ...writer.finish()],
  };
}
