/** What an index is made of, whether it comes from features of this run or from an index that is copied into a merged one. */

import type { FeatureReader } from '../../core/feature-reader.ts';
import type { BarrierContext } from '../../core/stage.ts';
import { readAppendix } from './appendix.ts';

/** Some consecutive documents. */
export interface IndexRows {
  idLengths: Uint32Array;
  ids: Uint8Array;
  /** Index into the content's `sources`. */
  sources: Uint32Array;
  /** In words. */
  sketchLengths: Uint32Array;
  sketches: Uint32Array;
}

export interface IndexContent {
  documents: number;
  sources: readonly string[];
  /** Key `key` of every document, `keyWords` words each, in stretches; an array is good until the next. */
  keys(key: number): AsyncIterable<Uint32Array>;
  /** All documents, in the same order, in stretches. */
  rows(): AsyncIterable<IndexRows>;
}

/** Which documents of a run go into its index. */
export interface Indexed {
  /** As in `BarrierResult`. */
  keptAs: Uint32Array;
  /** Rows that have a key and are alive; undefined: all. */
  rows: Uint32Array | undefined;
  which: 'kept' | 'all';
}

/** The documents of this run, out of their features: `keyWords` columns for each key from column 0 on. */
export function contentOfRun(
  reader: FeatureReader,
  context: BarrierContext,
  { keptAs, rows, which }: Indexed,
  keyWords: number,
): IndexContent {
  const isIndexed = (ordinal: number): boolean => {
    if (rows !== undefined && ((rows[ordinal >>> 5] >>> (ordinal & 31)) & 1) === 0) return false;
    return which === 'all' || keptAs[ordinal] === ordinal;
  };
  let documents = 0;
  for (let ordinal = 0; ordinal < keptAs.length; ordinal++) if (isIndexed(ordinal)) documents++;
  return {
    documents,
    sources: context.inputs,
    async *keys(key) {
      for (const part of reader.parts) {
        if (part.rows === 0) continue;
        const columns = await reader.columns(part, key * keyWords, keyWords);
        const keys = new Uint32Array(part.rows * keyWords);
        let used = 0;
        for (let row = 0; row < part.rows; row++) {
          if (!isIndexed(part.firstOrdinal + row)) continue;
          for (let word = 0; word < keyWords; word++) keys[used++] = columns[word][row];
        }
        if (used > 0) yield keys.subarray(0, used);
      }
    },
    async *rows() {
      for (const part of reader.parts) {
        const chosen: number[] = [];
        for (let row = 0; row < part.rows; row++) if (isIndexed(part.firstOrdinal + row)) chosen.push(row);
        if (chosen.length === 0) continue;
        context.signal.throwIfAborted();
        const [appendix, info] = await Promise.all([readAppendix(part), part.rowInfo()]);
        const ids = chosen.map((row) => appendix.id(row));
        const sketches = chosen.map((row) => appendix.sketch(row));
        yield {
          idLengths: Uint32Array.from(ids, ({ length }) => length),
          ids: Buffer.concat(ids),
          sources: Uint32Array.from(chosen, (row) => info[2 * row + 1]),
          sketchLengths: Uint32Array.from(sketches, ({ length }) => length),
          sketches: concatenated(sketches),
        };
      }
    },
  };
}

function concatenated(arrays: readonly Uint32Array[]): Uint32Array {
  const whole = new Uint32Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const array of arrays) {
    whole.set(array, at);
    at += array.length;
  }
  return whole;
}
