/**
 * Clusters as datatrove makes them, down to which member of each it keeps (pipeline/dedup/minhash.py, stages 2 and 3): bands one after
 * the other; within a band documents sorted by signature; each document joined to the one before it that has the
 * same; in joining the root of the larger set stays root, of equals that of the earlier document. The root of a set is the
 * document that is kept, neither the first nor the longest: it depends on the signatures.
 *
 * datatrove numbers documents by task and place in it, we by their order in the input: the same where its tasks read the
 * input in that order.
 *
 * Cost: 8 bytes a document for sets, and for one band at a time 4 for each document that shares its signature there and 8 for each
 * value of it.
 */
import type { FeatureReader } from '../../core/feature-reader.ts';
import { eachGroup, type KeyColumns, keyRecords, type MatchOptions } from '../key-groups.ts';

export interface DatatroveBand {
  /** The band's key, by which equal signatures are found. */
  key: KeyColumns;
  /** First of the columns that hold the band's values, each a low and a high word. */
  firstValueColumn: number;
  values: number;
}

/** For each row the root of its set. */
export async function datatroveRoots(
  reader: FeatureReader,
  bands: readonly DatatroveBand[],
  options: MatchOptions,
  progress: (band: number) => void,
): Promise<Uint32Array> {
  const sets = createSizedSets(reader.rows);
  for (const [i, band] of bands.entries()) {
    progress(i);
    const groups: Uint32Array[] = [];
    await eachGroup(keyRecords(reader, band.key), options, (ids) => void groups.push(ids.slice()));
    for (const ids of await sortBySignature(groups, band, reader)) {
      for (let k = 1; k < ids.length; k++) sets.union(ids[k - 1], ids[k]);
    }
  }
  return sets.roots();
}

async function sortBySignature(
  groups: Uint32Array[],
  { firstValueColumn, values }: DatatroveBand,
  reader: FeatureReader,
): Promise<Uint32Array[]> {
  const width = 2 * values;
  const signatures = new Uint32Array(groups.length * width);
  const byFirst = groups.map((_, i) => i).sort((a, b) => groups[a][0] - groups[b][0]);
  let next = 0;
  for (const part of reader.parts) {
    const end = part.firstOrdinal + part.rows;
    if (next === byFirst.length || groups[byFirst[next]][0] >= end) continue;
    const columns = await reader.columns(part, firstValueColumn, width);
    for (; next < byFirst.length && groups[byFirst[next]][0] < end; next++) {
      const group = byFirst[next];
      const row = groups[group][0] - part.firstOrdinal;
      for (let k = 0; k < width; k++) signatures[group * width + k] = columns[k][row];
    }
  }
  return byFirst.sort((a, b) => compare(signatures, a * width, b * width, width)).map((group) => groups[group]);
}

/** Numbers of two words, low first, one after the other. */
function compare(words: Uint32Array, a: number, b: number, width: number): number {
  for (let k = 0; k < width; k += 2) {
    const difference = words[a + k + 1] - words[b + k + 1] || words[a + k] - words[b + k];
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Disjoint sets joined by size: the root of the larger stays, of equals that of the first argument. */
export function createSizedSets(size: number): { union(a: number, b: number): void; roots(): Uint32Array } {
  const parent = new Uint32Array(size);
  const members = new Uint32Array(size);
  for (let i = 0; i < size; i++) {
    parent[i] = i;
    members[i] = 1;
  }
  const find = (x: number): number => {
    while (parent[x] !== x) {
      parent[x] = parent[parent[x]];
      x = parent[x];
    }
    return x;
  };
  return {
    union(a, b) {
      let root = find(a);
      let other = find(b);
      if (root === other) return;
      if (members[root] < members[other]) [root, other] = [other, root];
      parent[other] = root;
      members[root] += members[other];
    },
    roots() {
      for (let i = 0; i < size; i++) parent[i] = find(i);
      return parent;
    },
  };
}
