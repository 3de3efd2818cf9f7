/**
 * Rows and a summary of any file that corpusmill reads or writes, for `corpusmill inspect`. Reads no more than it shows:
 * a window of a Parquet or Arrow file costs its own row groups or batches, JSONL and CSV are read from the start.
 */
import { basename } from 'node:path';
import { parquetSchema } from 'hyparquet';
import { CorpusmillError } from '../core/errors.ts';
import { readBatches } from './arrow.ts';
import { arrowLayout } from './arrow-layout.ts';
import { BrokenInput } from './broken-input.ts';
import { cutRecords } from './byte-chunks.ts';
import { decodePage } from './charset.ts';
import { type Compression, openByteSource } from './codecs.ts';
import { delimiterOf, isBlankRow, recordEnd, splitFields } from './csv.ts';
import { expandInputs } from './files.ts';
import type { ByteChunk, InputFile, InputFormat, InputSpec } from './input.ts';
import { toJsonValue } from './json-value.ts';
import { columnsToRead, createStringDecoder, openParquet, readRowRange } from './parquet.ts';
import { parseChunk } from './parse.ts';
import { setOwn } from './record.ts';
import { isBlank, textBuffer } from './text-bytes.ts';
import { readWhole } from './text-files.ts';
import { cutWarc } from './warc-chunks.ts';

export interface FileSummary {
  format: InputFormat;
  /** Of the file, or of its pages or buffers; `mixed` where they differ. */
  compression: Compression | 'snappy' | 'brotli' | 'lz4' | 'mixed' | 'unknown';
  fileBytes: number;
  columns: { name: string; type: string }[];
  /** Rows, where the file says so; undefined where it would have to be read through. */
  rows: number | undefined;
  /** What is wrong with it, where something is. */
  problem: string | undefined;
}

export interface RowWindow {
  limit: number;
  offset: number;
}

/** Describes a file from its metadata and its first records. Throws CorpusmillError INPUT_NOT_FOUND, INPUT_UNREADABLE. */
export async function inspectFile(path: string, format: InputFormat | 'auto' = 'auto'): Promise<FileSummary> {
  const { file } = await open(path, format);
  try {
    if (file.format === 'parquet') return await parquetSummary(file);
    if (file.format === 'arrow') return await arrowSummary(file);
    return await bytesSummary(file);
  } catch (error) {
    throw asUnreadable(path, error);
  }
}

/**
 * Rows [offset, offset + limit) of a file as plain objects in file order. A JSONL line that is no object is given as
 * `{ "<bad>": reason, "<raw>": start of the line }`. Throws CorpusmillError INPUT_NOT_FOUND, INPUT_UNREADABLE.
 */
export async function* readRows(
  path: string,
  window: RowWindow,
  format: InputFormat | 'auto' = 'auto',
): AsyncGenerator<Record<string, unknown>> {
  const { file, spec } = await open(path, format);
  try {
    if (file.format === 'parquet') yield* parquetRows(file, spec, window);
    else if (file.format === 'arrow') yield* arrowRows(file, window);
    else if (file.format === 'text' || file.format === 'html') yield* textRows(file, spec, window);
    else if (file.format === 'warc') yield* warcRows(file, spec, window);
    else yield* recordRows(file, spec, window);
  } catch (error) {
    throw asUnreadable(path, error);
  }
}

function asUnreadable(path: string, error: unknown): unknown {
  if (!(error instanceof BrokenInput)) return error;
  return new CorpusmillError('INPUT_UNREADABLE', `Reading ${path}: ${error.reason}: ${error.message}`);
}

async function open(path: string, format: InputFormat | 'auto'): Promise<{ file: InputFile; spec: InputSpec }> {
  const spec: InputSpec = {
    name: basename(path),
    paths: [path],
    format,
    textField: 'text',
    idField: undefined,
    metaFields: 'all',
    limit: undefined,
    sample: undefined,
    seed: 0,
    maxRecordBytes: 256 * 1024 * 1024,
    maxExpansionRatio: 1000,
  };
  const [file] = await expandInputs([spec]);
  return { file, spec };
}

