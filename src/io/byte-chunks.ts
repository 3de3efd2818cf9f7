/**
 * JSONL, CSV and TSV files cut into chunks of whole records, in SharedArrayBuffers.
 *
 * A buffer is always filled to its capacity before it is cut at its last record border, and what follows the border is
 * carried into the next buffer; so borders depend on the bytes and on `chunkBytes` alone, never on how reads fell. A
 * record that does not fit makes its buffer grow, up to `maxRecordBytes`; a longer one is skipped over without being
 * held. Plain files are read straight into the buffer: 2.9 GB/s for JSONL in the page cache, one thread.
 */
import { largeSharedBytes } from '../core/large-pages.ts';
import { BrokenInput } from './broken-input.ts';
import type { ByteSource } from './codecs.ts';
import { type CsvFormat, type CsvScan, delimiterOf, isBlankRow, parseRecord, recordEnd, scanRecords } from './csv.ts';
import type { BadChunk, ByteChunk, InputFile, InputSpec } from './input.ts';
import { type Problem, tooLong } from './record.ts';
import { bomBytes, excerptOf, isBlank } from './text-bytes.ts';

/** Records that an input's `limit` still allows; shared by the files of an input. */
export interface Allowance {
  left: number;
}

/** How a format's records are found. */
interface Borders {
  /** After the last record (or the first, if asked) that ends in [from, to), or -1; calls go on where the last ended. */
  find(bytes: Buffer, from: number, to: number, first: boolean): number;
  /** The next find begins at a record's start. */
  restart(): void;
  /** Where the record that starts at `from` ends, line end included, or `to`. */
  end(bytes: Buffer, from: number, to: number): number;
  blank(bytes: Uint8Array, from: number, to: number): boolean;
}

const lines: Borders = {
  find(bytes, from, to, first) {
    const view = bytes.subarray(from, to);
    const at = first ? view.indexOf(0x0a) : view.lastIndexOf(0x0a);
    return at === -1 ? -1 : from + at + 1;
  },
  restart() {},
  end(bytes, from, to) {
    const at = bytes.indexOf(0x0a, from);
    return at === -1 || at >= to ? to : at + 1;
  },
  blank: isBlank,
};

function csvRows(format: CsvFormat): Borders {
  const delimiter = delimiterOf(format);
  const scan: CsvScan = { state: 0 };
  return {
    find: (bytes, from, to, first) => scanRecords(bytes, from, to, delimiter, scan, first),
    restart() {
      scan.state = 0;
    },
    end: (bytes, from, to) => recordEnd(bytes, from, to, delimiter),
    blank: isBlankRow,
  };
}

/**
 * Cuts one open file. Throws nothing for bad input: a break in the file, or a record longer than `maxRecordBytes`, is
 * yielded as a `bad` chunk. Chunks that follow one another in the file are yielded in its order.
 */
export async function* cutRecords(
  source: ByteSource,
  file: InputFile,
  spec: InputSpec,
  chunkBytes: number,
  allowance: Allowance,
): AsyncGenerator<ByteChunk | BadChunk> {
  const format = file.format as 'jsonl' | 'csv' | 'tsv';
  const borders = format === 'jsonl' ? lines : csvRows(format);
  const base = { input: file.input, file: file.path, relativePath: file.relativePath };
  let accounted = 0;
  const account = (): number => {
    const now = source.consumed();
    const bytes = now - accounted;
    accounted = now;
    return bytes;
  };
  const bad = (offset: number, length: number, problem: Problem, excerpt: string): BadChunk => ({
    ...base,
    fileBytes: account(),
    kind: 'bad',
    bad: { input: spec.name, file: file.path, offset, unit: 'byte', length, ...problem, excerpt },
  });

  let header: string[] | undefined;
  let held: Buffer = Buffer.alloc(0);
  /** Offset in the decompressed file of the buffer's first byte. */
  let offset = 0;
  let atStart = true;
  let broken: BrokenInput | undefined;
  let ended = false;

  while (!ended && allowance.left > 0) {
    let capacity = Math.max(16, chunkBytes);
    while (capacity <= held.length) capacity *= 2;
    let buffer = takeBuffer(capacity);
    buffer.set(held);
    let filled = held.length;
    let border = -1;
    let scanned = 0;
    let begin = 0;
    // Fill; when no record ends in the buffer, grow it and read on.
    for (;;) {
      ({ filled, broken } = await fillOrBreak(source, buffer, filled));
      ended = filled < buffer.length;
      if (atStart) {
        begin = bomBytes(buffer.subarray(0, filled));
        scanned = begin;
        atStart = false;
      }
      const found = borders.find(buffer, scanned, filled, false);
      if (found !== -1) border = found;
      scanned = filled;
      if (border !== -1 || ended) break;
      if (filled - begin > spec.maxRecordBytes) break;
      const grown = takeBuffer(buffer.length * 2);
      grown.set(buffer);
      recycle(buffer);
      buffer = grown;
    }

    if (border === -1 && !ended) {
      // A record beyond the limit: read on to its end, keeping only its start.
      const excerpt = excerptOf(buffer, begin, filled);
      const skipped = await skipRecord(source, borders, buffer, chunkBytes);
      const length = filled - begin + skipped.bytes;
      recycle(buffer);
      yield bad(offset + begin, length, tooLong(length, spec.maxRecordBytes), excerpt);
      allowance.left--;
      offset += filled + skipped.bytes + skipped.lineEnd;
      held = skipped.rest;
      // Without its header row a CSV file's rows cannot be read: they will all have the wrong number of fields.
      if (format !== 'jsonl') header ??= [];
      borders.restart();
      continue;
    }

    // At a break, an unfinished record is part of what is lost; at an ordinary end it is the last record.
    let end = ended && broken === undefined ? filled : Math.max(border, begin);
    if (header === undefined && format !== 'jsonl') {
      while (begin < end) {
        const rowEnd = borders.end(buffer, begin, end);
        const row = begin;
        begin = rowEnd;
        if (borders.blank(buffer, row, contentEnd(buffer, row, rowEnd))) continue;
        header = parseRecord(buffer, row, rowEnd, delimiterOf(format));
        break;
      }
    }
    const rest = end;
    if (allowance.left !== Number.POSITIVE_INFINITY) end = withinAllowance(buffer, begin, end, borders, allowance);
    // A copy, before the chunk is handed out: the buffer is the chunk's now, and may come back to be filled again.
    held = Buffer.from(buffer.subarray(rest, filled));
    if (!hasContent(buffer, begin, end)) recycle(buffer);
    else {
      yield {
        ...base,
        fileBytes: account(),
        kind: 'bytes',
        format,
        bytes: buffer.subarray(begin, end),
        offset: offset + begin,
        header,
      };
    }
    offset += rest;
    borders.restart();
  }

  if (broken !== undefined && allowance.left > 0) {
    const problem = { reason: broken.reason, detail: broken.message };
    yield bad(offset, held.length, problem, excerptOf(held, 0, held.length));
  }
}

