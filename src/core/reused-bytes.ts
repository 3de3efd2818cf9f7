/**
 * Large buffers that are used again. Fresh memory costs a page fault for every 4 KiB: to read 58 MB of parts into new
 * buffers took 120 ms, into one that was there already 4. What a thread borrows it must return, and then no longer
 * look at.
 */
import { largeBytes } from './large-pages.ts';

/** Returned buffers that a thread keeps, and the bytes of all of them. */
const MOST_KEPT = 8;
const MOST_KEPT_BYTES = 32 * 1024 * 1024;

/** By size, smallest first. */
const kept: Buffer<ArrayBuffer>[] = [];

/** A buffer of at least `bytes` bytes; what it holds is left from others. */
export function borrowBytes(bytes: number): Buffer<ArrayBuffer> {
  const found = kept.findIndex((buffer) => buffer.length >= bytes);
  // Sizes in steps, so that parts of about the same size share a buffer.
  if (found === -1) return largeBytes(Math.ceil(Math.max(1, bytes) / GRAIN) * GRAIN);
  return kept.splice(found, 1)[0];
}

const GRAIN = 1024 * 1024;

/** Gives a borrowed buffer back. Throws when it is back already: the next two who borrow would share it. */
export function returnBytes(buffer: Buffer<ArrayBuffer>): void {
  if (kept.some((other) => other.buffer === buffer.buffer)) throw new Error('borrowed memory was returned twice');
  const at = kept.findIndex((other) => other.length >= buffer.length);
  kept.splice(at === -1 ? kept.length : at, 0, buffer);
  // The smallest go first: the larger ones serve in their place.
  while (kept.length > MOST_KEPT) kept.shift();
  while (kept.reduce((sum, { length }) => sum + length, 0) > MOST_KEPT_BYTES) kept.pop();
}
