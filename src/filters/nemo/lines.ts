/**
 * NeMo's lines and paragraphs. A line ("sentence" there) is a piece between newlines that is not white space alone; a
 * paragraph is a piece of `text.split("\n\n")`, empty ones included. Repetition compares them as they stand, white space
 * at their ends included.
 */
import { charFlags, SPACE, skipSpace, trimSpace } from '../../text/char-class.ts';
import { countCodePoints } from '../../text/unicode.ts';
import { defineFeature, type Feature, type TextView } from '../../text/view.ts';
import { addBound, type Bounds, createBounds } from '../../text/word-break.ts';

/** Shares of pieces and of their characters; NaN where there are none. */
export interface Repetition {
  /** Pieces that are the first of their kind. */
  unique: number;
  uniqueChars: number;
  /** What is left to 1: second and later occurrences. */
  repeated: number;
  repeatedChars: number;
}

const lineBounds = createBounds(256);
const paragraphBounds = createBounds(256);

/** Pieces between newlines that are not white space alone. */
export const filledLines = defineFeature((view): Bounds => {
  const { starts, ends, count } = view.newlineLines;
  const { units } = view;
  lineBounds.count = 0;
  for (let i = 0; i < count; i++) {
    if (skipSpace(units, starts[i], ends[i]) < ends[i]) addBound(lineBounds, starts[i], ends[i]);
  }
  return lineBounds;
});

/** `text.split("\n\n")`. */
export const doubleNewlinePieces = defineFeature((view): Bounds => {
  const { starts, ends, count } = view.newlineLines;
  paragraphBounds.count = 0;
  let from = 0;
  for (let i = 1; i < count - 1; i++) {
    // An empty line stands between two newlines; the second of them cannot be the first of the next pair.
    if (starts[i] !== ends[i]) continue;
    addBound(paragraphBounds, from, ends[i] - 1);
    from = ends[i] + 1;
    i++;
  }
  addBound(paragraphBounds, from, view.text.length);
  return paragraphBounds;
});

export const lineRepetition = repetitionOf(filledLines);
export const paragraphRepetition = repetitionOf(doubleNewlinePieces);

function repetitionOf(pieces: Feature<Bounds>): Feature<Repetition> {
  return defineFeature((view) => {
    const bounds = view.get(pieces);
    const { elements, chars } = view.duplicates(bounds);
    let total = 0;
    for (let i = 0; i < bounds.count; i++) {
      const start = bounds.starts[i];
      total += view.hasSurrogates ? countCodePoints(view.units, start, bounds.ends[i]) : bounds.ends[i] - start;
    }
    return {
      unique: (bounds.count - elements) / bounds.count,
      uniqueChars: (total - chars) / total,
      repeated: elements / bounds.count,
      repeatedChars: chars / total,
    };
  });
}

/** Shares of lines, white space at their ends left out; NaN where there are none. */
export interface LineShares {
  /** Do not end with `.`, `?`, `!`, `"` or `'`. */
  withoutEndMark: number;
  /** End with an ellipsis, plain or in brackets, with `-»`, or with "read more". */
  ellipsis: number;
  /** Begin with a bullet. A hyphen is none. */
  bullet: number;
}

const END_MARK = 1;
const BULLET = 2;
const MAY_END_ELLIPSIS = 4;
const lineMarks = buildMarks();
const lineShareValues: LineShares = { withoutEndMark: Number.NaN, ellipsis: Number.NaN, bullet: Number.NaN };

export const lineShares = defineFeature((view: TextView): LineShares => {
  const { starts, ends, count } = view.get(filledLines);
  const { units } = view;
  let endMarks = 0;
  let ellipses = 0;
  let bullets = 0;
  for (let i = 0; i < count; i++) {
    let start = starts[i];
    let end = ends[i];
    if ((charFlags[units[end - 1]] & SPACE) !== 0) end = trimSpace(units, start, end);
    if ((charFlags[units[start]] & SPACE) !== 0) start = skipSpace(units, start, end);
    const last = lineMarks[units[end - 1]];
    if ((last & END_MARK) !== 0) endMarks++;
    if ((last & MAY_END_ELLIPSIS) !== 0 && endsWithEllipsis(view.text.slice(Math.max(start, end - 11), end)))
      ellipses++;
    if ((lineMarks[units[start]] & BULLET) !== 0) bullets++;
  }
  lineShareValues.withoutEndMark = (count - endMarks) / count;
  lineShareValues.ellipsis = ellipses / count;
  lineShareValues.bullet = bullets / count;
  return lineShareValues;
});

/** "…" and the like; the eleven last units of a line decide. */
function endsWithEllipsis(tail: string): boolean {
  return /(?:\.\.\.|…|\[(?:\.\.\.|…)\]|\(\.\.\.\)|-»|read more(?:\.\.)?)$/i.test(tail);
}

function buildMarks(): Uint8Array {
  const table = new Uint8Array(0x10000);
  const add = (characters: string, flag: number): void => {
    for (let i = 0; i < characters.length; i++) table[characters.charCodeAt(i)] |= flag;
  };
  add('.?!"\'', END_MARK);
  add('•‣⁃⁌⁍∙○●◘◦⦾⦿', BULLET);
  add('.…])»eE', MAY_END_ELLIPSIS);
  return table;
}
