/**
 * The TypeScript twin of native/fasttext_vector.cc: see text-vector.ts.
 *
 * Texts repeat their words, so the sum of each word's rows is remembered where words have character n-grams: one direct-mapped
 * table of at most 4 MiB, keyed by 64 bits of hash. A word's sum is rounded to 32 bits before it is used, found or made, so
 * that no result depends on what was read before. Nothing is allocated per word.
 */
import type { FastTextModel } from './model.ts';
import { createNgramLookup, type NgramLookup, SKIPPED } from './ngram-rows.ts';
import { Subwords } from './subwords.ts';
import { addRows, RowList } from './sum-rows.ts';
import { Utf8Buffer } from './utf8-buffer.ts';
import { Vocabulary } from './vocabulary.ts';
import { FNV_PRIME, FNV_START } from './word-hash.ts';
import { WordNgrams } from './word-ngrams.ts';
import { endOfText, endOfTextHash, isEndOfText, isLabel, isSeparator } from './word-scan.ts';

const CACHE_BYTES = 1 << 22;
const MOST_CACHED_WORDS = 1 << 16;
/** Longer words hardly come again. */
const CACHED_WORD_BYTES = 48;
/** Numbers a slot: a power of two, so that none lies across two cache lines. */
const SLOT = 4;
const SECOND_PRIME = 0x2c1b3c6d;

export class TextVectorizerTwin {
  readonly #dim: number;
  readonly #input: Float32Array;
  readonly #vocabulary: Vocabulary;
  readonly #lookup: NgramLookup;
  readonly #wordNgrams: WordNgrams | undefined;
  readonly #subwords: Subwords;
  readonly #hasSubwords: boolean;
  readonly #text = new Utf8Buffer();
  readonly #sum: Float64Array;
  readonly #wordSum: Float64Array;
  #rows = 0;
  /** The remembered words. */
  readonly #mask: number;
  /** Of each slot: the word's two hashes and its number of rows, -1 while the slot is empty. */
  readonly #slots: Int32Array;
  readonly #sums: Float32Array;
  /** Rows of the input matrix, and remembered words, not yet added up. */
  readonly #inputRows = new RowList();
  readonly #wordRows = new RowList();

  constructor(model: FastTextModel) {
    this.#dim = model.dim;
    this.#input = model.input.values;
    this.#vocabulary = new Vocabulary(model.words);
    this.#lookup = createNgramLookup(model);
    const hasNgrams = model.ngrams !== 'none';
    this.#wordNgrams = hasNgrams && model.wordNgrams > 1 ? new WordNgrams(model.wordNgrams, model.bucket) : undefined;
    this.#hasSubwords = hasNgrams && model.maxn > 0;
    this.#subwords = new Subwords(model.minn, model.maxn, model.bucket);
    this.#sum = new Float64Array(model.dim);
    this.#wordSum = new Float64Array(model.dim);
    const most = Math.min(MOST_CACHED_WORDS, CACHE_BYTES / 4 / model.dim);
    const slots = this.#hasSubwords ? 2 ** Math.max(0, Math.floor(Math.log2(most))) : 0;
    this.#mask = slots - 1;
    this.#slots = new Int32Array(slots * SLOT).fill(-1);
    this.#sums = new Float32Array(slots * model.dim);
  }

  read(text: string, addEndOfText: boolean): Float64Array | undefined {
    const bytes = this.#text.encode(text);
    const { length } = this.#text;
    const sum = this.#sum.fill(0);
    this.#rows = 0;
    this.#wordNgrams?.clear();
    let isEnded = addEndOfText;
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
      if (isEndOfText(bytes, start, at, hash)) {
        isEnded = true;
        break;
      }
      if (!isLabel(bytes, start, at)) this.#addWord(bytes, start, at, hash, second);
    }
    addRows(this.#sums, this.#wordRows, sum);
    if (isEnded) this.#addEndOfText();
    this.#wordNgrams?.forEach((bucket) => this.#addRow(this.#lookup(bucket)));
    addRows(this.#input, this.#inputRows, sum);
    if (this.#rows === 0) return undefined;
    const scale = 1 / this.#rows;
    for (let k = 0; k < sum.length; k++) sum[k] *= scale;
    return sum;
  }

  #addWord(bytes: Uint8Array, start: number, end: number, hash: number, second: number): void {
    this.#wordNgrams?.push(hash);
    if (!this.#hasSubwords) {
      const word = this.#vocabulary.find(bytes, start, end, hash);
      if (word >= 0) this.#addRow(word);
      return;
    }
    const dim = this.#dim;
    const sum = this.#sum;
    const sums = this.#sums;
    const slots = this.#slots;
    const slot = (hash ^ (hash >>> 17) ^ (second >>> 9)) & this.#mask;
    const at = slot * SLOT;
    const isKnown = slots[at] === hash && slots[at + 1] === second && slots[at + 2] >= 0;
    if (!isKnown && end - start > CACHED_WORD_BYTES) {
      // In the order of the text: what came before is added first.
      addRows(sums, this.#wordRows, sum);
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
    const wordSum = this.#wordSum.fill(0);
    const word = this.#vocabulary.find(bytes, start, end, hash);
    if (word >= 0) this.#addRow(word);
    const subwords = this.#subwords;
    subwords.read(bytes, start, end);
    for (let i = 0; i < subwords.count; i++) this.#addRow(this.#lookup(subwords.buckets[i]));
    addRows(this.#input, this.#inputRows, wordSum);
  }

  #addEndOfText(): void {
    const word = this.#vocabulary.find(endOfText, 0, endOfText.length, endOfTextHash);
    if (word >= 0) this.#addRow(word);
    this.#wordNgrams?.push(endOfTextHash);
  }

  #addRow(row: number): void {
    if (row === SKIPPED) return;
    this.#rows++;
    if (row >= 0) this.#inputRows.push(row * this.#dim);
  }
}
