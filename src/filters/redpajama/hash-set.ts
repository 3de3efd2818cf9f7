/**
 * A set of words by the 64-bit hashes that words.ts gives them: look-ups without making strings. A few hundred stop words; the
 * URL filter's set (url/hash-set.ts) is another thing: millions of hosts, hashed from the end so that suffixes are met.
 */

export interface HashSet {
  low: Int32Array;
  high: Int32Array;
  /** 1 where a slot is taken. */
  taken: Uint8Array;
}

export function createHashSet(hashes: readonly { low: number; high: number }[]): HashSet {
  const size = 2 ** Math.ceil(Math.log2(hashes.length * 4 + 16));
  const set = { low: new Int32Array(size), high: new Int32Array(size), taken: new Uint8Array(size) };
  for (const { low, high } of hashes) {
    let slot = slotOf(low, size - 1);
    while (set.taken[slot] === 1) slot = (slot + 1) & (size - 1);
    set.low[slot] = low;
    set.high[slot] = high;
    set.taken[slot] = 1;
  }
  return set;
}

export function hasHash(set: HashSet, low: number, high: number): boolean {
  const mask = set.taken.length - 1;
  for (let slot = slotOf(low, mask); set.taken[slot] === 1; slot = (slot + 1) & mask) {
    if (set.low[slot] === low && set.high[slot] === high) return true;
  }
  return false;
}

function slotOf(low: number, mask: number): number {
  return (Math.imul(low, 0x9e3779b1) >>> 12) & mask;
}
