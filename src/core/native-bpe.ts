/** What the add-on has for tokenizers: objects and tables that its functions make. */

/** See native/bpe_json.h, ModelTables. */
export interface NativeBpeTables {
  bytes: Uint8Array;
  starts: Uint32Array;
  lefts: Int32Array;
  rights: Int32Array;
  products: Int32Array;
  /** Three numbers a word: its id, where it begins and ends in the JSON. */
  outside: Uint32Array;
}

/** See src/tokenizer/id-writer-native.ts; negative numbers say why there are no ids. */
export interface NativeBpeEncoder {
  appendText(text: string, keepUnstable: boolean): number;
  appendColumn(
    bytes: Uint8Array,
    offsets: Int32Array,
    first: number,
    keepUnstable: 0 | 1,
    before: number,
    after: number,
    ends: Uint32Array,
  ): number;
  reason(): number;
  appendId(id: number): void;
  size(): number;
  clear(): void;
  take(out: Uint32Array | Uint16Array, at: number): void;
}

/** See src/tokenizer/bpe-merge-loop.ts. */
export interface NativeBpeMergeLoop {
  /** Makes up to `most` merges and writes them at their ranks; returns how many there are now. */
  advance(most: number, lefts: Int32Array, rights: Int32Array, pairCounts: Float64Array): number;
  symbolTotal(): number;
}
