/**
 * The merge table of a BPE model: (left id, right id) → rank, and rank → product id. A rank is the merge's place in the
 * file; lower ranks are applied first.
 *
 * Open addressing over flat Int32Arrays. Pairs of two ids below 256, the single bytes of nearly every vocabulary, have a
 * direct table; a filter of 16 bits per merge answers most lookups of pairs that do not merge, from a table that stays
 * in the second-level cache.
 */

/** Rank of a pair that no merge joins: larger than every rank. */
export const NO_MERGE = 0x7fffffff;

export interface MergeTable {
  readonly count: number;
  /** By rank: the two joined ids and what they become. */
  readonly lefts: Int32Array;
  readonly rights: Int32Array;
  readonly products: Int32Array;
  /** Slots of [left, right, rank]; left is -1 in an empty slot. */
  readonly slots: Int32Array;
  readonly mask: number;
  /** Bit `hash >>> filterShift` is set for every pair that merges. */
  readonly filter: Int32Array;
  readonly filterShift: number;
  /** `lowRanks[(left << 8) | right]` for ids below 256. */
  readonly lowRanks: Int32Array;
  /**
   * Every merge stands after all merges that make its parts, so a pair that a merge creates has a higher rank than that
   * merge. True of every trained vocabulary; what the linear algorithm for long pieces rests on.
   */
  readonly monotone: boolean;
}

export function createMergeTable(lefts: Int32Array, rights: Int32Array, products: Int32Array): MergeTable {
  const count = lefts.length;
  // Load at most 0.375: most lookups fail, and a failing one walks to the next gap.
  let size = 16;
  while (size * 0.375 < count) size *= 2;
  const mask = size - 1;
  const slots = new Int32Array(size * 3).fill(-1);
  for (let rank = 0; rank < count; rank++) {
    let slot = hashPair(lefts[rank], rights[rank]) & mask;
    while (slots[slot * 3] >= 0) {
      if (slots[slot * 3] === lefts[rank] && slots[slot * 3 + 1] === rights[rank]) break;
      slot = (slot + 1) & mask;
    }
    // A pair listed twice keeps its last rank, as in HF's hash map.
    slots[slot * 3] = lefts[rank];
    slots[slot * 3 + 1] = rights[rank];
    slots[slot * 3 + 2] = rank;
  }
  const lowRanks = new Int32Array(0x10000).fill(NO_MERGE);
  let filterBits = 10;
  while (2 ** filterBits < count * 16) filterBits++;
  const filter = new Int32Array(2 ** (filterBits - 5));
  const filterShift = 32 - filterBits;
  for (let rank = 0; rank < count; rank++) {
    if (lefts[rank] < 256 && rights[rank] < 256) lowRanks[(lefts[rank] << 8) | rights[rank]] = rank;
    const bit = hashPair(lefts[rank], rights[rank]) >>> filterShift;
    filter[bit >>> 5] |= 1 << (bit & 31);
  }
  const monotone = isMonotone(lefts, rights, products);
  return { count, lefts, rights, products, slots, mask, filter, filterShift, lowRanks, monotone };
}

/** Rank of the merge of two ids, or NO_MERGE. */
export function rankOf(table: MergeTable, left: number, right: number): number {
  if (left < 256 && right < 256) return table.lowRanks[(left << 8) | right];
  const hash = hashPair(left, right);
  const bit = hash >>> table.filterShift;
  if ((table.filter[bit >>> 5] & (1 << (bit & 31))) === 0) return NO_MERGE;
  const { slots, mask } = table;
  let slot = (hash & mask) * 3;
  for (;;) {
    const found = slots[slot];
    if (found === left && slots[slot + 1] === right) return slots[slot + 2];
    if (found < 0) return NO_MERGE;
    slot += 3;
    if (slot === slots.length) slot = 0;
  }
}

/** 32-bit hash of two ids. */
export function hashPair(left: number, right: number): number {
  let h = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca77);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  return h ^ (h >>> 13);
}

function isMonotone(lefts: Int32Array, rights: Int32Array, products: Int32Array): boolean {
  const lastMaker = new Map<number, number>();
  for (let rank = 0; rank < products.length; rank++) lastMaker.set(products[rank], rank);
  for (let rank = 0; rank < products.length; rank++) {
    if ((lastMaker.get(lefts[rank]) ?? -1) >= rank || (lastMaker.get(rights[rank]) ?? -1) >= rank) return false;
  }
  return true;
}
