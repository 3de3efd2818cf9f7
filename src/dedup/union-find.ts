/**
 * Disjoint sets over ordinals. The root of a set is always its smallest member, so the result does not depend on the
 * order of the unions. 4 bytes per ordinal; path halving alone keeps finds at O(log n) amortized (Tarjan & van Leeuwen
 * 1984), which min-rooted linking needs because it cannot link by size.
 */
import { largeSharedWords } from '../core/large-pages.ts';
import { native } from '../core/native.ts';

export interface UnionFind {
  /** Smallest member of x's set. */
  find(x: number): number;
  /** Joins two sets; false when they were one already. */
  union(x: number, y: number): boolean;
  /** Joins the sets of each pair of words, one pair behind the other. */
  unionPairs(pairs: Uint32Array): void;
  /** For every ordinal the smallest member of its set; the array is the structure's own, which ends here. */
  roots(): Uint32Array;
  /**
   * Its memory, shared: threads may each join members of their own sets in it at a time, since finding a member's root
   * touches nothing but its set.
   */
  readonly parents: Uint32Array<SharedArrayBuffer>;
}

/** `size` sets of one member each. */
export function createUnionFind(size: number): UnionFind {
  const parents = largeSharedWords(size);
  for (let i = 0; i < size; i++) parents[i] = i;
  return unionFindOver(parents);
}

/** The structure whose memory it is, in another thread. */
export function unionFindOver(parent: Uint32Array<SharedArrayBuffer>): UnionFind {
  const size = parent.length;

  const find = (x: number): number => {
    let up = parent[x];
    while (up !== x) {
      const next = parent[up];
      parent[x] = next;
      x = next;
      up = parent[x];
    }
    return x;
  };
  const union = (x: number, y: number): boolean => {
    const a = find(x);
    const b = find(y);
    if (a === b) return false;
    if (a < b) parent[b] = a;
    else parent[a] = b;
    return true;
  };
  const unionPairs = (pairs: Uint32Array): void => {
    if (native !== undefined) native.unionPairs(parent, pairs);
    else for (let i = 0; i < pairs.length; i += 2) union(pairs[i], pairs[i + 1]);
  };
  // A parent is never larger than its child, so in ascending order every parent is a root by the time it is read.
  const roots = (): Uint32Array => {
    for (let i = 0; i < size; i++) parent[i] = parent[parent[i]];
    return parent;
  };
  return { find, union, unionPairs, roots, parents: parent };
}
