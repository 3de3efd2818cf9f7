/**
 * The scratch files of a run, read without being waited for: a task that needs a few words of each of a thousand files has
 * nothing else to do meanwhile. A read takes 5 µs so, by a promise 150.
 *
 * Where there is an add-on, scratch may be kept in the memory of the process in place of a folder: nothing is written to a
 * disk and waited for, and a read is a copy. It ends with the process.
 */
import { closeSync, fstatSync, openSync } from 'node:fs';
import { join, sep } from 'node:path';
import { CorpusmillError } from '../core/errors.ts';
import { native } from '../core/native.ts';
import { readRangesInto } from './loader/read-ranges.ts';
import { bytesOf, cannotRead } from './positioned-read.ts';

/** Not where file numbers are not the system's (Windows): one call reads ranges of both kinds. */
const keeper = native?.readRangesInto === undefined ? undefined : native;

/** Keeps a file in memory, while all that are kept take at most `most` bytes; whether it is. */
export function keepScratch(path: string, pieces: readonly Uint8Array[], most: number): boolean {
  return keeper?.keepFile(path, pieces, most) ?? false;
}

/** Whether a file is kept in memory. */
export function isKept(path: string): boolean {
  return keeper !== undefined && keeper.keptFile(path) >= 0;
}

/** Lets go of the files of a folder that are kept in memory. */
export function forgetScratch(folder: string): void {
  keeper?.forgetFiles(join(folder, sep));
}

export class ScratchFile {
  readonly path: string;
  /** Below 0 for one in memory, as `readRangesInto` takes it. */
  readonly fd: number;

  /** `doing` begins the message: CorpusmillError('INPUT_NOT_FOUND' | 'INPUT_UNREADABLE'). */
  constructor(path: string, doing: string) {
    this.path = path;
    const kept = keeper?.keptFile(path) ?? -1;
    if (kept >= 0) {
      this.fd = -1 - kept;
      return;
    }
    try {
      this.fd = openSync(path, 'r');
    } catch (error) {
      throw cannotRead(doing, path, error);
    }
  }

  get size(): number {
    return this.fd < 0 && keeper !== undefined ? keeper.keptBytes(-1 - this.fd) : fstatSync(this.fd).size;
  }

  /** Fills `into` from byte `position`. Throws CorpusmillError('INPUT_CORRUPT') when the file ends before. */
  read<A extends ArrayBufferView>(position: number, into: A): A {
    const bytes = bytesOf(into);
    readRangesInto(Float64Array.of(this.fd, position, bytes.length, 0), bytes, () => this.path);
    return into;
  }

  /** `count` uint32 values from byte `position`. */
  words(position: number, count: number): Uint32Array {
    return this.read(position, new Uint32Array(count));
  }

  close(): void {
    if (this.fd >= 0) closeSync(this.fd);
  }
}

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
