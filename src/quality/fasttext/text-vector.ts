/**
 * A text's vector: the mean of the rows of its words, their character n-grams and its word n-grams.
 *
 * Reads UTF-8 bytes as fastText does: words end at ASCII white space and NUL (not at the ideographic space), the end of
 * the text counts as the word `</s>`. What is different is the order of the sums, which moves a probability by about 1e-6.
 * Texts repeat their words, so the sum of each word's rows is remembered: one direct-mapped table of at most 4 MiB, keyed by 64
 * bits of hash. A word's sum is rounded to 32 bits before it is used, found or made, so that no result depends
 * on what was read before. Nothing is allocated per word. Guarded by bench/langid.ts.
 *
 * Source: fastText, dictionary.cc (`getLine`, `computeSubwords`, `addWordNgrams`).
 */
import type { FastTextModel } from './model-file.ts';
import { createNgramRows, type NgramRows } from './ngram-rows.ts';
import { addRows, RowList } from './sum-rows.ts';
import { Vocabulary } from './vocabulary.ts';
import { FNV_PRIME, FNV_START, hashBytes } from './word-hash.ts';
import { WordNgrams } from './word-ngrams.ts';

const CACHE_BYTES = 1 << 22;
/** Longer words hardly come again. */
const CACHED_WORD_BYTES = 48;
/** Numbers a slot: a power of two, so that none lies across two cache lines. */
const SLOT = 4;
const END_OF_SENTENCE = Buffer.from('</s>');
const BEGIN = 0x3c;
const END = 0x3e;
const SECOND_PRIME = 0x2c1b3c6d;

/** 1 for the bytes at which fastText ends a word. */
const isSeparator = new Uint8Array(256);
for (const byte of [0, 9, 10, 11, 12, 13, 32]) isSeparator[byte] = 1;

export class TextVectorizer {
  readonly dim: number;
  readonly #model: FastTextModel;
  readonly #input: Float32Array;
  readonly #vocabulary: Vocabulary;
  readonly #rowOf: NgramRows;
  readonly #wordNgrams: WordNgrams | undefined;
  readonly #sum: Float64Array;
  readonly #wordSum: Float64Array;
  #rows = 0;
  /** The word between `<` and `>`. */
  #padded: Uint8Array = new Uint8Array(256);
  /** The remembered words. */
  readonly #mask: number;
  /** Of each slot: the word's two hashes and its number of rows, -1 while the slot is empty. */
  readonly #slots: Int32Array;
  readonly #sums: Float32Array;
  /** Rows of the input matrix, and remembered words, not yet added up. */
  readonly #inputRows = new RowList();
  readonly #wordRows = new RowList();

  constructor(model: FastTextModel) {
    this.#model = model;
    this.dim = model.dim;
    this.#input = model.input.values;
    this.#vocabulary = new Vocabulary(model.words);
    this.#rowOf = createNgramRows(model);
    this.#wordNgrams = model.wordNgrams > 1 ? new WordNgrams(model.wordNgrams, model.bucket) : undefined;
    this.#sum = new Float64Array(model.dim);
    this.#wordSum = new Float64Array(model.dim);
    const slots = 2 ** Math.floor(Math.log2(CACHE_BYTES / 4 / model.dim));
    this.#mask = slots - 1;
    this.#slots = new Int32Array(slots * SLOT).fill(-1);
    this.#sums = new Float32Array(slots * model.dim);
  }

