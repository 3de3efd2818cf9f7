/**
 * Words of a model by their bytes: an open-addressed table of word numbers under fastText's own hash, compared byte by
 * byte. No string is made of a word that is looked up.
 */
import { type WordTable, wordBytes } from './model.ts';
import { hashBytes } from './word-hash.ts';

export class Vocabulary {
  readonly #words: WordTable;
  readonly #slots: Int32Array;

  constructor(words: WordTable) {
    this.#words = words;
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(Math.max(2, words.count * 2)))).fill(-1);
    for (let i = 0; i < words.count; i++) {
      const word = wordBytes(words, i);
      // A word that stands twice keeps its first number.
      const slot = this.#slotOf(word, 0, word.length, hashBytes(word, 0, word.length));
      if (this.#slots[slot] < 0) this.#slots[slot] = i;
    }
  }

  /** Number of the word at `start` to `end` of `bytes`, whose hash is `hash`; -1 when the model does not know it. */
  find(bytes: Uint8Array, start: number, end: number, hash: number): number {
    return this.#slots[this.#slotOf(bytes, start, end, hash)];
  }

  #slotOf(bytes: Uint8Array, start: number, end: number, hash: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    // FNV's low bits are good; the high ones are mixed in for tables over 64 Ki.
    let slot = (hash ^ (hash >>> 15)) & mask;
    while (slots[slot] >= 0 && !this.#equals(slots[slot], bytes, start, end)) slot = (slot + 1) & mask;
    return slot;
  }

  #equals(word: number, bytes: Uint8Array, start: number, end: number): boolean {
    const { bytes: known, starts } = this.#words;
    const from = starts[word];
    if (starts[word + 1] - from !== end - start) return false;
    for (let i = start; i < end; i++) if (known[from + i - start] !== bytes[i]) return false;
    return true;
  }
}
