/**
 * Counts all n-grams of a corpus up to an order: the tokens' places are sorted by the words that end there, read backwards,
 * and one pass over the sorted places finds every n-gram of every order with its count.
 *
 * Idea: an n-gram is a token and its n - 1 predecessors, so the n-grams of all orders that end in one place are the prefixes of
 * one backward string, and sorting these strings brings equal n-grams of every order together ("suffix order", as KenLM
 * calls it). The sort is a radix sort with words as digits: a counting sort for each order, last one first, no comparison.
 * An n-gram stops at the beginning of its sentence; `<s>` is the last word of its backward string.
 *
 * The native kernel goes the same way for one group of last words after another, with the words themselves in place of
 * places, so that it reads memory in order.
 * Cost: per token 13 bytes while it sorts (native: 5), then 12 bytes per n-gram (8 of the highest order). Time:
 * bench/ngram-lm.ts.
 */
import { native } from '../../core/native.ts';
import { SENTENCE_START } from './vocabulary.ts';

/** The n-grams of one order, sorted by their last word, then the one before it, and so on. */
export interface NgramLevel {
  /** First word of each n-gram: what it has more than its suffix, which is its parent on the level below. */
  words: Uint32Array;
  /** How often it occurs. */
  counts: Uint32Array;
  /** Its extensions to the left on the next level: from firstChild[i] to firstChild[i + 1]. Empty on the highest level. */
  firstChild: Uint32Array;
}

/**
 * Levels of order 1 to `order`, or undefined where they would have more than `most` n-grams in all. On the first, entry i
 * is word i, whether it occurs or not.
 *
 * `ids[padding, length)` are sentences, each `<s>`, words, `</s>`; the first `padding` = order - 1 entries are not read for
 * their value. `wordCount` is above all ids.
 */
export function countNgrams(
  ids: Uint32Array,
  length: number,
  wordCount: number,
  order: number,
  most: number,
): NgramLevel[] | undefined {
  const count = native?.ngramLm.count ?? countNgramsTwin;
  return count(ids, length, wordCount, order, most);
}

/** The twin of native/ngram_lm_count.cc. */
export function countNgramsTwin(
  ids: Uint32Array,
  length: number,
  wordCount: number,
  order: number,
  most: number,
): NgramLevel[] | undefined {
  const places = sortPlaces(ids, length, wordCount, order);
  const shared = new Uint8Array(places.length);
  const sizes = measure(ids, places, order, shared);
  sizes[0] = wordCount;
  if (sizes.reduce((sum, size) => sum + size, 0) > most) return undefined;
  return fill(ids, places, shared, sizes, order);
}

/** Places of all tokens but `<s>`, sorted by the words that end there. */
function sortPlaces(ids: Uint32Array, length: number, wordCount: number, order: number): Uint32Array {
  const padding = order - 1;
  let count = 0;
  for (let i = padding; i < length; i++) if (ids[i] !== SENTENCE_START) count++;
  let places = new Uint32Array(count);
  for (let i = padding, at = 0; i < length; i++) if (ids[i] !== SENTENCE_START) places[at++] = i;
  let sorted = new Uint32Array(count);
  const next = new Uint32Array(wordCount + 1);
  // Words of the sentence before count as digits too: they order n-grams that are equal, which does no harm.
  for (let back = order - 1; back >= 0; back--) {
    next.fill(0);
    for (let i = 0; i < count; i++) next[ids[places[i] - back] + 1]++;
    for (let word = 0; word < wordCount; word++) next[word + 1] += next[word];
    for (let i = 0; i < count; i++) {
      const place = places[i];
      sorted[next[ids[place - back]]++] = place;
    }
    [places, sorted] = [sorted, places];
  }
  return places;
}

/** Marks a place whose n-grams are all the same as those of the place before it. */
const ALL = 255;

/**
 * Fills `shared` with the length of the longest n-gram that each place has in common with the one before it (ALL: it has no
 * other), and returns how many n-grams there are of each order.
 */
function measure(ids: Uint32Array, places: Uint32Array, order: number, shared: Uint8Array): number[] {
  const sizes = new Array<number>(order).fill(0);
  for (let i = 0; i < places.length; i++) {
    const place = places[i];
    let common = 0;
    if (i > 0) {
      const before = places[i - 1];
      while (common < order && ids[place - common] === ids[before - common]) {
        if (ids[place - common] === SENTENCE_START) {
          common = order;
          break;
        }
        common++;
      }
    }
    shared[i] = common === order ? ALL : common;
    for (let back = common; back < order; back++) {
      sizes[back]++;
      if (ids[place - back] === SENTENCE_START) break;
    }
  }
  return sizes;
}

function fill(
  ids: Uint32Array,
  places: Uint32Array,
  shared: Uint8Array,
  sizes: readonly number[],
  order: number,
): NgramLevel[] {
  const levels = sizes.map((size, level) => ({
    words: new Uint32Array(size),
    counts: new Uint32Array(size),
    firstChild: new Uint32Array(level === order - 1 ? 0 : size + 1),
  }));
  const used = new Uint32Array(order);
  const unigrams = levels[0];
  for (let word = 0; word < unigrams.words.length; word++) unigrams.words[word] = word;
  for (let i = 0; i < places.length; i++) {
    const place = places[i];
    // Words that no place ends in have no children; their entries are passed over here.
    const last = ids[place];
    if (order > 1) while (used[0] <= last) unigrams.firstChild[used[0]++] = used[1];
    unigrams.counts[last]++;
    for (let back = 1; back < order && ids[place - back + 1] !== SENTENCE_START; back++) {
      const level = levels[back];
      if (back >= shared[i]) {
        if (back < order - 1) level.firstChild[used[back]] = used[back + 1];
        level.words[used[back]++] = ids[place - back];
      }
      level.counts[used[back] - 1]++;
    }
  }
  for (let level = 0; level < order - 1; level++) {
    levels[level].firstChild.fill(used[level + 1], used[level]);
  }
  return levels;
}
