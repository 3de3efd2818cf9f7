/**
 * Repeated sentences, English and Chinese: how much of a text's letters and digits stand in sentences that were there
 * before. After Data-Juicer's remove_repeat_sentences_mapper: a sentence ends after . 。 ! ！ ? ？ … (and the quotation mark that
 * follows) and at a newline; sentences are compared by their letters and digits alone, those of fewer than two are passed over.
 * Unlike there, letters are those of every script, and a full stop between two characters without a space (3.5, example.org)
 * ends nothing.
 */
import { ALPHA, charFlags } from './char-class.ts';
import { countKeys, createKeys, type Keys, reserveKeys } from './key-counts.ts';
import { defineFeature, type TextView } from './view.ts';
import { BASE_HIGH, BASE_LOW } from './words.ts';

/** Share of a text's letters and digits that stand in sentences met before, 0 … 1. */
export const sentenceRepetition = defineFeature(measure);

/** Fewest letters and digits of a sentence that is compared. */
const MIN_LENGTH = 2;
const NEWLINE = 0x0a;
const PERIOD = 0x2e;

const keys: Keys = createKeys();
let lengths = new Uint32Array(4096);

function measure(view: TextView): number {
  const { units } = view;
  const length = view.text.length;
  let capacity = 4096;
  reserveKeys(keys, capacity);
  let count = 0;
  let all = 0;
  let low = 0;
  let high = 0;
  let letters = 0;
  for (let i = 0; i <= length; i++) {
    const unit = i < length ? units[i] : NEWLINE;
    if ((unit >= 0x30 && unit <= 0x39) || (charFlags[unit] & ALPHA) !== 0 || (unit & 0xf800) === 0xd800) {
      low = (Math.imul(low, BASE_LOW) + unit + 1) | 0;
      high = (Math.imul(high, BASE_HIGH) + unit + 1) | 0;
      letters++;
      continue;
    }
    if (!isEnd(unit) || (unit === PERIOD && i + 1 < length && !isGap(units[i + 1]))) continue;
    if (letters >= MIN_LENGTH) {
      if (count === capacity) {
        capacity = grow(count);
      }
      keys.low[count] = low;
      keys.high[count] = high;
      lengths[count++] = letters;
    }
    all += letters;
    low = 0;
    high = 0;
    letters = 0;
  }
  if (count < 2) return 0;
  keys.count = count;
  const { times } = countKeys(keys);
  let repeated = 0;
  for (let i = 0; i < count; i++) if (times[i] === 0) repeated += lengths[i];
  return repeated / all;
}

/** Doubles the arrays, keeping what they hold. */
function grow(count: number): number {
  const { low, high } = keys;
  const old = lengths;
  reserveKeys(keys, count * 2);
  if (keys.low !== low) {
    keys.low.set(low.subarray(0, count));
    keys.high.set(high.subarray(0, count));
  }
  if (lengths.length < count * 2) {
    lengths = new Uint32Array(count * 2);
    lengths.set(old.subarray(0, count));
  }
  return count * 2;
}

function isEnd(unit: number): boolean {
  switch (unit) {
    case NEWLINE:
    case PERIOD:
    case 0x21: // !
    case 0x3f: // ?
    case 0x2026: // …
    case 0x3002: // 。
    case 0xff01: // ！
    case 0xff1f: // ？
      return true;
    default:
      return false;
  }
}

/** What may follow a full stop that ends a sentence: white space, or a closing mark. */
function isGap(unit: number): boolean {
  return unit <= 0x20 || unit === 0x22 || unit === 0x27 || unit === 0x29 || unit === 0x2019 || unit === 0x201d;
}
