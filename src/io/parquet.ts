/**
 * Parquet files: cut into ranges of rows by their row groups, and rows turned into documents in a worker.
 *
 * hyparquet reads the format; gzip and zstd pages go to native (or WebAssembly) codecs, the rest to
 * hyparquet-compressors. Strings are decoded here, because the default decoder drops a leading U+FEFF. Only columns that
 * are asked for and that JSON can hold are read: binary columns (images, embeddings as bytes) are not even fetched.
 *
 * A large row group is read in several ranges: of 16 MiB where a page index lets a range cost its own pages (and the
 * pages at its ends), else of 64 MiB, because each range then reads the columns' compressed bytes again.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import {
  type AsyncBuffer,
  type Compressors,
  type FileMetaData,
  parquetMetadataAsync,
  parquetRead,
  parquetSchema,
} from 'hyparquet';
import { compressors as portableCompressors } from 'hyparquet-compressors';
import { BrokenInput } from './broken-input.ts';
import type { Allowance } from './byte-chunks.ts';
import { asBroken } from './codecs.ts';
import type { InputFile, InputSpec, RowsChunk } from './input.ts';
import { toJsonValue } from './json-value.ts';
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
import { isUtf8Range, type TextBuffer, textBuffer } from './text-bytes.ts';
import { zstdCodec } from './zstd.ts';

/** Smallest ranges of a row group with and without a page index, in uncompressed bytes of the columns read. */
const INDEXED_RANGE_BYTES = 16 * 1024 * 1024;
const UNINDEXED_RANGE_BYTES = 64 * 1024 * 1024;

const SMALL_COLUMN_BYTES = 4 * 1024 * 1024;

/** The row ranges of a file. Throws BrokenInput when its footer cannot be read. */
export async function* parquetChunks(
  file: InputFile,
  spec: InputSpec,
  chunkBytes: number,
  allowance: Allowance,
): AsyncGenerator<RowsChunk> {
  const parquet = await openParquet(file.path);
  await parquet.close();
  const { metadata } = parquet;
  const columns = new Set(columnsToRead(metadata, spec));
  const dataBytes = metadata.row_groups.reduce((sum, group) => sum + Number(group.total_byte_size), 0);
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rows = Number(group.num_rows);
    let bytes = 0;
    let indexed = true;
    for (const column of group.columns) {
      if (!columns.has(column.meta_data?.path_in_schema[0] ?? '')) continue;
      const columnBytes = Number(column.meta_data?.total_uncompressed_size ?? 0);
      bytes += columnBytes;
      // A small column is a page or two: reading it whole for each range costs nothing.
      if (columnBytes > SMALL_COLUMN_BYTES) indexed &&= column.offset_index_offset !== undefined;
    }
    const rangeBytes = Math.max(chunkBytes, indexed ? INDEXED_RANGE_BYTES : UNINDEXED_RANGE_BYTES);
    const parts = Math.max(1, Math.min(rows, Math.ceil(bytes / rangeBytes)));
    for (let part = 0; part < parts && allowance.left > 0; part++) {
      const from = rowStart + Math.floor((rows * part) / parts);
      const to = Math.min(rowStart + Math.floor((rows * (part + 1)) / parts), from + allowance.left);
      if (to === from) continue;
      allowance.left -= to - from;
      const share = (file.bytes * Number(group.total_byte_size)) / Math.max(1, dataBytes) / parts;
      yield {
        kind: 'rows',
        format: 'parquet',
        input: file.input,
        file: file.path,
        relativePath: file.relativePath,
        fileBytes: Math.round(share),
        rowStart: from,
        rowEnd: to,
      };
    }
    rowStart += rows;
  }
}

