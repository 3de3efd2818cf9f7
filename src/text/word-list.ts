/**
 * Listed words in a text: each entry, of one word or several, found wherever it stands whatever its case, and, for
 * languages that put spaces between words, only where it is not part of a longer word.
 *
 * Border: Python's `\W` or an end of the text, as in C4's expression `(?:\W|^)(…)(?:\W|$)`: letters and numbers of any script
 * and the underscore are word characters, combining marks are not.
 */
import { codePointAt, codePointBefore } from './char-class.ts';
import { fillProperty, TABLE_CODE_POINTS } from './code-points.ts';
import { createPhraseSearch, foldCase, type PhraseSearch, searchPhrases } from './phrase-search.ts';
import { TextView } from './view.ts';

export interface WordList {
  search: PhraseSearch;
  /** True where an entry inside a longer word does not count. */
  isBounded: boolean;
  /** Words with a letter in each entry, a character of an unspaced script being one. */
  words: Uint32Array;
}

/** `entries` are folded as the text will be; `isBounded` is false for languages without spaces. */
export function createWordList(entries: Iterable<string>, isBounded: boolean): WordList {
  const list = [...new Set(entries)].filter((entry) => entry !== '');
  const view = new TextView();
  const words = Uint32Array.from(list, (entry) => {
    view.reset(entry);
    return view.wordFeatures('characters').alphaWords;
  });
  return { search: createPhraseSearch(list, foldCase), isBounded, words };
}

/** Occurrences in the text, each entry by itself: `grand piano` counts beside `piano`. Counts no further than `enough`. */
export function countListed(list: WordList, view: TextView, enough = Number.POSITIVE_INFINITY): number {
  const { units, text } = view;
  const length = text.length;
  let count = 0;
  searchPhrases(list.search, units, length, (_, start, end) => {
    if (list.isBounded && !isWhole(units, length, start, end)) return false;
    return ++count >= enough;
  });
  return count;
}

/** Words of the text that listed entries cover; of entries that overlap the longer one counts, else the first. */
export function countCovered(list: WordList, view: TextView): number {
  const { units, text } = view;
  const length = text.length;
  const { isBounded, words } = list;
  let covered = 0;
  let lastStart = -1;
  let lastEnd = 0;
  let lastWords = 0;
  searchPhrases(list.search, units, length, (phrase, start, end) => {
    if (isBounded && !isWhole(units, length, start, end)) return false;
    if (start >= lastEnd) covered += words[phrase];
    else if (start <= lastStart && end > lastEnd) covered += words[phrase] - lastWords;
    else return false;
    lastStart = start;
    lastEnd = end;
    lastWords = words[phrase];
    return false;
  });
  return covered;
}

let wordCharacters: Uint8Array | undefined;

/** 1 for letters, numbers and the underscore: Python's `\w`. */
function wordCharacterTable(): Uint8Array {
  if (wordCharacters === undefined) {
    wordCharacters = new Uint8Array(TABLE_CODE_POINTS);
    fillProperty(wordCharacters, /[\p{L}\p{N}_]+/gu, 1);
  }
  return wordCharacters;
}

function isWordCharacter(codePoint: number): boolean {
  if (codePoint < TABLE_CODE_POINTS) return wordCharacterTable()[codePoint] === 1;
  return /^[\p{L}\p{N}]$/u.test(String.fromCodePoint(codePoint));
}

function isWhole(units: Uint16Array, length: number, start: number, end: number): boolean {
  if (start > 0 && isWordCharacter(codePointBefore(units, 0, start))) return false;
  return end >= length || !isWordCharacter(codePointAt(units, end, length));
}
