/**
 * Hashed character n-grams of a word between `<` and `>`, as fastText's `computeSubwords`: of minn to maxn code points, a lone
 * `<` or `>` left out, each hashed and taken modulo `bucket`.
 */
import { FNV_PRIME, FNV_START } from './word-hash.ts';

const BEGIN = 0x3c;
const END = 0x3e;

export class Subwords {
  /** Of the word read last: the first `count`. */
  buckets = new Int32Array(256);
  count = 0;
  readonly #minn: number;
  readonly #maxn: number;
  readonly #bucket: number;
  #padded = new Uint8Array(256);

  constructor(minn: number, maxn: number, bucket: number) {
    this.#minn = minn;
    this.#maxn = maxn;
    this.#bucket = bucket;
  }

  /** Reads the word at `start` to `end` of `bytes`. */
  read(bytes: Uint8Array, start: number, end: number): void {
    const minn = this.#minn;
    const maxn = this.#maxn;
    const bucket = this.#bucket;
    const size = end - start + 2;
    if (this.#padded.length < size) this.#padded = new Uint8Array(size * 2);
    if (this.buckets.length < size * maxn) this.buckets = new Int32Array(size * maxn * 2);
    const padded = this.#padded;
    const buckets = this.buckets;
    padded[0] = BEGIN;
    for (let i = start; i < end; i++) padded[i - start + 1] = bytes[i];
    padded[size - 1] = END;
    const inverse = 1 / bucket;
    let count = 0;
    for (let i = 0; i < size; i++) {
      if ((padded[i] & 0xc0) === 0x80) continue;
      let state = FNV_START;
      for (let j = i, n = 1; j < size && n <= maxn; n++) {
        do {
          state = Math.imul(state ^ ((padded[j++] << 24) >> 24), FNV_PRIME);
        } while (j < size && (padded[j] & 0xc0) === 0x80);
        if (n < minn || (n === 1 && (i === 0 || j === size))) continue;
        // The remainder by multiplication: `%` of unsigned 32-bit numbers is a division of doubles (19 MB/s, not 27).
        const hash = state >>> 0;
        const remainder = hash - Math.floor(hash * inverse) * bucket;
        buckets[count++] = remainder < 0 ? remainder + bucket : remainder >= bucket ? remainder - bucket : remainder;
      }
    }
    this.count = count;
  }
}
