/**
 * The pairs of neighbouring symbols during training: for each its two symbols, its count, and the words it occurs in.
 * An open-addressing table over flat arrays, and one pool in which every pair's word list is a contiguous run.
 * About 40 bytes a pair and 4 bytes a list entry.
 */
import { hashPair } from './bpe-merges.ts';

export class PairIndex {
  size = 0;
  left = new Int32Array(1 << 14);
  right = new Int32Array(1 << 14);
  /** Occurrences, weighted by the counts of the words. */
  count = new Float64Array(1 << 14);
  /** Words of pair p: `pool[listStart[p], listStart[p] + listLength[p])`, each once. */
  listStart = new Uint32Array(1 << 14);
  listLength = new Uint32Array(1 << 14);
  pool = new Uint32Array(1 << 14);
  #poolUsed = 0;
  /** Pair + 1, or 0. */
  #slots = new Int32Array(1 << 16);

  /** Index of a pair, or -1. */
  find(left: number, right: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hashPair(left, right) & mask;
    for (;;) {
      const pair = slots[slot] - 1;
      if (pair < 0 || (this.left[pair] === left && this.right[pair] === right)) return pair;
      slot = (slot + 1) & mask;
    }
  }

  /** Adds a pair that is not there yet, with an empty list; returns its index. */
  add(left: number, right: number, count: number): number {
    const pair = this.size++;
    if (pair === this.left.length) {
      this.left = enlarged(this.left, new Int32Array(pair * 2));
      this.right = enlarged(this.right, new Int32Array(pair * 2));
      this.count = enlarged(this.count, new Float64Array(pair * 2));
      this.listStart = enlarged(this.listStart, new Uint32Array(pair * 2));
      this.listLength = enlarged(this.listLength, new Uint32Array(pair * 2));
    }
    this.left[pair] = left;
    this.right[pair] = right;
    this.count[pair] = count;
    if (this.size * 2 > this.#slots.length) this.#rehash();
    else this.#place(pair);
    return pair;
  }

  /** Gives a pair room for a list of `length` words; returns where it begins in `pool` (read `pool` anew after this). */
  reserveList(pair: number, length: number): number {
    const start = this.#poolUsed;
    this.#poolUsed += length;
    if (this.#poolUsed > this.pool.length) {
      this.pool = enlarged(this.pool, new Uint32Array(Math.ceil(this.#poolUsed * 1.5)));
    }
    this.listStart[pair] = start;
    this.listLength[pair] = length;
    return start;
  }

  #place(pair: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hashPair(this.left[pair], this.right[pair]) & mask;
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = pair + 1;
  }

  #rehash(): void {
    this.#slots = new Int32Array(this.#slots.length * 2);
    for (let pair = 0; pair < this.size; pair++) this.#place(pair);
  }
}

function enlarged<T extends Int32Array | Uint32Array | Float64Array>(array: T, larger: T): T {
  larger.set(array);
  return larger;
}
