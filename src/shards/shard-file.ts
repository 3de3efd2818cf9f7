/**
 * Reading a shard without loading it: the stream's message headers are walked once (a few hundred bytes per batch of
 * 1,024 rows), which gives the place of every column of every batch; a row's tokens are then one positioned read.
 * Works for any Arrow stream with the columns that shard-writer.ts documents, whoever wrote it, if it is uncompressed.
 */
import type { FileHandle } from 'node:fs/promises';
import { type FixedSizeList, Message, type Schema } from 'apache-arrow';
import { CorpusmillError, isCorpusmillError } from '../core/errors.ts';
import { bytesOf, openToRead, readBytes } from './positioned-read.ts';
import { type TokenArray, type TokenType, tokenBytes } from './shard-rows.ts';

/** Byte positions in the file of one batch's buffers. */
export interface BatchPlace {
  firstRow: number;
  rows: number;
  tokens: number;
  seqOffsets: number;
  seqLengths: number;
  padding: number;
  /** 0 where there is no such column. */
  labels: number;
}

/** The pieces of consecutive rows: everything but the tokens. */
export interface RowPieces {
  firstRow: number;
  rows: number;
  /** [rows + 1]: row's entries in `seqLengths`. */
  seqOffsets: Int32Array;
  /** Padding included, so that a row's entries add up to the context length. */
  seqLengths: Int32Array;
  /** [rows]: places at the row's end that hold no token of a document. */
  padding: Int32Array;
}

export interface ShardFile {
  path: string;
  rows: number;
  batches: number;
  contextLength: number;
  type: TokenType;
  /** Whether there is a column of labels. */
  hasLabels: boolean;
  /** Arrow schema metadata. */
  metadata: ReadonlyMap<string, string>;
  /** Number of the open file, for reads of several ranges at once. */
  fd: number;
  /** Batch that holds `row`. */
  batchOf(row: number): number;
  /** Where a batch's columns lie. */
  place(batch: number): Readonly<BatchPlace>;
  /** Tokens of `count` consecutive rows from `row`, put into `into` at token `at`. Rows may span batches. */
  readTokens(row: number, count: number, into: TokenArray, at: number): Promise<void>;
  /** Piece lengths of a whole batch (a few kB). */
  readPieces(batch: number): Promise<RowPieces>;
  /** Labels of `count` consecutive rows from `row`, put into `into` at place `at`; only where `hasLabels`. */
  readLabels(row: number, count: number, into: Int32Array, at: number): Promise<void>;
  close(): Promise<void>;
}

/** Buffers of a batch in schema order: validity and data of each node; see the Arrow format, "RecordBatch message". */
const BUFFER = {
  tokens: 2,
  seqOffsets: 4,
  seqLengths: 6,
  padding: 8,
  labels: 11,
} as const;

/** Opens a shard. Throws CorpusmillError: INPUT_NOT_FOUND, or INPUT_CORRUPT saying what is wrong where. */
export async function openShardFile(path: string): Promise<ShardFile> {
  const file = await openToRead(path, 'opening a shard');
  try {
    return await index(file, path);
  } catch (error) {
    await file.close();
    // What the Arrow library makes of damaged metadata: errors of its own of any kind.
    const isOurs = isCorpusmillError(error) || (error as NodeJS.ErrnoException).errno !== undefined;
    throw isOurs ? error : corrupt(path, 0, `its metadata cannot be decoded: ${(error as Error).message}`);
  }
}

