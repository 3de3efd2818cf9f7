/**
 * Signals of the text as it stands: its tokens (NLTK's WordPunctTokenizer: runs of word characters and runs of other
 * marks, `\w+|[^\w\s]+`) and its sentences (`\b[^.!?]+[.!?]*`), each in one walk.
 */
import { codePointAt } from '../../text/char-class.ts';
import { BASE_HIGH, BASE_LOW } from '../../text/words.ts';
import { classes, flagsBeyond, LATIN, NOT_UPPER, SPACE, UPPER, WORD } from './character-classes.ts';
import { type HashSet, hasHash } from './hash-set.ts';

export interface RawWords {
  count: number;
  /** Tokens with a letter from a to z. */
  latin: number;
  /** Tokens in capitals: Python's `isupper`. */
  upper: number;
  /** Tokens that are stop words, as written. */
  stop: number;
}

function flagsAt(units: Uint16Array, i: number, length: number): number {
  const unit = units[i];
  if ((unit & 0xfc00) !== 0xd800) return classes[unit];
  const codePoint = codePointAt(units, i, length);
  return codePoint < classes.length ? classes[codePoint] : flagsBeyond(codePoint);
}

/** Tokens of a text of `length` units. */
export function countRawWords(units: Uint16Array, length: number, stopWords: HashSet | undefined): RawWords {
  const result: RawWords = { count: 0, latin: 0, upper: 0, stop: 0 };
  let kind = SPACE;
  let any = 0;
  let low = 0;
  let high = 0;
  for (let i = 0; i <= length; i++) {
    const flags = i < length ? flagsAt(units, i, length) : SPACE;
    const next = flags & (WORD | SPACE);
    if (next !== kind) {
      if (kind !== SPACE) {
        result.count++;
        if ((any & LATIN) !== 0) result.latin++;
        if ((any & (UPPER | NOT_UPPER)) === UPPER) result.upper++;
        if (stopWords !== undefined && kind === WORD && hasHash(stopWords, low, high)) result.stop++;
      }
      kind = next;
      any = 0;
      low = 0;
      high = 0;
    }
    any |= flags;
    if (i === length) break;
    low = (Math.imul(low, BASE_LOW) + units[i] + 1) | 0;
    high = (Math.imul(high, BASE_HIGH) + units[i] + 1) | 0;
    if ((units[i] & 0xfc00) === 0xd800 && i + 1 < length && (units[i + 1] & 0xfc00) === 0xdc00) {
      i++;
      low = (Math.imul(low, BASE_LOW) + units[i] + 1) | 0;
      high = (Math.imul(high, BASE_HIGH) + units[i] + 1) | 0;
    }
  }
  return result;
}

/** Matches of `\b[^.!?]+[.!?]*`. */
export function countSentences(units: Uint16Array, length: number): number {
  let count = 0;
  let before = 0;
  for (let i = 0; i < length; ) {
    const word = flagsAt(units, i, length) & WORD;
    if (word === before || isTerminal(units[i])) {
      before = word;
      i += codePointAt(units, i, length) > 0xffff ? 2 : 1;
      continue;
    }
    count++;
    while (i < length && !isTerminal(units[i])) i++;
    while (i < length && isTerminal(units[i])) i++;
    before = 0;
  }
  return count;
}

function isTerminal(unit: number): boolean {
  return unit === 0x2e || unit === 0x21 || unit === 0x3f;
}
