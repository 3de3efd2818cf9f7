/**
 * "Did you mean": the nearest valid name by edit distance (Levenshtein), blind to case, `_` and `-`, or the one whose
 * last part was typed (`gopher-quality` → `filter.gopher-quality`). Nothing is suggested when nothing is near: a
 * far-fetched suggestion is worse than none.
 */
import { distance } from 'fastest-levenshtein';

/** The valid name nearest to `typed`, or undefined when none is near (more than a third of its letters differ). */
export function nearestName(typed: string, names: Iterable<string>): string | undefined {
  const wanted = fold(typed);
  if (wanted === '') return undefined;
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const name of names) {
    const candidate = fold(name);
    const tail = fold(name.slice(name.lastIndexOf('.') + 1));
    const byTail = wanted.length > 2 ? distance(wanted, tail) + 0.5 : Number.POSITIVE_INFINITY;
    const near = Math.min(distance(wanted, candidate), byTail);
    if (near < bestDistance) {
      best = name;
      bestDistance = near;
    }
  }
  return bestDistance <= Math.max(1, Math.ceil(wanted.length / 3)) ? best : undefined;
}

function fold(name: string): string {
  return name.toLowerCase().replaceAll(/[_\- ]/g, '');
}
