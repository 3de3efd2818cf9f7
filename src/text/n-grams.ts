/**
 * Repetition of word n-grams, as Gopher's rules measure it (Rae et al. 2021, table A1) and datatrove counts it:
 *
 * - top n-gram: the characters of the most frequent n-gram (words joined by spaces; the first of equals) times its count;
 * - duplicate n-grams: one walk over the words; an n-gram met before counts its characters (words joined by nothing) and
 *   is jumped over.
 *
 * No n-gram is ever built as a string: 64-bit hashes come from words.ts, tables are typed arrays that are reused.
 * Two facts keep the work small. A repeated n-gram's first n−1 words repeat too: gram-counts.ts counts for n only where n−1
 * repeated. And a repeated n-gram of at least `PREFIX` units shares its first `PREFIX` units with another
 * word's: one pass with small counters leaves few candidates for all n from 5 to 10. Guarded by bench/filters.ts.
 */
import { countGrams, createGramCounts, keepRepeated, startGrams, tableSize } from './gram-counts.ts';
import { powerHigh, powerLow, type WordFeatures } from './words.ts';

const MULTIPLIER_LOW = 0x9e3779b1;
/** Units that decide whether a word may begin a repeated n-gram. */
const PREFIX = 14;

// Scratch shared by all calls: nothing here outlives one.
let gramLow = new Int32Array(0);
let gramHigh = new Int32Array(0);
let gramCount = new Uint32Array(0);
let slots = new Int32Array(0);
let seen = new Uint8Array(0);
let candidates = new Uint32Array(0);

/** Longer scratch is given back by the next text that does not need it. */
const RETAINED_WORDS = 1 << 19;

function reserve(words: number): void {
  const isTooLarge = gramLow.length > RETAINED_WORDS && words <= RETAINED_WORDS;
  if (gramLow.length >= words && !isTooLarge) return;
  const capacity = Math.max(4096, 2 ** Math.ceil(Math.log2(words)));
  gramLow = new Int32Array(capacity);
  gramHigh = new Int32Array(capacity);
  gramCount = new Uint32Array(capacity);
  slots = new Int32Array(capacity * 2);
  seen = new Uint8Array(capacity * 8);
  candidates = new Uint32Array(capacity);
}

const topGrams = createGramCounts();

/**
 * Characters of the top n-gram times its count, for n = 2 … `maxN`; entry n of the result, 0 where there are fewer than
 * n words. `result` has at least `maxN + 1` entries.
 */
export function topNGramChars(words: WordFeatures, maxN: number, result: Float64Array): void {
  const { count, charsBefore } = words;
  result.fill(0);
  startGrams(topGrams, words);
  for (let n = 2; n <= maxN && count >= n; n++) {
    countGrams(topGrams, words, n);
    const { candidates, times, alive } = topGrams;
    let best = 1;
    let bestAt = 0;
    for (let k = 0; k < alive; k++) {
      const i = candidates[k];
      if (times[i] > best) {
        best = times[i];
        bestAt = i;
      }
    }
    result[n] = (charsBefore[bestAt + n] - charsBefore[bestAt] + n - 1) * best;
    keepRepeated(topGrams);
  }
}

/**
 * Characters of duplicate n-grams for each n from `minN` to `maxN`; entry n of the result. `result` has at least
 * `maxN + 1` entries.
 */
export function duplicateNGramChars(words: WordFeatures, minN: number, maxN: number, result: Float64Array): void {
  const { count, unitsBefore, charsBefore, lowBefore, highBefore } = words;
  result.fill(0);
  reserve(count);
  const found = findCandidates(words, minN);
  for (let n = minN; n <= maxN; n++) {
    const grams = count - n + 1;
    if (found < 2) continue;
    const size = tableSize(found);
    slots.fill(-1, 0, size);
    const mask = size - 1;
    let repeated = 0;
    let from = 0;
    for (let k = 0; k < found; k++) {
      const i = candidates[k];
      if (i < from) continue;
      if (i >= grams) break;
      const length = unitsBefore[i + n] - unitsBefore[i];
      const l = (lowBefore[i + n] - Math.imul(lowBefore[i], powerLow(length))) | 0;
      const h = (highBefore[i + n] - Math.imul(highBefore[i], powerHigh(length))) | 0;
      let slot = (Math.imul(l ^ (h >>> 15), MULTIPLIER_LOW) >>> 7) & mask;
      let first = slots[slot];
      while (first !== -1 && (gramLow[first] !== l || gramHigh[first] !== h)) {
        slot = (slot + 1) & mask;
        first = slots[slot];
      }
      if (first === -1) {
        slots[slot] = i;
        gramLow[i] = l;
        gramHigh[i] = h;
      } else {
        repeated += charsBefore[i + n] - charsBefore[i];
        from = i + n;
      }
    }
    result[n] = repeated;
  }
}

/**
 * Fills `candidates` with the words, in order, whose first PREFIX units of running text (spaces left out) occur more than
 * once at the start of a word, and those whose first `minN` words are shorter than that; returns how many. Counters may
 * collide: that adds candidates, never loses one.
 */
function findCandidates(words: WordFeatures, minN: number): number {
  const { count, unitsBefore, stream } = words;
  const total = unitsBefore[count];
  const size = tableSize(count) * 2;
  seen.fill(0, 0, size);
  const mask = size - 1;
  for (let i = 0; i < count; i++) {
    const at = unitsBefore[i];
    if (at + PREFIX > total) break;
    const slot = prefixHash(stream, at) & mask;
    if (seen[slot] < 2) seen[slot]++;
    gramCount[i] = slot;
  }
  let found = 0;
  for (let i = 0; i < count; i++) {
    const at = unitsBefore[i];
    const isShort = at + PREFIX > total || (i + minN <= count && unitsBefore[i + minN] - at < PREFIX);
    if (isShort || seen[gramCount[i]] > 1) candidates[found++] = i;
  }
  return found;
}

function prefixHash(stream: Uint16Array, at: number): number {
  const a = stream[at] ^ (stream[at + 1] << 8) ^ (stream[at + 2] << 16) ^ (stream[at + 3] << 24);
  const b = stream[at + 4] ^ (stream[at + 5] << 8) ^ (stream[at + 6] << 16) ^ (stream[at + 7] << 24);
  const c = stream[at + 8] ^ (stream[at + 9] << 8) ^ (stream[at + 10] << 16) ^ (stream[at + 11] << 24);
  const d = stream[at + 12] ^ (stream[at + 13] << 16);
  let h = Math.imul(a, 0x85ebca6b) ^ Math.imul(b, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 15), 0x27d4eb2f) ^ Math.imul(c, 0x165667b1) ^ Math.imul(d, 0x9e3779b1);
  return Math.imul(h ^ (h >>> 16), 0x85ebca6b) >>> 9;
}
