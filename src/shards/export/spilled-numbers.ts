/** Numbers that are written once and read once in the same order, in a temporary file: lengths of a billion documents. */
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { outputFailed } from '../../io/atomic.ts';
import { bytesOf, readWords } from '../positioned-read.ts';

/** Numbers held in memory before they are written. */
const HELD = 1 << 18;

export interface SpilledNumbers {
  readonly count: number;
  /** Appends uint32 numbers. */
  push(numbers: readonly number[]): Promise<void>;
  /** All numbers in chunks. */
  chunks(): AsyncGenerator<Uint32Array, void, void>;
  close(): Promise<void>;
}

/** Opens the temporary file beside `path`. Throws CorpusmillError('OUTPUT_FAILED') when it cannot be written. */
export async function spillNumbers(path: string): Promise<SpilledNumbers> {
  const temporary = join(dirname(path), `.lengths.${process.pid}-0.tmp`);
  let file: FileHandle;
  try {
    await mkdir(dirname(path), { recursive: true });
    file = await open(temporary, 'w+');
  } catch (error) {
    throw outputFailed('create', temporary, error);
  }
  const held = new Uint32Array(HELD);
  let filled = 0;
  let count = 0;
  const flush = async (): Promise<void> => {
    try {
      await file.appendFile(bytesOf(held.subarray(0, filled)));
    } catch (error) {
      throw outputFailed('write', temporary, error);
    }
    filled = 0;
  };
  return {
    get count() {
      return count;
    },
    async push(numbers) {
      for (const number of numbers) {
        if (filled === HELD) await flush();
        held[filled++] = number;
        count++;
      }
    },
    async *chunks() {
      await flush();
      for (let at = 0; at < count; at += HELD) {
        yield await readWords(file, temporary, 4 * at, Math.min(HELD, count - at));
      }
    },
    async close() {
      await file.close();
      await rm(temporary, { force: true });
    },
  };
}