  /**
   * The mean over `bytes` from 0 to `length`, in an array that the next call overwrites; undefined when the model knows no part
   * of the text. Line ends count as spaces; `endOfSentence` adds `</s>`, as Python's fasttext and its command line do.
   */
  read(bytes: Uint8Array, length: number, endOfSentence: boolean): Float64Array | undefined {
    const sum = this.#sum.fill(0);
    this.#rows = 0;
    this.#wordNgrams?.clear();
    for (let at = 0; at < length; ) {
      while (at < length && isSeparator[bytes[at]] !== 0) at++;
      if (at === length) break;
      const start = at;
      let hash = FNV_START;
      let second = 0;
      do {
        const byte = bytes[at++];
        hash = Math.imul(hash ^ ((byte << 24) >> 24), FNV_PRIME);
        second = Math.imul(second + byte, SECOND_PRIME);
      } while (at < length && isSeparator[bytes[at]] === 0);
      this.#addWord(bytes, start, at, hash, second);
    }
    addRows(this.#sums, this.#wordRows, sum);
    if (endOfSentence) this.#addEndOfSentence();
    this.#wordNgrams?.forEach((bucket) => this.#addRow(this.#rowOf(bucket)));
    addRows(this.#input, this.#inputRows, sum);
    if (this.#rows === 0) return undefined;
    const scale = 1 / this.#rows;
    for (let k = 0; k < sum.length; k++) sum[k] *= scale;
    return sum;
  }

  #addWord(bytes: Uint8Array, start: number, end: number, hash: number, second: number): void {
    this.#wordNgrams?.push(hash);
    const dim = this.dim;
    const sum = this.#sum;
    const sums = this.#sums;
    const slots = this.#slots;
    const slot = (hash ^ (hash >>> 17) ^ (second >>> 9)) & this.#mask;
    const at = slot * SLOT;
    const isKnown = slots[at] === hash && slots[at + 1] === second && slots[at + 2] >= 0;
    if (!isKnown && end - start > CACHED_WORD_BYTES) {
      this.#readWord(bytes, start, end, hash);
      for (let k = 0; k < dim; k++) sum[k] += Math.fround(this.#wordSum[k]);
      return;
    }
    const base = slot * dim;
    if (!isKnown) {
      // Another word of this text may have its sum in this slot.
      addRows(sums, this.#wordRows, sum);
      const before = this.#rows;
      this.#readWord(bytes, start, end, hash);
      slots[at] = hash;
      slots[at + 1] = second;
      slots[at + 2] = this.#rows - before;
      this.#rows = before;
      const wordSum = this.#wordSum;
      for (let k = 0; k < dim; k++) sums[base + k] = wordSum[k];
    }
    this.#rows += slots[at + 2];
    this.#wordRows.push(base);
  }

  /** Leaves the sum of the word's rows in #wordSum and adds their number to #rows. */
  #readWord(bytes: Uint8Array, start: number, end: number, hash: number): void {
    const { maxn } = this.#model;
    const wordSum = this.#wordSum.fill(0);
    const word = this.#vocabulary.find(bytes, start, end, hash);
    if (word >= 0) {
      this.#rows++;
      this.#inputRows.push(word * this.dim);
    }
    if (maxn > 0) this.#readNgrams(bytes, start, end);
    addRows(this.#input, this.#inputRows, wordSum);
  }

  #readNgrams(bytes: Uint8Array, start: number, end: number): void {
    const { minn, maxn, bucket } = this.#model;
    const inputRows = this.#inputRows;
    const dim = this.dim;
    const size = end - start + 2;
    if (this.#padded.length < size) this.#padded = new Uint8Array(size * 2);
    const padded = this.#padded;
    padded[0] = BEGIN;
    for (let i = start; i < end; i++) padded[i - start + 1] = bytes[i];
    padded[size - 1] = END;
    const rowOf = this.#rowOf;
    const inverse = 1 / bucket;
    for (let i = 0; i < size; i++) {
      if ((padded[i] & 0xc0) === 0x80) continue;
      let state = FNV_START;
      for (let j = i, n = 1; j < size && n <= maxn; n++) {
        do {
          state = Math.imul(state ^ ((padded[j++] << 24) >> 24), FNV_PRIME);
        } while (j < size && (padded[j] & 0xc0) === 0x80);
        if (n < minn || (n === 1 && (i === 0 || j === size))) continue;
        // The remainder by multiplication: `%` of unsigned 32-bit numbers is a division of doubles (19 MB/s, not 27).
        const hash = state >>> 0;
        const remainder = hash - Math.floor(hash * inverse) * bucket;
        const row = rowOf(remainder < 0 ? remainder + bucket : remainder >= bucket ? remainder - bucket : remainder);
        if (row < 0) continue;
        this.#rows++;
        inputRows.push(row * dim);
      }
    }
  }

  #addEndOfSentence(): void {
    const hash = hashBytes(END_OF_SENTENCE, 0, END_OF_SENTENCE.length);
    const word = this.#vocabulary.find(END_OF_SENTENCE, 0, END_OF_SENTENCE.length, hash);
    if (word >= 0) this.#addRow(word);
    this.#wordNgrams?.push(hash);
  }

  #addRow(row: number): void {
    if (row < 0) return;
    this.#rows++;
    this.#inputRows.push(row * this.dim);
  }
}