async function parquetSummary(file: InputFile): Promise<FileSummary> {
  const parquet = await openParquet(file.path);
  await parquet.close();
  const codecs = new Set(parquet.metadata.row_groups.flatMap((g) => g.columns.map((c) => c.meta_data?.codec)));
  const [codec] = codecs;
  const names = { UNCOMPRESSED: 'none', GZIP: 'gzip', ZSTD: 'zstd', SNAPPY: 'snappy', BROTLI: 'brotli' } as const;
  const known = codec !== undefined && Object.hasOwn(names, codec) ? names[codec as keyof typeof names] : 'lz4';
  return {
    format: 'parquet',
    compression: codecs.size > 1 ? 'mixed' : codec === undefined ? 'none' : known,
    fileBytes: file.bytes,
    columns: parquetSchema(parquet.metadata).children.map(({ element, children }) => ({
      name: element.name,
      type:
        children.length > 0
          ? (element.logical_type?.type ?? element.converted_type ?? 'group').toLowerCase()
          : (element.logical_type?.type ?? element.converted_type ?? element.type ?? '').toLowerCase(),
    })),
    rows: Number(parquet.metadata.num_rows),
    problem: undefined,
  };
}

async function arrowSummary(file: InputFile): Promise<FileSummary> {
  const layout = await arrowLayout(file.path);
  return {
    format: 'arrow',
    compression: layout.compression,
    fileBytes: file.bytes,
    columns: layout.columns,
    rows: layout.rows,
    problem: layout.broken && `${layout.broken.reason}: ${layout.broken.message}`,
  };
}

/** Columns of the first record stand for the file's. */
async function bytesSummary(file: InputFile): Promise<FileSummary> {
  const source = await openByteSource(file.path, 1000);
  await source.close();
  const base = { format: file.format, compression: source.compression, fileBytes: file.bytes, rows: undefined };
  if (file.format === 'text' || file.format === 'html')
    return { ...base, columns: [{ name: 'text', type: 'string' }], rows: 1, problem: undefined };
  for await (const row of readRows(file.path, { limit: 1, offset: 0 }, file.format)) {
    const columns = Object.entries(row).map(([name, value]) => ({ name, type: jsonType(value) }));
    const bad = row[BAD];
    return typeof bad === 'string' ? { ...base, columns: [], problem: bad } : { ...base, columns, problem: undefined };
  }
  return { ...base, columns: [], rows: 0, problem: undefined };
}

function jsonType(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
}

async function* parquetRows(
  file: InputFile,
  spec: InputSpec,
  window: RowWindow,
): AsyncGenerator<Record<string, unknown>> {
  const parquet = await openParquet(file.path);
  try {
    const columns = columnsToRead(parquet.metadata, spec);
    const end = Math.min(window.offset + window.limit, Number(parquet.metadata.num_rows));
    const { decode } = createStringDecoder();
    for (let start = window.offset; start < end; start += 1000) {
      const rows = await readRowRange(parquet, columns, start, Math.min(end, start + 1000), decode);
      for (const row of rows) yield record(columns, row);
    }
  } finally {
    await parquet.close();
  }
}

function record(columns: readonly string[], values: readonly unknown[]): Record<string, unknown> {
  const row: Record<string, unknown> = {};
  for (let i = 0; i < columns.length; i++) {
    const value = toJsonValue(values[i]);
    if (value !== undefined) setOwn(row, columns[i], value);
  }
  return row;
}

async function* arrowRows(file: InputFile, { limit, offset }: RowWindow): AsyncGenerator<Record<string, unknown>> {
  const layout = await arrowLayout(file.path);
  const first = layout.batches.findIndex((batch) => batch.firstRow + batch.rows > offset);
  if (first === -1) return;
  for await (const batch of readBatches(file.path, first, offset + limit, () => 'json')) {
    const names = batch.columns.map((column) => column.name);
    const from = Math.max(0, offset - batch.firstRow);
    const to = Math.min(batch.rows, offset + limit - batch.firstRow);
    for (let row = from; row < to; row++)
      yield record(
        names,
        batch.columns.map((column) => column.read(row)),
      );
  }
}

