/**
 * A text's vector: the mean of the rows of its words, their character n-grams and its word n-grams.
 *
 * Differs from fastText in the order and width of the sums alone, which moves a probability by about 1e-6. The rows are added
 * in 64 bits, in the order of the text; the sum of a word and its character n-grams is rounded to 32 bits first. The native
 * kernel (native/fasttext_vector.cc) and its twin (text-vector-twin.ts) do the same additions and give the same bits.
 *
 * Source: fastText, dictionary.cc (`getLine`, `computeSubwords`, `addWordNgrams`).
 */
import { type NativeFastTextVectorizer, native } from '../../core/native.ts';
import type { FastTextModel } from './model.ts';
import { bucketBits } from './ngram-rows.ts';
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
  const { FastTextVectorizer } = native;
  return new NativeVectorizer(model, FastTextVectorizer);
}

/** Kinds of n-gram rows as the kernel numbers them. */
const NO_ROWS = 0;
const EVERY_BUCKET = 1;
const OTHERS_NOTHING = 2;
const OTHERS_ZEROS = 3;

class NativeVectorizer implements TextVectorizer {
  readonly #input: Float32Array;
  readonly #hidden: Float64Array;
  readonly #kernel: NativeFastTextVectorizer;

  constructor(model: FastTextModel, Kernel: new (...args: VectorizerArguments) => NativeFastTextVectorizer) {
    const { words, ngrams, dim, minn, maxn, wordNgrams, bucket } = model;
    this.#input = model.input.values;
    this.#hidden = new Float64Array(dim);
    const isList = ngrams !== 'none' && ngrams !== 'every';
    const others = isList && ngrams.absent === 'zeros' ? OTHERS_ZEROS : OTHERS_NOTHING;
    const kind = ngrams === 'none' ? NO_ROWS : ngrams === 'every' ? EVERY_BUCKET : others;
    const settings = Int32Array.of(dim, Math.max(0, minn), Math.max(0, maxn), Math.max(1, wordNgrams), bucket, kind);
    this.#kernel = new Kernel(words.bytes, words.starts, settings, isList ? ngrams.bits : bucketBits(0));
  }

  read(text: string, endOfText: boolean): Float64Array | undefined {
    return this.#kernel.read(text, endOfText, this.#input, this.#hidden) === 0 ? undefined : this.#hidden;
  }
}

type VectorizerArguments = [wordBytes: Uint8Array, wordStarts: Float64Array, settings: Int32Array, bits: Int32Array];
