/**
 * Applying merges to one piece: always the pair of lowest rank, leftmost first, until no pair merges. This is the
 * definition (HF `Word::merge_all`, tiktoken `byte_pair_merge`), so ids are exact for any merge list.
 *
 * Two algorithms with equal results. Short pieces: the ranks of neighbouring pairs in an array, scanned for the minimum
 * (quadratic, but over a few contiguous words). Long pieces: positions wait in one queue per rank and ranks in a heap;
 * as a merge only creates pairs of higher rank, every position is queued at most three times and the whole is linear
 * in the piece, which ten megabytes of one letter need. About 40 bytes of scratch per byte of the piece.
 */

import { type MergeTable, NO_MERGE, rankOf } from './bpe-merges.ts';
import { createCharTokens } from './char-tokens.ts';

/** From this many symbols on a piece goes through the queues; below it the scan is faster. */
const LONG_PIECE = 160;

export interface PieceMerger {
  /**
   * Merges the well-formed or any other bytes `bytes[start, end)` and writes the ids to `out` from `at`, returning the
   * new end. `out` must have room for end - start ids. Bytes without a token give `missingByte(byte)`.
   */
  merge(bytes: Uint8Array, start: number, end: number, out: Int32Array, at: number): number;
}

/** `tokens`: bytes by id; `byteIds`: id of each single byte, or -1. */
export function createPieceMerger(
  table: MergeTable,
  tokens: readonly (Uint8Array | undefined)[],
  byteIds: Int32Array,
  missingByte: (byte: number) => never,
): PieceMerger {
  const longMerge = table.monotone ? createLongMerge(table) : undefined;
  const characters = createCharTokens(table, tokens, byteIds);
  let ranks = new Int32Array(LONG_PIECE);

  /** The symbols that merging starts from: bytes, and characters where they are sure to be put together. */
  function startSymbols(bytes: Uint8Array, start: number, end: number, out: Int32Array, at: number): number {
    let i = start;
    while (i < end) {
      const lead = bytes[i];
      if (characters !== undefined && lead >= 0xc2 && lead < 0xf0) {
        const after = i + (lead < 0xe0 ? 2 : 3);
        if (after <= end) {
          const code =
            lead < 0xe0
              ? ((lead & 0x1f) << 6) | (bytes[i + 1] & 0x3f)
              : ((lead & 0x0f) << 12) | ((bytes[i + 1] & 0x3f) << 6) | (bytes[i + 2] & 0x3f);
          const id = characters.ids[code];
          const rank = characters.ranks[code];
          if (
            id >= 0 &&
            (i === start || rank < characters.borderRanks[(bytes[i - 1] << 8) | lead]) &&
            (after === end || rank < characters.borderRanks[(bytes[after - 1] << 8) | bytes[after]])
          ) {
            out[at++] = id;
            i = after;
            continue;
          }
        }
      }
      const id = byteIds[lead];
      if (id < 0) missingByte(lead);
      out[at++] = id;
      i++;
    }
    return at;
  }

  return {
    merge(bytes, start, end, out, at) {
      const length = startSymbols(bytes, start, end, out, at) - at;
      if (length >= LONG_PIECE && longMerge !== undefined) return longMerge(out, at, length);
      if (ranks.length < length) ranks = new Int32Array(length);
      return shortMerge(table, ranks, out, at, length);
    },
  };
}

/** Merges `out[at, at + length)` in place; `ranks[i]` is the rank of the pair (i, i + 1). */
function shortMerge(table: MergeTable, ranks: Int32Array, out: Int32Array, at: number, length: number): number {
  const { products } = table;
  let pairs = length - 1;
  for (let i = 0; i < pairs; i++) ranks[i] = rankOf(table, out[at + i], out[at + i + 1]);
  while (pairs > 0) {
    let best = NO_MERGE;
    let where = 0;
    for (let i = 0; i < pairs; i++) {
      const rank = ranks[i];
      if (rank < best) {
        best = rank;
        where = i;
      }
    }
    if (best === NO_MERGE) break;
    pairs--;
    const product = products[best];
    out[at + where] = product;
    for (let i = where + 1; i <= pairs; i++) out[at + i] = out[at + i + 1];
    for (let i = where + 1; i < pairs; i++) ranks[i] = ranks[i + 1];
    if (where < pairs) ranks[where] = rankOf(table, product, out[at + where + 1]);
    if (where > 0) ranks[where - 1] = rankOf(table, out[at + where - 1], product);
  }
  return at + pairs + 1;
}

type LongMerge = (out: Int32Array, at: number, length: number) => number;

