/**
 * RedPajama-V2's signals of lines: one span `[start, end, score]` a line, in code points of the text, the newline
 * included. Lines end at \n alone.
 */
import { charFlags, codePointAt, SPACE, skipSpace, trimSpace } from '../../text/char-class.ts';
import { countCodePoints } from '../../text/unicode.ts';
import type { TextView } from '../../text/view.ts';
import { hashWord } from '../../text/words.ts';
import { classes, flagsBeyond, NUMERIC, UPPER } from './character-classes.ts';
import type { NormalizedText } from './normalized.ts';
import { roundScore } from './round-score.ts';

/** Start, end (code points) and score. */
export type Span = [number, number, number | null];

export type LineSignals = Record<`rps_lines_${string}`, Span[]>;

const BULLETS: ReadonlySet<number> = new Set([
  0x2022, 0x2023, 0x25b6, 0x25c0, 0x25e6, 0x25a0, 0x25a1, 0x25aa, 0x25ab, 0x2013,
]);
const JAVASCRIPT = hashWord('javascript');

/** Lines of a text: pieces between newlines, the last one only if it is not empty. */
export function countLines(view: TextView): number {
  const { starts, ends, count } = view.newlineLines;
  return starts[count - 1] === ends[count - 1] ? count - 1 : count;
}

export function measureLines(view: TextView, normalized: NormalizedText): LineSignals {
  const lines: LineSignals = {
    rps_lines_ending_with_terminal_punctution_mark: [],
    rps_lines_javascript_counts: [],
    rps_lines_num_words: [],
    rps_lines_numerical_chars_fraction: [],
    rps_lines_start_with_bulletpoint: [],
    rps_lines_uppercase_letter_fraction: [],
  };
  const { units } = view;
  const { starts, ends, count } = view.newlineLines;
  const { words, lineWords } = normalized;
  const total = countLines(view);
  let from = 0;
  for (let i = 0; i < total; i++) {
    const newline = i < count - 1 ? 1 : 0;
    const to = from + countCodePoints(units, starts[i], ends[i]) + newline;
    const put = (name: keyof LineSignals, score: number): void => {
      lines[name].push([from, to, score]);
    };
    const end = trimSpace(units, starts[i], ends[i]);
    const start = skipSpace(units, starts[i], end);
    put('rps_lines_ending_with_terminal_punctution_mark', end > start && isTerminal(units[end - 1]) ? 1 : 0);
    put('rps_lines_start_with_bulletpoint', end > start && BULLETS.has(units[start]) ? 1 : 0);
    const capitals = countFlag(units, starts[i], ends[i], UPPER);
    put('rps_lines_uppercase_letter_fraction', roundScore(capitals / (to - from)));

    const first = lineWords[i];
    const last = lineWords[i + 1];
    put('rps_lines_num_words', last - first);
    let javascript = 0;
    for (let k = first; k < last; k++) {
      if (words.low[k] === JAVASCRIPT.low && words.high[k] === JAVASCRIPT.high) javascript++;
    }
    put('rps_lines_javascript_counts', javascript);
    put('rps_lines_numerical_chars_fraction', numericShare(normalized, first, last));
    from = to;
  }
  if (total === 0) lines['rps_lines_start_with_bulletpoint'].push([0, 0, null]);
  return lines;
}

/** Share of numeric characters in a normalized line, the spaces between its words counted. */
function numericShare({ units, bounds, words }: NormalizedText, first: number, last: number): number {
  if (last === first) return 0;
  const chars = words.charsBefore[last] - words.charsBefore[first] + (last - first - 1);
  return roundScore(countFlag(units, bounds.starts[first], bounds.ends[last - 1], NUMERIC) / chars);
}

function countFlag(units: Uint16Array, start: number, end: number, flag: number): number {
  let count = 0;
  for (let i = start; i < end; i++) {
    const unit = units[i];
    if ((unit & 0xfc00) !== 0xd800) {
      if ((classes[unit] & flag) !== 0) count++;
      continue;
    }
    const codePoint = codePointAt(units, i, end);
    const flags = codePoint < classes.length ? classes[codePoint] : flagsBeyond(codePoint);
    if ((flags & flag) !== 0) count++;
  }
  return count;
}

function isTerminal(unit: number): boolean {
  return unit === 0x2e || unit === 0x21 || unit === 0x3f || unit === 0x201d;
}

/** Share of lines that end in "..." or "…"; null without lines. */
export function ellipsisLines(view: TextView): number | null {
  const { units } = view;
  const { starts, ends } = view.newlineLines;
  const total = countLines(view);
  let found = 0;
  for (let i = 0; i < total; i++) {
    let end = ends[i];
    if (end > starts[i] && (charFlags[units[end - 1]] & SPACE) !== 0) end = trimSpace(units, starts[i], end);
    const length = end - starts[i];
    if (length >= 1 && units[end - 1] === 0x2026) found++;
    else if (length >= 3 && units[end - 1] === 0x2e && units[end - 2] === 0x2e && units[end - 3] === 0x2e) found++;
  }
  return total === 0 ? null : roundScore(found / total);
}
