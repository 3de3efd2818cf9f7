/**
 * What a text's words are: how long, how written, how varied, how many of them carry grammar rather than content.
 *
 * Words are UAX #29 segments that are no symbols alone; in scripts written without spaces each character is one. Stop words
 * and characters are those that the npm package `stopword` lists for English and Chinese. A word is known by 64 bits of hash
 * of its lower case. Cost: one pass over the words' units, some 3 ns each.
 */
import { lazy, lazyPackage } from '../../core/lazy.ts';
import { countKeys, createKeys, reserveKeys } from '../../text/key-counts.ts';
import type { TextView } from '../../text/view.ts';
import { BASE_HIGH, BASE_LOW, hashWord, WORD_PROPER } from '../../text/words.ts';
import { type FeatureGroup, share } from './feature-group.ts';
import * as U from './unit-properties.ts';

export const wordFeatures: FeatureGroup = {
  features: [
    ['words_log', 'ln(1 + words)'],
    ['mean_word_length', 'ln(1 + mean units of a word)'],
    ['word_length_variation', 'standard deviation of word lengths by their mean'],
    ['max_word_length_log', 'ln(1 + units of the longest word)'],
    ['long_word_share', 'words of more than 12 units'],
    ['symbol_ratio', 'segments of symbols alone among all segments'],
    ['number_word_share', 'words with digits and without letters'],
    ['mixed_word_share', 'words with letters and digits'],
    ['single_letter_share', 'words of one cased letter'],
    ['capitalised_share', 'words with an upper-case first letter'],
    ['shouted_share', 'words of two and more letters, all upper case'],
    ['stop_word_share', 'English stop words among words'],
    ['stop_words_met', 'share of the listed English stop words that occur'],
    ['stop_character_share', 'Chinese stop characters among words'],
    ['first_person_share', 'I, me, my, we, us, our, 我'],
    ['second_person_share', 'you, your, 你, 您'],
    ['type_token_ratio', 'different words by words'],
    ['root_type_token_ratio_log', 'ln(1 + different words by the root of words): variety less bound to length'],
    ['hapax_share', 'words that occur once among different words'],
    ['top_word_share', 'occurrences of the most frequent word among words'],
  ],
  read,
};

const LONG_WORD = 12;
const STOP_WORD = 1;
const STOP_CHARACTER = 2;
const FIRST_PERSON = 4;
const SECOND_PERSON = 8;

/** The package has no types: lists of words by ISO 639-3 code, among functions. */
const stopWordLists = lazyPackage<{ eng: string[]; zho: string[] }>('stopword');

interface ListedWords {
  /** Open addressing by the low half: the hash halves and what the word is; 0 for an empty slot. */
  low: Int32Array;
  high: Int32Array;
  kinds: Uint8Array;
  /** English ones. */
  stopWords: number;
}

const LISTED_SLOTS = 1024;

const listedWords = lazy((): ListedWords => {
  const { eng, zho } = stopWordLists();
  const kinds = new Map<string, number>();
  const add = (words: readonly string[], kind: number): void => {
    for (const word of words) kinds.set(word, (kinds.get(word) ?? 0) | kind);
  };
  add(eng, STOP_WORD);
  add(zho, STOP_CHARACTER);
  add(['i', 'me', 'my', 'mine', 'we', 'us', 'our', 'ours', '我'], FIRST_PERSON);
  add(['you', 'your', 'yours', '你', '您'], SECOND_PERSON);
  const listed: ListedWords = {
    low: new Int32Array(LISTED_SLOTS),
    high: new Int32Array(LISTED_SLOTS),
    kinds: new Uint8Array(LISTED_SLOTS),
    stopWords: new Set(eng).size,
  };
  for (const [word, kind] of kinds) {
    const { low, high } = hashWord(word);
    let slot = slotOf(low);
    while (listed.kinds[slot] !== 0) slot = (slot + 1) & (LISTED_SLOTS - 1);
    listed.low[slot] = low;
    listed.high[slot] = high;
    listed.kinds[slot] = kind;
  }
  return listed;
});

