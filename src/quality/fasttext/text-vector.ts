/**
 * A text's vector: the mean of the rows of its words, their character n-grams and its word n-grams.
 *
 * Differs from fastText in the order and width of the sums alone, which moves a probability by about 1e-6. The rows are added
 * in 64 bits, in the order of the text; the sum of a word and its character n-grams is rounded to 32 bits first. The native
 * kernel (native/fasttext_vector.cc) and its twin (text-vector-twin.ts) do the same additions and give the same bits.
 *
 * Source: fastText, dictionary.cc (`getLine`, `computeSubwords`, `addWordNgrams`).
 */
import { native } from '../../core/native.ts';
import type { FastTextModel } from './model.ts';
import { TextVectorizerTwin } from './text-vector-twin.ts';

export interface TextVectorizer {
  /**
   * The mean, in an array that the next call overwrites; undefined when the model knows no part of the text. Line ends count
   * as spaces; `endOfText` adds `</s>`, as Python's fasttext and its command line do.
   */
  read(text: string, endOfText: boolean): Float64Array | undefined;
}

/** Reads texts for `model`; one per worker. */
export function createTextVectorizer(model: FastTextModel): TextVectorizer {
  if (native === undefined) return new TextVectorizerTwin(model);
  const { words, ngrams, dim, minn, maxn, wordNgrams, bucket, input } = model;
  const kind = typeof ngrams === 'string' ? NGRAM_ROWS[ngrams] : NGRAM_ROWS[ngrams.absent];
  const settings = Int32Array.of(dim, Math.max(0, minn), Math.max(0, maxn), Math.max(1, wordNgrams), bucket, kind);
  const bits = typeof ngrams === 'string' ? new Int32Array(0) : ngrams.bits;
  const kernel = new native.FastTextVectorizer(words.bytes, words.starts, settings, bits);
  const hidden = new Float64Array(dim);
  return {
    read: (text, endOfText) => (kernel.read(text, endOfText, input.values, hidden) === 0 ? undefined : hidden),
  };
}

/** Which n-grams have rows, and what the others are, as the kernel numbers it. */
const NGRAM_ROWS = { none: 0, every: 1, nothing: 2, zeros: 3 } as const;
