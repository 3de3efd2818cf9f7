/**
 * A random forest for classification (Breiman 2001): each tree grows on rows drawn with replacement, looks for every split among
 * as many columns drawn afresh as the root of their number, and a row's probabilities are the mean of its leaves' label shares.
 *
 * Splits are looked for among bins (binning.ts) by Gini impurity; columns that do not vary among a node's rows are not counted
 * among those drawn, as in scikit-learn. Rows that a tree did not draw judge it: the out-of-bag figures. Cost: for each
 * node and column drawn, a step a row and a walk over the bins between its least and greatest.
 */
import { createRandom, mix32 } from '../../core/random.ts';
import type { LabelledMatrix } from '../features/labelled-matrix.ts';
import { type BinnedColumn, binColumns } from './binning.ts';
import { createTreeBuilder, type DecisionTrees, leafOf, type TreeBuilder } from './decision-trees.ts';

export interface ForestSettings {
  trees: number;
  minSamplesLeaf: number;
  maxDepth: number;
  maxBins: number;
}

export interface ForestFit {
  trees: DecisionTrees;
  labelCount: number;
  /** Rows drawn of each label in each leaf: [leaves, labels]. */
  counts: Uint32Array;
  /** Impurity that each column's splits took away. [columns] */
  gains: Float64Array;
  /** Of rows that at least one tree had not drawn: the share whose likeliest label is theirs, and how many rows they are. */
  outOfBagAccuracy: number;
  outOfBagRows: number;
}

/** Fits to a matrix in which NaN stands for a missing value. Throws CONFIG_INVALID for infinite numbers. */
export function fitForest(data: LabelledMatrix, settings: ForestSettings, seed: number): ForestFit {
  const { rows, columns, labelCount } = data;
  const all = Uint32Array.from({ length: rows }, (_, row) => row);
  const binned = binColumns(data, all, settings.maxBins);
  const builder = createTreeBuilder();
  const counts: number[] = [];
  const gains = new Float64Array(columns);
  const grow = createTreeGrower(binned, data, settings);
  const draws = new Uint32Array(rows);
  for (let tree = 0; tree < settings.trees; tree++) {
    grow(draws, drawRows(draws, seed, tree), builder, counts, gains);
  }
  const fit = { trees: builder.finish(), labelCount, counts: Uint32Array.from(counts), gains };
  return { ...fit, ...judgeOutOfBag(data, fit, seed) };
}

/** Draws as many rows as there are, with replacement, for a tree. Returns the random numbers that its columns come from. */
function drawRows(draws: Uint32Array, seed: number, tree: number): Random {
  const random = createRandom(mix32(seed + Math.imul(tree, 0x9e3779b1)));
  draws.fill(0);
  for (let i = 0; i < draws.length; i++) draws[random.below(draws.length)]++;
  return random;
}

function judgeOutOfBag(
  { matrix, rows, columns, labels, labelCount }: LabelledMatrix,
  fit: Pick<ForestFit, 'trees' | 'counts' | 'labelCount'>,
  seed: number,
): Pick<ForestFit, 'outOfBagAccuracy' | 'outOfBagRows'> {
  const { trees } = fit;
  const shares = leafShares(fit);
  const draws = new Uint32Array(rows);
  const votes = new Float64Array(rows * labelCount);
  const voters = new Uint32Array(rows);
  for (let tree = 0; tree < trees.roots.length; tree++) {
    drawRows(draws, seed, tree);
    for (let row = 0; row < rows; row++) {
      if (draws[row] > 0) continue;
      const leaf = leafOf(trees, trees.roots[tree], matrix, row * columns);
      for (let label = 0; label < labelCount; label++) {
        votes[row * labelCount + label] += shares[leaf * labelCount + label];
      }
      voters[row]++;
    }
  }
  let judged = 0;
  let right = 0;
  for (let row = 0; row < rows; row++) {
    if (voters[row] === 0) continue;
    judged++;
    const own = votes.subarray(row * labelCount, (row + 1) * labelCount);
    if (own.indexOf(Math.max(...own)) === labels[row]) right++;
  }
  return { outOfBagAccuracy: judged === 0 ? 0 : right / judged, outOfBagRows: judged };
}

/** Shares of the labels in each leaf: [leaves, labels]. */
export function leafShares({ counts, labelCount }: Pick<ForestFit, 'counts' | 'labelCount'>): Float64Array {
  const shares = new Float64Array(counts.length);
  for (let leaf = 0; leaf < counts.length; leaf += labelCount) {
    let total = 0;
    for (let label = 0; label < labelCount; label++) total += counts[leaf + label];
    for (let label = 0; label < labelCount; label++) shares[leaf + label] = counts[leaf + label] / total;
  }
  return shares;
}

interface Node {
  start: number;
  end: number;
  depth: number;
}

type Random = ReturnType<typeof createRandom>;

