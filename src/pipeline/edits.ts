/** Applies what a barrier cut out of documents, or marked in them. */
import type { Document } from '../core/document.ts';
import type { TextEdits } from '../core/stage.ts';

/**
 * Edits `documents` in place. `spans` are triples (row, start, end) as `TextEdits` describes them; marks go to
 * `meta[name].spans`.
 */
export function applyEdits(
  documents: readonly Document[],
  spans: Uint32Array,
  { action, name }: { action: TextEdits['action']; name: string },
): void {
  for (let at = 0; at < spans.length; ) {
    const row = spans[at];
    const document = documents[row];
    const found = spansOfRow(spans, at);
    at += 3 * found.length;
    if (document === undefined) throw outside(name, row);
    if (action === 'remove') document.text = cutSpans(document.text, found, name, row);
    else {
      if (found.at(-1)![1] > document.text.length) throw outside(name, row);
      document.meta[name] = { spans: found };
    }
  }
}

/** The spans of the row whose first triple is at `at`. */
export function spansOfRow(spans: Uint32Array, at: number): [start: number, end: number][] {
  const found: [number, number][] = [];
  for (let i = at; i < spans.length && spans[i] === spans[at]; i += 3) found.push([spans[i + 1], spans[i + 2]]);
  return found;
}

/** A row's text without its spans, ascending and disjoint; `name` is who cuts. */
export function cutSpans(text: string, spans: readonly [number, number][], name: string, row: number): string {
  if (spans.at(-1)![1] > text.length) throw outside(name, row);
  let left = '';
  let from = 0;
  for (const [start, end] of spans) {
    left += text.slice(from, start);
    from = end;
  }
  return left + text.slice(from);
}

function outside(name: string, row: number): Error {
  return new Error(`${name}: a span of row ${row} lies outside its text`);
}
