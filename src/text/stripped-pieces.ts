/**
 * Lines and paragraphs as DCLM and dolma take them: pieces between newlines, or between runs of two and more, without the
 * white space at their ends; pieces of white space alone are none.
 */
import { charFlags, SPACE, skipSpace, trimSpace } from './char-class.ts';
import { defineFeature, type TextView } from './view.ts';
import { addBound, type Bounds, createBounds } from './word-break.ts';

const lines = createBounds(256);
const paragraphs = createBounds(256);

/** `[p.strip() for p in text.split("\n") if p.strip()]`. */
export const strippedLines = defineFeature((view) => {
  const { starts, ends, count } = view.newlineLines;
  lines.count = 0;
  for (let i = 0; i < count; i++) addStripped(view, starts[i], ends[i], lines);
  return lines;
});

/** The same for `text.split("\n\n")`. */
export const strippedParagraphs = defineFeature((view) => {
  const { starts, ends, count } = view.newlineLines;
  paragraphs.count = 0;
  let start = 0;
  for (let i = 0; i < count; i++) {
    // An empty line that is not the last is a second newline. After an odd third one the strip takes what is left.
    const isBreak = i > 0 && i < count - 1 && starts[i] === ends[i];
    if (!isBreak) continue;
    addStripped(view, start, ends[i], paragraphs);
    start = ends[i];
  }
  addStripped(view, start, view.text.length, paragraphs);
  return paragraphs;
});

function addStripped(view: TextView, from: number, to: number, pieces: Bounds): void {
  const end = trimSpace(view.units, from, to);
  const start = skipSpace(view.units, from, end);
  if (start < end) addBound(pieces, start, end);
}

/** Python's `text.strip()`; JavaScript's `trim` takes other characters. */
export function stripText(text: string): string {
  let end = text.length;
  while (end > 0 && (charFlags[text.charCodeAt(end - 1)] & SPACE) !== 0) end--;
  let start = 0;
  while (start < end && (charFlags[text.charCodeAt(start)] & SPACE) !== 0) start++;
  return text.slice(start, end);
}