async function index(file: FileHandle, path: string): Promise<ShardFile> {
  const { size } = await file.stat();
  const head = await readMessage(file, path, 0, size);
  if (!head?.message.isSchema()) throw corrupt(path, 0, 'an Arrow stream begins with its schema');
  const schema = head.message.header() as unknown as Schema;
  const { contextLength, type, hasLabels } = checkSchema(path, schema);

  const places: BatchPlace[] = [];
  let rows = 0;
  for (let at = head.end; ; ) {
    const next = await readMessage(file, path, at, size);
    if (next === undefined) break;
    if (!next.message.isRecordBatch()) throw corrupt(path, at, 'found a message that is not a record batch');
    const batch = next.message.header();
    if (batch.compression !== null) throw corrupt(path, at, 'compressed batches cannot be read by position');
    const place = (buffer: number) => next.bodyAt + batch.buffers[buffer].offset;
    if (place(BUFFER.tokens) + batch.length * contextLength * tokenBytes(type) > next.end) {
      throw corrupt(path, at, `a batch of ${batch.length} rows does not fit its ${next.end - next.bodyAt} bytes`);
    }
    places.push({
      firstRow: rows,
      rows: batch.length,
      tokens: place(BUFFER.tokens),
      seqOffsets: place(BUFFER.seqOffsets),
      seqLengths: place(BUFFER.seqLengths),
      padding: place(BUFFER.padding),
      labels: hasLabels ? place(BUFFER.labels) : 0,
    });
    rows += batch.length;
    at = next.end;
  }

  const batchOf = (row: number): number => {
    let low = 0;
    let high = places.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (places[middle].firstRow <= row) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  const ints = async (position: number, count: number): Promise<Int32Array> => {
    const values = new Int32Array(count);
    await readBytes(file, path, position, bytesOf(values));
    return values;
  };
  /** A fixed number of `width` bytes a row, of `count` rows, read from the column at `columnAt`. */
  const readFixed = async (
    columnAt: (place: BatchPlace) => number,
    row: number,
    count: number,
    into: Uint8Array,
    width: number,
  ): Promise<void> => {
    for (let done = 0; done < count; ) {
      const place = places[batchOf(row + done)];
      const inBatch = row + done - place.firstRow;
      const take = Math.min(count - done, place.rows - inBatch);
      const bytes = into.subarray(done * width, (done + take) * width);
      await readBytes(file, path, columnAt(place) + inBatch * width, bytes);
      done += take;
    }
  };
  const stretch = (into: TokenArray | Int32Array, at: number, count: number): Uint8Array =>
    bytesOf(into.subarray(at, at + count * contextLength));
  return {
    path,
    rows,
    batches: places.length,
    contextLength,
    type,
    hasLabels,
    metadata: schema.metadata,
    fd: file.fd,
    batchOf,
    place: (batch) => places[batch],
    readTokens: (row, count, into, at) =>
      readFixed((place) => place.tokens, row, count, stretch(into, at, count), contextLength * tokenBytes(type)),
    readLabels: (row, count, into, at) =>
      readFixed((place) => place.labels, row, count, stretch(into, at, count), contextLength * 4),
    async readPieces(batch) {
      const place = places[batch];
      const [seqOffsets, padding] = await Promise.all([
        ints(place.seqOffsets, place.rows + 1),
        ints(place.padding, place.rows),
      ]);
      const entries = seqOffsets[place.rows];
      if (entries < place.rows || entries > place.rows * (contextLength + 1)) {
        throw corrupt(path, place.seqOffsets, `${place.rows} rows of ${contextLength} tokens have ${entries} lengths`);
      }
      const seqLengths = await ints(place.seqLengths, entries);
      return { firstRow: place.firstRow, rows: place.rows, seqOffsets, seqLengths, padding };
    },
    close: () => file.close(),
  };
}

interface FramedMessage {
  message: Message;
  bodyAt: number;
  end: number;
}

/**
 * The encapsulated message at `at`: 0xFFFFFFFF, int32 metadata length, metadata, body. undefined at the end-of-stream
 * mark. A stream without that mark was cut short.
 */
async function readMessage(
  file: FileHandle,
  path: string,
  at: number,
  size: number,
): Promise<FramedMessage | undefined> {
  if (at + 8 > size) throw corrupt(path, at, `the file ends at byte ${size} without the end-of-stream mark`);
  const prefix = new Int32Array(2);
  await readBytes(file, path, at, bytesOf(prefix));
  if (prefix[0] !== -1) throw corrupt(path, at, 'no Arrow message begins here');
  if (prefix[1] === 0) return undefined;
  if (prefix[1] < 0 || at + 8 + prefix[1] > size)
    throw corrupt(path, at, `a message of ${prefix[1]} bytes is cut short`);
  const bytes = await readBytes(file, path, at + 8, new Uint8Array(prefix[1]));
  let message: Message;
  try {
    message = Message.decode(bytes);
  } catch (error) {
    throw corrupt(path, at, `the message cannot be decoded: ${(error as Error).message}`);
  }
  const bodyAt = at + 8 + prefix[1];
  const end = bodyAt + message.bodyLength;
  if (end > size) throw corrupt(path, at, `a batch reaches to byte ${end}, the file ends at ${size}`);
  return { message, bodyAt, end };
}

const COLUMNS = 'input_ids seq_lengths padding';

function checkSchema(path: string, schema: Schema): { contextLength: number; type: TokenType; hasLabels: boolean } {
  const found = schema.fields.map((field) => `${field.name}: ${field.type}`).join(', ');
  const columns = schema.fields.map((field) => field.name).join(' ');
  const tokens = schema.fields[0]?.type as FixedSizeList;
  const type = String(tokens?.children?.[0]?.type).toLowerCase();
  const hasLabels = columns === `${COLUMNS} labels`;
  if ((columns !== COLUMNS && !hasLabels) || !('listSize' in tokens) || !['uint16', 'uint32'].includes(type)) {
    throw corrupt(path, 0, `expected the columns input_ids, seq_lengths and padding of a token shard, found ${found}`);
  }
  return { contextLength: tokens.listSize, type: type as TokenType, hasLabels };
}

function corrupt(path: string, offset: number, found: string): CorpusmillError {
  return new CorpusmillError('INPUT_CORRUPT', `reading shard ${path} at byte ${offset}: ${found}`, {
    hint: 'Compare the file with its checksum in manifest.json, and copy or make it again.',
  });
}
