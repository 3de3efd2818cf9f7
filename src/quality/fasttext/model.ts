/** A fastText classifier in memory: what is read from a model file, written to one, trained and pruned. */

/** What the labels' scores are made of; numbered as in the file. */
export const LOSSES = { 1: 'hs', 2: 'ns', 3: 'softmax', 4: 'ova' } as const;
export type Loss = (typeof LOSSES)[keyof typeof LOSSES];

/** What fastText marks labels with, in training data and in model files. */
export const LABEL_PREFIX = '__label__';
/** The word that ends every text. */
export const END_OF_TEXT = '</s>';

/** Hashes of n-grams run below `bucket`, which is at most this, so that the twins' arithmetic stays exact. */
export const MOST_BUCKETS = 2 ** 26;
/** Longer n-grams than this, of words or characters, are a mistake: their number grows with it. */
export const LONGEST_NGRAM = 100;

export interface Matrix {
  rows: number;
  dim: number;
  /** [rows, dim] */
  values: Float32Array;
}

/** Words by their UTF-8 bytes: word i lies at starts[i] to starts[i + 1]. */
export interface WordTable {
  count: number;
  bytes: Uint8Array;
  starts: Float64Array;
}

/** Options of the training, which the file keeps and scoring does not need. */
interface TrainingArguments {
  ws: number;
  epoch: number;
  minCount: number;
  neg: number;
  lrUpdateRate: number;
  t: number;
}

/** Which hashed n-grams have a row, in rising order of bucket: see ngram-rows.ts. */
export interface NgramRows {
  /** One bit for each bucket. */
  bits: Int32Array;
  /** Number of set bits before each of the 32-bit words. */
  ranks: Int32Array;
  count: number;
  /** What the others are: rows of zeros, which count in a text's mean, or (pruned models) nothing. */
  absent: 'zeros' | 'nothing';
}

export interface FastTextModel {
  /** Length of the vectors. */
  dim: number;
  /** Longest word n-gram; 1 for single words alone. */
  wordNgrams: number;
  loss: Loss;
  /** Hashes of n-grams run below this. */
  bucket: number;
  /** Shortest and longest character n-gram; no n-grams when maxn is 0. */
  minn: number;
  maxn: number;
  training: TrainingArguments;
  /** Tokens of the training data: words, ends of texts and labels. */
  tokens: number;
  /** Row i of `input` belongs to word i. */
  words: WordTable;
  wordCounts: Float64Array;
  /** Labels without their prefix. */
  labels: readonly string[];
  /** How often each label stood in the training data; hierarchical softmax builds its tree from them. */
  labelCounts: Float64Array;
  /** 'every': bucket b has row words.count + b; 'none': the model has words only. */
  ngrams: NgramRows | 'every' | 'none';
  /** [words + n-grams, dim] */
  input: Matrix;
  /** [labels, dim] (hierarchical softmax: [labels - 1, dim] is used) */
  output: Matrix;
}

/** The bytes of word `index`. */
export function wordBytes({ bytes, starts }: WordTable, index: number): Uint8Array {
  return bytes.subarray(starts[index], starts[index + 1]);
}

/** The words of these numbers, in this order. */
export function selectWords(words: WordTable, kept: ArrayLike<number>): WordTable {
  const starts = new Float64Array(kept.length + 1);
  for (let i = 0; i < kept.length; i++) {
    starts[i + 1] = starts[i] + words.starts[kept[i] + 1] - words.starts[kept[i]];
  }
  const bytes = new Uint8Array(starts[kept.length]);
  // Byte by byte: most words are shorter than what a call for each costs.
  for (let i = 0, at = 0; i < kept.length; i++) {
    for (let from = words.starts[kept[i]]; from < words.starts[kept[i] + 1]; ) bytes[at++] = words.bytes[from++];
  }
  return { count: kept.length, bytes, starts };
}
