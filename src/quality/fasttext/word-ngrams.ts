/**
 * Hashed word n-grams of a text, as fastText's `addWordNgrams`: h ← h · 116049371 + next word's hash, in 64-bit
 * arithmetic with the words' hashes taken as negative numbers where their top bit is set; then the remainder by `bucket`.
 * The 64 bits are kept as two halves, since a BigInt is an allocation per n-gram.
 */

const MULTIPLIER = 116_049_371;
const MULTIPLIER_HIGH = MULTIPLIER >>> 16;
const MULTIPLIER_LOW = MULTIPLIER & 0xffff;

export class WordNgrams {
  readonly #longest: number;
  readonly #bucket: number;
  /** 2³² modulo #bucket. */
  readonly #wrap: number;
  #hashes = new Int32Array(1024);
  #count = 0;

  /** N-grams of 2 to `longest` words. `bucket` is below 2²⁶ so that products stay exact (fastText's default: 2 million). */
  constructor(longest: number, bucket: number) {
    this.#longest = longest;
    this.#bucket = bucket;
    this.#wrap = 2 ** 32 % bucket;
  }

  clear(): void {
    this.#count = 0;
  }

  push(hash: number): void {
    if (this.#count === this.#hashes.length) {
      const more = new Int32Array(this.#count * 2);
      more.set(this.#hashes);
      this.#hashes = more;
    }
    this.#hashes[this.#count++] = hash;
  }

  /** Calls `use` with the bucket of each n-gram. */
  forEach(use: (bucket: number) => void): void {
    const hashes = this.#hashes;
    for (let i = 0; i < this.#count; i++) {
      let low = hashes[i] >>> 0;
      let high = hashes[i] >> 31;
      const end = Math.min(this.#count, i + this.#longest);
      for (let j = i + 1; j < end; j++) {
        // low · multiplier in two exact products of 48 bits.
        const upper = low * MULTIPLIER_HIGH;
        const lower = low * MULTIPLIER_LOW + (upper % 65536) * 65536 + (hashes[j] >>> 0);
        high =
          (Math.imul(high, MULTIPLIER) + Math.floor(upper / 65536) + Math.floor(lower / 2 ** 32) + (hashes[j] >> 31)) |
          0;
        low = lower % 2 ** 32;
        use((((high >>> 0) % this.#bucket) * this.#wrap + low) % this.#bucket);
      }
    }
  }
}
