/**
 * The words between white space, Python's `text.split()`, with what filters ask of them, in parallel typed arrays that are
 * reused from text to text: for toolkits that divide English at white space (NeMo Curator).
 *
 * Every word gets two 32-bit polynomial hashes of its UTF-16 units, the ones of `hashWord` (words.ts). Cost: about 2.5 ns a
 * character.
 */
import { codePointAt } from './char-class.ts';
import { fillProperty, markProperty, TABLE_CODE_POINTS } from './code-points.ts';
import { defineFeature, type TextView } from './view.ts';
import { BASE_HIGH, BASE_LOW } from './words.ts';

export interface SplitWords {
  count: number;
  /** Offsets in UTF-16 units. */
  starts: Uint32Array;
  ends: Uint32Array;
  /** Hash of each word's units. */
  low: Int32Array;
  high: Int32Array;
  /** Entry i: code points of the first i words, each with one space behind it. */
  charsBefore: Uint32Array;
  /** Code points of all words together, and of the longest. */
  chars: number;
  longest: number;
  /** Words with an alphabetic character (Unicode's property Alphabetic: letters, letter numbers, vowel signs). */
  alphabetic: number;
}

const ALPHABETIC = 1;
const SPACE = 2;
const kinds = buildKinds();

/** Longer arrays are given back by the next text that does not need them. */
const RETAINED_WORDS = 1 << 19;

const words: SplitWords = {
  count: 0,
  ...arraysFor(4096),
  chars: 0,
  longest: 0,
  alphabetic: 0,
};

/** The text's words between white space. The object is reused for the next text. */
export const splitWords = defineFeature((view): SplitWords => {
  const { units, hasSurrogates } = view;
  const length = view.text.length;
  if (words.starts.length > RETAINED_WORDS) Object.assign(words, arraysFor(4096));
  let { starts, ends, low, high, charsBefore } = words;
  let count = 0;
  let chars = 0;
  let longest = 0;
  let alphabetic = 0;
  for (let i = 0; i < length; ) {
    if ((kinds[units[i]] & SPACE) !== 0) {
      i++;
      continue;
    }
    if (count === starts.length) {
      grow();
      ({ starts, ends, low, high, charsBefore } = words);
    }
    const start = i;
    let h = 0;
    let g = 0;
    let any = 0;
    for (; i < length; i++) {
      const unit = units[i];
      const kind = kinds[unit];
      if ((kind & SPACE) !== 0) break;
      any |= kind;
      h = (Math.imul(h, BASE_LOW) + unit + 1) | 0;
      g = (Math.imul(g, BASE_HIGH) + unit + 1) | 0;
    }
    let size = i - start;
    if (hasSurrogates) {
      for (let k = start; k < i; k++) {
        const codePoint = codePointAt(units, k, i);
        if (codePoint < 0x10000) continue;
        any |= kindOf(codePoint);
        size--;
        k++;
      }
    }
    starts[count] = start;
    ends[count] = i;
    low[count] = h;
    high[count] = g;
    charsBefore[count] = chars + count;
    chars += size;
    if (size > longest) longest = size;
    alphabetic += any & ALPHABETIC;
    count++;
  }
  charsBefore[count] = chars + count;
  words.count = count;
  words.chars = chars;
  words.longest = longest;
  words.alphabetic = alphabetic;
  return words;
});

/** `count` words from word `at` on, with one space between each two. */
export function joinSplitWords(view: TextView, at: number, count: number): string {
  const { starts, ends } = view.get(splitWords);
  let joined = view.text.slice(starts[at], ends[at]);
  for (let i = at + 1; i < at + count; i++) joined += ` ${view.text.slice(starts[i], ends[i])}`;
  return joined;
}

type Arrays = Pick<SplitWords, 'starts' | 'ends' | 'low' | 'high' | 'charsBefore'>;

function arraysFor(capacity: number): Arrays {
  return {
    starts: new Uint32Array(capacity),
    ends: new Uint32Array(capacity),
    low: new Int32Array(capacity),
    high: new Int32Array(capacity),
    charsBefore: new Uint32Array(capacity + 1),
  };
}

function grow(): void {
  const larger = arraysFor(words.starts.length * 2);
  larger.starts.set(words.starts);
  larger.ends.set(words.ends);
  larger.low.set(words.low);
  larger.high.set(words.high);
  larger.charsBefore.set(words.charsBefore);
  Object.assign(words, larger);
}

function kindOf(codePoint: number): number {
  if (codePoint < TABLE_CODE_POINTS) return kinds[codePoint];
  return /^\p{Alphabetic}$/u.test(String.fromCodePoint(codePoint)) ? ALPHABETIC : 0;
}

function buildKinds(): Uint8Array {
  const table = new Uint8Array(TABLE_CODE_POINTS);
  fillProperty(table, /\p{Alphabetic}+/gu, ALPHABETIC);
  markProperty(table, /[\p{White_Space}\x1c-\x1f]+/gu, (old) => old | SPACE);
  return table;
}
