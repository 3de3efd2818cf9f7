/**
 * Columns of numbers cut into at most 255 bins of about equal population, so that a split is looked for among bins instead of
 * rows: what makes histogram trees quick (Ke et al. 2017, LightGBM). A column of few different values gets a bin for each.
 *
 * Bin b holds the values x with edge[b − 1] < x ≤ edge[b]; missing values (NaN) have the bin behind the last of these. Edges are
 * midpoints between neighbours, as in scikit-learn's HistGradientBoosting. Cost: a sort a column.
 */
import { CorpusmillError } from '../../core/errors.ts';
import { describeEntry, type LabelledMatrix } from '../features/labelled-matrix.ts';

export const MAX_BINS = 255;
/** Rows that edges are found from: quantiles of more are the same. */
const EDGE_ROWS = 200_000;

export interface BinnedColumn {
  /** Bin of each row. */
  bins: Uint8Array;
  /** Ascending; none for a column that never changes. Bins 0 … edges.length hold values. */
  edges: Float64Array;
  /** The bin of missing values: `edges.length + 1`. */
  missingBin: number;
  /** Whether any row has it. */
  hasMissing: boolean;
}

/**
 * Bins a matrix by edges from the rows that `train` lists. Throws CONFIG_INVALID for an infinite number, naming where it
 * stands.
 */
export function binColumns(data: LabelledMatrix, train: Uint32Array, maxBins: number): BinnedColumn[] {
  const { matrix, rows, columns } = data;
  const step = Math.max(1, Math.ceil(train.length / EDGE_ROWS));
  const values = new Float64Array(Math.ceil(train.length / step));
  return Array.from({ length: columns }, (_, column) => {
    checkFinite(data, column);
    let count = 0;
    for (let i = 0; i < train.length; i += step) {
      const value = matrix[train[i] * columns + column];
      if (!Number.isNaN(value)) values[count++] = value;
    }
    const edges = edgesOf(values.subarray(0, count).sort(), maxBins);
    const missingBin = edges.length + 1;
    const bins = new Uint8Array(rows);
    let hasMissing = false;
    for (let row = 0; row < rows; row++) {
      const value = matrix[row * columns + column];
      const isMissing = Number.isNaN(value);
      bins[row] = isMissing ? missingBin : binOf(value, edges);
      hasMissing ||= isMissing;
    }
    return { bins, edges, missingBin, hasMissing };
  });
}

/** Edges between at most `maxBins` bins of sorted numbers. */
function edgesOf(sorted: Float64Array, maxBins: number): Float64Array {
  const midpoints: number[] = [];
  for (let i = 1; i < sorted.length && midpoints.length < maxBins; i++) {
    if (sorted[i] > sorted[i - 1]) midpoints.push(between(sorted[i - 1], sorted[i]));
  }
  if (midpoints.length < maxBins) return Float64Array.from(midpoints);
  const quantiles: number[] = [];
  for (let k = 1; k < maxBins; k++) {
    const position = (k / maxBins) * (sorted.length - 1);
    const edge = between(sorted[Math.floor(position)], sorted[Math.ceil(position)]);
    // A frequent value is several quantiles at once, and the largest one would leave an empty bin above it.
    if (edge !== quantiles.at(-1) && edge < sorted[sorted.length - 1]) quantiles.push(edge);
  }
  return Float64Array.from(quantiles);
}

/** The middle, but never `high` itself by rounding: `high` must fall behind the edge. */
function between(low: number, high: number): number {
  const middle = low + (high - low) / 2;
  return middle < high ? middle : low;
}

/** The bin of a value: the number of edges below it. */
function binOf(value: number, edges: Float64Array): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (edges[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function checkFinite(data: LabelledMatrix, column: number): void {
  const { matrix, rows, columns } = data;
  for (let row = 0; row < rows; row++) {
    if (Math.abs(matrix[row * columns + column]) !== Number.POSITIVE_INFINITY) continue;
    throw new CorpusmillError('CONFIG_INVALID', `cannot train trees: ${describeEntry(data, row, column)}`, {
      hint: 'give a number, or NaN for a missing value: trees learn what that means',
    });
  }
}
