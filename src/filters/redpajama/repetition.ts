/**
 * Repetition of n-grams of normalized words as RedPajama-V2 counts it: characters of the most frequent n-gram times its
 * occurrences (none when it occurs once; the first of equals), and characters of words that any repeated n-gram covers, each
 * once; both as shares of the words' characters. Gopher as datatrove counts it differs in every one of these points.
 *
 * An n-gram repeats only where its first n−1 words do, so each n looks at what was left of the one before: most texts
 * are done after a few.
 */
import { countKeys, createKeys, reserveKeys } from '../../text/key-counts.ts';
import type { WordFeatures } from '../../text/words.ts';

const MULTIPLIER_LOW = 0x9e3779b1;
const MULTIPLIER_HIGH = 0x85ebca77;

const keys = createKeys();
let positions = new Uint32Array(4096);

/** Fills `top[n]` for n = 2 … `top.length - 1` and `covered[n]` for n = 5 … `covered.length - 1`, in characters. */
export function measureRepetition(words: WordFeatures, top: Float64Array, covered: Float64Array): void {
  const { count, low, high, charsBefore } = words;
  top.fill(0);
  covered.fill(0);
  reserveKeys(keys, count);
  if (positions.length < count) positions = new Uint32Array(2 ** Math.ceil(Math.log2(count)));
  let alive = count;
  for (let i = 0; i < count; i++) {
    positions[i] = i;
    keys.low[i] = low[i];
    keys.high[i] = high[i];
  }
  for (let n = 2; n < covered.length && alive > 1; n++) {
    keys.count = 0;
    for (let k = 0; k < alive; k++) {
      const i = positions[k];
      if (i + n > count) break;
      keys.low[k] = (Math.imul(keys.low[k], MULTIPLIER_LOW) + low[i + n - 1]) | 0;
      keys.high[k] = (Math.imul(keys.high[k], MULTIPLIER_HIGH) + high[i + n - 1]) | 0;
      keys.count++;
    }
    const { times, first } = countKeys(keys);
    let best = 1;
    let bestAt = 0;
    let next = 0;
    let coveredTo = 0;
    let chars = 0;
    for (let k = 0; k < keys.count; k++) {
      const i = positions[k];
      if (times[first[k]] < 2) continue;
      if (times[k] > best) {
        best = times[k];
        bestAt = i;
      }
      chars += charsBefore[i + n] - charsBefore[Math.max(i, coveredTo)];
      coveredTo = i + n;
      positions[next] = i;
      keys.low[next] = keys.low[k];
      keys.high[next++] = keys.high[k];
    }
    if (n < top.length && best > 1) top[n] = (charsBefore[bestAt + n] - charsBefore[bestAt]) * best;
    if (n >= 5) covered[n] = chars;
    alive = next;
  }
}
