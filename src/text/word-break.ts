/**
 * Word segmentation by the Unicode rules (UAX #29 as ICU implements it): the same borders as
 * `Intl.Segmenter('en', { granularity: 'word' })` of the running Node, at some hundred times its speed.
 *
 * Intl.Segmenter makes an object per segment (1.5 to 3 µs) and its cost grows with the square of the text's length
 * (600,000 characters: minutes). Here borders are offsets in a typed array, found in one pass over UTF-16 units. Only a
 * segment that holds letters of a script written without spaces (Han, Kana, Thai, Lao, Khmer, Burmese …) goes to
 * Intl.Segmenter, alone: ICU applies its dictionary inside a rule segment, so that is exact. Such segments longer than
 * `MAX_DICTIONARY_UNITS` (a page of Chinese without any punctuation) are cut first, because of the square.
 */
import { native } from '../core/native.ts';
import * as W from './word-class.ts';

const table = W.wordClassTable;
const segmenter = new Intl.Segmenter('en', { granularity: 'word' });

/** Longer runs without a rule border are cut here before the dictionary sees them. */
export const MAX_DICTIONARY_UNITS = 4096;

/**
 * What a word is in scripts written without spaces: `dictionary`, the words of ICU's dictionary, as Intl.Segmenter gives them
 * (about 3 MB/s); `characters`, each character with its marks, as plain UAX #29 has it (Katakana words stay whole).
 */
export type UnspacedWords = 'characters' | 'dictionary';

/** Offsets of segments in UTF-16 units; grows as needed and is reused. */
export interface Bounds {
  starts: Uint32Array;
  ends: Uint32Array;
  count: number;
}

export function createBounds(capacity = 4096): Bounds {
  return { starts: new Uint32Array(capacity), ends: new Uint32Array(capacity), count: 0 };
}

/** Adds a segment; for callers outside the hot loop. */
export function addBound(bounds: Bounds, start: number, end: number): void {
  if (bounds.count === bounds.starts.length) growBounds(bounds);
  bounds.starts[bounds.count] = start;
  bounds.ends[bounds.count++] = end;
}

function growBounds(bounds: Bounds): void {
  const starts = new Uint32Array(bounds.starts.length * 2);
  const ends = new Uint32Array(bounds.starts.length * 2);
  starts.set(bounds.starts);
  ends.set(bounds.ends);
  bounds.starts = starts;
  bounds.ends = ends;
}

/**
 * Fills `bounds` with the words of the text: every UAX #29 segment except those that are white space alone.
 * `units` holds the text's UTF-16 units from 0 to `length`; `unspaced` says how Chinese, Japanese, Thai and the like are divided. With `withSpace` the white-space segments are listed too.
 */
export function breakWords(
  text: string,
  units: Uint16Array,
  length: number,
  bounds: Bounds,
  unspaced: UnspacedWords,
  withSpace = false,
): void {
  if (native !== undefined && unspaced === 'characters' && !withSpace) {
    let count = native.breakWords(units, length, table, bounds.starts, bounds.ends);
    while (count === FULL) {
      growBounds(bounds);
      count = native.breakWords(units, length, table, bounds.starts, bounds.ends);
    }
    if (count >= 0) {
      bounds.count = count;
      return;
    }
  }
  breakWordsTwin(text, units, length, bounds, unspaced, withSpace);
}

/** What the native kernel says when the arrays are full. */
const FULL = -1;

