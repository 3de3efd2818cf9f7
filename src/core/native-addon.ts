/** What the native add-on exports, as TypeScript sees it: `native/*_binding.cc` are the other side. */
import type { NativeBpeEncoder, NativeBpeMergeLoop, NativeBpeTables } from './native-bpe.ts';
import type { NativeNgramLm } from './native-ngram-lm.ts';
import type { NativeRows } from './native-rows.ts';
import type { NativeShards } from './native-shards.ts';
import type { NativeAttentionArguments, NativeMatmul, NativeTensorBackend } from './native-tensor.ts';

export interface NativeTextSigner {
  /** Writes the signature of the text that `foldText` or `foldUtf8` read last, and returns its number of shingles. */
  sign(signature: Uint32Array): number;
}

export interface NativeJsonlReader {
  /**
   * Reads lines from `progress[0]` on behind row `progress[1]` of the columns, and leaves there how far it came; adds to
   * `progress[2]` the ids that were numbers. Returns 0 at the end, 1 at a line that is left unread, 2 where a column has too
   * little room for the next row.
   */
  read(
    bytes: Uint8Array,
    offset: number,
    ids: Uint8Array,
    idOffsets: Int32Array,
    texts: Uint8Array,
    textOffsets: Int32Array,
    metas: Uint8Array,
    metaOffsets: Int32Array,
    progress: Uint32Array,
  ): number;
}

export interface NativeOpenSet {
  /** All three return numbers of distinct values: those of the set, and those that it has in common with others. */
  open(hashes: Uint32Array, count: number): number;
  /** Of the shingles of the text that `foldText` or `foldUtf8` read last. */
  openText(shingleTokens: number): number;
  shared(values: Uint32Array): number;
  /** Writes them from `at` on, in order of first occurrence. */
  values(out: Uint32Array, at: number): void;
}

/** See src/dedup/pair-sweep-native.ts. Pairs are words, (minor, major) each; a group is known by its place. */
export interface NativePairSweep {
  begin(): void;
  /** All pairs of a group, before the first part; then again, before a part is visited, those whose majors lie in it. */
  note(group: number, pairs: Uint32Array): void;
  give(group: number, pairs: Uint32Array): void;
  need(first: number, rows: number): 0 | 1 | 2;
  /** The row to go on with: `rows` at the end, else one with characters that nobody told of. */
  visit(first: number, rows: number, row: number, bytes: Uint8Array, offsets: Int32Array): number;
  /** What was found since; 0 waiting, 1 failures, 2 fragments. */
  take(kind: 0 | 1 | 2, group: number): Uint32Array | undefined;
  /** See `PairSweep.regroup` for both. */
  beginRegrouping(): void;
  regroup(failures: Uint32Array): Uint32Array | undefined;
  /** Compared, rejected, bins of what was accepted and of what was rejected. */
  counts(out: Float64Array): void;
}

export interface NativeFastTextVectorizer {
  /** Writes the mean of the text's rows of `input` and returns their number: see src/quality/fasttext/text-vector.ts. */
  read(text: string, endOfText: boolean, input: Float32Array, hidden: Float64Array): number;
}

