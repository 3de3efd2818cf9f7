/**
 * Candidate pairs in groups that have nothing to do with each other: documents that no chain of candidates ties together
 * are of different components, and each component is of one group, by a hash of its smallest member.
 *
 * Memory: 4 bytes a document, and the pairs once more. Time: 15 ns a pair in native kernels, some 100 in their twins.
 */
import { native } from '../core/native.ts';
import { mix32 } from '../core/random.ts';
import { PAIRS_PER_READ, type PairSet } from './pair-set.ts';
import { createUnionFind, type UnionFind } from './union-find.ts';

/** Fills the empty `groups` with the pairs of `candidates`, which are ordinals below `rows`, and closes them. */
export function divideByComponent(
  candidates: PairSet,
  groups: readonly PairSet[],
  { sets, rows }: { sets: UnionFind; rows: number },
): void {
  const components = createUnionFind(rows);
  for (const pairs of candidates.blocks()) components.unionPairs(pairs);
  // What was joined before hangs together too.
  const { parents } = sets;
  for (let i = 0; i < rows; i++) if (parents[i] !== i) components.union(i, parents[i]);
  const divided = new Uint32Array(2 * PAIRS_PER_READ);
  const sizes = new Uint32Array(groups.length);
  for (const pairs of candidates.blocks()) {
    dividePairs(components.parents, pairs, divided, sizes);
    for (let group = 0, at = 0; group < groups.length; group++) {
      groups[group].addPairs(divided.subarray(at, at + 2 * sizes[group]));
      at += 2 * sizes[group];
    }
  }
  for (const group of groups) group.close();
}

/** Writes the pairs to `out` group after group, and to `sizes` how many each has: by the root of their second members. */
const dividePairs = native?.dividePairs ?? dividePairsTwin;

export function dividePairsTwin(parents: Uint32Array, pairs: Uint32Array, out: Uint32Array, sizes: Uint32Array): void {
  const groupOf = (i: number): number => {
    let root = pairs[i + 1];
    while (parents[root] !== root) root = parents[root];
    return mix32(root) % sizes.length;
  };
  sizes.fill(0);
  for (let i = 0; i < pairs.length; i += 2) sizes[groupOf(i)]++;
  const next = new Uint32Array(sizes.length);
  for (let group = 1; group < sizes.length; group++) next[group] = next[group - 1] + 2 * sizes[group - 1];
  for (let i = 0; i < pairs.length; i += 2) {
    const group = groupOf(i);
    out[next[group]++] = pairs[i];
    out[next[group]++] = pairs[i + 1];
  }
}
