/**
 * Files that are read in pieces and still known to be whole: every 16 KiB have a checksum (xxHash64, 8 bytes), so that a
 * read of a few kilobytes out of many gigabytes is verified without reading the rest.
 */
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import type { ByteRange } from '../../core/columns.ts';
import { type CorpusmillError, systemCode } from '../../core/errors.ts';
import { xxh64 } from '../../core/hash.ts';
import { openAtomic } from '../../io/atomic.ts';

export const BLOCK_BYTES = 1 << 14;
/** Gaps of this size are read along: one read of 64 KiB costs less than two of 4. */
const GAP_BYTES = 1 << 16;
const MAX_READ_BYTES = 4 << 20;

export interface BlockWriter {
  write(bytes: Uint8Array): Promise<void>;
  /** Lets the file appear; its size and the checksums of its blocks. */
  close(): Promise<{ bytes: number; checksums: BigUint64Array }>;
  abort(): Promise<void>;
}

/** Opens a file for writing; it appears whole at `close`. Throws OUTPUT_FAILED. */
export async function openBlockWriter(path: string): Promise<BlockWriter> {
  const file = await openAtomic(path);
  const block = new Uint8Array(BLOCK_BYTES);
  let checksums = new BigUint64Array(64);
  let blocks = 0;
  let used = 0;
  const end = (bytes: Uint8Array): void => {
    if (blocks === checksums.length) {
      const larger = new BigUint64Array(2 * blocks);
      larger.set(checksums);
      checksums = larger;
    }
    checksums[blocks++] = xxh64(bytes);
  };
  const add = (bytes: Uint8Array): void => {
    for (let at = 0; at < bytes.length; ) {
      const take = Math.min(BLOCK_BYTES - used, bytes.length - at);
      block.set(bytes.subarray(at, at + take), used);
      used += take;
      at += take;
      if (used < BLOCK_BYTES) return;
      end(block);
      used = 0;
    }
  };
  return {
    async write(bytes) {
      add(bytes);
      await file.write(bytes);
    },
    async close() {
      if (used > 0) end(block.subarray(0, used));
      await file.commit();
      return { bytes: file.bytes, checksums: checksums.subarray(0, blocks) };
    },
    abort: () => file.abort(),
  };
}

export interface BlockReader {
  /** `length` bytes from `offset`, verified. Throws INPUT_CORRUPT. */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** Several stretches, ascending by offset, in few reads; each is good for as long as it is held. */
  readAll(ranges: readonly ByteRange[]): Promise<Uint8Array[]>;
}

/** What a file must be; `damaged` makes the error for what it is not. */
export interface BlockFileFacts {
  bytes: number;
  checksums: BigUint64Array;
  damaged(what: string, cause?: unknown): CorpusmillError;
}

/** A file whose size and checksums are known. Throws INPUT_CORRUPT when the size is another. It is open during reads only. */
export async function openBlockReader(
  path: string,
  { bytes, checksums, damaged }: BlockFileFacts,
): Promise<BlockReader> {
  const withFile = async <T>(use: (file: FileHandle) => Promise<T>): Promise<T> => {
    let file: FileHandle;
    try {
      file = await open(path, 'r');
    } catch (error) {
      throw damaged(`${path} cannot be read (${systemCode(error) ?? String(error)})`, error);
    }
    try {
      return await use(file);
    } finally {
      await file.close();
    }
  };
  const { size } = await withFile((file) => file.stat());
  if (size !== bytes) throw damaged(`${path} has ${size} bytes, and not ${bytes}`);

  const readFrom = async (file: FileHandle, offset: number, length: number): Promise<Uint8Array> => {
    if (length === 0) return new Uint8Array();
    if (offset < 0 || offset + length > bytes) throw damaged(`${path} ends before byte ${offset + length}`);
    const first = Math.floor(offset / BLOCK_BYTES);
    const start = first * BLOCK_BYTES;
    const end = Math.min(bytes, Math.ceil((offset + length) / BLOCK_BYTES) * BLOCK_BYTES);
    const blocks = new Uint8Array(end - start);
    for (let filled = 0; filled < blocks.length; ) {
      const { bytesRead } = await file.read(blocks, filled, blocks.length - filled, start + filled);
      if (bytesRead === 0) throw damaged(`${path} ends at byte ${start + filled}`);
      filled += bytesRead;
    }
    for (let at = 0, block = first; at < blocks.length; at += BLOCK_BYTES, block++) {
      if (xxh64(blocks.subarray(at, at + BLOCK_BYTES)) === checksums[block]) continue;
      const last = Math.min(bytes, start + at + BLOCK_BYTES) - 1;
      throw damaged(`bytes ${start + at}–${last} of ${path} are not those that were written (checksum)`);
    }
    return blocks.subarray(offset - start, offset - start + length);
  };
  const readAllFrom = async (file: FileHandle, ranges: readonly ByteRange[]): Promise<Uint8Array[]> => {
    const found: Uint8Array[] = [];
    for (let i = 0; i < ranges.length; ) {
      const start = ranges[i].offset;
      let end = start + ranges[i].length;
      let next = i + 1;
      for (; next < ranges.length && ranges[next].offset - end < GAP_BYTES; next++) {
        const further = Math.max(end, ranges[next].offset + ranges[next].length);
        if (further - start > MAX_READ_BYTES) break;
        end = further;
      }
      const bytes = await readFrom(file, start, end - start);
      for (; i < next; i++) {
        const { offset, length } = ranges[i];
        found.push(bytes.subarray(offset - start, offset - start + length));
      }
    }
    return found;
  };
  return {
    read: (offset, length) => withFile((file) => readFrom(file, offset, length)),
    readAll: (ranges) => withFile((file) => readAllFrom(file, ranges)),
  };
}
