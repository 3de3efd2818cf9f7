/**
 * Reads a fastText file from front to back: little-endian numbers and zero-ended strings through a small buffer, matrices
 * straight into their final array. A model of several gigabytes is never in memory twice.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { CorpusmillError } from '../../core/errors.ts';

const BUFFER_BYTES = 1 << 16;
/** One read call; the operating system takes no more than 2 GiB at once. */
const READ_BYTES = 1 << 28;

/** No training gives a weight so large; sums of smaller ones stay numbers in 32 bits. */
export const LARGEST_WEIGHT = 1e30;

export class BinaryReader {
  readonly path: string;
  readonly #file: number;
  readonly #size: number;
  readonly #buffer = Buffer.alloc(BUFFER_BYTES);
  #position = 0;
  #filled = 0;
  #filePosition = 0;

  /** Throws INPUT_NOT_FOUND when the file cannot be opened. */
  constructor(path: string) {
    this.path = path;
    try {
      this.#file = openSync(path, 'r');
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new CorpusmillError('INPUT_NOT_FOUND', `cannot open the fastText model: ${reason}`, {
        hint: 'name a .bin or .ftz file',
        cause: error,
      });
    }
    this.#size = fstatSync(this.#file).size;
  }

  /** Byte offset of what is read next. */
  get offset(): number {
    return this.#filePosition - this.#filled + this.#position;
  }

  /** Bytes left in the file. */
  get left(): number {
    return this.#size - this.offset;
  }

  close(): void {
    closeSync(this.#file);
  }

  uint8(): number {
    this.#need(1);
    return this.#buffer[this.#position++];
  }

  int32(): number {
    this.#need(4);
    this.#position += 4;
    return this.#buffer.readInt32LE(this.#position - 4);
  }

  /** A 64-bit count. Throws INPUT_CORRUPT where it is beyond 2⁵³, which no count is. */
  int64(): number {
    this.#need(8);
    this.#position += 8;
    const value = this.#buffer.readBigInt64LE(this.#position - 8);
    const number = Number(value);
    if (!Number.isSafeInteger(number)) throw this.corrupt(`a count of ${value}`);
    return number;
  }

  float64(): number {
    this.#need(8);
    this.#position += 8;
    return this.#buffer.readDoubleLE(this.#position - 8);
  }

  /** The bytes up to the next zero. */
  zeroEnded(): Buffer {
    const pieces: Buffer[] = [];
    for (;;) {
      this.#need(1);
      const end = this.#buffer.subarray(0, this.#filled).indexOf(0, this.#position);
      const stop = end < 0 ? this.#filled : end;
      pieces.push(Buffer.from(this.#buffer.subarray(this.#position, stop)));
      this.#position = stop;
      if (end >= 0) {
        this.#position++;
        return pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
      }
    }
  }

  uint8s(count: number): Uint8Array {
    const bytes = new Uint8Array(this.#checked(count, 1));
    this.#fill(bytes);
    return bytes;
  }

  /** `count` 32-bit floats. Throws INPUT_CORRUPT where the file ends before, or where one is no weight. */
  float32s(count: number): Float32Array {
    const floats = new Float32Array(this.#checked(count, 4));
    this.readFloat32s(floats);
    return floats;
  }

  /** As many as `floats` holds; the bytes are taken as they lie, since every platform of Node is little-endian. */
  readFloat32s(floats: Float32Array): void {
    this.#fill(new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength));
    for (let i = 0; i < floats.length; i++) {
      const weight = floats[i];
      if (!(weight > -LARGEST_WEIGHT && weight < LARGEST_WEIGHT)) throw this.corrupt(`a weight of ${weight}`);
    }
  }

  /** An error that says where in the file something impossible stands. */
  corrupt(found: string): CorpusmillError {
    return new CorpusmillError('INPUT_CORRUPT', `${this.path}: byte ${this.offset}: found ${found}`, {
      hint: 'is it a fastText model (.bin or .ftz, fastText 0.1 or later), and whole?',
    });
  }

  #checked(count: number, bytesEach: number): number {
    if (count < 0 || count * bytesEach > this.left) {
      throw this.corrupt(`a table of ${count} values where ${this.left} bytes are left`);
    }
    return count;
  }

  #fill(target: Uint8Array): void {
    const buffered = Math.min(target.length, this.#filled - this.#position);
    target.set(this.#buffer.subarray(this.#position, this.#position + buffered));
    this.#position += buffered;
    for (let done = buffered; done < target.length; ) {
      const read = readSync(this.#file, target, done, Math.min(READ_BYTES, target.length - done), this.#filePosition);
      if (read === 0) throw this.corrupt('the end of the file');
      done += read;
      this.#filePosition += read;
    }
  }

  #need(bytes: number): void {
    if (this.#filled - this.#position >= bytes) return;
    this.#buffer.copy(this.#buffer, 0, this.#position, this.#filled);
    this.#filled -= this.#position;
    this.#position = 0;
    while (this.#filled < bytes) {
      const read = readSync(this.#file, this.#buffer, this.#filled, BUFFER_BYTES - this.#filled, this.#filePosition);
      if (read === 0) throw this.corrupt('the end of the file');
      this.#filled += read;
      this.#filePosition += read;
    }
  }
}
