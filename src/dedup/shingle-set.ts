/**
 * Sets of shingle hashes and what two of them have in common. One set at a time is "open", as a hash table that is reused
 * from document to document; others are plain arrays of distinct values that are probed against it.
 */

import { native } from '../core/native.ts';
import type { NativeOpenSet } from '../core/native-addon.ts';
import { readTokens } from '../text/folded-tokens.ts';
import { createShingler } from './shingles.ts';

export interface ShingleSet {
  /** Number of distinct values in the open set. */
  readonly size: number;
  /** Makes the first `count` entries of `hashes` the open set. */
  open(hashes: Uint32Array, count: number): void;
  /** Makes the shingles of a text the open set. */
  openText(text: string): void;
  /** A copy of the open set's distinct values. */
  values(): Uint32Array;
  /** Writes them to `target` from `at` on. */
  write(target: Uint32Array, at: number): void;
  /** |A ∩ B| of the open set and `values`, which are distinct. */
  shared(values: Uint32Array): number;
  /** |A ∩ B| / |A ∪ B| of the open set and `values`; 0 when both are empty. */
  jaccard(values: Uint32Array): number;
}

/** `shingleTokens`: tokens per shingle, for `openText`. */
export function createShingleSet(shingleTokens = 1): ShingleSet {
  return native === undefined
    ? createShingleSetTwin(shingleTokens)
    : createNativeSet(new native.OpenSet(), shingleTokens);
}

function createNativeSet(set: NativeOpenSet, shingleTokens: number): ShingleSet {
  let size = 0;
  const shared = (values: Uint32Array): number => set.shared(values);
  return {
    get size() {
      return size;
    },
    open(hashes, count) {
      size = set.open(hashes, count);
    },
    openText(text) {
      readTokens(text);
      size = set.openText(shingleTokens);
    },
    values() {
      const values = new Uint32Array(size);
      set.values(values, 0);
      return values;
    },
    write: (target, at) => set.values(target, at),
    shared,
    jaccard: (values) => jaccardOf(shared(values), values.length + size),
  };
}

/** |A ∩ B| / |A ∪ B| of sets with `common` values in common and `total` together, 0 when both are empty. */
function jaccardOf(common: number, total: number): number {
  return total === 0 ? 0 : common / (total - common);
}

/** The native kernel's twin. */
export function createShingleSetTwin(shingleTokens = 1): ShingleSet {
  // A slot is in use when its stamp is the current generation, so that nothing need be cleared between documents.
  let slots = new Uint32Array(1 << 12);
  let stamps = new Uint32Array(1 << 12);
  let distinct = new Uint32Array(1 << 11);
  let generation = 1;
  let size = 0;
  const shingler = createShingler(shingleTokens);

  function open(hashes: Uint32Array, count: number): void {
    if (count > distinct.length || generation === 0xffffffff) {
      const capacity = Math.max(distinct.length, 2 ** Math.ceil(Math.log2(count)));
      slots = new Uint32Array(2 * capacity);
      stamps = new Uint32Array(2 * capacity);
      distinct = new Uint32Array(capacity);
      generation = 0;
    }
    generation++;
    size = 0;
    const mask = slots.length - 1;
    for (let i = 0; i < count; i++) {
      const hash = hashes[i];
      let slot = hash & mask;
      while (stamps[slot] === generation && slots[slot] !== hash) slot = (slot + 1) & mask;
      if (stamps[slot] === generation) continue;
      stamps[slot] = generation;
      slots[slot] = hash;
      distinct[size++] = hash;
    }
  }
  function shared(values: Uint32Array): number {
    const mask = slots.length - 1;
    let found = 0;
    for (let i = 0; i < values.length; i++) {
      const hash = values[i];
      let slot = hash & mask;
      while (stamps[slot] === generation && slots[slot] !== hash) slot = (slot + 1) & mask;
      if (stamps[slot] === generation) found++;
    }
    return found;
  }
  return {
    get size() {
      return size;
    },
    open,
    openText(text) {
      const count = shingler.shingle(text);
      open(shingler.hashes, count);
    },
    values: () => distinct.slice(0, size),
    write: (target, at) => target.set(distinct.subarray(0, size), at),
    shared,
    jaccard: (values) => jaccardOf(shared(values), values.length + size),
  };
}
