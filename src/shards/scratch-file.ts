/**
 * The scratch files of a run, read without being waited for: a task that needs a few words of each of a thousand files has
 * nothing else to do meanwhile. A read takes 5 µs so, by a promise 150.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { CorpusmillError } from '../core/errors.ts';
import { bytesOf, cannotRead, endsTooSoon } from './positioned-read.ts';

export class ScratchFile {
  readonly path: string;
  readonly fd: number;

  /** `doing` begins the message: CorpusmillError('INPUT_NOT_FOUND' | 'INPUT_UNREADABLE'). */
  constructor(path: string, doing: string) {
    this.path = path;
    try {
      this.fd = openSync(path, 'r');
    } catch (error) {
      throw cannotRead(doing, path, error);
    }
  }

  get size(): number {
    return fstatSync(this.fd).size;
  }

  /** Fills `into` from byte `position`. Throws CorpusmillError('INPUT_CORRUPT') when the file ends before. */
  read<A extends ArrayBufferView>(position: number, into: A): A {
    const bytes = bytesOf(into);
    for (let filled = 0; filled < bytes.length; ) {
      const most = Math.min(bytes.length - filled, MOST_AT_ONCE);
      const read = readSync(this.fd, bytes, filled, most, position + filled);
      if (read === 0) throw endsTooSoon(this.path, position, bytes.length, filled);
      filled += read;
    }
    return into;
  }

  /** `count` uint32 values from byte `position`. */
  words(position: number, count: number): Uint32Array {
    return this.read(position, new Uint32Array(count));
  }

  close(): void {
    closeSync(this.fd);
  }
}

/** A read of more is refused. */
const MOST_AT_ONCE = 0x40000000;

/** Opens a file, and closes it when `use` is done or has failed. */
export function withScratchFile<R>(path: string, doing: string, use: (file: ScratchFile) => R): R {
  const file = new ScratchFile(path, doing);
  try {
    return use(file);
  } finally {
    file.close();
  }
}

/** A scratch file that is not what it should be. */
export function notWhole(message: string): CorpusmillError {
  return new CorpusmillError('INPUT_CORRUPT', message, {
    hint: 'Remove the run directory and run again; if it recurs, the disk loses writes.',
  });
}
