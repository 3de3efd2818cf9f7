/**
 * Max-heap of pairs by count, equal counts by a given total order, so what comes out never depends on insertion order.
 * Counts are copied when a pair is pushed: the owner compares the copy with the present count when it pops, and pushes
 * the pair again when it is stale.
 */
export interface PairHeap {
  readonly size: number;
  push(pair: number, count: number): void;
  /** Count that the top was pushed with; undefined behaviour when empty. */
  topCount(): number;
  /** Takes the top out. */
  pop(): number;
}

/** `before(a, b)`: whether pair a goes before pair b when their counts are equal. */
export function createPairHeap(before: (a: number, b: number) => boolean): PairHeap {
  let pairs = new Int32Array(1 << 14);
  let counts = new Float64Array(1 << 14);
  let size = 0;
  return {
    get size() {
      return size;
    },
    push(pair, count) {
      if (size === pairs.length) {
        const morePairs = new Int32Array(size * 2);
        morePairs.set(pairs);
        pairs = morePairs;
        const moreCounts = new Float64Array(size * 2);
        moreCounts.set(counts);
        counts = moreCounts;
      }
      let hole = size++;
      while (hole > 0) {
        const parent = (hole - 1) >> 1;
        if (counts[parent] > count || (counts[parent] === count && before(pairs[parent], pair))) break;
        pairs[hole] = pairs[parent];
        counts[hole] = counts[parent];
        hole = parent;
      }
      pairs[hole] = pair;
      counts[hole] = count;
    },
    topCount: () => counts[0],
    pop() {
      const top = pairs[0];
      const pair = pairs[--size];
      const count = counts[size];
      let hole = 0;
      for (;;) {
        let child = 2 * hole + 1;
        if (child >= size) break;
        const other = child + 1;
        if (
          other < size &&
          (counts[other] > counts[child] || (counts[other] === counts[child] && before(pairs[other], pairs[child])))
        ) {
          child = other;
        }
        if (count > counts[child] || (count === counts[child] && before(pair, pairs[child]))) break;
        pairs[hole] = pairs[child];
        counts[hole] = counts[child];
        hole = child;
      }
      pairs[hole] = pair;
      counts[hole] = count;
      return top;
    },
  };
}
