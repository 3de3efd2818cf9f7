/**
 * Where the record batches of an Arrow IPC file lie. The file form has a footer that says so; the stream form is walked
 * message by message, reading headers and skipping bodies. A file whose footer was cut off is walked like a stream, and
 * still gives every whole batch before the cut.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { CompressionType, Message, MessageHeader, type Schema } from 'apache-arrow';
import { Footer } from 'apache-arrow/ipc/metadata/file';
import { BrokenInput } from './broken-input.ts';
import { asBroken } from './codecs.ts';

export interface ByteRange {
  offset: number;
  bytes: number;
}

export interface BatchPlace extends ByteRange {
  firstRow: number;
  rows: number;
  /** How many of `dictionaries` come before it: those it may refer to. */
  dictionaries: number;
}

export interface ArrowLayout {
  form: 'file' | 'stream';
  /** The schema message, whole. */
  schema: Uint8Array;
  dictionaries: ByteRange[];
  batches: BatchPlace[];
  rows: number;
  columns: { name: string; type: string }[];
  /** Of the first batch's buffers. */
  compression: 'none' | 'zstd' | 'lz4';
  /** What stopped the walk before the end, if something did. */
  broken: BrokenInput | undefined;
}

/** A message's header is read in one go with what precedes its metadata; most metadata is smaller than this. */
const HEADER_READ_BYTES = 4096;

/** Layouts by path, size and time: the chunks of one file follow one another. */
const layouts = new Map<string, ArrowLayout>();

/** Walks a file, or takes its layout from memory. Throws BrokenInput where not even the schema can be read. */
export async function arrowLayout(path: string): Promise<ArrowLayout> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    const { size, mtimeMs } = await handle.stat();
    const key = `${path}\0${size}\0${mtimeMs}`;
    const layout = layouts.get(key) ?? (await findMessages(handle, size));
    layouts.set(key, layout);
    if (layouts.size > 4) layouts.delete(layouts.keys().next().value ?? '');
    return layout;
  } catch (error) {
    throw asArrowBreak(error);
  } finally {
    await handle?.close();
  }
}

/** apache-arrow reports what it finds in plain errors: all of them are about the file. */
export function asArrowBreak(error: unknown): BrokenInput {
  const known = asBroken(error);
  return known instanceof BrokenInput ? known : new BrokenInput('corrupt Arrow', (error as Error).message);
}

async function findMessages(handle: FileHandle, size: number): Promise<ArrowLayout> {
  const head = Buffer.alloc(HEADER_READ_BYTES);
  const { bytesRead } = await handle.read(head, 0, 8, 0);
  const isFile = bytesRead === 8 && head.toString('latin1', 0, 6) === 'ARROW1';
  const footer = isFile ? await readFooter(handle, size) : undefined;
  return footer === undefined ? walk(handle, head, size, isFile) : fromFooter(handle, head, size, footer);
}

/** The messages that a footer lists. Writers may leave gaps between them (polars does), so their places are taken as told. */
async function fromFooter(handle: FileHandle, head: Buffer, size: number, footer: Footer): Promise<ArrowLayout> {
  const range = (block: { offset: number; metaDataLength: number; bodyLength: number }): ByteRange => {
    const found = { offset: block.offset, bytes: block.metaDataLength + block.bodyLength };
    if (found.offset < 8 || found.offset + found.bytes > size) {
      throw new BrokenInput('corrupt Arrow', `the footer names bytes ${found.offset} + ${found.bytes} of ${size}`);
    }
    return found;
  };
  const dictionaries = [...footer.dictionaryBatches()].map(range);
  const batches: BatchPlace[] = [];
  let compression: ArrowLayout['compression'] = 'none';
  let rows = 0;
  for (const block of footer.recordBatches()) {
    const place = range(block);
    const message = await readMessage(handle, head, place.offset, size);
    if (message?.type !== MessageHeader.RecordBatch) {
      throw new BrokenInput('corrupt Arrow', `the footer names a record batch at byte ${place.offset}; there is none`);
    }
    if (batches.length === 0) compression = message.compression;
    batches.push({ ...place, firstRow: rows, rows: message.rows, dictionaries: dictionaries.length });
    rows += message.rows;
  }
  const schema = encapsulated(Message.encode(Message.from(footer.schema)));
  const columns = columnsOf(footer.schema);
  return { form: 'file', schema, dictionaries, batches, rows, columns, compression, broken: undefined };
}

