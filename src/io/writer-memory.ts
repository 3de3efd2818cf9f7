/**
 * hyparquet-writer's ByteWriter with memory that is used again: a new one for every file grew anew, to twice its size each time,
 * and fresh memory costs a page fault for every 4 KiB (core/reused-bytes.ts).
 */
import { ByteWriter } from 'hyparquet-writer';

const FIRST_BYTES = 4 * 1024 * 1024;
/** Writers that a thread keeps the memory of, and the most of one: a worker writes two files at a time. */
const MOST_KEPT = 2;
const MOST_BYTES = 16 * 1024 * 1024;

const kept: ArrayBuffer[] = [];

/** An empty writer. Give it back when what it wrote is on the disk. */
export function takeWriter(): ByteWriter {
  const writer = new ByteWriter(0);
  writer.buffer = kept.pop() ?? new ArrayBuffer(FIRST_BYTES);
  writer.view = new DataView(writer.buffer);
  return writer;
}

/** Takes the memory of a writer that nobody will look at again. */
export function returnWriter({ buffer }: ByteWriter): void {
  if (kept.length < MOST_KEPT && buffer.byteLength <= MOST_BYTES) kept.push(buffer);
}
