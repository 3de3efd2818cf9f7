/**
 * Large pages for large arrays. Memory that is written to for the first time costs a page fault for every 4 KiB, on a virtual
 * machine 10 to 15 µs each: filling 94 MB took 360 ms, in pages of 2 MiB 17. Linux gives such pages to those that ask, where
 * `/sys/kernel/mm/transparent_hugepage/enabled` says `madvise` or `always`; elsewhere nothing changes.
 */
import { native } from './native.ts';

const PAGE_BYTES = 2 * 1024 * 1024;
/** Two pages: less may hold no whole one. */
const WORTH_ASKING = 2 * PAGE_BYTES;

/** The same array. Nothing may have been written to its memory yet, else the asking comes too late. */
export function withLargePages<T extends ArrayBufferView>(array: T): T {
  if (array.byteLength >= WORTH_ASKING) {
    native?.largePages(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  }
  return array;
}

/** Uninitialized bytes that begin and end with a large page, where they are worth one. */
export function largeBytes(bytes: number): Buffer<ArrayBuffer> {
  if (bytes < PAGE_BYTES || native === undefined) return Buffer.allocUnsafeSlow(bytes);
  const memory = Buffer.allocUnsafeSlow(bytes + 2 * PAGE_BYTES);
  const start = native.largePages(memory);
  return memory.subarray(start, start + bytes);
}

/** The same, shared and filled with zeros. */
export function largeSharedBytes(bytes: number): Buffer<SharedArrayBuffer> {
  if (bytes < PAGE_BYTES || native === undefined) return Buffer.from(new SharedArrayBuffer(bytes));
  const memory = Buffer.from(new SharedArrayBuffer(bytes + 2 * PAGE_BYTES));
  const start = native.largePages(memory);
  return memory.subarray(start, start + bytes);
}

/** Words in `largeBytes`. */
export function largeWords(length: number): Uint32Array<ArrayBuffer> {
  const { buffer, byteOffset } = largeBytes(4 * length);
  return new Uint32Array(buffer, byteOffset, length);
}

/** Words in `largeSharedBytes`. */
export function largeSharedWords(length: number): Uint32Array<SharedArrayBuffer> {
  const { buffer, byteOffset } = largeSharedBytes(4 * length);
  return new Uint32Array(buffer, byteOffset, length);
}
