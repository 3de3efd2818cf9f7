/**
 * The words of a text with what filters ask of them, in parallel typed arrays that are reused from text to text.
 *
 * Every word gets two 32-bit polynomial hashes with different bases, taken together as 64 bits. A polynomial composes:
 * the hash of words i…j written together follows from prefix values in two multiplications, so n-grams of any length
 * are compared without joining strings (see n-grams.ts). Two unequal word sequences of one document share all 64 bits with a
 * chance of about 2⁻⁶⁰ a pair. Cost: about 1.5 ns a character.
 */
import { native } from '../core/native.ts';
import { ALPHA, charFlags, codePointAt, flagsOf, SYMBOL } from './char-class.ts';
import type { Bounds } from './word-break.ts';

export const BASE_LOW = 0x01000193;
export const BASE_HIGH = 0x2c1b3c6d;

/** A word has a character that is not a symbol. */
export const WORD_PROPER = 1;
/** A word has a letter. */
export const WORD_ALPHA = 2;

export interface WordFeatures {
  count: number;
  /** WORD_PROPER, WORD_ALPHA. */
  flags: Uint8Array;
  /** Hash of each word's UTF-16 units. */
  low: Int32Array;
  high: Int32Array;
  /** Entry i: units of the first i words written together, their code points, and their hash. */
  unitsBefore: Uint32Array;
  charsBefore: Uint32Array;
  lowBefore: Int32Array;
  highBefore: Int32Array;
  /** The words' UTF-16 units written together. */
  stream: Uint16Array;
  properWords: number;
  /** Code points of the proper words. */
  properChars: number;
  alphaWords: number;
}

export function createWordFeatures(): WordFeatures {
  return {
    count: 0,
    flags: new Uint8Array(0),
    low: new Int32Array(0),
    high: new Int32Array(0),
    unitsBefore: new Uint32Array(1),
    charsBefore: new Uint32Array(1),
    lowBefore: new Int32Array(1),
    highBefore: new Int32Array(1),
    stream: new Uint16Array(0),
    properWords: 0,
    properChars: 0,
    alphaWords: 0,
  };
}

function reserve(features: WordFeatures, words: number, units: number): void {
  if (features.flags.length < words) {
    const capacity = Math.max(4096, 2 ** Math.ceil(Math.log2(words + 1)));
    features.flags = new Uint8Array(capacity);
    features.low = new Int32Array(capacity);
    features.high = new Int32Array(capacity);
    features.unitsBefore = new Uint32Array(capacity + 1);
    features.charsBefore = new Uint32Array(capacity + 1);
    features.lowBefore = new Int32Array(capacity + 1);
    features.highBefore = new Int32Array(capacity + 1);
  }
  if (features.stream.length < units) features.stream = new Uint16Array(2 ** Math.ceil(Math.log2(units + 1)));
}

const POWER_LOW = powers(BASE_LOW);
const POWER_HIGH = powers(BASE_HIGH);

function powers(base: number): Int32Array {
  const table = new Int32Array(4096);
  table[0] = 1;
  for (let i = 1; i < table.length; i++) table[i] = Math.imul(table[i - 1], base);
  return table;
}

/** `BASE_LOW` to the power `exponent`, modulo 2³². */
export function powerLow(exponent: number): number {
  return exponent < 4096 ? POWER_LOW[exponent] : power(BASE_LOW, exponent);
}

/** `BASE_HIGH` to the power `exponent`, modulo 2³². */
export function powerHigh(exponent: number): number {
  return exponent < 4096 ? POWER_HIGH[exponent] : power(BASE_HIGH, exponent);
}

function power(base: number, exponent: number): number {
  let result = 1;
  for (; exponent > 0; exponent >>>= 1) {
    if ((exponent & 1) !== 0) result = Math.imul(result, base);
    base = Math.imul(base, base);
  }
  return result;
}

