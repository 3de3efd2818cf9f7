/**
 * The texts of a training in one pass: every different word gets a number, a text becomes the numbers of its words and of
 * `</s>`, four bytes a token. When all are known, the numbers become what training wants: for each text the rows of the input
 * matrix that its words and word n-grams ask for. fastText reads and hashes the file again in every epoch; here an epoch is
 * a walk over numbers.
 *
 * The native kernel (native/fasttext_texts.cc) and its twin (training-texts-twin.ts) give the same numbers.
 */
import { native } from '../../core/native.ts';
import { TrainingTextsTwin } from './training-texts-twin.ts';

export interface TrainingTexts {
  /** Adds a text; its words are cut as word-scan.ts says. */
  add(text: string): void;
  /** Numbers of different words, of their bytes, of texts, of tokens. */
  size(): { types: number; typeBytes: number; texts: number; tokens: number };
  /** The different words in order of first occurrence: bytes [typeBytes], starts [types + 1], counts [types]. */
  readTypes(bytes: Uint8Array, starts: Float64Array, counts: Float64Array): void;
  /** Tokens of each text [texts]. */
  readLengths(lengths: Uint32Array): void;
  /**
   * What each text asks for: for each word its unit (`unitOf[type]`, left out where negative), then each word n-gram of 2 to
   * `wordNgrams` words as `firstNgram` + the rank of its bucket. `bits` has the buckets that are in use already and gets those
   * of the word n-grams. Text i's entries are entries[starts[i]] to entries[starts[i + 1]]; there is room for `mostEntries`.
   */
  writeEntries(
    unitOf: Int32Array,
    wordNgrams: number,
    bucket: number,
    bits: Int32Array,
    firstNgram: number,
    entries: Uint32Array,
    starts: Float64Array,
  ): void;
}

export function createTrainingTexts(): TrainingTexts {
  return native === undefined ? new TrainingTextsTwin() : new native.FastTextTexts();
}

/** Tokens and word n-grams of texts of these lengths. */
export function mostEntries(lengths: Uint32Array, wordNgrams: number): number {
  let entries = 0;
  for (const length of lengths) {
    entries += length;
    for (let n = 2; n <= wordNgrams && n <= length; n++) entries += length - n + 1;
  }
  return entries;
}
