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
  let { starts, ends } = lines;
  let count = 0;
  let start = 0;
  for (let i = 0; i < length; i++) {
    if (units[i] !== NEWLINE) continue;
    if (count + 1 >= starts.length) ({ starts, ends } = grown(lines, count));
    starts[count] = start;
    ends[count++] = i;
    start = i + 1;
  }
  lines.count = count;
  addBound(lines, start, length);
}

/** The same of a text of Latin-1 characters, which V8 keeps as bytes: its search for one is four times as quick. */
export function newlineLinesOfLatin1(text: string, lines: Bounds): void {
  lines.count = 0;
  let { starts, ends } = lines;
  let count = 0;
  let start = 0;
  for (let i = text.indexOf('\n'); i !== -1; i = text.indexOf('\n', start)) {
    if (count + 1 >= starts.length) ({ starts, ends } = grown(lines, count));
    starts[count] = start;
    ends[count++] = i;
    start = i + 1;
  }
  lines.count = count;
  addBound(lines, start, text.length);
}

/** Python's `splitlines()`. No lines for the empty text. */
export function universalLines(units: Uint16Array, length: number, lines: Bounds): void {
  lines.count = 0;
  let { starts, ends } = lines;
  let count = 0;
  let start = 0;
  for (let i = 0; i < length; i++) {
    const unit = units[i];
    // Two comparisons tell most characters; the table decides about the rest.
    if (unit > 0x1e && unit !== 0x85 && (unit & 0xfffe) !== 0x2028) continue;
    if ((charFlags[unit] & LINE_BREAK) === 0) continue;
    if (count + 1 >= starts.length) ({ starts, ends } = grown(lines, count));
    starts[count] = start;
    ends[count++] = i;
    if (unit === RETURN && i + 1 < length && units[i + 1] === NEWLINE) i++;
    start = i + 1;
  }
  lines.count = count;
  if (start < length) addBound(lines, start, length);
}

/** More room, the `count` pieces so far kept. */
function grown(lines: Bounds, count: number): Bounds {
  lines.count = count;
  addBound(lines, 0, 0);
  addBound(lines, 0, 0);
  lines.count = count;
  return lines;
}

const OTHER_BREAKS = ['\r', '\v', '\f', '\x1c', '\x1d', '\x1e', '\x85'];

/**
 * False when a text of Latin-1 characters has no line break but \n, so that its lines are those between newlines. For other
 * texts true: there the search for single bytes, quick as it is, meets halves of characters.
 */
export function mayHaveOtherBreaks(text: string, isLatin1: boolean): boolean {
  return !isLatin1 || OTHER_BREAKS.some((unit) => text.includes(unit));
}

/** `splitlines()` of a text without line breaks but \n, from its pieces between newlines: an empty last one is no line. */
export function linesBetweenNewlines(newline: Bounds, lines: Bounds): void {
  const last = newline.count - 1;
  lines.starts = newline.starts;
  lines.ends = newline.ends;
  lines.count = newline.starts[last] === newline.ends[last] ? last : newline.count;
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
