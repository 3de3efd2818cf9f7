/**
 * Puts candidate pairs into groups that have no document in common: pairs that a chain of others ties together, or of
 * documents that were joined before, come into one. Which group it is goes by the component's smallest document, so that it
 * depends on nothing but the pairs.
 *
 * Memory: 4 bytes a document. Time: 2 passes over the pairs, 10 ns a pair each with the native kernel (native/components.cc).
 */
import { native } from '../core/native.ts';
import { mix32 } from '../core/random.ts';
import type { PairSet } from './pair-set.ts';
import { createUnionFind, type UnionFind } from './union-find.ts';

/** Finds the components and adds each candidate to its group. `candidates` is closed; the groups are then closed. */
export const groupByComponent = native === undefined ? groupByComponentTwin : groupByComponentNatively;

/** The native grouping's twin. */
export function groupByComponentTwin(candidates: PairSet, sets: UnionFind, groups: readonly PairSet[]): void {
  const components = createUnionFind(sets.parents.length);
  const pair = candidates.read();
  while (pair.next()) {
    components.union(pair.major, pair.minor);
    // What was joined before hangs together too.
    components.union(pair.major, sets.find(pair.major));
    components.union(pair.minor, sets.find(pair.minor));
  }
  const again = candidates.read();
  while (again.next()) groups[mix32(components.find(again.major)) % groups.length].add(again.major, again.minor);
  for (const group of groups) group.close();
}

function groupByComponentNatively(candidates: PairSet, sets: UnionFind, groups: readonly PairSet[]): void {
  const components = new native!.Components(sets.parents);
  for (const block of candidates.blocks()) components.join(block);
  let grouped = new Uint32Array();
  const ends = new Uint32Array(groups.length);
  for (const block of candidates.blocks()) {
    if (grouped.length < block.length) grouped = new Uint32Array(block.length);
    components.group(block, groups.length, grouped, ends);
    for (const [place, group] of groups.entries()) {
      group.addPairs(grouped.subarray(place === 0 ? 0 : 2 * ends[place - 1], 2 * ends[place]));
    }
  }
  for (const group of groups) group.close();
}