/** Reads the chunk's rows. What cannot be read is one bad record that names the rows. */
export async function parseParquet(chunk: RowsChunk, context: ReadContext): Promise<void> {
  const { spec } = context;
  const place = { offset: chunk.rowStart, unit: 'row' as const, length: undefined };
  const strings = createStringDecoder();
  let columns: string[];
  let rows: unknown[][];
  try {
    const parquet = await openParquet(chunk.file);
    try {
      columns = columnsToRead(parquet.metadata, spec);
      rows = await readRowRange(parquet, columns, chunk.rowStart, chunk.rowEnd, strings.decode);
    } finally {
      await parquet.close();
    }
  } catch (error) {
    const broken = asParquetBreak(error);
    const detail = `rows ${chunk.rowStart} to ${chunk.rowEnd - 1}: ${broken.message}`;
    context.onBad(badRecord(context, place, { reason: broken.reason, detail }, ''));
    return;
  }
  const damaged: Mending = { invalidUtf8: true, surrogates: false };
  for (let i = 0; i < rows.length; i++) {
    const record: Record<string, unknown> = {};
    for (let c = 0; c < columns.length; c++) {
      const value = toJsonValue(rows[i][c]);
      if (value !== undefined) setOwn(record, columns[c], value);
    }
    const here = { ...place, offset: chunk.rowStart + i };
    const text = record[spec.textField];
    let problem: { reason: string; detail: string } | undefined;
    if (
      typeof text === 'string' &&
      text.length > spec.maxRecordBytes / 3 &&
      Buffer.byteLength(text) > spec.maxRecordBytes
    ) {
      problem = tooLong(Buffer.byteLength(text), spec.maxRecordBytes);
    } else {
      problem = deliverRecord(record, here, strings.isDamaged(text) ? damaged : CLEAN, context);
    }
    if (problem !== undefined) {
      context.onBad(badRecord(context, here, problem, excerptOfRecord(record)));
    }
  }
}

/** A row for a human: its JSON, at most 300 characters. */
export function excerptOfRecord(record: Record<string, unknown>): string {
  return (JSON.stringify(record) ?? '').slice(0, 300);
}

export interface ParquetFile {
  metadata: FileMetaData;
  buffer: AsyncBuffer;
  close(): Promise<void>;
}

/** Opens a file and reads its footer, or takes the footer of the last few files from memory. Throws BrokenInput. */
export async function openParquet(path: string): Promise<ParquetFile> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    const { size, mtimeMs } = await handle.stat();
    const buffer = asyncBuffer(handle, size);
    const key = `${path}\0${size}\0${mtimeMs}`;
    const metadata = footers.get(key) ?? (await readFooter(buffer));
    footers.set(key, metadata);
    if (footers.size > 4) footers.delete(footers.keys().next().value ?? '');
    const opened = handle;
    return { metadata, buffer, close: () => opened.close() };
  } catch (error) {
    await handle?.close();
    throw asParquetBreak(error);
  }
}

/** Footers by path, size and time: the ranges of one file follow one another. */
const footers = new Map<string, FileMetaData>();

async function readFooter(buffer: AsyncBuffer): Promise<FileMetaData> {
  const head = Buffer.from(await buffer.slice(0, Math.min(4, buffer.byteLength)));
  if (head.toString('latin1') !== 'PAR1') throw new BrokenInput('not a Parquet file', 'it does not begin with PAR1');
  const tail = Buffer.from(await buffer.slice(Math.max(0, buffer.byteLength - 4), buffer.byteLength));
  if (buffer.byteLength < 12 || tail.toString('latin1') !== 'PAR1') {
    throw new BrokenInput(
      'truncated Parquet',
      'the footer is missing: the file was cut off, and without it no row can be found',
    );
  }
  return parquetMetadataAsync(buffer, { geoparquet: false });
}

function asParquetBreak(error: unknown): BrokenInput {
  const known = asBroken(error);
  if (known instanceof BrokenInput) return known;
  // hyparquet reports what it finds in plain errors: all of them are about the file.
  return new BrokenInput('corrupt Parquet', (error as Error).message);
}

function asyncBuffer(handle: FileHandle, byteLength: number): AsyncBuffer {
  return {
    byteLength,
    async slice(start, end = byteLength) {
      if (start < 0 || end < start || end > byteLength) {
        throw new BrokenInput('corrupt Parquet', `bytes ${start} to ${end} lie outside the file of ${byteLength}`);
      }
      const bytes = new Uint8Array(end - start);
      for (let at = 0; at < bytes.length; ) {
        // One system call reads at most 2 GiB.
        const want = Math.min(bytes.length - at, 0x40000000);
        const { bytesRead } = await handle.read(bytes, at, want, start + at);
        if (bytesRead === 0) throw new BrokenInput('truncated Parquet', `the file ended at byte ${start + at}`);
        at += bytesRead;
      }
      return bytes.buffer;
    },
  };
}

