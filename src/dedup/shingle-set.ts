/**
 * Sets of shingle hashes and what two of them have in common. One set at a time is "open", as a hash table that is reused
 * from document to document; others are plain arrays of distinct values that are probed against it.
 */
export interface ShingleSet {
  /** Number of distinct values in the open set. */
  readonly size: number;
  /** Makes the first `count` entries of `hashes` the open set. */
  open(hashes: Uint32Array, count: number): void;
  /** A copy of the open set's distinct values. */
  values(): Uint32Array;
  /** |A ∩ B| of the open set and `values`, which are distinct. */
  shared(values: Uint32Array): number;
  /** |A ∩ B| / |A ∪ B| of the open set and `values`; 0 when both are empty. */
  jaccard(values: Uint32Array): number;
}

export function createShingleSet(): ShingleSet {
  // A slot is in use when its stamp is the current generation, so that nothing need be cleared between documents.
  let slots = new Uint32Array(1 << 12);
  let stamps = new Uint32Array(1 << 12);
  let distinct = new Uint32Array(1 << 11);
  let generation = 0;
  let size = 0;

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
    open(hashes, count) {
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
    },
    values: () => distinct.slice(0, size),
    shared,
    jaccard(values) {
      const common = shared(values);
      const together = values.length + size - common;
      return together === 0 ? 0 : common / together;
    },
  };
}
