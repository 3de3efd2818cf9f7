/** Banned, soft and sub-words in a URL, by either convention (see url.ts). All work on the URL's UTF-16 units. */
import { createPhraseSearch, foldCase, searchPhrases } from '../../text/phrase-search.ts';
import type { Convention } from '../convention.ts';

export interface UrlWords {
  hasBanned(units: Uint16Array, length: number): boolean;
  /** Different soft words. */
  countSoft(units: Uint16Array, length: number): number;
  hasSubword(units: Uint16Array, length: number): boolean;
}

export function createUrlWords(
  convention: Convention,
  banned: readonly string[],
  soft: readonly string[],
  subwords: readonly string[],
): UrlWords {
  const isDclm = convention === 'dclm';
  const wholeWords = isDclm ? createBorderedWords : createPieces;
  const bannedWords = wholeWords(banned);
  const softWords = wholeWords(soft);
  const search = createPhraseSearch(subwords, isDclm ? withoutHyphens : lettersAndDigits);
  return {
    hasBanned: (units, length) => bannedWords(units, length, 1) > 0,
    countSoft: (units, length) => softWords(units, length, Number.POSITIVE_INFINITY),
    hasSubword: (units, length) => searchPhrases(search, units, length, () => true),
  };
}

/** Different listed words in the URL, counted no further than `enough`. */
type WordCounter = (units: Uint16Array, length: number, enough: number) => number;

/** datatrove: pieces between characters other than ASCII letters and digits, as written; its lists are lower-cased. */
function createPieces(list: readonly string[]): WordCounter {
  const words = [...new Set(list.map((word) => word.replace(/[^a-zA-Z0-9]+/g, '').toLowerCase()))];
  const wanted = new Map(words.map((word, i) => [word, i]));
  // By 16 bits of a hash, which few other pieces have.
  const mayBe = new Uint8Array(1 << 16);
  for (const word of words) mayBe[hashOf(word) & 0xffff] = 1;
  const longest = words.reduce((most, word) => Math.max(most, word.length), 0);
  const seen = new Int32Array(words.length);
  let turn = 0;
  return (units, length, enough) => {
    turn++;
    let found = 0;
    let start = 0;
    let hash = 0;
    for (let i = 0; i <= length; i++) {
      if (i < length && isAlphanumeric(units[i])) {
        hash = Math.imul(hash ^ units[i], 0x01000193);
        continue;
      }
      if (i > start && i - start <= longest && mayBe[(hash ^ (hash >>> 16)) & 0xffff] === 1) {
        const index = wanted.get(String.fromCharCode(...units.subarray(start, i)));
        if (index !== undefined && seen[index] !== turn) {
          seen[index] = turn;
          if (++found >= enough) return found;
        }
      }
      start = i + 1;
      hash = 0;
    }
    return found;
  };
}

function hashOf(word: string): number {
  let hash = 0;
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193);
  return hash ^ (hash >>> 16);
}

/** DCLM: between borders of `\w`, whatever the case. */
function createBorderedWords(list: readonly string[]): WordCounter {
  const words = [...new Set(list.map((word) => word.toLowerCase()))];
  const search = createPhraseSearch(words);
  const seen = new Int32Array(words.length);
  let turn = 0;
  return (units, length, enough) => {
    turn++;
    let found = 0;
    searchPhrases(search, units, length, (phrase, start, end) => {
      const isWhole =
        isWordUnit(units, length, start - 1) !== isWordUnit(units, length, start) &&
        isWordUnit(units, length, end - 1) !== isWordUnit(units, length, end);
      if (isWhole && seen[phrase] !== turn) {
        seen[phrase] = turn;
        found++;
      }
      return found >= enough;
    });
    return found;
  };
}

function isAlphanumeric(unit: number): boolean {
  const letter = unit | 0x20;
  return (unit >= 0x30 && unit <= 0x39) || (letter >= 0x61 && letter <= 0x7a && unit < 0x80);
}

function isWordUnit(units: Uint16Array, length: number, at: number): boolean {
  if (at < 0 || at >= length) return false;
  const unit = units[at];
  return isAlphanumeric(unit) || unit === 0x5f || (unit >= 0x80 && /[\p{L}\p{N}]/u.test(String.fromCharCode(unit)));
}

function lettersAndDigits(unit: number): number {
  return isAlphanumeric(unit) ? foldCase(unit) : -1;
}

function withoutHyphens(unit: number): number {
  return unit === 0x2d || unit === 0x2e ? -1 : foldCase(unit);
}
