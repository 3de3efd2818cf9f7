/**
 * Repetition of n-grams of the words between white space, as NeMo Curator counts it: the most frequent n-gram, and the
 * characters that second and later occurrences cover, words joined by spaces, none counted twice.
 *
 * Measured for n = 2, 3, 4 … as far as asked. A repeated n-gram's first n−1 words repeat too, so each step looks only where
 * the last one found repetition: a text that does not repeat itself costs little more than its word pairs. n-grams are compared
 * by 64-bit hashes.
 */
import { type SplitWords, splitWords } from './split-words.ts';
import { defineFeature } from './view.ts';

/** Repetition of one text's n-grams; valid as long as the view's text. */
export interface SplitNGrams {
  /** The word where the most frequent n-gram first stands: the first of equals. n from 2 to the number of words. */
  topAt(n: number): number;
  /** Code points in repeated n-grams. n from 2 on. */
  repeatedChars(n: number): number;
}

export const splitNGrams = defineFeature((view): SplitNGrams => {
  measured.reset(view.get(splitWords));
  return measured;
});

const MULTIPLIER_LOW = 0x9e3779b1;
const MULTIPLIER_HIGH = 0x85ebca77;
/** Longer scratch is given back by the next text that does not need it. */
const RETAINED_WORDS = 1 << 19;

class Measured implements SplitNGrams {
  #words: SplitWords | undefined;
  /** n of the last step, and by n what it found. */
  #n = 1;
  #topAt: number[] = [];
  #repeated: number[] = [];
  /** candidates[0…alive): starts whose n-gram occurs more than once, in order; at first every word. */
  #alive = 0;
  #candidates = new Uint32Array(0);
  #low = new Int32Array(0);
  #high = new Int32Array(0);
  #times = new Uint32Array(0);
  #slots = new Int32Array(0);

  reset(words: SplitWords): void {
    this.#words = words;
    this.#n = 1;
    this.#alive = -1;
  }

  topAt(n: number): number {
    while (this.#n < n) this.#step();
    return this.#topAt[n];
  }

  repeatedChars(n: number): number {
    while (this.#n < n) this.#step();
    return this.#repeated[n];
  }

  #begin(words: SplitWords): void {
    const { count } = words;
    if (this.#low.length < count || (this.#low.length > RETAINED_WORDS && count <= RETAINED_WORDS)) {
      const capacity = Math.max(4096, 2 ** Math.ceil(Math.log2(count)));
      this.#candidates = new Uint32Array(capacity);
      this.#low = new Int32Array(capacity);
      this.#high = new Int32Array(capacity);
      this.#times = new Uint32Array(capacity);
      this.#slots = new Int32Array(capacity * 2);
    }
    this.#low.set(words.low.subarray(0, count));
    this.#high.set(words.high.subarray(0, count));
    for (let i = 0; i < count; i++) this.#candidates[i] = i;
    this.#alive = count;
  }

  #step(): void {
    const words = this.#words as SplitWords;
    if (this.#alive < 0) this.#begin(words);
    const n = ++this.#n;
    const grams = words.count - n + 1;
    const wordLow = words.low;
    const wordHigh = words.high;
    const { charsBefore } = words;
    const candidates = this.#candidates;
    const low = this.#low;
    const high = this.#high;
    const times = this.#times;
    const slots = this.#slots;
    let alive = this.#alive;
    while (alive > 0 && candidates[alive - 1] >= grams) alive--;
    const size = 2 ** Math.max(4, Math.ceil(Math.log2(alive * 2)));
    slots.fill(-1, 0, size);
    const mask = size - 1;
    let repeated = 0;
    let coveredTo = 0;
    for (let k = 0; k < alive; k++) {
      const i = candidates[k];
      const l = (Math.imul(low[i], MULTIPLIER_LOW) + wordLow[i + n - 1]) | 0;
      const h = (Math.imul(high[i], MULTIPLIER_HIGH) + wordHigh[i + n - 1]) | 0;
      low[i] = l;
      high[i] = h;
      times[i] = 1;
      let slot = (Math.imul(l ^ (h >>> 15), MULTIPLIER_LOW) >>> 7) & mask;
      let first = slots[slot];
      while (first !== -1 && (low[first] !== l || high[first] !== h)) {
        slot = (slot + 1) & mask;
        first = slots[slot];
      }
      if (first === -1) {
        slots[slot] = i;
        continue;
      }
      // The first occurrence holds the count.
      times[i] = 0;
      times[first]++;
      // A stretch of repeated n-grams counts each word once, and the spaces between and before them, not the first.
      const isNewStretch = coveredTo <= i;
      repeated += charsBefore[i + n] - charsBefore[isNewStretch ? i : coveredTo] - (isNewStretch ? 1 : 0);
      coveredTo = i + n;
    }
    let best = 1;
    let bestAt = 0;
    let next = 0;
    for (let k = 0; k < alive; k++) {
      const i = candidates[k];
      if (times[i] > best) {
        best = times[i];
        bestAt = i;
      }
      if (times[i] !== 1) candidates[next++] = i;
    }
    this.#alive = next;
    this.#topAt[n] = bestAt;
    this.#repeated[n] = repeated;
  }
}

const measured = new Measured();