/** The TypeScript twin of the native kernel; the only one for ICU's dictionary and for characters beyond the tables. */
export function breakWordsTwin(
  text: string,
  units: Uint16Array,
  length: number,
  bounds: Bounds,
  unspaced: UnspacedWords,
  withSpace = false,
): void {
  bounds.count = 0;
  let { starts, ends } = bounds;
  let position = 0;
  while (position < length) {
    const start = position;
    const first = table[units[position]];
    position++;
    let sig = first & W.CLASS_MASK;
    if (first === W.ALETTER) {
      while (position < length && table[units[position]] === W.ALETTER) position++;
    } else if (first === SPACE) {
      while (position < length && table[units[position]] === SPACE) position++;
    } else if (first === (W.CR | W.WHITE)) {
      if (position < length && units[position] === 0x0a) position++;
    } else if (sig === W.SURROGATE) {
      sig = classAt(units, start, length) & W.CLASS_MASK;
      position = start + width;
    }
    if (sig >= W.CR && sig <= W.NEWLINE) {
      if (withSpace) addBound(bounds, start, position);
      continue;
    }
    if (position < length && !endsWord(sig, table[units[position]])) {
      sawDictionary = false;
      position = segmentEnd(units, length, position, sig);
      if (sawDictionary || (first & W.DICTIONARY) !== 0 || sig === W.HAN_HIRAGANA) {
        if (hasDictionary(units, start, position)) {
          if (unspaced === 'dictionary') breakByDictionary(text, start, position, bounds);
          else breakByCharacter(units, start, position, bounds);
          starts = bounds.starts;
          ends = bounds.ends;
          continue;
        }
      }
    }
    if ((first & W.WHITE) !== 0 && !withSpace && isWhite(units, start, position)) continue;
    if (bounds.count === starts.length) {
      growBounds(bounds);
      starts = bounds.starts;
      ends = bounds.ends;
    }
    starts[bounds.count] = start;
    ends[bounds.count++] = position;
  }
}

const SPACE = W.WSEG_SPACE | W.WHITE;
const LINE_FEED = W.LF | W.WHITE;

/** The common borders, decided without looking further: a letter or a mark before a space or an ordinary mark. */
function endsWord(sig: number, next: number): boolean {
  if (next === SPACE) return sig !== W.WSEG_SPACE;
  if (next === W.OTHER || next === LINE_FEED) return true;
  return next === W.ALETTER && (sig === W.WSEG_SPACE || sig === W.OTHER);
}

let width = 1;
let sawDictionary = false;

/** Class and flags of the code point at `position`; `width` is then its units. */
function classAt(units: Uint16Array, position: number, length: number): number {
  const unit = units[position];
  const value = table[unit];
  width = 1;
  if (value !== W.SURROGATE) return value;
  if (unit >= 0xdc00 || position + 1 >= length) return W.OTHER;
  const low = units[position + 1];
  if (low < 0xdc00 || low > 0xdfff) return W.OTHER;
  width = 2;
  const codePoint = 0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff);
  return codePoint < 0x20000 ? table[codePoint] : W.farWordClass(codePoint);
}

/** Second regional indicator of a flag: nothing joins it but marks. */
const FLAG_DONE = 30;

/**
 * The end of the segment that holds everything up to `position`, whose last class is `sig`. `last` follows the
 * characters one by one; `sig` skips over marks, formats and joiners (WB4).
 */
function segmentEnd(units: Uint16Array, length: number, position: number, sig: number): number {
  let last = sig;
  while (position < length) {
    const value = classAt(units, position, length);
    const step = width;
    const cls = value & W.CLASS_MASK;
    if (cls >= W.CR && cls <= W.NEWLINE) return position;
    if (cls >= W.EXTEND && cls <= W.ZWJ) {
      last = cls;
    } else if (last === W.ZWJ && (value & W.PICTOGRAPHIC) !== 0) {
      sig = last = cls;
    } else if (joins(sig, last, cls)) {
      sig = last = sig === W.REGIONAL_INDICATOR ? FLAG_DONE : cls;
    } else {
      const wanted = wantedAfter(sig, cls);
      const next = wanted === 0 ? -1 : nextIfLike(units, length, position + step, wanted);
      if (next !== -1) {
        position = next;
        sig = last = nextClass;
        continue;
      }
      if (sig !== W.HEBREW_LETTER || cls !== W.SINGLE_QUOTE) return position;
      sig = last = cls; // WB7a
    }
    if ((value & W.DICTIONARY) !== 0) sawDictionary = true;
    position += step;
  }
  return position;
}