function slotOf(low: number): number {
  return (Math.imul(low, 0x9e3779b1) >>> 16) & (LISTED_SLOTS - 1);
}

const keys = createKeys();

function read(view: TextView, out: Float64Array, at: number): void {
  const { flags, lower } = U.unitProperties();
  const listed = listedWords();
  const { units } = view;
  const { starts, ends } = view.words('characters');
  const words = view.wordFeatures('characters');
  reserveKeys(keys, words.count);
  const { low, high } = keys;
  let count = 0;
  let total = 0;
  let squares = 0;
  let longest = 0;
  let long = 0;
  let numbers = 0;
  let mixed = 0;
  let single = 0;
  let capitalised = 0;
  let shouted = 0;
  for (let i = 0; i < words.count; i++) {
    if ((words.flags[i] & WORD_PROPER) === 0) continue;
    const start = starts[i];
    const end = ends[i];
    let l = 0;
    let h = 0;
    let any = 0;
    for (let k = start; k < end; k++) {
      const unit = units[k];
      any |= flags[unit];
      const folded = lower[unit] + 1;
      l = (Math.imul(l, BASE_LOW) + folded) | 0;
      h = (Math.imul(h, BASE_HIGH) + folded) | 0;
    }
    low[count] = l;
    high[count++] = h;
    const length = end - start;
    total += length;
    squares += length * length;
    if (length > longest) longest = length;
    if (length > LONG_WORD) long++;
    const hasLetter = (any & U.LETTER) !== 0;
    if ((any & U.DIGIT) !== 0) {
      if (hasLetter) mixed++;
      else numbers++;
    }
    if (hasLetter && (flags[units[start]] & U.UPPER) !== 0) {
      capitalised++;
      if (length > 1 && (any & U.LOWER) === 0) shouted++;
    }
    if (length === 1 && (any & (U.UPPER | U.LOWER)) !== 0) single++;
  }
  keys.count = count;
  const { times, distinct, repeatedDistinct } = countKeys(keys);
  let stopWords = 0;
  let stopCharacters = 0;
  let firstPerson = 0;
  let secondPerson = 0;
  let met = 0;
  let most = 0;
  // Each different word once, at its first place.
  for (let i = 0; i < count; i++) {
    const n = times[i];
    if (n === 0) continue;
    if (n > most) most = n;
    let slot = slotOf(low[i]);
    while (listed.kinds[slot] !== 0 && (listed.low[slot] !== low[i] || listed.high[slot] !== high[i])) {
      slot = (slot + 1) & (LISTED_SLOTS - 1);
    }
    const kind = listed.kinds[slot];
    if (kind === 0) continue;
    if ((kind & STOP_WORD) !== 0) {
      stopWords += n;
      met++;
    }
    if ((kind & STOP_CHARACTER) !== 0) stopCharacters += n;
    if ((kind & FIRST_PERSON) !== 0) firstPerson += n;
    if ((kind & SECOND_PERSON) !== 0) secondPerson += n;
  }
  const mean = share(total, count);
  out[at++] = Math.log1p(count);
  out[at++] = Math.log1p(mean);
  out[at++] = count === 0 ? 0 : Math.sqrt(Math.max(0, squares / count - mean * mean)) / mean;
  out[at++] = Math.log1p(longest);
  out[at++] = share(long, count);
  out[at++] = share(words.count - count, words.count);
  out[at++] = share(numbers, count);
  out[at++] = share(mixed, count);
  out[at++] = share(single, count);
  out[at++] = share(capitalised, count);
  out[at++] = share(shouted, count);
  out[at++] = share(stopWords, count);
  out[at++] = share(met, listed.stopWords);
  out[at++] = share(stopCharacters, count);
  out[at++] = share(firstPerson, count);
  out[at++] = share(secondPerson, count);
  out[at++] = share(distinct, count);
  out[at++] = count === 0 ? 0 : Math.log1p(distinct / Math.sqrt(count));
  out[at++] = share(distinct - repeatedDistinct, distinct);
  out[at++] = share(most, count);
}
