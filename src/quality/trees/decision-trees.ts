/**
 * Decision trees as flat arrays, for scoring and for the file.
 *
 * Nodes of all trees stand in one list, a tree behind the other, each in preorder: a split, its left subtree, its right
 * subtree. So a left child is the next node, and the order alone says where a tree ends; only columns, thresholds and leaves need
 * to be written. A row goes left where its value is at most the threshold; NaN goes right, or left where training found
 * that better.
 */

import { z } from 'zod';
import { type ClassifierFile, corruptClassifier } from '../classifier-file.ts';

export interface DecisionTrees {
  /** First node of each tree. */
  roots: Uint32Array;
  /** Column that a node asks; −1 for a leaf. */
  columns: Int32Array;
  thresholds: Float64Array;
  /** 1 where NaN goes left. */
  missingLeft: Uint8Array;
  /** Right child of a split. Of a leaf: its number among all leaves. */
  right: Uint32Array;
  leaves: number;
}

/** Takes nodes in preorder, tree after tree. */
export interface TreeBuilder {
  split(column: number, threshold: number, missingLeft: boolean): void;
  /** Returns the leaf's number. */
  leaf(): number;
  /** True between trees. */
  readonly isComplete: boolean;
  /** The trees, or the first `treeCount` of them. */
  finish(treeCount?: number): DecisionTrees;
}

export function createTreeBuilder(): TreeBuilder {
  const roots: number[] = [];
  const columns: number[] = [];
  const thresholds: number[] = [];
  const missing: number[] = [];
  const right: number[] = [];
  /** Splits whose right child has not come yet. */
  const open: number[] = [];
  let leaves = 0;
  let isComplete = true;
  const push = (column: number, threshold: number, missingLeft: number, child: number): void => {
    if (isComplete) roots.push(columns.length);
    columns.push(column);
    thresholds.push(threshold);
    missing.push(missingLeft);
    right.push(child);
  };
  return {
    split(column, threshold, missingLeft) {
      push(column, threshold, missingLeft ? 1 : 0, 0);
      isComplete = false;
      open.push(columns.length - 1);
    },
    leaf() {
      push(-1, 0, 0, leaves);
      const parent = open.pop();
      isComplete = parent === undefined;
      if (parent !== undefined) right[parent] = columns.length;
      return leaves++;
    },
    get isComplete() {
      return isComplete;
    },
    finish(treeCount = roots.length) {
      const nodes = roots[treeCount] ?? columns.length;
      const kept = columns.slice(0, nodes);
      return {
        roots: Uint32Array.from(roots.slice(0, treeCount)),
        columns: Int32Array.from(kept),
        thresholds: Float64Array.from(thresholds.slice(0, nodes)),
        missingLeft: Uint8Array.from(missing.slice(0, nodes)),
        right: Uint32Array.from(right.slice(0, nodes)),
        leaves: kept.reduce((sum, column) => sum + (column < 0 ? 1 : 0), 0),
      };
    },
  };
}

/** The number of the leaf that a row falls into in the tree with this root; its values begin at `offset` of `values`. */
export function leafOf(trees: DecisionTrees, root: number, values: Float64Array, offset: number): number {
  const { columns, thresholds, missingLeft, right } = trees;
  let node = root;
  for (let column = columns[node]; column >= 0; column = columns[node]) {
    const value = values[offset + column];
    // NaN fails both comparisons.
    if (value <= thresholds[node]) node++;
    else if (value > thresholds[node] || missingLeft[node] === 0) node = right[node];
    else node++;
  }
  return right[node];
}

/** Trees as members of a classifier's file. */
export const treesSchema = z.strictObject({
  /** By column: the thresholds that its splits use, ascending. */
  thresholds: z.array(z.array(z.number())),
  /** Nodes in preorder: the column of a split, −1 for a leaf. */
  nodes: z.array(z.number().int().min(-1)),
  /** Of each split, in order: which of its column's thresholds. */
  edges: z.array(z.number().int().nonnegative()),
  /** Splits, by their number among splits, at which NaN goes left. */
  missingLeft: z.array(z.number().int().nonnegative()),
});

export type TreesInFile = z.output<typeof treesSchema>;

/** The trees as a file has them. */
export function treesToFile(trees: DecisionTrees, columnCount: number): TreesInFile {
  const { columns, thresholds } = trees;
  const used = Array.from({ length: columnCount }, () => new Set<number>());
  columns.forEach((column, node) => {
    if (column >= 0) used[column].add(thresholds[node]);
  });
  const sorted = used.map((values) => [...values].sort((a, b) => a - b));
  const numbers = sorted.map((values) => new Map(values.map((value, i) => [value, i])));
  const edges: number[] = [];
  const missingLeft: number[] = [];
  columns.forEach((column, node) => {
    if (column < 0) return;
    if (trees.missingLeft[node] === 1) missingLeft.push(edges.length);
    edges.push(numbers[column].get(thresholds[node]) as number);
  });
  return { thresholds: sorted, nodes: Array.from(columns), edges, missingLeft };
}

/** The trees of a file. Throws INPUT_CORRUPT where their parts do not fit each other. */
export function readTrees(file: ClassifierFile, { thresholds, nodes, edges, missingLeft }: TreesInFile): DecisionTrees {
  const builder = createTreeBuilder();
  const leftOf = new Set(missingLeft);
  let splits = 0;
  for (const [node, column] of nodes.entries()) {
    if (column < 0) {
      builder.leaf();
      continue;
    }
    const threshold = thresholds[column]?.[edges[splits]];
    if (threshold === undefined) {
      const found = splits < edges.length ? `is ${edges[splits]}` : 'is missing';
      throw corruptClassifier(
        file.path,
        `edges[${splits}] ${found}; nodes[${node}] asks for a threshold of column ${column}`,
      );
    }
    builder.split(column, threshold, leftOf.has(splits));
    splits++;
  }
  if (!builder.isComplete) throw corruptClassifier(file.path, 'nodes end inside a tree');
  if (splits !== edges.length)
    throw corruptClassifier(file.path, `edges has ${edges.length} entries for ${splits} splits`);
  return builder.finish();
}
