/** What the native add-on does for n-gram language models. */

/** Kernels of n-gram language models; contracts are those of the twins in src/quality/ngram-lm. */
export interface NativeNgramLm {
  /** See encode.ts. */
  encode(
    bytes: Uint8Array,
    length: number,
    slots: Uint32Array,
    starts: Uint32Array,
    wordBytes: Uint8Array,
    wordCount: number,
    isOpen: 0 | 1,
    keepEmpty: 0 | 1,
    ids: Uint32Array,
    state: Uint32Array,
  ): number;
  /** See counts.ts; undefined: more than `most` n-grams. */
  count(
    ids: Uint32Array,
    length: number,
    wordCount: number,
    order: number,
    most: number,
  ): { words: Uint32Array; counts: Uint32Array; firstChild: Uint32Array }[] | undefined;
  /** See kneser-ney.ts for these three. */
  linkContexts(
    shorterFirstChild: Uint32Array,
    suffixContexts: Uint32Array,
    suffixWords: Uint32Array,
    firstChild: Uint32Array,
    words: Uint32Array,
    contexts: Uint32Array,
  ): void;
  sumContexts(
    counts: Uint32Array,
    contexts: Uint32Array,
    kept: Uint8Array | undefined,
    discounts: Float64Array,
    sums: Float64Array,
  ): void;
  interpolate(
    firstChild: Uint32Array,
    shorter: Float64Array,
    counts: Uint32Array,
    contexts: Uint32Array,
    discounts: Float64Array,
    sums: Float64Array,
    probabilities: Float64Array,
  ): void;
  /** See log10.ts. */
  quantize(values: Float64Array, units: Int32Array): void;
  /** See tables.ts. */
  insert(
    table: Uint32Array,
    width: number,
    suffixes: Uint32Array,
    seed: number,
    order: number,
    ids: Uint32Array,
    values: Float32Array,
    count: number,
    isClosed: Uint8Array,
  ): number;
  /** See score.ts. */
  score(
    order: number,
    seed: number,
    isClosed: 0 | 1,
    unigrams: Float32Array,
    tables: readonly Uint32Array[],
    ids: Uint32Array,
    length: number,
    scores: Float64Array,
  ): number;
}
