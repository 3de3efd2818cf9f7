/**
 * Repetition of character n-grams, as Data-Juicer's character_repetition_filter measures it (after BLOOM's filtering
 * code): the occurrences of the √(different n-grams) most frequent ones, as far as they occur more than once, as a share of all n-grams.
 *
 * n-grams run over code points, white space included; no string is made. About 8 ns a character.
 */
import { codePointAt } from './char-class.ts';
import { countKeys, createKeys, type KeyCounts, rollKeys } from './key-counts.ts';
import type { TextView } from './view.ts';

const keys = createKeys();
let codePoints = new Int32Array(0);
let repeats = new Uint32Array(0);

/** Share of repeated character n-grams, 0 … 1; 0 for a text of fewer than `n` characters. */
export function charRepetition(view: TextView, n: number): number {
  if (view.hasSurrogates) {
    const count = readCodePoints(view);
    rollKeys(codePoints, codePoints, count, n, keys);
  } else {
    rollKeys(view.units, view.units, view.text.length, n, keys);
  }
  if (keys.count === 0) return 0;
  return topRepeats(countKeys(keys)) / keys.count;
}

/** Occurrences of the most frequent keys: at most √distinct of them. */
function topRepeats(counts: KeyCounts): number {
  const top = Math.floor(Math.sqrt(counts.distinct));
  if (counts.repeatedDistinct <= top) return counts.repeated;
  if (repeats.length < counts.repeatedDistinct) repeats = new Uint32Array(counts.repeatedDistinct * 2);
  let found = 0;
  for (let i = 0; i < counts.total; i++) if (counts.times[i] > 1) repeats[found++] = counts.times[i];
  const sorted = repeats.subarray(0, found).sort();
  let sum = 0;
  for (let i = found - top; i < found; i++) sum += sorted[i];
  return sum;
}

function readCodePoints(view: TextView): number {
  const units = view.units;
  const length = view.text.length;
  if (codePoints.length < length) codePoints = new Int32Array(2 ** Math.ceil(Math.log2(length)));
  let count = 0;
  for (let i = 0; i < length; i++) {
    const codePoint = codePointAt(units, i, length);
    if (codePoint > 0xffff) i++;
    codePoints[count++] = codePoint;
  }
  return count;
}
