/** The merger of a vocabulary's pieces: what encoding without the add-on and going on from a vocabulary both begin with. */
import { createPieceMerger, type PieceMerger } from './bpe-merge-piece.ts';
import { createMergeTable } from './bpe-merges.ts';
import { flatTokensOf } from './flat-tokens.ts';
import type { BpeTables } from './hf-json.ts';

/** The id of each byte that is a token by itself and not an added one; -1: there is none. */
export function byteIdsOf(tables: BpeTables): Int32Array {
  const byteIds = new Int32Array(256).fill(-1);
  const added = new Set(tables.added.map((token) => token.id));
  const { bytes, starts } = flatTokensOf(tables);
  for (let id = 0; id + 1 < starts.length; id++) {
    if (starts[id + 1] - starts[id] === 1 && !added.has(id)) byteIds[bytes[starts[id]]] = id;
  }
  return byteIds;
}

/**
 * Merges pieces by the vocabulary's merges, with the whole-piece rule of Llama 3 where the vocabulary asks for it. A byte
 * without a token gives `missingByte(byte)`.
 */
export function createVocabularyMerger(tables: BpeTables, missingByte: (byte: number) => never): PieceMerger {
  const table = createMergeTable(tables.lefts, tables.rights, tables.products);
  const merger = createPieceMerger(table, tables.tokens, byteIdsOf(tables), missingByte);
  if (!tables.ignoreMerges) return merger;
  const added = new Set(tables.added.map((token) => token.id));
  const whole = new Map<string, number>();
  tables.tokens.forEach((token, id) => {
    if (token !== undefined && !added.has(id)) whole.set(latin1(token, 0, token.length), id);
  });
  return {
    merge(bytes, start, end, out, at) {
      const id = whole.get(latin1(bytes, start, end));
      if (id === undefined) return merger.merge(bytes, start, end, out, at);
      out[at] = id;
      return at + 1;
    },
  };
}

/** Bytes as a string of equal length, for use as a key. */
function latin1(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i]);
  return text;
}
