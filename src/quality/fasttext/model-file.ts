/**
 * A fastText model file, `.bin` or `.ftz`, supervised: arguments, dictionary, input and output matrix.
 *
 * Format: fastText 0.9 (file versions 11 and 12), as its `saveModel` writes it. Unsupervised models (word vectors) are refused:
 * they have no labels. Loading lid.176.ftz takes about 80 ms.
 */
import { CorpusmillError } from '../../core/errors.ts';
import { BinaryReader } from './binary-reader.ts';
import { type Matrix, readDenseMatrix, readQuantizedMatrix } from './quantized-matrix.ts';

const MAGIC = 793_712_314;
const NEWEST_VERSION = 12;
const SUPERVISED = 3;
const WORD = 0;

/** What the labels' scores are made of; numbered as in the file. */
export const LOSSES = { 1: 'hs', 2: 'ns', 3: 'softmax', 4: 'ova' } as const;
export type Loss = (typeof LOSSES)[keyof typeof LOSSES];

export interface FastTextModel {
  path: string;
  /** Length of the vectors. */
  dim: number;
  /** Longest word n-gram; 1 for single words alone. */
  wordNgrams: number;
  loss: Loss;
  /** Rows for hashed n-grams before pruning. */
  bucket: number;
  /** Shortest and longest character n-gram; no n-grams when maxn is 0. */
  minn: number;
  maxn: number;
  /** The words' UTF-8 bytes: row i of `input` belongs to word i. */
  words: readonly Buffer[];
  /** Labels without their prefix. */
  labels: readonly string[];
  /** How often each label stood in the training data; hierarchical softmax builds its tree from them. */
  labelCounts: Float64Array;
  /** Pruned model: hashed n-gram (below `bucket`) → row after the words. Undefined: every n-gram has its row. */
  ngramRows: ReadonlyMap<number, number> | undefined;
  /** [words + n-grams, dim] */
  input: Matrix;
  /** [labels, dim] (hierarchical softmax: [labels - 1, dim] is used) */
  output: Matrix;
}

/** Reads a model. Throws INPUT_NOT_FOUND or INPUT_CORRUPT. `labelPrefix` is what its training data marked labels with. */
export function loadFastTextModel(path: string, labelPrefix = '__label__'): FastTextModel {
  const reader = new BinaryReader(path);
  try {
    return readModel(reader, labelPrefix);
  } finally {
    reader.close();
  }
}

function readModel(reader: BinaryReader, labelPrefix: string): FastTextModel {
  const version = readHeader(reader);
  const dim = reader.int32();
  reader.int32(); // ws
  reader.int32(); // epoch
  reader.int32(); // minCount
  reader.int32(); // neg
  const wordNgrams = reader.int32();
  const loss = LOSSES[reader.int32() as keyof typeof LOSSES];
  const kind = reader.int32();
  const bucket = reader.int32();
  const minn = reader.int32();
  // Version 11 wrote a maxn that its supervised models did not use.
  const maxn = reader.int32() * (version === 11 ? 0 : 1);
  reader.int32(); // lrUpdateRate
  reader.float64(); // t
  if (loss === undefined || dim < 1) throw reader.corrupt(`a model of ${dim} dimensions with an unknown loss`);
  if (kind !== SUPERVISED) {
    throw new CorpusmillError('INPUT_CORRUPT', `${reader.path}: found word vectors (an unsupervised model)`, {
      hint: 'a classifier is needed: a model that `fasttext supervised` has trained',
    });
  }
  const dictionary = readDictionary(reader, labelPrefix);
  const input = reader.uint8() === 0 ? readDenseMatrix(reader) : readQuantizedMatrix(reader);
  const output = reader.uint8() === 0 ? readDenseMatrix(reader) : readQuantizedMatrix(reader);
  const { words, labels, labelCounts, ngramRows } = dictionary;
  const rows = words.length + (ngramRows?.size ?? 0);
  if (input.dim !== dim || output.dim !== dim || output.rows !== labels.length || input.rows < rows) {
    throw reader.corrupt(`matrices of ${input.rows} × ${input.dim} and ${output.rows} × ${output.dim}`);
  }
  // Without n-grams the file has `bucket` as it was given, and rows for it may be absent.
  return {
    ...{ path: reader.path, dim, wordNgrams, loss, bucket, minn, maxn, words, labels, labelCounts, ngramRows },
    ...{ input, output },
  };
}

function readHeader(reader: BinaryReader): number {
  const magic = reader.left >= 8 ? reader.int32() : 0;
  if (magic !== MAGIC) throw reader.corrupt('no fastText header');
  const version = reader.int32();
  if (version !== 11 && version !== NEWEST_VERSION) throw reader.corrupt(`file version ${version}`);
  return version;
}

function readDictionary(reader: BinaryReader, labelPrefix: string) {
  const size = reader.int32();
  const wordCount = reader.int32();
  const labelCount = reader.int32();
  reader.int64(); // tokens in the training data
  const pruned = reader.int64();
  if (wordCount < 0 || labelCount < 1 || wordCount + labelCount !== size) {
    throw reader.corrupt(`${size} entries: ${wordCount} words and ${labelCount} labels`);
  }
  const words: Buffer[] = [];
  const labels: string[] = [];
  const labelCounts = new Float64Array(labelCount);
  for (let i = 0; i < size; i++) {
    const entry = reader.zeroEnded();
    const count = reader.int64();
    const isWord = reader.uint8() === WORD;
    if (isWord !== i < wordCount) throw reader.corrupt(`entry ${i} of ${size} out of order`);
    if (isWord) {
      words.push(entry);
    } else {
      const label = entry.toString('utf8');
      labelCounts[labels.length] = count;
      labels.push(label.startsWith(labelPrefix) ? label.slice(labelPrefix.length) : label);
    }
  }
  // -1: not pruned; 0: pruned down to words.
  let ngramRows: Map<number, number> | undefined;
  if (pruned >= 0) {
    ngramRows = new Map();
    for (let i = 0; i < pruned; i++) {
      const ngram = reader.int32();
      ngramRows.set(ngram, reader.int32());
    }
  }
  return { words, labels, labelCounts, ngramRows };
}
