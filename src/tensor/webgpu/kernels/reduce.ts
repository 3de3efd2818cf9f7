/**
 * Sums over axes, and their reverse. All orders are fixed. Sums over rows and over everything are by segments of lanes;
 * sums over columns are by strands: each lane adds up to 64 rows of its column, and what is left goes the same way.
 */
import { AXES } from '../../operations.ts';
import { type Dispatch, type KernelPlace, type KernelSource, type Operand, part, reads, writes } from '../kernel.ts';
import type { Lowering, LoweringContext } from '../lowering.ts';
import { groupReduction } from './group-sum.ts';
import { LANES, lanesPerRow, rowGrid, rowOfLane, rowRanges } from './rows.ts';

/** Rows that one lane adds up; the last lane of a column takes up to twice as many. */
const STRAND = 64;

/** What is summed over the columns of [rows, columns]. */
export interface ColumnTerms {
  /** Says what `terms` are. */
  readonly name: string;
  readonly operands: readonly Operand[];
  /** The places of `count` rows from row `start` on. */
  places(start: number, count: number): Readonly<Record<string, KernelPlace>>;
  /** WGSL f32 expressions of the entry `at` = row · columns + column, of `row` and of `column`, one for each output. */
  readonly terms: readonly string[];
}

export interface ColumnOutput {
  readonly out: KernelPlace;
  readonly addend?: KernelPlace | undefined;
}

/** Sums of terms over columns: out[column] = Σ over rows, plus addend. */
export function columnSums(
  context: LoweringContext,
  what: ColumnTerms,
  rows: number,
  columns: number,
  outputs: readonly ColumnOutput[],
): Dispatch[] {
  const { limits } = context;
  const isWhole = rows * columns <= limits.maxBindingWords - 2 * limits.alignmentWords;
  if (rows <= 2 * STRAND && isWhole) {
    const kernel = columnKernel(what, outputs);
    return [columnDispatch(context, kernel, what.places(0, rows), { rows, columns, each: Math.max(1, rows) }, outputs)];
  }
  const strands = Math.ceil(rows / STRAND);
  const sums = outputs.map(() => context.scratch(strands * columns));
  const dispatches = rowRanges(context, rows, columns, STRAND).map(({ start, count }) => {
    const held = Math.ceil(count / STRAND);
    const targets = sums.map((sum) => ({ out: part(sum, (start / STRAND) * columns, held * columns) }));
    const kernel = columnKernel(what, targets);
    return columnDispatch(context, kernel, what.places(start, count), { rows: count, columns, each: STRAND }, targets);
  });
  const rest = outputs.flatMap((output, i) =>
    columnSums(context, entriesOf(sums[i], columns), strands, columns, [output]),
  );
  return [...dispatches, ...rest];
}

/** The entries of a place themselves. */
export function entriesOf(x: KernelPlace, columns: number): ColumnTerms {
  return {
    name: 'entries',
    operands: [reads('x')],
    places: (start, count) => ({ x: part(x, start * columns, count * columns) }),
    terms: ['x(at)'],
  };
}

function columnKernel({ name, operands, terms }: ColumnTerms, outputs: readonly ColumnOutput[]): KernelSource {
  const added = outputs.map(({ addend }) => addend !== undefined);
  return {
    name: `column sums of ${name}, added: ${added.join()}`,
    operands: [
      ...operands,
      ...outputs.flatMap((_, i) => (added[i] ? [reads(`addend${i}`)] : [])),
      ...outputs.map((_, i) => writes(`out${i}`)),
    ],
    parameters: { rows: 'u32', columns: 'u32', each: 'u32', width: 'u32', strands: 'u32' },
    workgroupSize: [LANES],
    body: `let column = workgroup.z * p.width + lane % p.width;
  let strand = group * (${LANES}u / p.width) + lane / p.width;
  if (strand >= p.strands || column >= p.columns) { return; }
  ${terms.map((_, i) => `var sum${i} = 0.0;`).join(' ')}
  let end = min((strand + 1u) * p.each, p.rows);
  for (var row = strand * p.each; row < end; row++) {
    let at = row * p.columns + column;
    ${terms.map((term, i) => `sum${i} += ${term};`).join('\n    ')}
  }
  let to = strand * p.columns + column;
  ${terms.map((_, i) => `set_out${i}(to, sum${i}${added[i] ? ` + addend${i}(to)` : ''});`).join('\n  ')}`,
  };
}