async function* textRows(
  file: InputFile,
  spec: InputSpec,
  { limit, offset }: RowWindow,
): AsyncGenerator<Record<string, unknown>> {
  if (offset > 0 || limit < 1) return;
  const bytes = await readWhole(file.path, file.bytes, spec);
  yield { text: file.format === 'html' ? decodePage(bytes, undefined, true).text : bytes.toString('utf8') };
}

const BAD = '<bad>';

/** The documents of a web archive as a run would read them by default, broken records between them. */
async function* warcRows(
  file: InputFile,
  spec: InputSpec,
  { limit, offset }: RowWindow,
): AsyncGenerator<Record<string, unknown>> {
  let row = 0;
  for await (const chunk of cutWarc(file, spec, 256 * 1024, { left: Number.POSITIVE_INFINITY })) {
    const rows: Record<string, unknown>[] = [];
    await parseChunk(
      chunk,
      [spec],
      ({ id, text, meta: { source: _, ...meta } }) => rows.push({ id, ...meta, text }),
      (bad) => rows.push({ [BAD]: `${bad.reason}: ${bad.detail}`, '<raw>': bad.excerpt }),
    );
    for (const parsed of rows) {
      if (row++ < offset) continue;
      if (row > offset + limit) return;
      yield parsed;
    }
  }
}

async function* recordRows(
  file: InputFile,
  spec: InputSpec,
  { limit, offset }: RowWindow,
): AsyncGenerator<Record<string, unknown>> {
  const source = await openByteSource(file.path, spec.maxExpansionRatio);
  let row = 0;
  try {
    for await (const chunk of cutRecords(source, file, spec, 256 * 1024, { left: offset + limit })) {
      if (chunk.kind === 'bad') {
        if (row++ >= offset) yield { [BAD]: `${chunk.bad.reason}: ${chunk.bad.detail}`, '<raw>': chunk.bad.excerpt };
        continue;
      }
      for (const parsed of chunk.format === 'jsonl' ? jsonRows(chunk) : csvRows(chunk)) {
        if (row++ >= offset) yield parsed;
      }
    }
  } finally {
    await source.close();
  }
}

function* jsonRows(chunk: ByteChunk): Generator<Record<string, unknown>> {
  const buffer = textBuffer(chunk.bytes);
  for (let start = 0; start < buffer.length; ) {
    let end = buffer.indexOf(0x0a, start);
    if (end === -1) end = buffer.length;
    const from = start;
    start = end + 1;
    if (isBlank(buffer, from, end)) continue;
    const line = buffer.utf8Slice(from, end);
    let value: unknown;
    let problem = 'not a JSON object';
    try {
      value = JSON.parse(line);
    } catch (error) {
      problem = (error as Error).message;
    }
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    yield isObject ? (value as Record<string, unknown>) : { [BAD]: problem, '<raw>': line.slice(0, 300) };
  }
}

function* csvRows(chunk: ByteChunk): Generator<Record<string, unknown>> {
  const buffer = textBuffer(chunk.bytes);
  const delimiter = delimiterOf(chunk.format === 'tsv' ? 'tsv' : 'csv');
  const header = chunk.header ?? [];
  for (let start = 0; start < buffer.length; ) {
    const from = start;
    start = recordEnd(buffer, from, buffer.length, delimiter);
    const lineEnd = buffer[start - 1] === 0x0a ? start - 1 : start;
    if (isBlankRow(buffer, from, lineEnd)) continue;
    const fields = splitFields(buffer, from, start, delimiter);
    yield record(
      header.length >= fields.length
        ? header
        : [...header, ...fields.slice(header.length).map((_, i) => `<${i + 1} more>`)],
      fields,
    );
  }
}
