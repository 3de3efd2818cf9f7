/**
 * What a stage did to a text, as runs of kept, removed and added text, for `corpusmill explain`.
 *
 * What both texts begin and end with is set aside first; of the rest, lines are matched by a longest common
 * subsequence, and words within the lines that changed. Where even that square is too large (a text rewritten
 * throughout), the rest is one removed and one added run.
 */
import { matches, unitsOf } from './word-diff.ts';

export interface TextRun {
  kind: 'same' | 'removed' | 'added';
  text: string;
}

/** Cells of the dynamic programme: 8 MB, about 20 ms. */
const MAX_CELLS = 4e6;

/** Runs that give `before` without the added ones, and `after` without the removed ones. */
export function diffTexts(before: string, after: string): TextRun[] {
  const runs: TextRun[] = [];
  diffLists(linesOf(before), linesOf(after), runs, (removed, added) => {
    diffLists(unitsOf(removed), unitsOf(added), runs, (a, b) => {
      push(runs, 'removed', a);
      push(runs, 'added', b);
    });
  });
  return runs;
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.split(/(?<=\n)/);
}

function push(runs: TextRun[], kind: TextRun['kind'], text: string): void {
  if (text === '') return;
  const last = runs.at(-1);
  if (last?.kind === kind) last.text += text;
  else runs.push({ kind, text });
}

/** Matches two lists; `differ` gets what stands between matches, in order. */
function diffLists(
  a: readonly string[],
  b: readonly string[],
  runs: TextRun[],
  differ: (removed: string, added: string) => void,
): void {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  push(runs, 'same', a.slice(0, start).join(''));
  const [innerA, innerB] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  const between = (fromA: number, toA: number, fromB: number, toB: number): void => {
    const [removed, added] = [innerA.slice(fromA, toA).join(''), innerB.slice(fromB, toB).join('')];
    if (removed !== '' || added !== '') differ(removed, added);
  };
  let [i, j] = [0, 0];
  if ((innerA.length + 1) * (innerB.length + 1) <= MAX_CELLS) {
    for (const [matchA, matchB] of matches(innerA, innerB)) {
      between(i, matchA, j, matchB);
      push(runs, 'same', innerA[matchA]);
      [i, j] = [matchA + 1, matchB + 1];
    }
  }
  between(i, innerA.length, j, innerB.length);
  push(runs, 'same', a.slice(a.length - end).join(''));
}
