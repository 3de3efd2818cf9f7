/**
 * Reads a fastText model file, `.bin` or `.ftz`, supervised: arguments, dictionary, input and output matrix.
 *
 * Format: fastText 0.9 (file versions 11 and 12), as its `saveModel` writes it; model-writer.ts is the other direction.
 * Unsupervised models (word vectors) are refused: they have no labels. Loading lid.176.ftz takes about 80 ms.
 *
 * Nothing in the file is trusted: every count is held against the bytes that are left before memory is asked for, so that a
 * broken file ends in INPUT_CORRUPT.
 */
import { CorpusmillError } from '../../core/errors.ts';
import { BinaryReader } from './binary-reader.ts';
import { readDenseMatrix, readInputMatrix } from './dense-matrix.ts';
import {
  type FastTextModel,
  LABEL_PREFIX,
  LONGEST_NGRAM,
  LOSSES,
  type Loss,
  type Matrix,
  MOST_BUCKETS,
  type NgramRows,
  type WordTable,
} from './model.ts';
import { bucketBits, rankBits, rankOf } from './ngram-rows.ts';
import { expand, readQuantizedMatrix } from './quantized-matrix.ts';

export const MAGIC = 793_712_314;
export const NEWEST_VERSION = 12;
export const SUPERVISED = 3;
export const WORD = 0;
export const LABEL = 1;
/** Bytes of a dictionary entry besides its word: the zero at its end, its count, its type. */
const ENTRY_BYTES = 10;
/** Labels of all texts together; the tree of hierarchical softmax needs counts below its mark for nodes not made yet. */
const MOST_TEXTS = 1e15;

/** Reads a model. Throws INPUT_NOT_FOUND or INPUT_CORRUPT. `labelPrefix` is what its training data marked labels with. */
export function loadFastTextModel(path: string, labelPrefix = LABEL_PREFIX): FastTextModel {
  const reader = new BinaryReader(path);
  try {
    return readModel(reader, labelPrefix);
  } catch (error) {
    // Sizes that fit the file and no memory: only a broken quantized matrix expands so far.
    if (error instanceof RangeError) throw reader.corrupt(`a table that is too large (${error.message})`);
    throw error;
  } finally {
    reader.close();
  }
}

function readModel(reader: BinaryReader, labelPrefix: string): FastTextModel {
  const version = readVersion(reader);
  const header = readHeader(reader, version);
  const { dim } = header;
  const dictionary = readDictionary(reader, labelPrefix);
  const { words, labels, pruned } = dictionary;
  const { input, ngrams } = readInput(reader, words.count, header, pruned);
  const output = reader.uint8() === 0 ? readDenseMatrix(reader) : expand(readQuantizedMatrix(reader));
  if (input.dim !== dim || output.dim !== dim || output.rows !== labels.length) {
    throw reader.corrupt(`matrices of ${input.rows} × ${input.dim} and ${output.rows} × ${output.dim}`);
  }
  const { tokens, wordCounts, labelCounts } = dictionary;
  return { ...header, tokens, words, wordCounts, labels, labelCounts, ngrams, input, output };
}

function readVersion(reader: BinaryReader): number {
  const magic = reader.left >= 8 ? reader.int32() : 0;
  if (magic !== MAGIC) throw reader.corrupt('no fastText header');
  const version = reader.int32();
  if (version !== 11 && version !== NEWEST_VERSION) throw reader.corrupt(`file version ${version}`);
  return version;
}

function readHeader(reader: BinaryReader, version: number) {
  const dim = reader.int32();
  const ws = reader.int32();
  const epoch = reader.int32();
  const minCount = reader.int32();
  const neg = reader.int32();
  const wordNgrams = reader.int32();
  const loss = (LOSSES as Record<number, Loss | undefined>)[reader.int32()];
  const kind = reader.int32();
  const bucket = reader.int32();
  const minn = reader.int32();
  // Version 11 wrote a maxn that its supervised models did not use.
  const maxn = reader.int32() * (version === 11 ? 0 : 1);
  const lrUpdateRate = reader.int32();
  const t = reader.float64();
  if (loss === undefined || dim < 1) throw reader.corrupt(`a model of ${dim} dimensions with an unknown loss`);
  if (kind !== SUPERVISED) {
    throw new CorpusmillError('INPUT_CORRUPT', `${reader.path}: found word vectors (an unsupervised model)`, {
      hint: 'a classifier is needed: a model that `fasttext supervised` has trained',
    });
  }
  if (bucket < 0 || bucket > MOST_BUCKETS) throw reader.corrupt(`${bucket} buckets (at most ${MOST_BUCKETS} are read)`);
  if (Math.max(wordNgrams, minn, maxn) > LONGEST_NGRAM) {
    throw reader.corrupt(`n-grams of up to ${wordNgrams} words and ${Math.max(minn, maxn)} characters`);
  }
  const training = { ws, epoch, minCount, neg, lrUpdateRate, t };
  return { dim, wordNgrams, loss, bucket, minn, maxn, training };
}