/** Rows [rowStart, rowEnd) as arrays in the order of `columns`. */
export async function readRowRange(
  parquet: ParquetFile,
  columns: string[],
  rowStart: number,
  rowEnd: number,
  stringFromBytes: (bytes: Uint8Array) => string,
): Promise<unknown[][]> {
  let rows: unknown[][] = [];
  await parquetRead({
    file: parquet.buffer,
    metadata: parquet.metadata,
    columns,
    rowStart,
    rowEnd,
    compressors: await parquetCompressors(),
    useOffsetIndex: true,
    geoparquet: false,
    parsers: {
      stringFromBytes: (bytes) => bytes && stringFromBytes(bytes),
      jsonFromBytes: (bytes) => bytes && JSON.parse(stringFromBytes(bytes)),
    },
    onComplete: (read) => {
      rows = read;
    },
  });
  return rows;
}

let loadedCompressors: Compressors | undefined;

async function parquetCompressors(): Promise<Compressors> {
  if (loadedCompressors === undefined) {
    const zstd = await zstdCodec();
    loadedCompressors = {
      ...portableCompressors,
      GZIP: (bytes, length) => gunzipSync(bytes, { maxOutputLength: Math.max(1, length), chunkSize: 256 * 1024 }),
      ZSTD: (bytes, length) => zstd.decompress(bytes, length),
    };
  }
  return loadedCompressors;
}

/** Decodes UTF-8 keeping a leading U+FEFF, and remembers which results had invalid bytes replaced. */
export function createStringDecoder(): { decode(bytes: Uint8Array): string; isDamaged(text: unknown): boolean } {
  const damaged = new Set<string>();
  let over: TextBuffer | undefined;
  return {
    decode(bytes) {
      // All strings of a page lie in one buffer: wrap it once.
      if (over === undefined || over.buffer !== bytes.buffer) over = textBuffer(new Uint8Array(bytes.buffer));
      const start = bytes.byteOffset - over.byteOffset;
      const text = over.utf8Slice(start, start + bytes.byteLength);
      if (text.includes('\ufffd') && !isUtf8Range(bytes, 0, bytes.length)) damaged.add(text);
      return text;
    },
    isDamaged: (text) => damaged.size > 0 && typeof text === 'string' && damaged.has(text),
  };
}

/** Top-level columns to read: text, id, and those for `meta` that hold no binary data. */
export function columnsToRead(
  metadata: FileMetaData,
  spec: Pick<InputSpec, 'textField' | 'template' | 'conversations' | 'idField' | 'metaFields'>,
): string[] {
  const columns: string[] = [];
  for (const column of parquetSchema(metadata).children) {
    const { name } = column.element;
    const wanted = isTextField(name, spec) || name === spec.idField;
    const forMeta = spec.metaFields === 'all' || (spec.metaFields !== 'none' && spec.metaFields.includes(name));
    if (wanted || (forMeta && isJsonable(column))) columns.push(name);
  }
  return columns;
}

type SchemaTree = ReturnType<typeof parquetSchema>;

function isJsonable(column: SchemaTree): boolean {
  if (column.children.length > 0) return column.children.every(isJsonable);
  const { type, converted_type, logical_type } = column.element;
  if (converted_type === 'BSON' || converted_type === 'INTERVAL') return false;
  if (type === 'FIXED_LEN_BYTE_ARRAY') {
    return converted_type === 'DECIMAL' || ['DECIMAL', 'UUID', 'FLOAT16'].includes(logical_type?.type ?? '');
  }
  if (type !== 'BYTE_ARRAY') return true;
  return (
    ['UTF8', 'ENUM', 'JSON', 'DECIMAL'].includes(converted_type ?? logical_type?.type ?? '') ||
    logical_type?.type === 'STRING'
  );
}
