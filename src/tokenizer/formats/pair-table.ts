/** A table from two numbers of 31 bits to a third: merges by the ids they join, a trie's edges by node and character. */
import { hashPair } from '../bpe-merges.ts';

/** What `get` gives for a pair without a value: larger than every value. */
export const NO_VALUE = 0x7fffffff;

export interface PairTable {
  set(left: number, right: number, value: number): void;
  get(left: number, right: number): number;
}

/** Open addressing; `expected` pairs fit without growing. */
export function createPairTable(expected: number): PairTable {
  let size = 1024;
  while (size < expected * 2) size *= 2;
  let slots = new Int32Array(size * 3).fill(-1);
  let used = 0;
  const find = (left: number, right: number): number => {
    let slot = (hashPair(left, right) & (size - 1)) * 3;
    while (slots[slot] >= 0 && (slots[slot] !== left || slots[slot + 1] !== right)) {
      slot += 3;
      if (slot === slots.length) slot = 0;
    }
    return slot;
  };
  const set = (left: number, right: number, value: number): void => {
    const slot = find(left, right);
    if (slots[slot] < 0) used++;
    slots[slot] = left;
    slots[slot + 1] = right;
    slots[slot + 2] = value;
    if (used * 2 > size) grow();
  };
  const grow = (): void => {
    const old = slots;
    size *= 2;
    used = 0;
    slots = new Int32Array(size * 3).fill(-1);
    for (let slot = 0; slot < old.length; slot += 3) {
      if (old[slot] >= 0) set(old[slot], old[slot + 1], old[slot + 2]);
    }
  };
  return {
    set,
    get(left, right) {
      const slot = find(left, right);
      return slots[slot] < 0 ? NO_VALUE : slots[slot + 2];
    },
  };
}
