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
    const found: [number, number][] = [];
    for (; at < spans.length && spans[at] === row; at += 3) found.push([spans[at + 1], spans[at + 2]]);
    if (document === undefined || found.at(-1)![1] > document.text.length) {
      throw new Error(`${name}: a span of row ${row} lies outside its text`);
    }
    if (action === 'mark') document.meta[name] = { spans: found };
    else document.text = cut(document.text, found);
  }
}

function cut(text: string, spans: readonly [number, number][]): string {
  let left = '';
  let from = 0;
  for (const [start, end] of spans) {
    left += text.slice(from, start);
    from = end;
  }
  return left + text.slice(from);
}
