/** Walks through the n-grams of one order of an estimated model, in their order, with all their words. */
import type { EstimatedLevel } from './kneser-ney.ts';

export interface NgramWalk {
  /** Words of the n-gram at hand, first one first. */
  readonly words: Uint32Array;
  /** Goes to the next n-gram that is kept and returns its index in the level, or -1 at the end. */
  next(): number;
}

/** A walk that stands in front of the first n-gram of `order` words. */
export function walkNgrams(levels: readonly EstimatedLevel[], order: number): NgramWalk {
  const { words: firstWords, kept } = levels[order - 1];
  const words = new Uint32Array(order);
  /** Index of the n-gram's suffix of each length; they move up their levels as it does. */
  const path = new Uint32Array(order);
  let index = -1;
  let isFirst = true;
  const next = (): number => {
    do index++;
    while (kept !== undefined && kept[index] === 0);
    if (index >= firstWords.length) return -1;
    path[order - 1] = index;
    words[0] = firstWords[index];
    for (let level = order - 2; level >= 0; level--) {
      const { firstChild, words: levelWords } = levels[level];
      let suffix = path[level];
      while (firstChild[suffix + 1] <= path[level + 1]) suffix++;
      // Where a suffix is that of the n-gram before, the shorter ones are too.
      if (suffix === path[level] && !isFirst) break;
      path[level] = suffix;
      words[order - 1 - level] = levelWords[suffix];
    }
    isFirst = false;
    return index;
  };
  return { words, next };
}
