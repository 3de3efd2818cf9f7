/** Writing dropped documents: Parquet (zstd) in row groups of bounded size, and the merge of a pass's parts, in a worker. */
import { readFile } from 'node:fs/promises';
import type { ParquetWriter } from 'hyparquet-writer';
import { type AtomicFile, openAtomic } from '../io/atomic.ts';
import { zstdCodec } from '../io/zstd.ts';
import type { DroppedDocument } from './audit.ts';

/** UTF-16 units of text in a row group. */
const GROUP_CHARS = 8 * 1024 * 1024;
const ZSTD_LEVEL = 3;

const COLUMNS = ['id', 'source', 'stage', 'reason', 'value', 'threshold', 'keptAs', 'text', 'bytes', 'meta'] as const;
const TYPES = { value: 'DOUBLE', threshold: 'DOUBLE', bytes: 'INT64' } as const;
const NULLABLE: ReadonlySet<string> = new Set(['value', 'threshold', 'keptAs']);

export interface DroppedWriter {
  add(row: DroppedDocument): Promise<void>;
  /** UTF-16 units of text written so far. */
  readonly chars: number;
  close(): Promise<void>;
  abort(): Promise<void>;
}

/** Opens a file of dropped documents; it appears whole at `close`. Throws OUTPUT_FAILED. */
export async function openDroppedWriter(path: string): Promise<DroppedWriter> {
  const [zstd, { ByteWriter, ParquetWriter, schemaFromColumnData }] = await Promise.all([
    zstdCodec(),
    import('hyparquet-writer'),
  ]);
  const writer = new ByteWriter(1024 * 1024);
  const parquet = new ParquetWriter({
    writer,
    schema: schemaFromColumnData({ columnData: columnData([]) }),
    codec: 'ZSTD',
    compressors: { ZSTD: (bytes: Uint8Array) => zstd.compress(bytes, ZSTD_LEVEL) },
    createdBy: 'corpusmill',
  });
  const file: AtomicFile = await openAtomic(path);
  let rows: DroppedDocument[] = [];
  let groupChars = 0;
  let chars = 0;
  const flush = async (): Promise<void> => {
    if (rows.length > 0) await parquet.write({ columnData: columnData(rows), rowGroupSize: rows.length });
    rows = [];
    groupChars = 0;
    const bytes = writer.getBytes().slice();
    writer.index = 0;
    await file.write(bytes);
  };
  return {
    get chars() {
      return chars;
    },
    async add(row) {
      rows.push(row);
      const size = row.text.length + row.meta.length;
      groupChars += size;
      chars += size;
      if (groupChars >= GROUP_CHARS) await flush();
    },
    async close() {
      await flush();
      parquet.finish();
      await file.write(writer.getBytes().slice());
      await file.commit();
    },
    abort: () => file.abort(),
  };
}

function columnData(rows: readonly DroppedDocument[]): Parameters<ParquetWriter['write']>[0]['columnData'] {
  return COLUMNS.map((name) => ({
    name,
    data: name === 'bytes' ? rows.map((row) => BigInt(row.bytes)) : rows.map((row) => row[name]),
    type: name in TYPES ? TYPES[name as keyof typeof TYPES] : 'STRING',
    nullable: NULLABLE.has(name),
    // Texts are as good as unique: no dictionary, no statistics.
    ...(name === 'text' || name === 'meta' ? { encoding: 'PLAIN', statistics: false } : {}),
  }));
}

/** Merges the dropped documents of some parts, in order, into one file. */
export interface AuditTask {
  kind: 'audit';
  /** JSON lines, each a DroppedDocument. */
  parts: string[];
  path: string;
}

export async function runAuditTask({ parts, path }: AuditTask): Promise<{ documents: number }> {
  const writer = await openDroppedWriter(path);
  let documents = 0;
  try {
    for (const part of parts) {
      for (const line of (await readFile(part, 'utf8')).split('\n')) {
        if (line === '') continue;
        await writer.add(JSON.parse(line) as DroppedDocument);
        documents++;
      }
    }
    await writer.close();
    return { documents };
  } catch (error) {
    await writer.abort();
    throw error;
  }
}
