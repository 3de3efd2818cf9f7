/**
 * Arrow IPC files, file and stream form: cut into runs of record batches by their message headers, and rows turned into
 * documents in a worker, which reads only the bytes of its own batches. Buffers compressed with zstd or LZ4 (Feather)
 * are decoded; columns that hold binary data are left out of `meta`.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { RecordBatchReader } from 'apache-arrow';
import { registerArrowCodecs } from './arrow-codecs.ts';
import { columnReader, isBinary } from './arrow-columns.ts';
import { type ArrowLayout, arrowLayout, asArrowBreak, type BatchPlace, batchStream } from './arrow-layout.ts';
import type { Allowance } from './byte-chunks.ts';
import type { BadChunk, InputFile, InputSpec, RowsChunk } from './input.ts';
import {
  badRecord,
  CLEAN,
  deliverRecord,
  isTextField,
  type Mending,
  type ReadContext,
  setOwn,
  tooLong,
} from './record.ts';

/** A batch larger than this is given out in row ranges; each reads the whole batch again. */
const LARGE_BATCH_BYTES = 64 * 1024 * 1024;

/** Runs of record batches of about `chunkBytes`; then a `bad` chunk where the file breaks off. Throws BrokenInput. */
export async function* arrowChunks(
  file: InputFile,
  spec: InputSpec,
  chunkBytes: number,
  allowance: Allowance,
): AsyncGenerator<RowsChunk | BadChunk> {
  const layout = await arrowLayout(file.path);
  const base = { input: file.input, file: file.path, relativePath: file.relativePath };
  for (let first = 0; first < layout.batches.length && allowance.left > 0; ) {
    let last = first;
    let bytes = layout.batches[first].bytes;
    while (last + 1 < layout.batches.length && bytes + layout.batches[last + 1].bytes <= chunkBytes) {
      bytes += layout.batches[++last].bytes;
    }
    const firstRow = layout.batches[first].firstRow;
    const rows = layout.batches[last].firstRow + layout.batches[last].rows - firstRow;
    const parts = Math.max(1, Math.min(rows, Math.ceil(bytes / Math.max(chunkBytes, LARGE_BATCH_BYTES))));
    for (let part = 0; part < parts && allowance.left > 0; part++) {
      const rowStart = firstRow + Math.floor((rows * part) / parts);
      const rowEnd = Math.min(firstRow + Math.floor((rows * (part + 1)) / parts), rowStart + allowance.left);
      if (rowEnd === rowStart) continue;
      allowance.left -= rowEnd - rowStart;
      const fileBytes = Math.round(bytes / parts);
      yield { ...base, kind: 'rows', format: 'arrow', fileBytes, rowStart, rowEnd, batch: first };
    }
    first = last + 1;
  }
  if (layout.broken !== undefined && allowance.left > 0) {
    const { reason, message: detail } = layout.broken;
    const place = { offset: layout.rows, unit: 'row' as const, length: undefined, excerpt: '' };
    yield { ...base, kind: 'bad', fileBytes: 0, bad: { input: spec.name, file: file.path, ...place, reason, detail } };
  }
}

/** Reads the chunk's rows. A batch that cannot be read is one bad record that names its rows. */
export async function parseArrow(chunk: RowsChunk, context: ReadContext): Promise<void> {
  const { spec } = context;
  let reached = chunk.rowStart;
  try {
    for await (const batch of readBatches(chunk.file, chunk.batch ?? 0, chunk.rowEnd, (name) => wanted(name, spec))) {
      deliverBatch(batch, chunk, context);
      reached = batch.firstRow + batch.rows;
    }
  } catch (error) {
    const { reason, message } = asArrowBreak(error);
    const place = { offset: reached, unit: 'row' as const, length: undefined };
    const detail = `rows ${reached} to ${chunk.rowEnd - 1}: ${message}`;
    context.onBad(badRecord(context, place, { reason, detail }, ''));
  }
}

function wanted(name: string, spec: InputSpec): 'always' | 'json' | 'no' {
  if (isTextField(name, spec) || name === spec.idField) return 'always';
  if (spec.metaFields === 'all') return 'json';
  return spec.metaFields !== 'none' && spec.metaFields.includes(name) ? 'json' : 'no';
}

/** A record batch opened for reading by rows. */
export interface OpenBatch {
  firstRow: number;
  rows: number;
  columns: { name: string; type: string; read(row: number): unknown }[];
  /** True where reading the row's values met invalid UTF-8. */
  isDamaged(row: number): boolean;
}

/** The batches from number `first` on, until `rowEnd`. `select` says of each column whether to read it. */
export async function* readBatches(
  path: string,
  first: number,
  rowEnd: number,
  select: (name: string) => 'always' | 'json' | 'no',
): AsyncGenerator<OpenBatch> {
  const layout = await arrowLayout(path);
  await registerArrowCodecs();
  const handle = await open(path, 'r');
  try {
    for (const place of layout.batches.slice(first)) {
      if (place.firstRow >= rowEnd) break;
      if (place.rows > 0) yield await openBatch(handle, layout, place, select);
    }
  } finally {
    await handle.close();
  }
}

async function openBatch(
  handle: FileHandle,
  layout: ArrowLayout,
  place: BatchPlace,
  select: (name: string) => 'always' | 'json' | 'no',
): Promise<OpenBatch> {
  const reader = RecordBatchReader.from(await batchStream(handle, layout, place));
  const { value: batch } = reader.next();
  const damaged = new Set<number>();
  const columns: OpenBatch['columns'] = [];
  for (const [index, field] of batch.schema.fields.entries()) {
    const choice = select(field.name);
    const vector = batch.getChildAt(index);
    if (vector === null || choice === 'no' || (choice === 'json' && isBinary(field.type))) continue;
    const read = columnReader(vector, (row) => damaged.add(row));
    columns.push({ name: field.name, type: String(field.type), read });
  }
  return { firstRow: place.firstRow, rows: place.rows, columns, isDamaged: (row) => damaged.has(row) };
}

function deliverBatch(batch: OpenBatch, chunk: RowsChunk, context: ReadContext): void {
  const { spec } = context;
  const damaged: Mending = { invalidUtf8: true, surrogates: false };
  const end = Math.min(batch.rows, chunk.rowEnd - batch.firstRow);
  for (let row = Math.max(0, chunk.rowStart - batch.firstRow); row < end; row++) {
    const record: Record<string, unknown> = {};
    for (const column of batch.columns) setOwn(record, column.name, column.read(row));
    const place = { offset: batch.firstRow + row, unit: 'row' as const, length: undefined };
    const text = record[spec.textField];
    const bytes = typeof text === 'string' && text.length > spec.maxRecordBytes / 3 ? Buffer.byteLength(text) : 0;
    const problem =
      bytes > spec.maxRecordBytes
        ? tooLong(bytes, spec.maxRecordBytes)
        : deliverRecord(record, place, batch.isDamaged(row) ? damaged : CLEAN, context);
    if (problem !== undefined) {
      context.onBad(badRecord(context, place, problem, (JSON.stringify(record) ?? '').slice(0, 300)));
    }
  }
}