/** See the head of the file; the starting symbols are in `out[at, at + length)`. */
function createLongMerge(table: MergeTable): LongMerge {
  const { products } = table;
  // Queue of positions per rank, as linked nodes; -1 is none.
  const head = new Int32Array(table.count).fill(-1);
  const tail = new Int32Array(table.count);
  const unordered = new Uint8Array(table.count);
  let nodePosition = new Int32Array(0);
  let nodeNext = new Int32Array(0);
  let freeNode = -1;
  let usedNodes = 0;
  // Ranks with a queue, as a binary heap.
  const heap = new Int32Array(table.count);
  let heapSize = 0;
  // Symbols as a linked list over positions; `pairRank` is the rank of the pair that starts at a position.
  let previous = new Int32Array(0);
  let next = new Int32Array(0);
  let pairRank = new Int32Array(0);

  function enqueue(rank: number, position: number): void {
    let node = freeNode;
    if (node >= 0) freeNode = nodeNext[node];
    else {
      if (usedNodes === nodePosition.length) growNodes();
      node = usedNodes++;
    }
    nodePosition[node] = position;
    nodeNext[node] = -1;
    if (head[rank] < 0) {
      head[rank] = node;
      pushRank(rank);
    } else {
      if (nodePosition[tail[rank]] > position) unordered[rank] = 1;
      nodeNext[tail[rank]] = node;
    }
    tail[rank] = node;
  }

  function growNodes(): void {
    const size = Math.max(1024, nodePosition.length + (nodePosition.length >> 1));
    nodePosition = grown(nodePosition, size);
    nodeNext = grown(nodeNext, size);
  }

  function pushRank(rank: number): void {
    let hole = heapSize++;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (heap[parent] <= rank) break;
      heap[hole] = heap[parent];
      hole = parent;
    }
    heap[hole] = rank;
  }

  function popRank(): number {
    const top = heap[0];
    const moved = heap[--heapSize];
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= heapSize) break;
      if (child + 1 < heapSize && heap[child + 1] < heap[child]) child++;
      if (heap[child] >= moved) break;
      heap[hole] = heap[child];
      hole = child;
    }
    heap[hole] = moved;
    return top;
  }

  /** A token made by two merges can queue positions in two sweeps; then the order must be restored. */
  function sortQueue(node: number): void {
    const positions: number[] = [];
    for (let n = node; n >= 0; n = nodeNext[n]) positions.push(nodePosition[n]);
    positions.sort((a, b) => a - b);
    for (let n = node, i = 0; n >= 0; n = nodeNext[n]) nodePosition[n] = positions[i++];
  }

  return (out, at, length) => {
    if (next.length < length) {
      previous = new Int32Array(length);
      next = new Int32Array(length);
      pairRank = new Int32Array(length);
    }
    usedNodes = 0;
    freeNode = -1;
    for (let i = 0; i < length; i++) {
      previous[i] = i - 1;
      next[i] = i + 1;
      const rank = i + 1 < length ? rankOf(table, out[at + i], out[at + i + 1]) : NO_MERGE;
      pairRank[i] = rank;
      if (rank !== NO_MERGE) enqueue(rank, i);
    }
    next[length - 1] = -1;
    while (heapSize > 0) {
      const rank = popRank();
      const product = products[rank];
      let node = head[rank];
      head[rank] = -1;
      if (unordered[rank] !== 0) {
        unordered[rank] = 0;
        sortQueue(node);
      }
      while (node >= 0) {
        const position = nodePosition[node];
        const following = nodeNext[node];
        nodeNext[node] = freeNode;
        freeNode = node;
        node = following;
        if (pairRank[position] !== rank) continue;
        const absorbed = next[position];
        const right = next[absorbed];
        out[at + position] = product;
        next[position] = right;
        pairRank[absorbed] = NO_MERGE;
        pairRank[position] = NO_MERGE;
        if (right >= 0) {
          previous[right] = position;
          const created = rankOf(table, product, out[at + right]);
          pairRank[position] = created;
          if (created !== NO_MERGE) enqueue(created, position);
        }
        const left = previous[position];
        if (left >= 0) {
          const created = rankOf(table, out[at + left], product);
          pairRank[left] = created;
          if (created !== NO_MERGE) enqueue(created, left);
        }
      }
    }
    let written = at;
    for (let i = 0; i >= 0; i = next[i]) out[written++] = out[at + i];
    if (length > MAX_KEPT_SCRATCH) {
      previous = next = pairRank = nodePosition = nodeNext = new Int32Array(0);
    }
    return written;
  };
}

/** Scratch for longer pieces is given back. */
const MAX_KEPT_SCRATCH = 1 << 18;

function grown(array: Int32Array<ArrayBuffer>, size: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(size);
  larger.set(array);
  return larger;
}
