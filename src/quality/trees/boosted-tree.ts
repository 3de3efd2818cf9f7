/**
 * One regression tree of gradient boosting, grown leaf by leaf: the leaf whose best split promises most is split next, until
 * there are `maxLeaves` or no split gains (Shi 2007; LightGBM). Splits are found from histograms of gradients and
 * hessians by bin; of two siblings only the smaller one's is counted, the other is the parent's less that.
 *
 * Gain of a split: G_left² / (H_left + λ) + G_right² / (H_right + λ) − G² / (H + λ); value of a leaf: −G / (H + λ) (Chen & Guestrin
 * 2016, equations 5 and 7). Cost: an addition of three numbers a row and column on each level, and a walk over all bins a leaf.
 * Guarded by bench/quality-features.ts (`fitRatioToSklearn`).
 */
import type { BinnedColumn } from './binning.ts';
import type { TreeBuilder } from './decision-trees.ts';

export interface BoostedTreeSettings {
  maxLeaves: number;
  minSamplesLeaf: number;
  /** λ: added to every sum of hessians. */
  l2: number;
  learningRate: number;
}

/** A split of smaller hessian sums would divide rounding by rounding; where rows are that certain boosting comes to rest. */
const MIN_HESSIAN = 1e-3;
/** Gradients, hessians, rows. */
const SUMS = 3;

interface Split {
  gain: number;
  column: number;
  bin: number;
  missingLeft: boolean;
}

interface Leaf {
  /** Its rows: `order[start, end)`. */
  start: number;
  end: number;
  gradient: number;
  hessian: number;
  histogram: Float64Array | undefined;
  split: Split | undefined;
  left: Leaf | undefined;
  right: Leaf | undefined;
  /** Of a leaf that stays one, once all splits are done. */
  value: number;
}

export interface BoostedTreeGrower {
  /**
   * Grows a tree on gradients and hessians by row, hands its nodes to `builder`, its leaves' values (learning rate included) to
   * `values`, adds these to the `scores` of the rows it grew on and of the others, and the gain of each split to `gains` by
   * column. Returns the number of splits.
   */
  grow(
    gradients: Float64Array,
    hessians: Float64Array,
    scores: Float64Array,
    builder: TreeBuilder,
    values: number[],
    gains: Float64Array,
  ): number;
}