function columnDispatch(
  context: LoweringContext,
  kernel: KernelSource,
  places: Readonly<Record<string, KernelPlace>>,
  shape: { readonly rows: number; readonly columns: number; readonly each: number },
  outputs: readonly ColumnOutput[],
): Dispatch {
  const { rows, columns, each } = shape;
  const width = Math.min(LANES, 2 ** Math.ceil(Math.log2(Math.max(1, columns))));
  // Without rows there is one strand, of none.
  const strands = Math.max(1, Math.ceil(rows / each));
  const [x, y] = context.grid(Math.ceil(strands / (LANES / width)));
  return {
    kernel,
    places: {
      ...places,
      ...Object.fromEntries(outputs.map(({ out }, i) => [`out${i}`, out])),
      ...Object.fromEntries(outputs.flatMap(({ addend }, i) => (addend === undefined ? [] : [[`addend${i}`, addend]]))),
    },
    parameters: { rows, columns, each, width, strands },
    workgroups: [x, y, Math.ceil(columns / width)],
  };
}

/** out[row] = Σ x[row], plus addend. */
function rowSums(
  context: LoweringContext,
  x: KernelPlace,
  addend: KernelPlace | undefined,
  out: KernelPlace,
  rows: number,
  columns: number,
): Dispatch[] {
  const segment = lanesPerRow(columns);
  const sum = groupReduction(context, { kind: 'sum', type: 'f32', lanes: LANES, segment });
  const added = addend === undefined ? '' : ' + addend(row)';
  const kernel: KernelSource = {
    name: `row sums by ${segment}${added}`,
    operands: [reads('x'), ...(addend === undefined ? [] : [reads('addend')]), writes('out')],
    parameters: { rows: 'u32', columns: 'u32' },
    workgroupSize: [LANES],
    enables: sum.enables,
    declarations: sum.declarations,
    body: `${rowOfLane(segment)}
  var own = 0.0;
  if (row < p.rows) {
    for (var column = first; column < p.columns; column += step) { own += x(row * p.columns + column); }
  }
  let sum = ${sum.of('own')};
  if (row < p.rows && first == 0u) { set_out(row, sum${added}); }`,
  };
  return rowRanges(context, rows, columns).map(({ start, count }) => ({
    kernel,
    places: {
      x: part(x, start * columns, count * columns),
      out: part(out, start, count),
      ...(addend === undefined ? {} : { addend: part(addend, start, count) }),
    },
    parameters: { rows: count, columns },
    workgroups: rowGrid(context, count, segment),
  }));
}

/** Entries of one row of the first stage of a sum over everything. */
const ROW = 4096;

/** Rows of their own length, then a last row of their sums; what does not fill a row is one too. */
function wholeSum(
  context: LoweringContext,
  x: KernelPlace,
  addend: KernelPlace | undefined,
  out: KernelPlace,
  length: number,
): Dispatch[] {
  if (length <= 2 * ROW) return rowSums(context, x, addend, out, 1, length);
  const rows = Math.floor(length / ROW);
  const rest = length - rows * ROW;
  const sums = context.scratch(rows + (rest > 0 ? 1 : 0));
  const dispatches = rowSums(context, x, undefined, part(sums, 0, rows), rows, ROW);
  if (rest > 0)
    dispatches.push(...rowSums(context, part(x, rows * ROW, rest), undefined, part(sums, rows, 1), 1, rest));
  return [...dispatches, ...wholeSum(context, sums, addend, out, sums.length)];
}

export const reduceLowerings = {
  reduce(context) {
    const [rows, columns, axis] = context.attributes;
    const [x, addend, out] = [context.in(0), context.maybeIn(1), context.out(0)];
    switch (AXES[axis]) {
      case 'all':
        return wholeSum(context, x, addend, out, rows * columns);
      case 'rows':
        if (rows === 1) return wholeSum(context, x, addend, out, columns);
        return rowSums(context, x, addend, out, rows, columns);
      default:
        return columnSums(context, entriesOf(x, columns), rows, columns, [{ out, addend }]);
    }
  },
  broadcast(context) {
    const [rows, columns, axis] = context.attributes;
    const how = AXES[axis];
    const index = { all: '0u', rows: 'entry / p.columns', columns: 'entry % p.columns' }[how];
    const kernel: KernelSource = {
      name: `repeat ${how}`,
      operands: [reads('x'), writes('out')],
      parameters: { count: 'u32', columns: 'u32' },
      workgroupSize: [LANES],
      body: `if (entry >= p.count) { return; }
  set_out(entry, x(${index}));`,
    };
    const [x, out] = [context.in(0), context.out(0)];
    return rowRanges(context, rows, columns).map(({ start, count }) => ({
      kernel,
      places: { x: how === 'rows' ? part(x, start, count) : x, out: part(out, start * columns, count * columns) },
      parameters: { count: count * columns, columns },
      workgroups: context.grid(Math.ceil((count * columns) / LANES)),
    }));
  },
} satisfies Record<string, Lowering>;
