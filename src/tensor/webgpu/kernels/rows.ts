/**
 * How kernels share out rows: a segment of adjacent lanes for each row, several rows to a workgroup where rows are short,
 * and several dispatches where a binding does not hold all rows.
 */
import type { LoweringContext } from '../lowering.ts';

/** Lanes of a workgroup of a row kernel. */
export const LANES = 256;

/** Lanes that a row may have: few sizes, because each is a pipeline. */
const SEGMENTS = [1, 8, 32, 128, LANES];
/** Entries that a lane takes of a row, where the row is short: fewer leave lanes idle, more leave the adapter idle. */
const ENTRIES_PER_LANE = 4;

/** Lanes for a row of so many entries: a power of two, at most a workgroup. */
export function lanesPerRow(columns: number): number {
  return SEGMENTS.find((lanes) => columns <= ENTRIES_PER_LANE * lanes) ?? LANES;
}

/** WGSL that opens a row kernel: `row`, the lane's place within it (`first`), and the lanes of a row (`step`). */
export function rowOfLane(segment: number): string {
  return `let row = group * ${LANES / segment}u + lane / ${segment}u;
  let first = lane % ${segment}u;
  let step = ${segment}u;`;
}

/** Workgroups for rows of a row kernel. */
export function rowGrid(context: LoweringContext, rows: number, segment: number): [number, number, number] {
  return context.grid(Math.ceil(rows / (LANES / segment)));
}

export interface RowRange {
  readonly start: number;
  readonly count: number;
}

/**
 * Rows in ranges that a binding holds, of `columns` words each. All but the last are multiples of `grain` rows: four
 * where a kernel sees vectors, so that what begins at one goes on so.
 */
export function rowRanges(context: LoweringContext, rows: number, columns: number, grain = 1): RowRange[] {
  const { maxBindingWords, alignmentWords } = context.limits;
  // A place may begin inside an alignment.
  const most = Math.floor((maxBindingWords - 2 * alignmentWords) / Math.max(1, columns));
  const each = Math.max(grain, most - (most % grain));
  const ranges: RowRange[] = [];
  for (let start = 0; start < rows; start += each) ranges.push({ start, count: Math.min(each, rows - start) });
  return ranges;
}
