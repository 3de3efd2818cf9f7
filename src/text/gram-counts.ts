/**
 * Counting a text's word n-grams for n = 2, 3, 4 …, shared by those who measure repetition in three ways (n-grams.ts: Gopher and
 * datatrove; split-n-grams.ts: NeMo Curator; covering-n-grams.ts: DCLM).
 *
 * No n-gram is built as a string: 64-bit hashes grow by one word a step, in typed arrays that are reused. A repeated
 * n-gram's first n−1 words repeat too, so each step looks only where the last one found repetition, and a text that does
 * not repeat itself costs little more than its word pairs. Guarded by bench/filters.ts.
 */

/** Words' hashes, as words.ts and split-words.ts make them. */
export interface HashedWords {
  count: number;
  low: Int32Array;
  high: Int32Array;
}

export interface GramCounts {
  /** The first `alive` entries of `candidates`, in order: starts of n-grams that may repeat; at first every word. */
  alive: number;
  candidates: Uint32Array;
  /** By start: occurrences of the n-gram counted last, at its first one; 0 at the later ones. */
  times: Uint32Array;
  low: Int32Array;
  high: Int32Array;
  slots: Int32Array;
}

const MULTIPLIER_LOW = 0x9e3779b1;
const MULTIPLIER_HIGH = 0x85ebca77;
/** Longer scratch is given back by the next text that does not need it. */
const RETAINED_WORDS = 1 << 19;

export function createGramCounts(): GramCounts {
  return { alive: 0, ...arraysFor(0) };
}

/** Begins with a text's words, as 1-grams. */
export function startGrams(grams: GramCounts, { count, low, high }: HashedWords): void {
  const isTooLarge = grams.low.length > RETAINED_WORDS && count <= RETAINED_WORDS;
  if (grams.low.length < count || isTooLarge) {
    Object.assign(grams, arraysFor(Math.max(4096, 2 ** Math.ceil(Math.log2(count)))));
  }
  for (let i = 0; i < count; i++) grams.candidates[i] = i;
  grams.low.set(low.subarray(0, count));
  grams.high.set(high.subarray(0, count));
  grams.alive = count;
}

/**
 * Counts the n-grams, n being one more than in the call before (2 in the first). Candidates too near the end for n words are
 * given up. The caller then keeps those it wants counted for n + 1, if it goes on: see `keepRepeated`.
 */
export function countGrams(grams: GramCounts, words: HashedWords, n: number): void {
  const { candidates, low, high, times, slots } = grams;
  const wordLow = words.low;
  const wordHigh = words.high;
  const last = words.count - n;
  let alive = grams.alive;
  while (alive > 0 && candidates[alive - 1] > last) alive--;
  grams.alive = alive;
  const size = tableSize(alive);
  slots.fill(-1, 0, size);
  const mask = size - 1;
  for (let k = 0; k < alive; k++) {
    const i = candidates[k];
    const l = (Math.imul(low[i], MULTIPLIER_LOW) + wordLow[i + n - 1]) | 0;
    const h = (Math.imul(high[i], MULTIPLIER_HIGH) + wordHigh[i + n - 1]) | 0;
    low[i] = l;
    high[i] = h;
    times[i] = 1;
    let slot = (Math.imul(l ^ (h >>> 15), MULTIPLIER_LOW) >>> 7) & mask;
    let first = slots[slot];
    while (first !== -1 && (low[first] !== l || high[first] !== h)) {
      slot = (slot + 1) & mask;
      first = slots[slot];
    }
    if (first === -1) {
      slots[slot] = i;
    } else {
      // The first occurrence holds the count.
      times[i] = 0;
      times[first]++;
    }
  }
}

/** Leaves as candidates only the starts of n-grams that occur more than once. */
export function keepRepeated(grams: GramCounts): void {
  const { candidates, times, alive } = grams;
  let next = 0;
  for (let k = 0; k < alive; k++) {
    const i = candidates[k];
    if (times[i] !== 1) candidates[next++] = i;
  }
  grams.alive = next;
}

/** Slots of an open-addressed table that is at most half full. */
export function tableSize(entries: number): number {
  return 2 ** Math.max(4, Math.ceil(Math.log2(entries * 2)));
}

function arraysFor(words: number): Omit<GramCounts, 'alive'> {
  return {
    candidates: new Uint32Array(words),
    times: new Uint32Array(words),
    low: new Int32Array(words),
    high: new Int32Array(words),
    slots: new Int32Array(Math.max(16, words * 2)),
  };
}
