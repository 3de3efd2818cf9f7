/**
 * Counting equal keys: n-grams, words or sentences of one text, each known by a 64-bit hash in two halves.
 *
 * An open-addressed table over typed arrays, reused from text to text; two unequal keys of one text share all 64 bits
 * with a chance of about 2⁻⁶⁰ a pair. Most keys of real text occur once, so `countKeys` first throws each key at an array of
 * small counters and puts only those into the table whose counter says "perhaps twice": about 3 ns for a key that occurs once.
 */

/** Keys of one text. `low` and `high` hold the halves of key i; filled by whoever makes keys. */
export interface Keys {
  low: Int32Array;
  high: Int32Array;
  count: number;
}

export interface KeyCounts {
  /** Keys in all, and different ones. */
  total: number;
  distinct: number;
  /** Keys that occur more than once: how many different ones, and all their occurrences. */
  repeatedDistinct: number;
  repeated: number;
  /** Occurrences of key i, at the position of its first; 0 at the later ones. */
  times: Uint32Array;
  /** Position of the first key that equals key i. */
  first: Uint32Array;
}

export function createKeys(): Keys {
  return { low: new Int32Array(4096), high: new Int32Array(4096), count: 0 };
}

/** Longer arrays are given back by the next text that does not need them. */
const RETAINED = 1 << 20;

/** Makes room for `count` keys; what was in the arrays is lost. */
export function reserveKeys(keys: Keys, count: number): void {
  if (keys.low.length >= count && (keys.low.length <= RETAINED || count > RETAINED)) return;
  const capacity = 2 ** Math.ceil(Math.log2(Math.max(4096, count)));
  keys.low = new Int32Array(capacity);
  keys.high = new Int32Array(capacity);
}

// Scratch shared by all calls: valid until the next one.
let times = new Uint32Array(4096);
let first = new Uint32Array(4096);
let slots = new Int32Array(8192);
let seen = new Uint8Array(32768);
const result: KeyCounts = { total: 0, distinct: 0, repeatedDistinct: 0, repeated: 0, times, first };

/** Counts the keys. The result is valid until the next call. */
export function countKeys({ low, high, count }: Keys): KeyCounts {
  reserve(count);
  const size = 2 ** Math.max(4, Math.ceil(Math.log2(count * 4 + 1)));
  const seenMask = size - 1;
  seen.fill(0, 0, size);
  for (let i = 0; i < count; i++) {
    const slot = mix(low[i], high[i]) & seenMask;
    // Counts 0, 1, 2: once, or perhaps more often.
    const met = seen[slot];
    seen[slot] = met === 0 ? 1 : 2;
  }
  let candidates = 0;
  for (let i = 0; i < count; i++) {
    times[i] = 1;
    first[i] = i;
    candidates += seen[mix(low[i], high[i]) & seenMask] >> 1;
  }
  let distinct = count;
  let repeatedDistinct = 0;
  if (candidates > 0) {
    const tableSize = 2 ** Math.max(4, Math.ceil(Math.log2(candidates * 2 + 1)));
    const mask = tableSize - 1;
    slots.fill(-1, 0, tableSize);
    for (let i = 0; i < count; i++) {
      const l = low[i];
      const h = high[i];
      const mixed = mix(l, h);
      if (seen[mixed & seenMask] < 2) continue;
      let slot = mixed & mask;
      let other = slots[slot];
      while (other !== -1 && (low[other] !== l || high[other] !== h)) {
        slot = (slot + 1) & mask;
        other = slots[slot];
      }
      if (other === -1) {
        slots[slot] = i;
      } else {
        if (times[other]++ === 1) repeatedDistinct++;
        times[i] = 0;
        first[i] = other;
        distinct--;
      }
    }
  }
  result.total = count;
  result.distinct = distinct;
  result.repeatedDistinct = repeatedDistinct;
  // Every repeated key has one first occurrence; all others are missing from `distinct`.
  result.repeated = count - distinct + repeatedDistinct;
  return result;
}

function mix(low: number, high: number): number {
  const h = Math.imul(low ^ (high >>> 15), 0x9e3779b1);
  return (h ^ (h >>> 15)) >>> 0;
}

function reserve(count: number): void {
  if (times.length >= count && (times.length <= RETAINED || count > RETAINED)) return;
  const capacity = 2 ** Math.ceil(Math.log2(Math.max(4096, count)));
  times = new Uint32Array(capacity);
  first = new Uint32Array(capacity);
  slots = new Int32Array(capacity * 4);
  seen = new Uint8Array(capacity * 8);
  result.times = times;
  result.first = first;
}

/** Other multipliers than those that make words' hashes: with the same ones "a cx" and "b bx" would be one key. */
const ROLL_LOW = 0x9e3779b1;
const ROLL_HIGH = 0x85ebca77;

/**
 * Keys of all runs of `n` neighbours among `count` values, by a rolling hash: two multiplications a value and half,
 * whatever n is. `low` and `high` hold the values' hashes (for characters both are the character itself). `keys` must be others.
 */
export function rollKeys(
  low: Int32Array | Uint16Array,
  high: Int32Array | Uint16Array,
  count: number,
  n: number,
  keys: Keys,
): void {
  const runs = Math.max(0, count - n + 1);
  reserveKeys(keys, runs);
  keys.count = runs;
  if (runs === 0) return;
  const outLow = keys.low;
  const outHigh = keys.high;
  let l = 0;
  let h = 0;
  let leaveLow = 1;
  let leaveHigh = 1;
  for (let i = 0; i < n; i++) {
    l = (Math.imul(l, ROLL_LOW) + low[i]) | 0;
    h = (Math.imul(h, ROLL_HIGH) + high[i]) | 0;
    leaveLow = Math.imul(leaveLow, ROLL_LOW);
    leaveHigh = Math.imul(leaveHigh, ROLL_HIGH);
  }
  outLow[0] = l;
  outHigh[0] = h;
  for (let i = 1; i < runs; i++) {
    l = (Math.imul(l, ROLL_LOW) + low[i + n - 1] - Math.imul(low[i - 1], leaveLow)) | 0;
    h = (Math.imul(h, ROLL_HIGH) + high[i + n - 1] - Math.imul(high[i - 1], leaveHigh)) | 0;
    outLow[i] = l;
    outHigh[i] = h;
  }
}
