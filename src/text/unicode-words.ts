/** The UAX #29 words of a text that are not symbols alone: how many, the longest, how many are numbers, their hashes. */
import { createKeys, type Keys, reserveKeys } from './key-counts.ts';
import { defineFeature, type Feature, type TextView } from './view.ts';
import type { UnspacedWords } from './word-break.ts';
import { WORD_ALPHA, WORD_PROPER } from './words.ts';

export interface UnicodeWords {
  count: number;
  /** Code points of the longest. */
  longest: number;
  /** Words with a digit and without a letter: 1,000 or 3.5. */
  numbers: number;
  /** Hashes as written, in order. */
  keys: Keys;
}

const features: Record<UnspacedWords, Feature<UnicodeWords>> = {
  characters: defineFeature((view) => readWords(view, 'characters')),
  dictionary: defineFeature((view) => readWords(view, 'dictionary')),
};

/** The words of a text. The object is reused for the next text. */
export function unicodeWords(view: TextView, unspaced: UnspacedWords): UnicodeWords {
  return view.get(features[unspaced]);
}

const keys = createKeys();
const result: UnicodeWords = { count: 0, longest: 0, numbers: 0, keys };

function readWords(view: TextView, unspaced: UnspacedWords): UnicodeWords {
  const { starts, ends } = view.words(unspaced);
  const words = view.wordFeatures(unspaced);
  const { units } = view;
  reserveKeys(keys, words.count);
  let count = 0;
  let longest = 0;
  let numbers = 0;
  for (let i = 0; i < words.count; i++) {
    if ((words.flags[i] & WORD_PROPER) === 0) continue;
    keys.low[count] = words.low[i];
    keys.high[count++] = words.high[i];
    longest = Math.max(longest, words.charsBefore[i + 1] - words.charsBefore[i]);
    if ((words.flags[i] & WORD_ALPHA) === 0 && hasDigit(units, starts[i], ends[i])) numbers++;
  }
  keys.count = count;
  result.count = count;
  result.longest = longest;
  result.numbers = numbers;
  return result;
}

function hasDigit(units: Uint16Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const unit = units[i];
    if ((unit >= 0x30 && unit <= 0x39) || (unit >= 0xff10 && unit <= 0xff19)) return true;
  }
  return false;
}