function joins(sig: number, last: number, cls: number): boolean {
  switch (sig) {
    case W.ALETTER:
    case W.HEBREW_LETTER:
    case W.NUMERIC:
      return cls === W.ALETTER || cls === W.NUMERIC || cls === W.HEBREW_LETTER || cls === W.EXTEND_NUM_LET;
    case W.WSEG_SPACE:
      return cls === W.WSEG_SPACE && last === W.WSEG_SPACE;
    case W.KATAKANA:
      return cls === W.KATAKANA || cls === W.EXTEND_NUM_LET || (cls === W.HAN_HIRAGANA && last === W.KATAKANA);
    case W.HAN_HIRAGANA:
      return (cls === W.HAN_HIRAGANA || cls === W.KATAKANA) && last === W.HAN_HIRAGANA;
    case W.HANGUL:
      return cls === W.HANGUL && last === W.HANGUL;
    case W.EXTEND_NUM_LET:
      return (
        cls === W.ALETTER ||
        cls === W.NUMERIC ||
        cls === W.HEBREW_LETTER ||
        cls === W.EXTEND_NUM_LET ||
        cls === W.KATAKANA
      );
    case W.REGIONAL_INDICATOR:
      return cls === W.REGIONAL_INDICATOR;
    default:
      return false;
  }
}

const LETTERS = 1;
const DIGITS = 2;
const HEBREW = 3;

/** What must follow a mark of class `cls` after `sig` for both borders to go (WB6, 7, 7b, 7c, 11, 12); 0 for nothing. */
function wantedAfter(sig: number, cls: number): number {
  if (sig === W.ALETTER || sig === W.HEBREW_LETTER) {
    if (cls === W.MID_LETTER || cls === W.MID_NUM_LET || cls === W.SINGLE_QUOTE) return LETTERS;
    return sig === W.HEBREW_LETTER && cls === W.DOUBLE_QUOTE ? HEBREW : 0;
  }
  if (sig === W.NUMERIC && (cls === W.MID_NUM || cls === W.MID_NUM_LET || cls === W.SINGLE_QUOTE)) return DIGITS;
  return 0;
}

let nextClass = 0;

/** The position after the next character that is not a mark or joiner, if it is of the wanted kind; else −1. */
function nextIfLike(units: Uint16Array, length: number, position: number, wanted: number): number {
  while (position < length) {
    const value = classAt(units, position, length);
    const cls = value & W.CLASS_MASK;
    position += width;
    if (cls >= W.EXTEND && cls <= W.ZWJ) continue;
    const fits =
      wanted === DIGITS ? cls === W.NUMERIC : cls === W.HEBREW_LETTER || (wanted === LETTERS && cls === W.ALETTER);
    if (!fits) return -1;
    nextClass = cls;
    if ((value & W.DICTIONARY) !== 0) sawDictionary = true;
    return position;
  }
  return -1;
}

function hasDictionary(units: Uint16Array, start: number, end: number): boolean {
  for (let position = start; position < end; position += width) {
    if ((classAt(units, position, end) & W.DICTIONARY) !== 0) return position > start || position + width < end;
  }
  return false;
}

function isWhite(units: Uint16Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if ((table[units[i]] & W.WHITE) === 0) return false;
  return true;
}

function breakByDictionary(text: string, start: number, end: number, bounds: Bounds): void {
  for (let from = start; from < end; ) {
    let to = Math.min(end, from + MAX_DICTIONARY_UNITS);
    if (to < end && (text.charCodeAt(to) & 0xfc00) === 0xdc00) to--;
    for (const { segment, index } of segmenter.segment(text.slice(from, to))) {
      addBound(bounds, from + index, from + index + segment.length);
    }
    from = to;
  }
}

/** Divides a segment before and after every letter of an unspaced script; marks stay with what they follow. */
function breakByCharacter(units: Uint16Array, start: number, end: number, bounds: Bounds): void {
  let from = start;
  let isSingle = false;
  for (let position = start; position < end; position += width) {
    const value = classAt(units, position, end);
    const cls = value & W.CLASS_MASK;
    if (cls >= W.EXTEND && cls <= W.ZWJ) continue;
    const single = cls === W.HAN_HIRAGANA || (cls !== W.KATAKANA && (value & W.DICTIONARY) !== 0);
    if (position > from && (single || isSingle)) {
      addBound(bounds, from, position);
      from = position;
    }
    isSingle = single;
  }
  addBound(bounds, from, end);
}
