/** What the add-on has for texts as they lie in columns, and for single ones that lie as UTF-8. */

export interface NativeRowSigner {
  /**
   * Of the rows that `foldRows` read last, columns of features: two words of key for each band, and the number of shingles.
   * Returns the number of rows.
   */
  sign(words: Uint32Array, at: number, stride: number): number;
}

export interface NativeRows {
  /**
   * See src/text/folded-rows.ts. Fills the numbers of tokens and of UTF-16 units of rows [from, to); returns how many rows those
   * are, or -1 - i when the i-th has a unit or a pair without an entry.
   */
  foldRows(
    bytes: Uint8Array,
    offsets: Int32Array,
    from: number,
    to: number,
    tokens: Uint32Array,
    units: Uint32Array,
  ): number;
  /** See src/dedup/text-key.ts: the keys of rows [from, to) as four columns. */
  textKeyRows(
    bytes: Uint8Array,
    offsets: Int32Array,
    from: number,
    to: number,
    words: Uint32Array,
    at: number,
    stride: number,
  ): void;
  /** See src/dedup/loose-key.ts: the same, up to the row that it returns, which cannot be folded here. */
  looseKeyRows(
    bytes: Uint8Array,
    offsets: Int32Array,
    from: number,
    to: number,
    entries: Int32Array,
    expansions: Uint16Array,
    words: Uint32Array,
    at: number,
    stride: number,
  ): number;
  /** See src/pipeline/part-columns.ts. */
  sourceRun(bytes: Uint8Array, offsets: Int32Array, from: number, to: number, head: Uint32Array): number;
  /** See src/io/write-columns.ts. */
  writeRests(
    metas: Uint8Array,
    metaOffsets: Int32Array,
    from: number,
    to: number,
    idOffsets: Int32Array,
    textOffsets: Int32Array,
    head: Uint8Array,
    budget: number,
    out: Uint8Array,
    outOffsets: Int32Array,
    outRow: number,
  ): number;
  /** See src/io/parquet-text-column.ts. */
  writePlain(bytes: Uint8Array, offsets: Int32Array, from: number, to: number, out: Uint8Array): void;
  /** See src/dedup/pieces/observer.ts: rows up to `end`, of which the last cannot be read here where it is less than `to`. */
  textPieces(
    bytes: Uint8Array,
    offsets: Int32Array,
    from: number,
    to: number,
    areParagraphs: 0 | 1,
    span: number,
    minChars: number,
    entries: Int32Array,
    expansions: Uint16Array,
    charFlags: Uint8Array,
  ): [end: number, rowKeys: Uint32Array, keys: Uint32Array, places: Uint8Array];
  /** See src/filters/normalize.ts; of the well-formed UTF-8 `bytes[start, end)`. */
  isNormalText(bytes: Uint8Array, start: number, end: number): boolean;
  /** See src/dedup/minhash/signers.ts. */
  RowSigner: new (
    shingleTokens: number,
    multipliers: Uint32Array,
    increments: Uint32Array,
    rowsPerBand: number,
  ) => NativeRowSigner;
}