interface Dictionary {
  tokens: number;
  words: WordTable;
  wordCounts: Float64Array;
  labels: string[];
  labelCounts: Float64Array;
  /** Pairs of a kept n-gram's bucket and its row after the words; undefined when every n-gram has its row. */
  pruned: Int32Array | undefined;
}

function readDictionary(reader: BinaryReader, labelPrefix: string): Dictionary {
  const size = reader.int32();
  const wordCount = reader.int32();
  const labelCount = reader.int32();
  const tokens = reader.int64();
  const prunedCount = reader.int64();
  const fits = wordCount >= 0 && labelCount >= 1 && wordCount + labelCount === size;
  if (!fits || size * ENTRY_BYTES > reader.left || prunedCount * 8 > reader.left) {
    throw reader.corrupt(`${size} entries: ${wordCount} words and ${labelCount} labels, ${prunedCount} n-grams`);
  }
  const pieces: Buffer[] = [];
  const starts = new Float64Array(wordCount + 1);
  const wordCounts = new Float64Array(wordCount);
  const labels: string[] = [];
  const labelCounts = new Float64Array(labelCount);
  let texts = 0;
  for (let i = 0; i < size; i++) {
    const entry = reader.zeroEnded();
    const count = reader.int64();
    const isWord = reader.uint8() === WORD;
    if (isWord !== i < wordCount) throw reader.corrupt(`entry ${i} of ${size} out of order`);
    if (count < 0) throw reader.corrupt(`entry ${i} of ${size} that occurs ${count} times`);
    if (isWord) {
      pieces.push(entry);
      starts[i + 1] = starts[i] + entry.length;
      wordCounts[i] = count;
    } else {
      const label = entry.toString('utf8');
      labelCounts[labels.length] = count;
      labels.push(label.startsWith(labelPrefix) ? label.slice(labelPrefix.length) : label);
      texts += count;
      if (count < 1 || texts >= MOST_TEXTS) throw reader.corrupt(`label "${label}" of ${count} texts`);
    }
  }
  const words = { count: wordCount, bytes: Buffer.concat(pieces), starts };
  // -1: not pruned; 0: pruned down to words.
  const pruned = prunedCount < 0 ? undefined : new Int32Array(2 * prunedCount);
  if (pruned !== undefined) for (let i = 0; i < pruned.length; i++) pruned[i] = reader.int32();
  return { tokens, words, wordCounts, labels, labelCounts, pruned };
}

function readInput(
  reader: BinaryReader,
  words: number,
  { bucket, wordNgrams, maxn }: { bucket: number; wordNgrams: number; maxn: number },
  pruned: Int32Array | undefined,
): { input: Matrix; ngrams: NgramRows | 'every' | 'none' } {
  const hashed = wordNgrams > 1 || maxn > 0 ? bucket : 0;
  if (reader.uint8() === 0) {
    if (pruned !== undefined) throw reader.corrupt('a pruned model with a matrix that is not quantized');
    return readInputMatrix(reader, words, hashed);
  }
  const quantized = readQuantizedMatrix(reader);
  const rows = words + (pruned === undefined ? hashed : pruned.length / 2);
  if (quantized.rows < rows) throw reader.corrupt(`a matrix of ${quantized.rows} rows where ${rows} are needed`);
  if (pruned === undefined) return { input: expand({ ...quantized, rows }), ngrams: hashed === 0 ? 'none' : 'every' };
  const { ngrams, order } = orderPruned(reader, words, bucket, pruned);
  return { input: expand({ ...quantized, rows }, order), ngrams };
}

/** The kept n-grams in rising order of bucket, and the file's row of each of our rows. */
function orderPruned(reader: BinaryReader, words: number, bucket: number, pruned: Int32Array) {
  const bits = bucketBits(bucket);
  const count = pruned.length / 2;
  for (let i = 0; i < pruned.length; i += 2) {
    const [ngram, row] = [pruned[i], pruned[i + 1]];
    const isTwice = (bits[ngram >>> 5] & (1 << ngram)) !== 0;
    if (ngram < 0 || ngram >= bucket || row < 0 || row >= count || isTwice) {
      throw reader.corrupt(`n-gram ${ngram} of ${bucket} in row ${row} of ${count}`);
    }
    bits[ngram >>> 5] |= 1 << ngram;
  }
  const ngrams = rankBits(bits, 'nothing');
  const order = new Int32Array(words + count);
  for (let i = 0; i < words; i++) order[i] = i;
  for (let i = 0; i < pruned.length; i += 2) order[words + rankOf(ngrams, pruned[i])] = words + pruned[i + 1];
  return { ngrams, order };
}