async function walk(handle: FileHandle, head: Buffer, size: number, isFile: boolean): Promise<ArrowLayout> {
  let schema: Uint8Array | undefined;
  const dictionaries: ByteRange[] = [];
  const batches: BatchPlace[] = [];
  let broken: BrokenInput | undefined;
  let rows = 0;
  let columns: ArrowLayout['columns'] = [];
  let compression: ArrowLayout['compression'] = 'none';
  for (let at = isFile ? 8 : 0; ; ) {
    let message: MessagePlace | undefined;
    try {
      message = await readMessage(handle, head, at, size);
      if (message === undefined) {
        if (isFile) broken = new BrokenInput('truncated Arrow', 'the file ends without its footer');
        break;
      }
      if (at + message.bytes > size) {
        throw new BrokenInput('truncated Arrow', `a message of ${message.bytes} bytes begins at byte ${at} of ${size}`);
      }
    } catch (error) {
      broken = asArrowBreak(error);
      break;
    }
    const range = { offset: at, bytes: message.bytes };
    if (message.type === MessageHeader.Schema && schema === undefined) {
      schema = await readRange(handle, range);
      columns = message.columns;
    }
    if (message.type === MessageHeader.DictionaryBatch) dictionaries.push(range);
    else if (message.type === MessageHeader.RecordBatch) {
      if (batches.length === 0) compression = message.compression;
      batches.push({ ...range, firstRow: rows, rows: message.rows, dictionaries: dictionaries.length });
      rows += message.rows;
    }
    at += message.bytes;
  }
  if (schema === undefined) throw broken ?? new BrokenInput('not an Arrow file', 'it has no schema message');
  return { form: isFile ? 'file' : 'stream', schema, dictionaries, batches, rows, columns, compression, broken };
}

interface MessagePlace {
  type: MessageHeader;
  /** Of the whole message: prefix, metadata and body. */
  bytes: number;
  rows: number;
  columns: ArrowLayout['columns'];
  compression: ArrowLayout['compression'];
}

/** The message at `at`, or undefined at the end-of-stream mark or the end of the file. */
async function readMessage(
  handle: FileHandle,
  head: Buffer,
  at: number,
  size: number,
): Promise<MessagePlace | undefined> {
  if (at >= size) return undefined;
  const { bytesRead } = await handle.read(head, 0, HEADER_READ_BYTES, at);
  if (bytesRead < 4) throw new BrokenInput('truncated Arrow', `${bytesRead} bytes where a message should begin`);
  // Before format version 0.15 the continuation marker was missing.
  const marked = head.readUInt32LE(0) === 0xffffffff;
  const prefix = marked ? 8 : 4;
  if (bytesRead < prefix) throw new BrokenInput('truncated Arrow', 'the file ends inside a message prefix');
  const metadataBytes = head.readInt32LE(prefix - 4);
  if (metadataBytes === 0) return undefined;
  if (metadataBytes < 0 || at + prefix + metadataBytes > size) {
    const reason = metadataBytes < 0 ? 'corrupt Arrow' : 'truncated Arrow';
    throw new BrokenInput(reason, `a message at byte ${at} names ${metadataBytes} bytes of metadata`);
  }
  let metadata = Buffer.from(head.subarray(prefix, prefix + metadataBytes));
  if (metadataBytes > bytesRead - prefix) {
    metadata = Buffer.alloc(metadataBytes);
    await handle.read(metadata, 0, metadataBytes, at + prefix);
  }
  const message = Message.decode(metadata);
  const place: MessagePlace = {
    type: message.headerType,
    bytes: prefix + metadataBytes + message.bodyLength,
    rows: 0,
    columns: [],
    compression: 'none',
  };
  if (message.isRecordBatch()) {
    const { length, compression } = message.header();
    place.rows = length;
    if (compression !== null) place.compression = compression.type === CompressionType.ZSTD ? 'zstd' : 'lz4';
  } else if (message.isSchema()) {
    place.columns = columnsOf(message.header());
  }
  return place;
}

function columnsOf(schema: Schema): ArrowLayout['columns'] {
  return schema.fields.map(({ name, type }) => ({ name, type: String(type).toLowerCase() }));
}

/** The footer, or undefined where the file does not end with one. */
async function readFooter(handle: FileHandle, size: number): Promise<Footer | undefined> {
  if (size < 18) return undefined;
  const tail = Buffer.from(await readRange(handle, { offset: size - 10, bytes: 10 }));
  const bytes = tail.readInt32LE(0);
  if (tail.toString('latin1', 4) !== 'ARROW1' || bytes <= 0 || bytes > size - 18) return undefined;
  return Footer.decode(await readRange(handle, { offset: size - 10 - bytes, bytes }));
}

/** A message of no body with its prefix, padded to 8 bytes. */
function encapsulated(metadata: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(Math.ceil((8 + metadata.length) / 8) * 8);
  bytes.writeUInt32LE(0xffffffff, 0);
  bytes.writeInt32LE(bytes.length - 8, 4);
  bytes.set(metadata, 8);
  return bytes;
}

async function readRange(handle: FileHandle, range: ByteRange): Promise<Uint8Array> {
  const bytes = new Uint8Array(range.bytes);
  for (let done = 0; done < bytes.length; ) {
    // One system call reads at most 2 GiB.
    const want = Math.min(bytes.length - done, 0x40000000);
    const { bytesRead } = await handle.read(bytes, done, want, range.offset + done);
    if (bytesRead === 0) throw new BrokenInput('truncated Arrow', `the file ended at byte ${range.offset + done}`);
    done += bytesRead;
  }
  return bytes;
}

/** One batch with everything it needs, as a small stream of its own: schema, dictionaries, batch. */
export async function batchStream(handle: FileHandle, layout: ArrowLayout, batch: BatchPlace): Promise<Uint8Array[]> {
  const stream = [layout.schema];
  for (const range of layout.dictionaries.slice(0, batch.dictionaries)) stream.push(await readRange(handle, range));
  stream.push(await readRange(handle, batch));
  return stream;
}
