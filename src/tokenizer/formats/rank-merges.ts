/**
 * Merges out of ranks. A rank file lists tokens alone; encoding by it joins, of all neighbours whose bytes together are a
 * token, those of the lowest rank. A merge list says which two parts make each token. The two agree when each token's
 * own bytes, encoded by rank, come down to two parts: those are its merge.
 *
 * Why one pair is enough: as long as no merge has reached across the ends of a stretch of bytes, what happened within it
 * is what happens to these bytes alone. So wherever a token is put together from two parts, they are the two parts that
 * its bytes alone lead to. A token whose bytes alone get stuck in more parts is only ever met as a whole piece (Llama 3
 * has such), which encoding by rank looks up first.
 * Source: tiktoken `_byte_pair_merge`; transformers' TikTokenConverter lists every split instead, with the same ids.
 * Cost: bytes of all tokens times their length; neighbours are looked up by ids, which costs a fifth of joined strings.
 */
import { createPairTable, NO_VALUE, type PairTable } from './pair-table.ts';

/** Merges in the order of their products' ids, and how many tokens no merge leads to. */
export interface RankMerges {
  lefts: Int32Array;
  rights: Int32Array;
  products: Int32Array;
  /** Ids of tokens of several bytes that their own bytes do not lead to. */
  unreachable: number[];
}

/** `tokens`: bytes by rank; undefined where there is no token. Tokens of one byte need no merge. */
export function mergesOfRanks(tokens: readonly (Uint8Array | undefined)[]): RankMerges {
  const byteIds = new Int32Array(256).fill(-1);
  tokens.forEach((bytes, id) => {
    if (bytes?.length === 1) byteIds[bytes[0]] = id;
  });
  const lefts = new Int32Array(tokens.length);
  const rights = new Int32Array(tokens.length);
  const products = new Int32Array(tokens.length);
  const unreachable: number[] = [];
  const pairs = createPairTable(tokens.length);
  let ranks: ReadonlyMap<string, number> | undefined;
  let count = 0;
  let symbols = new Int32Array(256);
  let joined = new Int32Array(256);
  tokens.forEach((bytes, rank) => {
    if (bytes === undefined || bytes.length < 2) return;
    if (symbols.length < bytes.length) {
      symbols = new Int32Array(bytes.length * 2);
      joined = new Int32Array(bytes.length * 2);
    }
    let parts: { left: number; right: number } | undefined;
    if (mergeToPair(bytes, byteIds, pairs, symbols, joined)) parts = { left: symbols[0], right: symbols[1] };
    else {
      // A part may have a higher rank than the whole: rare, and not in the table yet.
      ranks ??= rankByWord(tokens);
      parts = lastParts(latin1(bytes), ranks);
    }
    if (parts === undefined) {
      unreachable.push(rank);
      return;
    }
    lefts[count] = parts.left;
    rights[count] = parts.right;
    products[count++] = rank;
    pairs.set(parts.left, parts.right, rank);
  });
  return {
    lefts: lefts.slice(0, count),
    rights: rights.slice(0, count),
    products: products.slice(0, count),
    unreachable,
  };
}

/**
 * Merges bytes by the pairs of lower ranks until two symbols are left in `symbols`; false when they get stuck in more.
 * `joined` is scratch: what each neighbouring pair becomes.
 */
function mergeToPair(
  bytes: Uint8Array,
  byteIds: Int32Array,
  pairs: PairTable,
  symbols: Int32Array,
  joined: Int32Array,
): boolean {
  let last = bytes.length - 1;
  for (let i = 0; i <= last; i++) {
    const id = byteIds[bytes[i]];
    if (id < 0) return false;
    symbols[i] = id;
  }
  for (let i = 0; i < last; i++) joined[i] = pairs.get(symbols[i], symbols[i + 1]);
  while (last > 1) {
    let best = 0;
    for (let i = 1; i < last; i++) if (joined[i] < joined[best]) best = i;
    if (joined[best] === NO_VALUE) return false;
    symbols[best] = joined[best];
    symbols.copyWithin(best + 1, best + 2, last + 1);
    joined.copyWithin(best, best + 1, last);
    last--;
    if (best < last) joined[best] = pairs.get(symbols[best], symbols[best + 1]);
    if (best > 0) joined[best - 1] = pairs.get(symbols[best - 1], symbols[best]);
  }
  return true;
}

function rankByWord(tokens: readonly (Uint8Array | undefined)[]): ReadonlyMap<string, number> {
  const ranks = new Map<string, number>();
  tokens.forEach((bytes, rank) => {
    if (bytes !== undefined) ranks.set(latin1(bytes), rank);
  });
  return ranks;
}

/** Bytes as a string of equal length. */
function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

/** The two parts that the bytes of a word come down to, or undefined when they get stuck in more. */
function lastParts(word: string, ranks: ReadonlyMap<string, number>): { left: number; right: number } | undefined {
  // Part i is word[starts[i], starts[i + 1]).
  const starts = Array.from({ length: word.length + 1 }, (_, i) => i);
  const rankOfPair = (i: number): number => ranks.get(word.slice(starts[i], starts[i + 2])) ?? Number.POSITIVE_INFINITY;
  const pairs = Array.from({ length: word.length - 1 }, (_, i) => rankOfPair(i));
  while (pairs.length > 1) {
    let best = 0;
    for (let i = 1; i < pairs.length; i++) if (pairs[i] < pairs[best]) best = i;
    if (pairs[best] === Number.POSITIVE_INFINITY) return undefined;
    starts.splice(best + 1, 1);
    pairs.splice(best, 1);
    if (best < pairs.length) pairs[best] = rankOfPair(best);
    if (best > 0) pairs[best - 1] = rankOfPair(best - 1);
  }
  const left = ranks.get(word.slice(0, starts[1]));
  const right = ranks.get(word.slice(starts[1]));
  return left === undefined || right === undefined ? undefined : { left, right };
}