/** Both hashes of a string, as a word of it would get them: for look-ups such as stop words. */
export function hashWord(word: string): { low: number; high: number } {
  let low = 0;
  let high = 0;
  for (let i = 0; i < word.length; i++) {
    const unit = word.charCodeAt(i) + 1;
    low = (Math.imul(low, BASE_LOW) + unit) | 0;
    high = (Math.imul(high, BASE_HIGH) + unit) | 0;
  }
  return { low, high };
}

const totals = new Uint32Array(3);

/** Fills `features` from the words that `bounds` lists. `hasSurrogates` may be true although there are none. */
export function readWords(units: Uint16Array, bounds: Bounds, features: WordFeatures, hasSurrogates: boolean): void {
  const { starts, ends, count } = bounds;
  reserve(features, count, count === 0 ? 0 : ends[count - 1]);
  const isDone = native?.readWords(
    units,
    starts,
    ends,
    count,
    charFlags,
    hasSurrogates ? 1 : 0,
    features.flags,
    features.low,
    features.high,
    features.unitsBefore,
    features.charsBefore,
    features.lowBefore,
    features.highBefore,
    features.stream,
    totals,
  );
  if (isDone !== true) {
    readWordsTwin(units, bounds, features, hasSurrogates);
    return;
  }
  features.count = count;
  [features.properWords, features.properChars, features.alphaWords] = totals;
}

/** The TypeScript twin of the native kernel; the only one for characters beyond the tables. */
export function readWordsTwin(
  units: Uint16Array,
  bounds: Bounds,
  features: WordFeatures,
  hasSurrogates: boolean,
): void {
  const { starts, ends, count } = bounds;
  reserve(features, count, count === 0 ? 0 : ends[count - 1]);
  const { flags, low, high, unitsBefore, charsBefore, lowBefore, highBefore, stream } = features;
  let written = 0;
  let chars = 0;
  let prefixLow = 0;
  let prefixHigh = 0;
  let properWords = 0;
  let properChars = 0;
  let alphaWords = 0;
  for (let i = 0; i < count; i++) {
    const start = starts[i];
    const end = ends[i];
    let h = 0;
    let g = 0;
    let any = 0;
    let all = 0xff;
    let length = end - start;
    for (let k = start; k < end; k++) {
      const unit = units[k];
      stream[written++] = unit;
      h = (Math.imul(h, BASE_LOW) + unit + 1) | 0;
      g = (Math.imul(g, BASE_HIGH) + unit + 1) | 0;
      const flag = charFlags[unit];
      any |= flag;
      all &= flag;
    }
    if (hasSurrogates) {
      for (let k = start; k < end; k++) {
        if ((units[k] & 0xfc00) !== 0xd800) continue;
        const codePoint = codePointAt(units, k, end);
        if (codePoint < 0x10000) continue;
        const flag = flagsOf(codePoint);
        any |= flag;
        // The halves of the pair cleared `all`; a symbol beyond the BMP sets it back when it is the whole word.
        if (length === 2 && end - start === 2) all = flag;
        length--;
        k++;
      }
    }
    const proper = (all & SYMBOL) === 0 ? WORD_PROPER : 0;
    const alpha = (any & ALPHA) !== 0 ? WORD_ALPHA : 0;
    flags[i] = proper | alpha;
    properWords += proper;
    properChars += proper * length;
    alphaWords += alpha >> 1;
    low[i] = h;
    high[i] = g;
    unitsBefore[i] = written - (end - start);
    charsBefore[i] = chars;
    lowBefore[i] = prefixLow;
    highBefore[i] = prefixHigh;
    chars += length;
    prefixLow = (Math.imul(prefixLow, powerLow(end - start)) + h) | 0;
    prefixHigh = (Math.imul(prefixHigh, powerHigh(end - start)) + g) | 0;
  }
  unitsBefore[count] = written;
  charsBefore[count] = chars;
  lowBefore[count] = prefixLow;
  highBefore[count] = prefixHigh;
  features.count = count;
  features.properWords = properWords;
  features.properChars = properChars;
  features.alphaWords = alphaWords;
}
