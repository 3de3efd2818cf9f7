/**
 * JSON Lines straight to the columns that documents rest in, by the native kernel (native/jsonl_columns.cc): where no stage asks
 * for documents, none are made. What is unusual in a record (an escape in its id, a number with an exponent, a name twice) is
 * left to the caller, line by line, whose reading gives the same bytes for all others.
 */
import { native } from '../core/native.ts';
import type { NativeJsonlReader } from '../core/native-addon.ts';
import type { BatchEncoder } from './document-batch.ts';
import type { ByteChunk, InputSpec } from './input.ts';

/** Room that the kernel needs behind a row, beyond the bytes of its line, and for an id. */
const SLACK = 64;
const ID_BYTES = 8192;
/** Rows that the columns have room for, before more is made. */
const ROWS_AT_ONCE = 4096;
/** Lines after which it is asked whether the kernel can read half of them. */
const LINES_TO_JUDGE = 256;

const LINE_FEED = 0x0a;
/** What the kernel stops for. */
const END = 0;
const UNREAD = 1;

/** Whether the kernel knows how records of this input become documents. */
export function canReadColumns({
  template,
  conversations,
  sample,
  textField,
  idField,
  metaFields,
}: InputSpec): boolean {
  const names = [
    textField,
    ...(idField === undefined ? [] : [idField]),
    ...(Array.isArray(metaFields) ? metaFields : []),
  ];
  const isPlain = (name: string): boolean => name !== '' && JSON.stringify(name) === `"${name}"`;
  const isOfField = template === undefined && conversations !== true && idField !== textField;
  return native !== undefined && isOfField && sample === undefined && names.every(isPlain);
}

/** How far `readColumns` came. */
export interface ColumnsRead {
  /** The line that is to be read next; the chunk's length at its end. */
  start: number;
  /** Ids that were numbers. */
  numericIds: number;
}

/**
 * Reads the lines of a chunk, which is UTF-8, behind the rows of `encoder`. `readLine(from, end)` is called for each line that
 * the kernel leaves unread, and may add a row. Stops early where those are more than half.
 */
export function readColumns(
  chunk: ByteChunk,
  spec: InputSpec,
  encoder: BatchEncoder,
  readLine: (from: number, end: number) => void,
): ColumnsRead {
  const { bytes } = chunk;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const reader = readerOf(chunk, spec);
  const { ids, texts, metas } = encoder;
  const idHead = Buffer.byteLength(chunk.relativePath) + Buffer.byteLength(spec.name);
  const progress = new Uint32Array(3);
  const firstRow = texts.rows;
  let metaBytes = SLACK;
  // The line that room was last made for.
  let asked = -1;
  let unread = 0;
  while (progress[0] < bytes.length) {
    progress[1] = texts.rows;
    const idRoom = ids.open(ID_BYTES + idHead, ROWS_AT_ONCE);
    const textRoom = texts.open(bytes.length - progress[0] + SLACK, ROWS_AT_ONCE);
    const metaRoom = metas.open(metaBytes, ROWS_AT_ONCE);
    const stop = reader.read(
      bytes,
      chunk.offset,
      idRoom.values,
      idRoom.offsets,
      textRoom.values,
      textRoom.offsets,
      metaRoom.values,
      metaRoom.offsets,
      progress,
    );
    for (const column of [ids, texts, metas]) column.advance(progress[1]);
    if (stop === END) break;
    const start = progress[0];
    const feed = buffer.indexOf(LINE_FEED, start);
    const end = feed === -1 ? bytes.length : feed;
    metaBytes = end - start + 2 * Buffer.byteLength(spec.name) + 2 * SLACK;
    if (stop !== UNREAD) {
      if (start === asked)
        throw new Error(`${chunk.file}: a row has room and is not written, at byte ${start} of a chunk`);
      asked = start;
      continue;
    }
    readLine(start, end);
    progress[0] = Math.min(end + 1, bytes.length);
    const lines = texts.rows - firstRow;
    if (++unread >= LINES_TO_JUDGE && 2 * unread > lines) break;
  }
  return { start: progress[0], numericIds: progress[2] };
}

function readerOf({ relativePath }: ByteChunk, spec: InputSpec): NativeJsonlReader {
  const { name, textField, idField = '', metaFields, maxRecordBytes } = spec;
  const head = JSON.stringify({ source: name }).slice(0, -1);
  const fields = Array.isArray(metaFields) ? metaFields.join('\n') : '';
  const parts = [textField, idField, head, `${name}/${relativePath}#`].map((part) => Buffer.from(part));
  const [text, id, start, idHead] = parts;
  const mostBytes = Math.min(maxRecordBytes, 0x7fffffff);
  return new native!.JsonlReader(text, id, start, idHead, metaFields === 'all' ? 1 : 0, Buffer.from(fields), mostBytes);
}
