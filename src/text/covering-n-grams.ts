/**
 * Repetition of word n-grams as DCLM measures it (and dolma, but for its words): words are the segments that begin with a
 * letter or number; an n-gram that occurs once is no repetition; the most frequent one is the longest of equals; repeated
 * ones count every word that lies in any of their occurrences. Lengths are code points of words, spaces left out.
 *
 * Measured for n = 2, 3, 4 … as far as asked (gram-counts.ts).
 */
import { codePointAt } from './char-class.ts';
import { countGrams, createGramCounts, keepRepeated, startGrams } from './gram-counts.ts';
import { PY_ALNUM, pythonFlagsOf } from './python-class.ts';
import { defineFeature, type Feature, type TextView } from './view.ts';
import { addBound, createBounds, type UnspacedWords } from './word-break.ts';
import { createWordFeatures, readWords, type WordFeatures } from './words.ts';

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
  #grams = createGramCounts();

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
    startGrams(this.#grams, this.#features);
    this.#top.push(0, 0);
    this.#covered.push(0, 0);
  }

  #step(n: number): void {
    const { charsBefore } = this.#features;
    const grams = this.#grams;
    countGrams(grams, this.#features, n);
    const { candidates, times, alive } = grams;
    let best = 1;
    let bestChars = 0;
    let covered = 0;
    let coveredTo = 0;
    for (let k = 0; k < alive; k++) {
      const i = candidates[k];
      const count = times[i];
      if (count === 1) continue;
      if (count >= best) {
        const chars = charsBefore[i + n] - charsBefore[i];
        if (count > best || chars > bestChars) bestChars = chars;
        best = count;
      }
      covered += charsBefore[i + n] - charsBefore[Math.max(i, coveredTo)];
      coveredTo = i + n;
    }
    keepRepeated(grams);
    this.#top.push(best > 1 ? best * bestChars : 0);
    this.#covered.push(covered);
  }
}
