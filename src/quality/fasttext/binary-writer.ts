/**
 * Writes a fastText file from front to back, as binary-reader.ts reads one: through a buffer. Synchronous, because a trained classifier's `save` is.
 */
import { writeSync } from 'node:fs';
import { writeFileAtomicSync } from '../../io/atomic.ts';

const BUFFER_BYTES = 1 << 20;
const ZEROS = Buffer.alloc(1 << 16);

/** Writes `path` by what `fill` gives to the writer. Throws OUTPUT_FAILED; the file is then not there, or as it was. */
export function writeBinaryFile(path: string, fill: (writer: BinaryWriter) => void): void {
  writeFileAtomicSync(path, (file) => {
    const writer = new BinaryWriter(file);
    fill(writer);
    writer.flush();
  });
}

export class BinaryWriter {
  readonly #file: number;
  readonly #buffer = Buffer.alloc(BUFFER_BYTES);
  #filled = 0;

  constructor(file: number) {
    this.#file = file;
  }

  uint8(value: number): void {
    this.#room(1);
    this.#buffer[this.#filled++] = value;
  }

  int32(value: number): void {
    this.#room(4);
    this.#filled = this.#buffer.writeInt32LE(value, this.#filled);
  }

  /** A whole number below 2⁵³ as 64 bits. */
  int64(value: number): void {
    this.#room(8);
    this.#filled = this.#buffer.writeBigInt64LE(BigInt(value), this.#filled);
  }

  float64(value: number): void {
    this.#room(8);
    this.#filled = this.#buffer.writeDoubleLE(value, this.#filled);
  }

  bytes(bytes: Uint8Array): void {
    if (bytes.length <= BUFFER_BYTES) {
      this.#room(bytes.length);
      this.#buffer.set(bytes, this.#filled);
      this.#filled += bytes.length;
      return;
    }
    this.flush();
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at, Math.min(bytes.length - at, 1 << 28));
  }

  /** 32-bit floats as they lie, since every platform of Node is little-endian. */
  float32s(floats: Float32Array): void {
    this.bytes(new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength));
  }

  zeros(count: number): void {
    for (let left = count; left > 0; left -= ZEROS.length) this.bytes(ZEROS.subarray(0, Math.min(left, ZEROS.length)));
  }

  flush(): void {
    for (let at = 0; at < this.#filled; ) at += writeSync(this.#file, this.#buffer, at, this.#filled - at);
    this.#filled = 0;
  }

  #room(bytes: number): void {
    if (this.#filled + bytes > BUFFER_BYTES) this.flush();
  }
}
