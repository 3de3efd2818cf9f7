/**
 * JSON Lines: whole records of a chunk to documents, synchronously. Where the text is a field and the bytes are UTF-8, texts
 * come as bytes from a native kernel (jsonl-texts.ts) and only the rest of a record is parsed; where no documents are asked for,
 * another fills columns without them (jsonl-columns.ts). Else lines are found with indexOf (20 GB/s), decoded and parsed one
 * by one: 266 MB/s on real web text (13 % of its characters Chinese).
 *
 * UTF-8 is checked once per chunk (18 GB/s) and only if that fails line by line; lone surrogates can only come from
 * `\ud8..`–`\udf..` escapes, so they are looked for only in chunks that hold one.
 */

import type { StoredText } from '../core/stored-text.ts';
import type { BatchEncoder } from './document-batch.ts';
import type { ByteChunk } from './input.ts';
import { canReadColumns, readColumns } from './jsonl-columns.ts';
import { canReadTexts, eachTextLine } from './jsonl-texts.ts';
import { badRecord, CLEAN, deliverRecord, type Mending, type Problem, type ReadContext, tooLong } from './record.ts';
import { excerptOf, isBlank, isUtf8Range, type TextBuffer, textBuffer } from './text-bytes.ts';

/** Parses every record of a chunk. Nothing is thrown for bad input: each bad record goes to `context.onBad`. */
export function parseJsonl(chunk: ByteChunk, context: ReadContext): void {
  const { spec } = context;
  const buffer = textBuffer(chunk.bytes);
  const size = buffer.length;
  const allUtf8 = isUtf8Range(buffer, 0, size);
  const surrogates = buffer.includes('\\ud', 0, 'latin1') || buffer.includes('\\uD', 0, 'latin1');
  const usual: Mending = surrogates ? { invalidUtf8: false, surrogates } : CLEAN;
  const lines: Lines = { buffer, offset: chunk.offset, context };
  const { template, conversations, idField, textField } = spec;
  const isTextField = template === undefined && conversations !== true && idField !== textField;
  if (allUtf8 && isTextField && canReadTexts(buffer, textField)) {
    eachTextLine(buffer, textField, ({ from, end, text, cutFrom, cutEnd }) => {
      const rest = text && restOf(buffer, from, cutFrom, cutEnd, end);
      if (rest === undefined || end - from > spec.maxRecordBytes) readLine(lines, from, end, usual);
      else deliver(lines, from, end, usual, rest, text);
    });
    return;
  }
  for (let start = 0; start < size; ) {
    let end = buffer.indexOf(0x0a, start);
    if (end === -1) end = size;
    const mending = allUtf8 || isUtf8Range(buffer, start, end) ? usual : { invalidUtf8: true, surrogates };
    readLine(lines, start, end, mending);
    start = end + 1;
  }
}

/**
 * The same into the columns of `encoder`, as far as can be without documents; for all others `context.onDocument` is called, which
 * must add them to it.
 */
export function parseJsonlColumns(chunk: ByteChunk, context: ReadContext, encoder: BatchEncoder): void {
  const { bytes, offset } = chunk;
  if (!canReadColumns(context.spec) || !isUtf8Range(bytes, 0, bytes.length)) {
    parseJsonl(chunk, context);
    return;
  }
  const buffer = textBuffer(bytes);
  const lines: Lines = { buffer, offset, context };
  // Of lines that are left to this side each is looked at for itself: they are few.
  const read = readColumns(chunk, context.spec, encoder, (from, end) => {
    const surrogates = /\\u[dD]/.test(buffer.latin1Slice(from, end));
    readLine(lines, from, end, surrogates ? { invalidUtf8: false, surrogates } : CLEAN);
  });
  context.counters.numericIds += read.numericIds;
  if (read.start < bytes.length) {
    parseJsonl({ ...chunk, bytes: bytes.subarray(read.start), offset: offset + read.start }, context);
  }
}

/** What all lines of a chunk have in common. */
interface Lines {
  buffer: TextBuffer;
  /** Of the chunk in its file. */
  offset: number;
  context: ReadContext;
}

/** A record without its text; undefined where that is no JSON. */
function restOf(
  buffer: TextBuffer,
  from: number,
  cutFrom: number,
  cutEnd: number,
  end: number,
): Record<string, unknown> | undefined {
  try {
    return JSON.parse(buffer.utf8Slice(from, cutFrom) + buffer.utf8Slice(cutEnd, end)) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function readLine(lines: Lines, from: number, end: number, mending: Mending): void {
  const { buffer, context } = lines;
  // A record begins with `{` almost always: only other lines can be blank.
  if (buffer[from] !== 0x7b && isBlank(buffer, from, end)) return;
  const read = recordOf(buffer, from, end, context.spec.maxRecordBytes);
  if ('problem' in read) refuse(lines, from, end, read.problem);
  else deliver(lines, from, end, mending, read.record);
}

function recordOf(
  buffer: TextBuffer,
  from: number,
  end: number,
  maxRecordBytes: number,
): { record: Record<string, unknown> } | { problem: Problem } {
  if (end - from > maxRecordBytes) return { problem: tooLong(end - from, maxRecordBytes) };
  let record: unknown;
  try {
    record = JSON.parse(buffer.utf8Slice(from, end));
  } catch (error) {
    return { problem: { reason: 'invalid JSON', detail: (error as Error).message } };
  }
  if (record !== null && typeof record === 'object' && !Array.isArray(record)) {
    return { record: record as Record<string, unknown> };
  }
  const kind = record === null ? 'null' : Array.isArray(record) ? 'an array' : `a ${typeof record}`;
  return { problem: { reason: 'not a JSON object', detail: `the line holds ${kind}` } };
}

function deliver(
  lines: Lines,
  from: number,
  end: number,
  mending: Mending,
  record: Record<string, unknown>,
  text?: StoredText,
): void {
  const { buffer, context } = lines;
  const place = { offset: lines.offset + from, unit: 'byte' as const, length: end - from };
  const rawId = (): string | undefined => longIntegerId(buffer.utf8Slice(from, end), context.spec.idField);
  const problem = deliverRecord(record, place, mending, context, { rawId, text });
  if (problem !== undefined) refuse(lines, from, end, problem);
}

function refuse({ buffer, offset, context }: Lines, from: number, end: number, problem: Problem): void {
  const place = { offset: offset + from, unit: 'byte' as const, length: end - from };
  context.onBad(badRecord(context, place, problem, excerptOf(buffer, from, end)));
}

/** The digits of an integer id beyond 2^53, read from the line itself, if they can be found without doubt. */
function longIntegerId(line: string, idField: string | undefined): string | undefined {
  if (idField === undefined) return undefined;
  const name = JSON.stringify(idField).replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const found = [...line.matchAll(new RegExp(`${name}\\s*:\\s*(-?\\d+)\\s*[,}]`, 'g'))];
  return found.length === 1 ? found[0][1] : undefined;
}