function createTreeGrower(binned: readonly BinnedColumn[], data: LabelledMatrix, settings: ForestSettings) {
  const { rows, columns, labels, labelCount } = data;
  const { minSamplesLeaf, maxDepth } = settings;
  const wanted = Math.max(1, Math.floor(Math.sqrt(columns)));
  const order = new Uint32Array(rows);
  const moved = new Uint32Array(rows);
  const candidates = Uint32Array.from({ length: columns }, (_, column) => column);
  /** Draws by bin and label, cleared behind each column: [256, labels]. */
  const histogram = new Uint32Array(256 * labelCount);
  const own = new Float64Array(labelCount);
  const left = new Float64Array(labelCount);
  const best = { score: 0, column: -1, bin: 0, missingLeft: false };

  return (draws: Uint32Array, random: Random, builder: TreeBuilder, counts: number[], gains: Float64Array): void => {
    let used = 0;
    for (let row = 0; row < rows; row++) if (draws[row] > 0) order[used++] = row;
    // The left child lies on top, so that nodes come in preorder.
    const stack: Node[] = [{ start: 0, end: used, depth: 0 }];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      const { start, end, depth } = node;
      own.fill(0);
      for (let i = start; i < end; i++) own[labels[order[i]]] += draws[order[i]];
      const total = own.reduce((sum, count) => sum + count, 0);
      const squares = own.reduce((sum, count) => sum + count * count, 0);
      const isPure = squares === total * total;
      if (isPure || depth >= maxDepth || total < 2 * minSamplesLeaf || !findSplit(start, end, draws, total, random)) {
        builder.leaf();
        counts.push(...own);
        continue;
      }
      const { column, bin, missingLeft, score } = best;
      gains[column] += score - squares / total;
      builder.split(column, binned[column].edges[bin] ?? Number.MAX_VALUE, missingLeft);
      const middle = partition(start, end, column, bin, missingLeft);
      stack.push({ start: middle, end, depth: depth + 1 }, { start, end: middle, depth: depth + 1 });
    }
  };

  /** Looks among columns drawn without replacement for the split with the largest Σ squares / size; fills `best`. */
  function findSplit(start: number, end: number, draws: Uint32Array, total: number, random: Random): boolean {
    best.column = -1;
    // A split must make its sides purer than they are together; all counts are whole, so rounding is far below 1e-9.
    best.score = own.reduce((sum, count) => sum + count * count, 0) / total + 1e-9;
    let varied = 0;
    for (let drawn = 0; drawn < columns && varied < wanted; drawn++) {
      const at = drawn + random.below(columns - drawn);
      const column = candidates[at];
      candidates[at] = candidates[drawn];
      candidates[drawn] = column;
      if (judgeColumn(column, start, end, draws, total)) varied++;
    }
    return best.column >= 0;
  }

  /** False where all rows of the node share a bin. */
  function judgeColumn(column: number, start: number, end: number, draws: Uint32Array, total: number): boolean {
    const { bins, missingBin } = binned[column];
    let least = missingBin;
    let most = -1;
    let missing = 0;
    for (let i = start; i < end; i++) {
      const row = order[i];
      const bin = bins[row];
      histogram[bin * labelCount + labels[row]] += draws[row];
      if (bin === missingBin) {
        missing++;
      } else {
        if (bin < least) least = bin;
        if (bin > most) most = bin;
      }
    }
    const isVaried = least < most || (missing > 0 && most >= 0);
    if (isVaried) {
      judgeSplits(column, least, most, total, false, missing > 0);
      if (missing > 0) judgeSplits(column, least, most, total, true, true);
    }
    if (most >= 0) histogram.fill(0, least * labelCount, (most + 1) * labelCount);
    if (missing > 0) histogram.fill(0, missingBin * labelCount, (missingBin + 1) * labelCount);
    return isVaried;
  }

  function judgeSplits(
    column: number,
    least: number,
    most: number,
    total: number,
    missingLeft: boolean,
    hasMissing: boolean,
  ): void {
    const { missingBin } = binned[column];
    let leftTotal = 0;
    for (let label = 0; label < labelCount; label++) {
      left[label] = missingLeft ? histogram[missingBin * labelCount + label] : 0;
      leftTotal += left[label];
    }
    let before = -1;
    // Behind the last bin only missing rows are left, on the right.
    const last = hasMissing && !missingLeft ? most + 1 : most;
    for (let bin = least; bin <= last; bin++) {
      let here = 0;
      if (bin <= most) for (let label = 0; label < labelCount; label++) here += histogram[bin * labelCount + label];
      if (here === 0 && bin <= most) continue;
      // The split stands between the bins that have rows: in the middle of those without.
      if (before >= 0 && leftTotal >= minSamplesLeaf && total - leftTotal >= minSamplesLeaf) {
        let leftSquares = 0;
        let rightSquares = 0;
        for (let label = 0; label < labelCount; label++) {
          leftSquares += left[label] * left[label];
          rightSquares += (own[label] - left[label]) ** 2;
        }
        const score = leftSquares / leftTotal + rightSquares / (total - leftTotal);
        if (score > best.score) {
          best.score = score;
          best.column = column;
          best.bin = bin > most ? missingBin - 1 : (before + bin - 1) >> 1;
          best.missingLeft = missingLeft;
        }
      }
      before = bin;
      if (bin > most) break;
      for (let label = 0; label < labelCount; label++) left[label] += histogram[bin * labelCount + label];
      leftTotal += here;
    }
  }

  function partition(start: number, end: number, column: number, bin: number, missingLeft: boolean): number {
    const { bins, missingBin } = binned[column];
    let middle = start;
    let right = 0;
    for (let i = start; i < end; i++) {
      const row = order[i];
      if (bins[row] === missingBin ? missingLeft : bins[row] <= bin) order[middle++] = row;
      else moved[right++] = row;
    }
    order.set(moved.subarray(0, right), middle);
    return middle;
  }
}
