/**
 * RefinedWeb's line-wise corrections as DCLM wrote them (baselines/mappers/modifiers.py), each a rule that drops whole
 * lines: too many capitals, nothing but digits, counters ("3 likes"), too few words. Lines are pieces between newlines; empty
 * ones stay. Offsets are into the view's units.
 */
import { codePointAt, skipSpace, trimSpace } from '../../text/char-class.ts';
import { PY_ALNUM, PY_DIGIT, PY_SPACE, PY_UPPER, pythonFlags, pythonFlagsOf } from '../../text/python-class.ts';
import { countCodePoints } from '../../text/unicode.ts';
import type { TextView } from '../../text/view.ts';
import type { Bounds } from '../../text/word-break.ts';

/** True for a line to drop; asked only about lines that are not empty. */
export type LineTest = (view: TextView, start: number, end: number) => boolean;

/** Drops lines and, as most of the peer's functions do, the white space at the ends of what is left. */
export function dropLines(view: TextView, lines: Bounds, test: LineTest, stripAfter: boolean): void {
  const { starts, ends } = lines;
  let kept = 0;
  for (let i = 0; i < lines.count; i++) {
    const start = starts[i];
    const end = ends[i];
    if (end > start && test(view, start, end)) continue;
    starts[kept] = start;
    ends[kept++] = end;
  }
  lines.count = kept;
  if (stripAfter) stripLines(view.units, lines);
}

/** Python's `strip()` of the lines written together: blank ones at both ends go, and white space at the ends of the rest. */
function stripLines(units: Uint16Array, lines: Bounds): void {
  const { starts, ends } = lines;
  let last = lines.count - 1;
  for (; last >= 0; last--) {
    ends[last] = trimSpace(units, starts[last], ends[last]);
    if (ends[last] > starts[last]) break;
  }
  let first = 0;
  for (; first <= last; first++) {
    starts[first] = skipSpace(units, starts[first], ends[first]);
    if (ends[first] > starts[first]) break;
  }
  lines.count = last - first + 1;
  if (first > 0) {
    starts.copyWithin(0, first, last + 1);
    ends.copyWithin(0, first, last + 1);
  }
}

/** Share of upper-case letters among a line's characters over `max`. */
export function tooManyCapitals(max: number): LineTest {
  return (view, start, end) => shareOf(PY_UPPER, view, start, end, max) > max;
}

/** Share of digits among a line's characters over `max`; just under 1 drops lines of digits alone. */
export function tooManyDigits(max: number): LineTest {
  return (view, start, end) => shareOf(PY_DIGIT, view, start, end, max) > max;
}

/** Share of the characters with `flag`; reads no further than it takes to see that it is at most `enough`. */
function shareOf(flag: number, { units, hasSurrogates }: TextView, start: number, end: number, enough: number): number {
  const length = hasSurrogates ? countCodePoints(units, start, end) : end - start;
  let others = 0;
  for (let i = start; i < end; i++) {
    let flags = pythonFlags[units[i]];
    if (hasSurrogates && (units[i] & 0xfc00) === 0xd800) {
      const codePoint = codePointAt(units, i, end);
      flags = pythonFlagsOf(codePoint);
      if (codePoint > 0xffff) i++;
    }
    if ((flags & flag) !== 0) continue;
    others++;
    if (length - others <= enough * length && (length - others) / length <= enough) return enough;
  }
  return (length - others) / length;
}

const COUNTED = 'likes|shares|comments|retweets|reposts|quotes|bookmarks|upvotes|downvotes|downloads|views|followers';
const SPACES = '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const COUNTER = new RegExp(
  `^[^\\p{L}\\p{N}_]*\\p{Nd}(?:,|\\.|\\p{Nd})*[kmb]?${SPACES}+(?:${COUNTED})[^\\p{L}\\p{N}_]*$`,
  'u',
);

/** A number and what it counts, alone on the line: "3 likes", "5.1M views!". */
export const isCounter: LineTest = (view, start, end) => {
  const { units } = view;
  // Nearly every line is told by its first word character, which must be a digit.
  let i = start;
  for (; i < end; i++) {
    const codePoint = codePointAt(units, i, end);
    const flags = pythonFlagsOf(codePoint);
    if ((flags & PY_ALNUM) !== 0) {
      if ((flags & PY_DIGIT) === 0) return false;
      break;
    }
    if (codePoint > 0xffff) i++;
  }
  return i < end && COUNTER.test(view.text.slice(start, end).toLowerCase());
};

/** Fewer than `least` pieces between white space. */
export function tooFewWords(least: number): LineTest {
  return ({ units }, start, end) => countWords(units, start, end, least) < least;
}

/** Pieces between white space; counts no further than `enough`. */
export function countWords(units: Uint16Array, start: number, end: number, enough: number): number {
  let words = 0;
  let wasSpace = PY_SPACE;
  for (let i = start; i < end && words < enough; i++) {
    const space = pythonFlags[units[i]] & PY_SPACE;
    if (space === 0 && wasSpace !== 0) words++;
    wasSpace = space;
  }
  return words;
}
