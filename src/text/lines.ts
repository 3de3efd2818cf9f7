/**
 * Lines and paragraphs as offsets, in the several senses that filters need:
 *
 * - newline lines: pieces of Python's `text.split("\n")`, empty ones included;
 * - universal lines: Python's `splitlines()`, which also breaks at CR, CRLF, VT, FF, FS–RS, NEL, LS and PS and does not
 *   give an empty last line;
 * - line runs: `re.split("\n+", text)`;
 * - paragraphs: `re.split("\n{2,}", text.strip())`.
 */
import { charFlags, LINE_BREAK, skipSpace, trimSpace } from './char-class.ts';
import { addBound, type Bounds } from './word-break.ts';

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** Pieces between newlines. Always at least one. */
export function newlineLines(units: Uint16Array, length: number, lines: Bounds): void {
  lines.count = 0;
  let start = 0;
  for (let i = 0; i < length; i++) {
    if (units[i] !== NEWLINE) continue;
    addBound(lines, start, i);
    start = i + 1;
  }
  addBound(lines, start, length);
}

/** Python's `splitlines()`. No lines for the empty text. */
export function universalLines(units: Uint16Array, length: number, lines: Bounds): void {
  lines.count = 0;
  let start = 0;
  for (let i = 0; i < length; i++) {
    if ((charFlags[units[i]] & LINE_BREAK) === 0) continue;
    addBound(lines, start, i);
    if (units[i] === RETURN && i + 1 < length && units[i + 1] === NEWLINE) i++;
    start = i + 1;
  }
  if (start < length) addBound(lines, start, length);
}

/** Pieces between runs of newlines; an empty piece before a leading and after a trailing run. */
export function lineRuns(newline: Bounds, lines: Bounds): void {
  lines.count = 0;
  const last = newline.count - 1;
  for (let i = 0; i <= last; i++) {
    const isEmpty = newline.starts[i] === newline.ends[i];
    if (!isEmpty || i === 0 || i === last) addBound(lines, newline.starts[i], newline.ends[i]);
  }
  // A text of newlines alone has one run between two empty pieces; a text without any has one piece.
}

/** Pieces of the trimmed text between runs of two or more newlines. Always at least one. */
export function paragraphs(units: Uint16Array, length: number, newline: Bounds, result: Bounds): void {
  result.count = 0;
  const end = trimSpace(units, 0, length);
  const start = skipSpace(units, 0, end);
  let from = start;
  for (let i = 0; i < newline.count - 1; i++) {
    const lineEnd = newline.ends[i];
    if (lineEnd < from || lineEnd >= end) continue;
    // This newline is at lineEnd; the paragraph ends here when the next line is empty.
    if (newline.ends[i + 1] !== newline.starts[i + 1]) continue;
    addBound(result, from, lineEnd);
    let next = i + 1;
    while (newline.starts[next] === newline.ends[next]) next++;
    from = newline.starts[next];
    i = next - 1;
  }
  addBound(result, from, end);
}