/** See src/quality/fasttext/training-texts.ts. */
export interface NativeFastTextTexts {
  add(text: string): void;
  size(): { types: number; typeBytes: number; texts: number; tokens: number };
  readTypes(bytes: Uint8Array, starts: Float64Array, counts: Float64Array): void;
  readLengths(lengths: Uint32Array): void;
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

/** Rows [from, to) of a column of texts, and where to write those that are not counted: see `NativePieceTable.countRows`. */
export type RowsToCount = [
  pattern: number,
  bytes: Uint8Array,
  offsets: Int32Array,
  from: number,
  to: number,
  mostBytes: number,
  areNfc: 0 | 1,
  left: Uint32Array,
];

/** See src/tokenizer/piece-counts.ts. `pattern` is its place in NATIVE_PATTERNS of src/tokenizer/native-bpe.ts. */
export interface NativePieceTable {
  /** Number of pieces longer than `mostBytes`; -1: NFC may change the text (asked when `isNfc` is 0), nothing was counted. */
  countText(pattern: number, bytes: Uint8Array, length: number, mostBytes: number, isNfc: 0 | 1): number;
  /**
   * Counts texts. Unless they are NFC, those that normalization may change are not counted, and written to `left`, each as its
   * distance from row `from`. Gives the number of pieces longer than `mostBytes`, and of these.
   */
  countRows(...rows: RowsToCount): [cut: number, left: number];
  /**
   * The same on a thread of the pool, one batch after another: until it is done `bytes` and `left` must stay, and nothing but
   * further batches be asked of the table. Gives the table's size besides.
   */
  countBatch(...rows: RowsToCount): Promise<[cut: number, left: number, size: number]>;
  countPieces(
    bytes: Uint8Array,
    start: number,
    ends: Uint32Array,
    count: number,
    times: number,
    mostBytes: number,
  ): number;
  size(): number;
  pieceBytes(): number;
  serialize(): Uint8Array;
  drop(most: number): void;
  counts(counts: Float64Array): void;
}

/** See src/dedup/key-matcher.ts: `KeyMatcher` and `KeyBlock` there say what these do. */
export interface NativeKeyMatcher {
  /** Looks at the first of the columns alone. */
  count(
    columns: readonly Uint32Array[],
    rows: Uint32Array | undefined,
    firstId: number,
    shift: number,
    sizes: Uint32Array,
  ): void;
  begin(sizes: Uint32Array, from: number, to: number, shift: number): void;
  /** False: there are more records than `begin` was told of. */
  add(columns: readonly Uint32Array[], rows: Uint32Array | undefined, firstId: number): boolean;
  /** Whether there are as many. */
  isFilled(): boolean;
  /**
   * Writes whole groups, each how many and then their ids (form 0), or pairs of a first id and another (1), and returns the
   * number of words; 0: there are no more; below 0: so many the next group needs.
   */
  match(form: 0 | 1, out: Uint32Array): number;
  free(): void;
}

/** The functions that `native/addon.cc` exports. */
export interface NativeAddon extends NativeShards, NativeRows {
  /** See src/tensor/native-attention.ts for these three. */
  attentionForward(...args: NativeAttentionArguments): void;
  attentionBackward(...args: NativeAttentionArguments): void;
  /** Instruction sets that this processor can run, slowest first. */
  attentionLevels(): string[];
  /** out[i] = f(x[i]); functions: exp, 2^x for x <= 0, log, sigmoid, tanh. */
  vectorMath(level: number, functionIndex: 0 | 1 | 2 | 3 | 4, x: Float32Array, out: Float32Array): void;
  PieceTable: {
    new (): NativePieceTable;
    /** Adds to each table its partitions, on a thread for each; false: one of them is no partition. */
    addPartitions(tables: readonly NativePieceTable[], partitions: readonly (readonly Uint8Array[])[]): boolean;
    /** Leaves each piece in one of the tables alone, with its whole count, on a thread for each. */
    gather(tables: readonly NativePieceTable[]): void;
    /** Copies the pieces of all: bytes, where each begins among them, counts. */
    read(tables: readonly NativePieceTable[], arena: Uint8Array, starts: Uint32Array, counts: Float64Array): void;
  };
  /** `symbols`: bytes, which `symbolOfByte` numbers, or symbols. `tie`: 0 is hf, 1 bytes. */
  BpeMergeLoop: new (
    symbols: Uint8Array | Int32Array,
    symbolOfByte: Int32Array,
    starts: Uint32Array,
    counts: Float64Array,
    firstNew: number,
    maxMerges: number,
    minFrequency: number,
    tie: 0 | 1,
    tokenBytes: Uint8Array,
    tokenStarts: Float64Array,
    threads: number,
  ) => NativeBpeMergeLoop;
  /** See src/dedup/minhash-kernel.ts for the contract. `path` indexes `minhashPaths()`, the fastest by default. */
  minhashSignature(
    hashes: Uint32Array,
    count: number,
    multipliers: Uint32Array,
    increments: Uint32Array,
    signature: Uint32Array,
    path?: number,
  ): void;
  /** See src/text/word-break.ts: the number of words, −1 when `starts` is full, −2 when only the twin can do this text. */
  breakWords(units: Uint16Array, length: number, classes: Uint8Array, starts: Uint32Array, ends: Uint32Array): number;
  matmul: NativeMatmul;
  /** `words` of a key. */
  KeyMatcher: new (
    words: 2 | 4,
  ) => NativeKeyMatcher;
  /** See src/dedup/pair-set.ts: sorts the first `count` pairs and gives how many different ones now stand first. */
  sortPairs(words: Uint32Array, count: number): number;
  /** See src/dedup/union-find.ts: joins the sets of both members of each pair. */
  unionPairs(parents: Uint32Array, pairs: Uint32Array): void;
  /** See src/dedup/component-groups.ts: pairs, group after group, go to `out`, as many as there are `sizes`. */
  dividePairs(parents: Uint32Array, pairs: Uint32Array, out: Uint32Array, sizes: Uint32Array): void;
  /** See src/core/large-pages.ts; gives the first byte of the first whole page. */
  largePages(memory: Uint8Array): number;
  /** See src/io/atomic.ts, `AtomicOptions`. */
  dropFromCache(file: number, position: number, bytes: number): void;
  /** See src/io/atomic.ts; undefined when it is done. Absent on Windows. */
  writeWholeFiles?(
    names: readonly string[],
    pieces: readonly Uint8Array[],
    counts: Uint32Array,
  ): Promise<undefined | [file: number, call: string, errno: number]>;
  ngramLm: NativeNgramLm;
  /** See src/text/words.ts; `totals` gets properWords, properChars, alphaWords. False: only the twin can do this text. */
  readWords(
    units: Uint16Array,
    starts: Uint32Array,
    ends: Uint32Array,
    count: number,
    charFlags: Uint8Array,
    hasSurrogates: 0 | 1,
    flags: Uint8Array,
    low: Int32Array,
    high: Int32Array,
    unitsBefore: Uint32Array,
    charsBefore: Uint32Array,
    lowBefore: Int32Array,
    highBefore: Int32Array,
    stream: Uint16Array,
    totals: Uint32Array,
  ): boolean;
  /** See src/shards/loader/read-ranges.ts; absent where file numbers are not the system's (Windows). */
  readRanges?(
    ranges: Float64Array,
    bytes: number,
  ): Promise<ArrayBuffer | [range: number, filled: number, errno: number]>;
  readRangesInto?(ranges: Float64Array, into: Uint8Array): [range: number, filled: number, errno: number] | undefined;
  /** See src/shards/piece-columns.ts for both: a page of a Parquet column, compressed; `facts` says what is on it. */
  parquetNumbers(values: Int32Array, facts: Float64Array): Uint8Array<ArrayBuffer>;
  parquetStrings(
    bytes: Uint8Array,
    starts: Float64Array,
    ends: Float64Array,
    first: number,
    last: number,
    pageBytes: number,
    facts: Float64Array,
  ): Uint8Array<ArrayBuffer>;
  /** See src/dedup/substring/suffix-array.ts for the contract of both. */
  suffixArray(text: Int32Array, alphabetSize: number, order: Int32Array): void;
  sharedPrefixes(text: Int32Array, order: Int32Array, shared: Int32Array): void;
  /** See src/dedup/minhash/mersenne.ts: windows of words in `bytes`; `hashFunction` 0 is xxHash, 1 SHA-1. */
  minhash61(
    bytes: Uint8Array,
    length: number,
    window: number,
    hashFunction: 0 | 1,
    bits: 32 | 64,
    multipliers: BigUint64Array,
    increments: BigUint64Array,
    signature: BigUint64Array,
  ): number;
  /** See src/io/jsonl-texts.ts. */
  readJsonlTexts(
    bytes: Uint8Array,
    start: number,
    field: Uint8Array,
    texts: Uint8Array,
    textStart: number,
    rows: Uint32Array,
  ): number;
  /** See src/io/jsonl-columns.ts. `idField` is empty where there is none; `keepsAll` is 0 or 1. */
  JsonlReader: new (
    textField: Uint8Array,
    idField: Uint8Array,
    head: Uint8Array,
    idHead: Uint8Array,
    keepsAll: number,
    fields: Uint8Array,
    mostBytes: number,
  ) => NativeJsonlReader;
  /** See src/text/folded-tokens.ts for these five: the tables of every thread, and the text that this one read last. */
  foldUnits(first: number, entries: Int32Array): void;
  foldPair(codePoint: number, entry: number): void;
  /** The number of tokens, or -1 - i when unit i, or the pair there, has no entry yet. */
  foldText(text: string): number;
  /** The same of the UTF-8 bytes [start, end); i counts UTF-16 units. */
  foldUtf8(bytes: Uint8Array, start: number, end: number): number;
  foldedTokens(tokens: Int32Array): void;
  /** Shingle hashes of the text that `foldText` or `foldUtf8` read last: see src/dedup/shingles.ts. */
  shingleText(size: number, hashes: Uint32Array): number;
  /** See src/dedup/text-key.ts. */
  textKey(text: string, row: Uint32Array): void;
  textKeyUtf8(bytes: Uint8Array, start: number, end: number, row: Uint32Array): void;
  /** See src/dedup/minhash/signers.ts. */
  TextSigner: new (
    shingleTokens: number,
    multipliers: Uint32Array,
    increments: Uint32Array,
  ) => NativeTextSigner;
  /** See src/dedup/lsh.ts: as many bands as the signature has whole ones. */
  bandKeys(signature: Uint32Array, rows: number, keys: Uint32Array): void;
  /** See src/dedup/shingle-set.ts. */
  OpenSet: new () => NativeOpenSet;
  PairSweep: new (
    rule: Float64Array,
    groups: number,
    maxHeldValues: number,
    maxKeptValues: number,
    parents: Uint32Array,
    sizes: Uint32Array,
  ) => NativePairSweep;
  /** The instruction sets that this processor can run, slowest first. */
  minhashPaths(): string[];
  /** `settings`: dim, minn, maxn, wordNgrams, bucket, kind of n-gram rows: see src/quality/fasttext/text-vector.ts. */
  FastTextVectorizer: new (
    wordBytes: Uint8Array,
    wordStarts: Float64Array,
    settings: Int32Array,
    bits: Int32Array,
  ) => NativeFastTextVectorizer;
  FastTextTexts: new () => NativeFastTextTexts;
  /** See src/quality/fasttext/gradient-descent.ts; `loss` as model files number it. */
  fastTextDescend(
    entries: Uint32Array,
    starts: Float64Array,
    targets: Int32Array,
    sizes: Uint32Array,
    unitStarts: Float64Array,
    unitRows: Int32Array,
    words: number,
    dim: number,
    loss: number,
    lr: number,
    epochs: number,
    lrUpdateRate: number,
    neg: number,
    seed: number,
    shuffle: boolean,
    pathStarts: Float64Array,
    pathNodes: Int32Array,
    pathFromRight: Uint8Array,
    thresholds: Float64Array,
    sigmoid: Float32Array,
    logarithm: Float64Array,
    input: Float32Array,
    rows: number,
    filledRows: number,
    output: Float32Array,
    losses: Float64Array,
  ): void;
  /** See src/quality/fasttext/product-quantizer.ts. */
  fastTextNearest(points: Float32Array, width: number, centroids: Float32Array, codes: Uint8Array): void;
  /** See src/tensor/native/backend.ts; `tensorLevel` is the instruction set that the tensor kernels run with. */
  TensorBackend: new (
    threads: number,
  ) => NativeTensorBackend;
  tensorOperations(): {
    name: string;
    inputs: string[];
    outputs: string[];
    attributes: string[];
    inPlace: [number, number][];
    mutates: number[];
    variadic: number;
  }[];
  tensorLevel(): string;
  /** See src/tokenizer/native-bpe.ts for these three: character classes for every thread, an encoder and a scanner. */
  unicodeClasses(classes: Uint8Array): void;
  /** See src/tokenizer/hf-file.ts. */
  bpeJsonPlaces(bytes: Uint8Array, places: Uint32Array): boolean;
  readBpeJson(bytes: Uint8Array, places: Uint32Array): NativeBpeTables | undefined;
  BpeEncoder: new (
    lefts: Int32Array,
    rights: Int32Array,
    products: Int32Array,
    tokenBytes: Uint8Array,
    tokenStarts: Uint32Array,
    byteIds: Int32Array,
    wholes: Uint8Array | undefined,
    pattern: number,
  ) => NativeBpeEncoder;
  scanPieces(pattern: number, bytes: Uint8Array, start: number, end: number, ends: Uint32Array): number;
}
