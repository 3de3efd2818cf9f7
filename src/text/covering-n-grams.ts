/**
 * Repetition of word n-grams as DCLM measures it (and dolma, but for its words): words are the segments that begin with a
 * letter or number; an n-gram that occurs once is no repetition; the most frequent one is the longest of equals; repeated
 * ones count every word that lies in any of their occurrences. Lengths are code points of words, spaces left out.
 *
 * Measured for n = 2, 3, 4 … as far as asked. A repeated n-gram's first n−1 words repeat too, so each step looks only where
 * the last one found repetition, and a text that does not repeat itself costs little more than its word pairs.
 */
import { codePointAt } from './char-class.ts';
import { PY_ALNUM, pythonFlagsOf } from './python-class.ts';
import { defineFeature, type Feature, type TextView } from './view.ts';
import { addBound, createBounds, type UnspacedWords } from './word-break.ts';
import { createWordFeatures, readWords, type WordFeatures } from './words.ts';

const MULTIPLIER_LOW = 0x9e3779b1;
const MULTIPLIER_HIGH = 0x85ebca77;
/** Longer scratch is given back by the next text that does not need it. */
const RETAINED_WORDS = 1 << 19;

/** Repetition of one text's n-grams; belongs to the view and is valid as long as the view's text. */
export interface CoveringNGrams {
  /** Words that begin with a letter or number, and their code points together. */
  words: number;
  chars: number;
  /** Code points of the most frequent n-gram times its count; 0 when none occurs twice. n from 2 on. */
  topChars(n: number): number;
  /** Code points of the words in n-grams that occur more than once. n from 2 on. */
  coveredChars(n: number): number;
}

/** By what a word is in scripts without spaces. */
export const coveringNGrams: Record<UnspacedWords, Feature<CoveringNGrams>> = {
  characters: nGramsOf('characters'),
  dictionary: nGramsOf('dictionary'),
};

function nGramsOf(unspaced: UnspacedWords): Feature<CoveringNGrams> {
  let measured: Measured | undefined;
  return defineFeature((view) => {
    measured ??= new Measured();
    return measured.read(view, unspaced);
  });
}

class Measured implements CoveringNGrams {
  words = 0;
  chars = 0;
  #features: WordFeatures = createWordFeatures();
  #bounds = createBounds();
  #top: number[] = [];
  #covered: number[] = [];
  /** #alive first entries of #candidates: starts of n-grams that may repeat, for the n measured last. */
  #alive = 0;
  #candidates = new Uint32Array(0);
  #low = new Int32Array(0);
  #high = new Int32Array(0);
  #times = new Uint32Array(0);
  #slots = new Int32Array(0);

  read(view: TextView, unspaced: UnspacedWords): this {
    const { units } = view;
    const { starts, ends, count } = view.words(unspaced);
    const bounds = this.#bounds;
    bounds.count = 0;
    for (let i = 0; i < count; i++) {
      if ((pythonFlagsOf(codePointAt(units, starts[i], ends[i])) & PY_ALNUM) !== 0)
        addBound(bounds, starts[i], ends[i]);
    }
    const features = this.#features;
    readWords(units, bounds, features, view.hasSurrogates);
    this.words = features.count;
    this.chars = features.charsBefore[features.count];
    this.#top.length = 0;
    this.#covered.length = 0;
    return this;
  }

  topChars(n: number): number {
    this.#measure(n);
    return this.#top[n];
  }

  coveredChars(n: number): number {
    this.#measure(n);
    return this.#covered[n];
  }

  #measure(n: number): void {
    if (this.#top.length === 0) this.#start();
    while (this.#top.length <= n) this.#step(this.#top.length);
  }

  #start(): void {
    const { count, low, high } = this.#features;
    this.#reserve(count);
    for (let i = 0; i < count; i++) this.#candidates[i] = i;
    this.#low.set(low.subarray(0, count));
    this.#high.set(high.subarray(0, count));
    this.#alive = count;
    this.#top.push(0, 0);
    this.#covered.push(0, 0);
  }

  #step(n: number): void {
    const { count, low, high, charsBefore } = this.#features;
    const grams = count - n + 1;
    if (grams < 2 || this.#alive < 2) {
      this.#alive = 0;
      this.#top.push(0);
      this.#covered.push(0);
      return;
    }
    const candidates = this.#candidates;
    const gramLow = this.#low;
    const gramHigh = this.#high;
    const times = this.#times;
    const slots = this.#slots;
    const alive = this.#alive;
    const size = tableSize(alive);
    slots.fill(-1, 0, size);
    const mask = size - 1;
    for (let k = 0; k < alive; k++) {
      const i = candidates[k];
      if (i >= grams) break;
      const l = (Math.imul(gramLow[i], MULTIPLIER_LOW) + low[i + n - 1]) | 0;
      const h = (Math.imul(gramHigh[i], MULTIPLIER_HIGH) + high[i + n - 1]) | 0;
      gramLow[i] = l;
      gramHigh[i] = h;
      times[i] = 1;
      let slot = (Math.imul(l ^ (h >>> 15), MULTIPLIER_LOW) >>> 7) & mask;
      let first = slots[slot];
      while (first !== -1 && (gramLow[first] !== l || gramHigh[first] !== h)) {
        slot = (slot + 1) & mask;
        first = slots[slot];
      }
      if (first === -1) {
        slots[slot] = i;
      } else {
        // The first occurrence holds the count.
        times[i] = 0;
        times[first]++;
      }
    }
    let best = 1;
    let bestChars = 0;
    let covered = 0;
    let coveredTo = 0;
    let next = 0;
    for (let k = 0; k < alive; k++) {
      const i = candidates[k];
      if (i >= grams) break;
      const count = times[i];
      if (count === 1) continue;
      if (count >= best) {
        const chars = charsBefore[i + n] - charsBefore[i];
        if (count > best || chars > bestChars) bestChars = chars;
        best = count;
      }
      covered += charsBefore[i + n] - charsBefore[Math.max(i, coveredTo)];
      coveredTo = i + n;
      candidates[next++] = i;
    }
    this.#alive = next;
    this.#top.push(best > 1 ? best * bestChars : 0);
    this.#covered.push(covered);
  }

  #reserve(words: number): void {
    const isTooLarge = this.#low.length > RETAINED_WORDS && words <= RETAINED_WORDS;
    if (this.#low.length >= words && !isTooLarge) return;
    const capacity = Math.max(4096, 2 ** Math.ceil(Math.log2(words)));
    this.#candidates = new Uint32Array(capacity);
    this.#low = new Int32Array(capacity);
    this.#high = new Int32Array(capacity);
    this.#times = new Uint32Array(capacity);
    this.#slots = new Int32Array(Math.max(16, capacity * 2));
  }
}

function tableSize(entries: number): number {
  return 2 ** Math.max(4, Math.ceil(Math.log2(entries * 2)));
}
