/**
 * Where a cut begins and ends in the text.
 *
 * Of tokens: what stands between two tokens (white space, punctuation) belongs to none, and one of the two gaps around a
 * cut must stay, so that its neighbours are neither joined nor left with two full stops between them.
 * - Punctuation that closes a token goes with it ("word." goes as a whole), and so does white space behind it.
 * - Opening marks (brackets, opening and straight quotes, ¿¡) go with the token they stand before.
 * - A cut that takes whole lines takes them with their bullets and indentation, and leaves those of the next line.
 * - A cut that begins within a line and ends at the end of another leaves the line break behind it.
 * - At the beginning of the text everything before the first token goes, at its end everything behind the last one that
 *   stays but for the rest of its line.
 *
 * Of characters and bytes: the span as it is. In any unit a cut can be narrowed to the whole sentences or lines in it.
 */
import { sentenceStarts } from '../../text/sentences.ts';
import type { PlacedSymbolReader, Unit } from './units.ts';

/** Offsets of a cut in UTF-16 units; nothing is cut where the start is not before the end. */
export interface Cut {
  start: number;
  end: number;
}

/** The cut for symbols [from, to) of the text that `reader` read last, of `count` symbols. */
export function cutOf(
  unit: Unit,
  text: string,
  reader: PlacedSymbolReader,
  count: number,
  from: number,
  to: number,
): Cut {
  const first = reader.starts[from];
  const end = reader.ends[to - 1];
  if (unit !== 'tokens') return { start: first, end };
  const gapBefore = from === 0 ? 0 : reader.ends[from - 1];
  const gapAfter = to === count ? text.length : reader.starts[to];
  const start = from === 0 ? 0 : first - openingLength(text, gapBefore, first);
  const next = to === count ? text.length : gapAfter - openingLength(text, end, gapAfter);
  const beginsLine = from === 0 || firstBreak(text, gapBefore, start) !== -1;
  if (to === count) {
    const rest = firstBreak(text, gapBefore, start);
    return { start: from === 0 ? 0 : trimSpace(text, gapBefore, rest === -1 ? start : rest), end: text.length };
  }
  const breakAfter = firstBreak(text, end, next);
  if (breakAfter === -1) return { start, end: next };
  if (!beginsLine) return { start: trimSpace(text, gapBefore, start), end: breakAfter };
  return { start: from === 0 ? 0 : lineStart(text, gapBefore, start), end: lineStart(text, end, next) };
}

/** The part of a cut that is whole sentences or whole lines; marks and white space around them do not count. */
export function narrowCut(text: string, { start, end }: Cut, piece: 'sentences' | 'lines'): Cut {
  if (start >= end) return { start, end };
  const before = borders(text, start, piece);
  const atStart = before.findLast((border) => border <= start)!;
  const after = borders(text, end - 1, piece);
  const atEnd = after.find((border) => border >= end)!;
  const narrow = {
    start: WORD.test(text.slice(atStart, start)) ? before.find((border) => border > start)! : start,
    end: WORD.test(text.slice(end, atEnd)) ? after.findLast((border) => border <= end)! : end,
  };
  if (narrow.start >= narrow.end || narrow.start === lineStart(text, 0, narrow.start)) return narrow;
  // As above: what begins within a line leaves the line breaks behind it.
  let lineEnd = narrow.end;
  while (lineEnd > narrow.start && isBreak(text.charCodeAt(lineEnd - 1))) lineEnd--;
  return lineEnd === narrow.end ? narrow : { start: trimSpace(text, 0, narrow.start), end: lineEnd };
}

const WORD = /[\p{L}\p{N}]/u;
const starts: number[] = [];

/** Where pieces of the line that holds place `at` begin, and where the line ends, its break included. */
function borders(text: string, at: number, piece: 'sentences' | 'lines'): number[] {
  const start = lineStart(text, 0, at);
  const lineBreak = firstBreak(text, at, text.length);
  const end = lineBreak === -1 ? text.length : lineBreak + 1;
  if (piece === 'lines') return [start, end];
  sentenceStarts(text.slice(start, end), starts);
  const found = starts.map((offset) => start + offset);
  found.push(end);
  return found;
}

const OPENING = /[\p{Ps}\p{Pi}"'¿¡]+$/u;

/** UTF-16 units of opening marks right before `end`, not before `start`; straight quotes only behind white space. */
function openingLength(text: string, start: number, end: number): number {
  const marks = OPENING.exec(text.slice(start, end))?.[0] ?? '';
  if (marks === '') return 0;
  const before = end - marks.length;
  const isFree = before === 0 || (before > start && isSpace(text.charCodeAt(before - 1)));
  return isFree || !/["']/.test(marks) ? marks.length : 0;
}

/** `end` moved back over spaces and tabs, not before `start`. */
function trimSpace(text: string, start: number, end: number): number {
  while (end > start && isSpace(text.charCodeAt(end - 1)) && !isBreak(text.charCodeAt(end - 1))) end--;
  return end;
}

/** The place behind the last line break in [start, end); `start` where there is none. */
function lineStart(text: string, start: number, end: number): number {
  while (end > start && !isBreak(text.charCodeAt(end - 1))) end--;
  return end;
}

/** The first line break in [start, end), or −1. */
function firstBreak(text: string, start: number, end: number): number {
  for (let i = start; i < end; i++) if (isBreak(text.charCodeAt(i))) return i;
  return -1;
}

function isBreak(unit: number): boolean {
  return unit === 0x0a || unit === 0x0d || unit === 0x2028 || unit === 0x2029;
}

function isSpace(unit: number): boolean {
  return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d) || unit === 0xa0 || unit === 0x3000 || isBreak(unit);
}
