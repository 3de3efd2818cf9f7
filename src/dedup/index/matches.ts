/**
 * What follows from matches with an index: a cluster goes as a whole when one of its members is a copy of an indexed
 * document. Memory: 6 bytes a document, 4 more while clusters are settled.
 */
import type { UnionFind } from '../union-find.ts';

/** Likeness is kept in ten-thousandths, as far as it is shown. */
const SCALE = 10_000;

/** For some documents the indexed one that they are copies of. */
export interface IndexMatches {
  /** `likeness` in [0, 1]. */
  set(ordinal: number, row: number, likeness: number): void;
  /** Row of the index, or undefined. */
  row(ordinal: number): number | undefined;
  likeness(ordinal: number): number;
  readonly size: number;
}

export function noMatches(rows: number): IndexMatches {
  // 0 where there is none, else 1 + row.
  const places = new Uint32Array(rows);
  const likenesses = new Uint16Array(rows);
  let size = 0;
  return {
    set(ordinal, row, likeness) {
      if (places[ordinal] === 0) size++;
      places[ordinal] = row + 1;
      likenesses[ordinal] = Math.round(SCALE * likeness);
    },
    row: (ordinal) => (places[ordinal] === 0 ? undefined : places[ordinal] - 1),
    likeness: (ordinal) => likenesses[ordinal] / SCALE,
    get size() {
      return size;
    },
  };
}

/** Clusters with a member that an index has. */
export interface SettledClusters {
  /** Whether that is true of a cluster, given by its smallest member. For the time before clusters are joined further. */
  isSettled(cluster: number): boolean;
  /**
   * For each document 1 + the row that stands for it, or 0. To be called when all joining is over, on the clusters' final
   * smallest members; no two settled clusters may have been joined since.
   */
  standingRows(roots: Uint32Array): Uint32Array;
}

export function settleClusters(matches: IndexMatches, sets: Pick<UnionFind, 'find'>, rows: number): SettledClusters {
  const rowOf = new Uint32Array(rows);
  for (let ordinal = 0; ordinal < rows; ordinal++) {
    const row = matches.row(ordinal);
    if (row === undefined) continue;
    const cluster = sets.find(ordinal);
    // That of the first member that has one stands for all.
    if (rowOf[cluster] === 0) rowOf[cluster] = row + 1;
  }
  return {
    isSettled: (cluster) => rowOf[cluster] !== 0,
    standingRows(roots) {
      const standing = new Uint32Array(rows);
      for (let cluster = 0; cluster < rows; cluster++) {
        if (rowOf[cluster] !== 0) standing[roots[cluster]] = rowOf[cluster];
      }
      // A root is never larger than its members: read before it is overwritten with the same.
      for (let ordinal = 0; ordinal < rows; ordinal++) standing[ordinal] = standing[roots[ordinal]];
      return standing;
    },
  };
}