/** A grower on the rows that `train` lists, which scores those of `others` too; its buffers serve all trees. */
export function createBoostedTreeGrower(
  columns: readonly BinnedColumn[],
  train: Uint32Array,
  others: Uint32Array,
  settings: BoostedTreeSettings,
): BoostedTreeGrower {
  const { maxLeaves, minSamplesLeaf, l2, learningRate } = settings;
  const order = train.slice();
  const moved = new Uint32Array(order.length);
  const orderedGradients = new Float64Array(order.length);
  const orderedHessians = new Float64Array(order.length);
  const used = columns.flatMap(({ edges, hasMissing }, column) => (edges.length > 0 || hasMissing ? [column] : []));
  /** Where a column's sums begin in a histogram. */
  const offsets = new Uint32Array(columns.length);
  let size = 0;
  for (const column of used) {
    offsets[column] = size;
    size += (columns[column].missingBin + 1) * SUMS;
  }
  const spare: Float64Array[] = [];

  const count = (start: number, end: number, gradients: Float64Array, hessians: Float64Array): Float64Array => {
    const histogram = spare.pop() ?? new Float64Array(size);
    histogram.fill(0);
    const length = end - start;
    for (let i = 0; i < length; i++) {
      const row = order[start + i];
      orderedGradients[i] = gradients[row];
      orderedHessians[i] = hessians[row];
    }
    const own = order.subarray(start, end);
    for (const column of used) {
      countColumn(histogram, offsets[column], columns[column].bins, own, orderedGradients, orderedHessians);
    }
    return histogram;
  };

  const bestSplit = (leaf: Leaf): Split | undefined => {
    const histogram = leaf.histogram as Float64Array;
    const rowCount = leaf.end - leaf.start;
    const { gradient, hessian } = leaf;
    const before = (gradient * gradient) / (hessian + l2);
    // Where rows have one label, or both sides the same shares of labels, a split gains nothing but rounding.
    let bestGain = 1e-9 * before + 1e-12;
    let bestColumn = -1;
    let bestBin = 0;
    let bestMissingLeft = false;
    for (const column of used) {
      const base = offsets[column];
      const { missingBin } = columns[column];
      const missing = base + missingBin * SUMS;
      const missingRows = histogram[missing + 2];
      // Without missing rows one walk; the last bin may be split off only from missing rows.
      for (let isLeft = 0; isLeft < (missingRows > 0 ? 2 : 1); isLeft++) {
        let g = isLeft === 1 ? histogram[missing] : 0;
        let h = isLeft === 1 ? histogram[missing + 1] : 0;
        let n = isLeft === 1 ? missingRows : 0;
        const last = missingRows > 0 && isLeft === 0 ? missingBin : missingBin - 1;
        for (let bin = 0, at = base; bin < last; bin++, at += SUMS) {
          const here = histogram[at + 2];
          g += histogram[at];
          h += histogram[at + 1];
          n += here;
          if (here === 0 || n < minSamplesLeaf || h < MIN_HESSIAN) continue;
          if (rowCount - n < minSamplesLeaf) break;
          const rightHessian = hessian - h;
          if (rightHessian < MIN_HESSIAN) break;
          const rightGradient = gradient - g;
          const gain = (g * g) / (h + l2) + (rightGradient * rightGradient) / (rightHessian + l2) - before;
          if (gain > bestGain) {
            bestGain = gain;
            bestColumn = column;
            bestBin = bin;
            bestMissingLeft = isLeft === 1;
          }
        }
      }
    }
    if (bestColumn < 0) return undefined;
    return { gain: bestGain, column: bestColumn, bin: bestBin, missingLeft: bestMissingLeft };
  };

  /** Brings the rows that go left to the front, both sides in their old order. Returns where the right side begins. */
  const partition = ({ start, end }: Leaf, split: Split): number => {
    let left = start;
    let right = 0;
    for (let i = start; i < end; i++) {
      const row = order[i];
      if (goesLeft(row, split)) order[left++] = row;
      else moved[right++] = row;
    }
    order.set(moved.subarray(0, right), left);
    return left;
  };

  const goesLeft = (row: number, { column, bin, missingLeft }: Split): boolean => {
    const { bins, missingBin } = columns[column];
    return bins[row] === missingBin ? missingLeft : bins[row] <= bin;
  };

  const leafOfRow = (root: Leaf, row: number): Leaf => {
    let leaf = root;
    while (leaf.split !== undefined && leaf.left !== undefined && leaf.right !== undefined) {
      leaf = goesLeft(row, leaf.split) ? leaf.left : leaf.right;
    }
    return leaf;
  };

  const release = (leaf: Leaf): void => {
    if (leaf.histogram !== undefined) spare.push(leaf.histogram);
    leaf.histogram = undefined;
  };

  return {
    grow(gradients, hessians, scores, builder, values, gains) {
      order.set(train);
      const root = createLeaf(0, order.length, gradients, hessians, order);
      root.histogram = count(0, order.length, gradients, hessians);
      root.split = bestSplit(root);
      const leaves = [root];
      let splits = 0;
      while (leaves.length < maxLeaves) {
        const at = mostPromising(leaves);
        const parent = leaves[at];
        const { split } = parent;
        if (split === undefined) break;
        splits++;
        gains[split.column] += split.gain;
        const middle = partition(parent, split);
        const left = createLeaf(parent.start, middle, gradients, hessians, order);
        const right = createLeaf(middle, parent.end, gradients, hessians, order);
        parent.left = left;
        parent.right = right;
        leaves[at] = left;
        leaves.push(right);
        const [smaller, larger] = middle - parent.start <= parent.end - middle ? [left, right] : [right, left];
        const mayGrow = leaves.length < maxLeaves && larger.end - larger.start >= 2 * minSamplesLeaf;
        if (mayGrow) {
          smaller.histogram = count(smaller.start, smaller.end, gradients, hessians);
          larger.histogram = subtract(parent.histogram as Float64Array, smaller.histogram);
          parent.histogram = undefined;
          for (const child of [smaller, larger]) {
            if (child.end - child.start >= 2 * minSamplesLeaf) child.split = bestSplit(child);
            if (child.split === undefined) release(child);
          }
        }
        release(parent);
      }
      for (const leaf of leaves) release(leaf);
      emit(root);
      for (const row of others) scores[row] += leafOfRow(root, row).value;
      return splits;

      function emit(leaf: Leaf): void {
        const { split, left, right } = leaf;
        if (split !== undefined && left !== undefined && right !== undefined) {
          const { edges } = columns[split.column];
          // Behind the last edge stand the missing rows alone.
          builder.split(split.column, edges[split.bin] ?? Number.MAX_VALUE, split.missingLeft);
          emit(left);
          emit(right);
          return;
        }
        leaf.value = (-learningRate * leaf.gradient) / (leaf.hessian + l2);
        builder.leaf();
        values.push(leaf.value);
        for (let i = leaf.start; i < leaf.end; i++) scores[order[i]] += leaf.value;
      }
    },
  };
}

/** Adds the rows' gradients, hessians and numbers to a column's bins. */
function countColumn(
  histogram: Float64Array,
  base: number,
  bins: Uint8Array,
  rows: Uint32Array,
  gradients: Float64Array,
  hessians: Float64Array,
): void {
  for (let i = 0; i < rows.length; i++) {
    const at = base + bins[rows[i]] * SUMS;
    histogram[at] += gradients[i];
    histogram[at + 1] += hessians[i];
    histogram[at + 2]++;
  }
}

function createLeaf(
  start: number,
  end: number,
  gradients: Float64Array,
  hessians: Float64Array,
  order: Uint32Array,
): Leaf {
  let gradient = 0;
  let hessian = 0;
  for (let i = start; i < end; i++) {
    gradient += gradients[order[i]];
    hessian += hessians[order[i]];
  }
  const node = { histogram: undefined, split: undefined, left: undefined, right: undefined };
  return { start, end, gradient, hessian, ...node, value: 0 };
}

/** Index of the leaf with the largest gain, the first of equals; of leaf 0 where none can be split. */
function mostPromising(leaves: readonly Leaf[]): number {
  let best = 0;
  for (let i = 1; i < leaves.length; i++) {
    if ((leaves[i].split?.gain ?? 0) > (leaves[best].split?.gain ?? 0)) best = i;
  }
  return best;
}

/** `from − part`, in the place of `from`. */
function subtract(from: Float64Array, part: Float64Array): Float64Array {
  for (let i = 0; i < from.length; i++) from[i] -= part[i];
  return from;
}
