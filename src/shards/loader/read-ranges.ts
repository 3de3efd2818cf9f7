/**
 * Byte ranges of open files, read into one block of memory: all that a batch of rows takes in one call of the add-on, on
 * a thread of libuv's pool. A read from the page cache is about a microsecond there and ten to twenty from JavaScript,
 * which is what a row of 4 kB costs otherwise (bench `loader`).
 */
import { read, readSync } from 'node:fs';
import { CorpusmillError } from '../../core/errors.ts';
import { native } from '../../core/native.ts';
import { endsTooSoon } from '../positioned-read.ts';

/** Ranges to read, gathered one by one; neighbours in file and block become one read. */
export interface Ranges {
  /** Four numbers each: file, position, bytes, place in the block. */
  numbers: number[];
  /** Path of each range's file, for errors. */
  paths: string[];
}

export function noRanges(): Ranges {
  return { numbers: [], paths: [] };
}

/** Adds `bytes` bytes at `position` of a file, to be put at `at` of the block. */
export function addRange(
  { numbers, paths }: Ranges,
  file: { fd: number; path: string },
  position: number,
  bytes: number,
  at: number,
): void {
  const last = numbers.length - 4;
  const length = numbers[last + 2];
  if (
    last >= 0 &&
    numbers[last] === file.fd &&
    numbers[last + 1] + length === position &&
    numbers[last + 3] + length === at
  ) {
    numbers[last + 2] = length + bytes;
    return;
  }
  numbers.push(file.fd, position, bytes, at);
  paths.push(file.path);
}

/** Why a range was not read: which, how many bytes of it were, and the system's error number (0: the file ended). */
export type FailedRange = [range: number, filled: number, errno: number];

/**
 * Reads all ranges into a block of `bytes` bytes. Throws CorpusmillError: INPUT_CORRUPT where a file ends before a range
 * does, INPUT_UNREADABLE where the system refuses.
 */
export async function readRanges({ numbers, paths }: Ranges, bytes: number): Promise<ArrayBuffer> {
  const result = await (native?.readRanges ?? readRangesTwin)(new Float64Array(numbers), bytes);
  if (result instanceof ArrayBuffer) return result;
  throw unreadRange(result, numbers, paths[result[0]]);
}

/**
 * Reads ranges, four numbers each as in `Ranges`, into memory that is there, and waits for them: for workers, which have
 * nothing else to do, and files that lie in the page cache. `pathOf` gives a range's path. Throws as `readRanges` does.
 */
export function readRangesInto(ranges: Float64Array, into: Uint8Array, pathOf: (range: number) => string): void {
  const failed = (native?.readRangesInto ?? readRangesIntoTwin)(ranges, into);
  if (failed !== undefined) throw unreadRange(failed, ranges, pathOf(failed[0]));
}

function unreadRange(
  [range, filled, errno]: FailedRange,
  numbers: ArrayLike<number>,
  path: string | undefined,
): CorpusmillError {
  const [position, length] = [numbers[4 * range + 1], numbers[4 * range + 2]];
  if (errno !== 0) {
    return new CorpusmillError(
      'INPUT_UNREADABLE',
      `reading ${path}: the system refused ${length} bytes at offset ${position} (error ${errno})`,
      { hint: 'Check the disk; the files must stay open while they are read.' },
    );
  }
  return endsTooSoon(String(path), position, length, filled);
}

/** The add-on's `readRanges` on Node's own reads. */
export async function readRangesTwin(ranges: Float64Array, bytes: number): Promise<ArrayBuffer | FailedRange> {
  const block = new Uint8Array(bytes);
  const failed = await Promise.all(
    Array.from({ length: ranges.length / 4 }, async (_, range): Promise<FailedRange | undefined> => {
      const [fd, position, length, at] = ranges.subarray(4 * range, 4 * range + 4);
      for (let filled = 0; filled < length; ) {
        const got = await readSome(fd, block, at + filled, length - filled, position + filled);
        if (got.bytes === 0) return [range, filled, got.errno];
        filled += got.bytes;
      }
      return undefined;
    }),
  );
  return failed.find((found) => found !== undefined) ?? block.buffer;
}

function readSome(
  fd: number,
  into: Uint8Array,
  at: number,
  length: number,
  position: number,
): Promise<{ bytes: number; errno: number }> {
  return new Promise((resolve) => {
    read(fd, into, at, length, position, (error, bytes) => {
      resolve(error === null ? { bytes, errno: 0 } : { bytes: 0, errno: Math.abs(error.errno ?? 1) });
    });
  });
}

/** Node refuses a read of more. */
const MOST_AT_ONCE = 0x40000000;

/** The add-on's `readRangesInto` on Node's own reads. */
export function readRangesIntoTwin(ranges: Float64Array, into: Uint8Array): FailedRange | undefined {
  for (let range = 0; 4 * range < ranges.length; range++) {
    const [fd, position, length, at] = ranges.subarray(4 * range, 4 * range + 4);
    for (let filled = 0; filled < length; ) {
      try {
        const most = Math.min(length - filled, MOST_AT_ONCE);
        const got = readSync(fd, into, at + filled, most, position + filled);
        if (got === 0) return [range, filled, 0];
        filled += got;
      } catch (error) {
        return [range, filled, Math.abs((error as NodeJS.ErrnoException).errno ?? 1)];
      }
    }
  }
  return undefined;
}