/** Fills `buffer` from `from` on; at a break, says what broke and keeps what came before it. */
export async function fillOrBreak(
  source: ByteSource,
  buffer: Buffer,
  from: number,
): Promise<{ filled: number; broken: BrokenInput | undefined }> {
  let filled = from;
  try {
    while (filled < buffer.length) {
      const read = await source.read(filled === 0 ? buffer : buffer.subarray(filled));
      if (read === 0) break;
      filled += read;
    }
    return { filled, broken: undefined };
  } catch (error) {
    if (error instanceof BrokenInput) return { filled, broken: error };
    throw error;
  }
}

/** Reads past the end of the record that `borders` is in the middle of; a break is met again by the next read. */
async function skipRecord(
  source: ByteSource,
  borders: Borders,
  scratch: Buffer,
  chunkBytes: number,
): Promise<{ bytes: number; lineEnd: number; rest: Buffer }> {
  const piece = scratch.subarray(0, Math.min(scratch.length, Math.max(16, chunkBytes)));
  let bytes = 0;
  for (;;) {
    const { filled } = await fillOrBreak(source, piece, 0);
    const border = borders.find(piece, 0, filled, true);
    if (border !== -1)
      return { bytes: bytes + border - 1, lineEnd: 1, rest: Buffer.from(piece.subarray(border, filled)) };
    bytes += filled;
    if (filled < piece.length) return { bytes, lineEnd: 0, rest: Buffer.alloc(0) };
  }
}

/** The end of the last record that the input's limit allows; takes what it counts off the allowance. */
function withinAllowance(bytes: Buffer, begin: number, end: number, borders: Borders, allowance: Allowance): number {
  let at = begin;
  while (at < end && allowance.left > 0) {
    const next = borders.end(bytes, at, end);
    if (!borders.blank(bytes, at, contentEnd(bytes, at, next))) allowance.left--;
    at = next;
  }
  return at;
}

/** `end` without the line feed. */
function contentEnd(bytes: Uint8Array, from: number, end: number): number {
  return end > from && bytes[end - 1] === 0x0a ? end - 1 : end;
}

/** False for a run of blank lines: such a chunk would only cost a task. */
function hasContent(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (bytes[i] > 0x20) return true;
  return false;
}

/**
 * Buffers whose chunks are done with. V8 does not count SharedArrayBuffers when it decides to collect garbage: without
 * this, cutting 2 GB was measured to leave 1.4 GB of dead buffers behind, at half the speed; with it, 78 MB.
 */
const free: Buffer[] = [];
let freeBytes = 0;
/** What of a SharedArrayBuffer is the buffer that was taken. */
const taken = new WeakMap<ArrayBufferLike, Buffer>();
/** Room for the chunks of many workers, or for a few records of 50 MB. */
const MAX_FREE_BYTES = 256 * 1024 * 1024;

/** Shared memory for a chunk, used again where a chunk of this size was released. */
export function takeBuffer(bytes: number): Buffer {
  const at = free.findIndex((buffer) => buffer.length === bytes);
  if (at !== -1) {
    freeBytes -= bytes;
    return free.splice(at, 1)[0];
  }
  const buffer = largeSharedBytes(bytes);
  taken.set(buffer.buffer, buffer);
  return buffer;
}

/** Gives memory of takeBuffer back. */
export function recycle(bytes: Uint8Array): void {
  const buffer = taken.get(bytes.buffer);
  if (buffer === undefined || free.includes(buffer)) return;
  free.push(buffer);
  freeBytes += buffer.length;
  while (freeBytes > MAX_FREE_BYTES) freeBytes -= free.shift()?.length ?? freeBytes;
}

/** Takes a chunk's buffer back for a later chunk to be cut into. The chunk's bytes are void afterwards. */
export function releaseBuffer(chunk: ByteChunk): void {
  recycle(chunk.bytes);
}
