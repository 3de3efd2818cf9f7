/**
 * Repetition of n-grams of the words between white space, as NeMo Curator counts it: the most frequent n-gram, and the
 * characters that second and later occurrences cover, words joined by spaces, none counted twice.
 *
 * Measured for n = 2, 3, 4 … as far as asked (gram-counts.ts).
 */
import { countGrams, createGramCounts, keepRepeated, startGrams } from './gram-counts.ts';
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

class Measured implements SplitNGrams {
  #words: SplitWords | undefined;
  /** n of the last step, and by n what it found. */
  #n = 1;
  #topAt: number[] = [];
  #repeated: number[] = [];
  #grams = createGramCounts();

  reset(words: SplitWords): void {
    this.#words = words;
    this.#n = 1;
  }

  topAt(n: number): number {
    while (this.#n < n) this.#step();
    return this.#topAt[n];
  }

  repeatedChars(n: number): number {
    while (this.#n < n) this.#step();
    return this.#repeated[n];
  }

  #step(): void {
    const words = this.#words as SplitWords;
    const grams = this.#grams;
    if (this.#n === 1) startGrams(grams, words);
    const n = ++this.#n;
    countGrams(grams, words, n);
    const { charsBefore } = words;
    const { candidates, times, alive } = grams;
    let repeated = 0;
    let coveredTo = 0;
    let best = 1;
    let bestAt = 0;
    for (let k = 0; k < alive; k++) {
      const i = candidates[k];
      if (times[i] > best) {
        best = times[i];
        bestAt = i;
      }
      if (times[i] !== 0) continue;
      // A stretch of repeated n-grams counts each word once, and the spaces between and before them, not the first.
      const isNewStretch = coveredTo <= i;
      repeated += charsBefore[i + n] - charsBefore[isNewStretch ? i : coveredTo] - (isNewStretch ? 1 : 0);
      coveredTo = i + n;
    }
    keepRepeated(grams);
    this.#topAt[n] = bestAt;
    this.#repeated[n] = repeated;
  }
}

const measured = new Measured();
