/**
 * Words as Data-Juicer's operators count them: pieces between spaces, tabs and newlines, stripped of special characters
 * at both ends; what is then empty is no word. Written Chinese has no such words: a piece there is a clause or a paragraph.
 *
 * `spaceWords` counts and measures the words as written; `foldedSpaceWords` has the hashes of the lower-cased words, whose
 * ends can differ (lower case first, then stripping, as the peer does).
 */
import { codePointAt, codePointBefore } from './char-class.ts';
import { createKeys, type Keys, reserveKeys } from './key-counts.ts';
import { isSpecial } from './special-characters.ts';
import { countCodePoints } from './unicode.ts';
import { defineFeature, TextView } from './view.ts';
import { addBound, type Bounds, createBounds } from './word-break.ts';
import { BASE_HIGH, BASE_LOW } from './words.ts';

export interface SpaceWords {
  count: number;
  /** Code points of the longest word. */
  longest: number;
}

/** The words as written. The object is reused for the next text. */
export const spaceWords = defineFeature(measureWords);

/** Hashes of the lower-cased words, in order. Reused for the next text. */
export const foldedSpaceWords = defineFeature(hashWords);

const bounds: Bounds = createBounds();
const measured: SpaceWords = { count: 0, longest: 0 };
const hashes: Keys = createKeys();
const folded = new TextView();

function measureWords(view: TextView): SpaceWords {
  const units = view.units;
  splitWords(view, bounds);
  let longest = 0;
  for (let i = 0; i < bounds.count; i++) {
    const start = bounds.starts[i];
    const end = bounds.ends[i];
    if (end - start <= longest) continue;
    longest = Math.max(longest, view.hasSurrogates ? countCodePoints(units, start, end) : end - start);
  }
  measured.count = bounds.count;
  measured.longest = longest;
  return measured;
}

function hashWords(view: TextView): Keys {
  folded.reset(view.text.toLowerCase());
  const units = folded.units;
  splitWords(folded, bounds);
  reserveKeys(hashes, bounds.count);
  hashes.count = bounds.count;
  for (let i = 0; i < bounds.count; i++) {
    const end = bounds.ends[i];
    let low = 0;
    let high = 0;
    for (let k = bounds.starts[i]; k < end; k++) {
      low = (Math.imul(low, BASE_LOW) + units[k] + 1) | 0;
      high = (Math.imul(high, BASE_HIGH) + units[k] + 1) | 0;
    }
    hashes.low[i] = low;
    hashes.high[i] = high;
  }
  return hashes;
}

const SPACE = 0x20;
const TAB = 0x09;
const NEWLINE = 0x0a;

function splitWords(view: TextView, words: Bounds): void {
  const { units } = view;
  const length = view.text.length;
  words.count = 0;
  let start = 0;
  for (let i = 0; i <= length; i++) {
    if (i < length) {
      const unit = units[i];
      if (unit !== SPACE && unit !== NEWLINE && unit !== TAB) continue;
    }
    if (i > start) addStripped(units, start, i, words);
    start = i + 1;
  }
}

function addStripped(units: Uint16Array, start: number, end: number, words: Bounds): void {
  while (start < end) {
    const codePoint = codePointAt(units, start, end);
    if (isSpecial[codePoint] !== 1) break;
    start += codePoint > 0xffff ? 2 : 1;
  }
  while (end > start) {
    const codePoint = codePointBefore(units, start, end);
    if (isSpecial[codePoint] !== 1) break;
    end -= codePoint > 0xffff ? 2 : 1;
  }
  if (end > start) addBound(words, start, end);
}
