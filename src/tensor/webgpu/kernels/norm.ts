/**
 * RMSNorm and LayerNorm over rows, with their gradients: a segment of lanes for each row, which reads the row once for
 * its sums and once more, from the cache, for what it writes. The gradients of weights are sums over columns
 * (reduce.ts) in a pass of their own: it reads dy and x again, and keeps the order of the sums fixed.
 */
import {
  type Dispatch,
  type KernelPlace,
  type KernelSource,
  type Operand,
  part,
  reads,
  updates,
  writes,
} from '../kernel.ts';
import type { Lowering, LoweringContext } from '../lowering.ts';
import { groupReduction } from './group-sum.ts';
import { columnSums } from './reduce.ts';
import { LANES, lanesPerRow, rowGrid, rowOfLane, rowRanges } from './rows.ts';

/** An operand with its place, and what its entries are for: [rows, columns], one a row, or one a column. */
type RowOperand = readonly [operand: Operand, place: KernelPlace, of: 'entries' | 'rows' | 'columns'];

interface RowKernel {
  readonly name: string;
  readonly operands: readonly RowOperand[];
  /**
   * WGSL, given the expression of a row's sum. It sees `row`, `isRow`, `at` (where the row begins), `isFirst` (one lane of
   * each row that is there), and `p.width`, the columns as a float.
   */
  body(sum: (value: string) => string): string;
}

function rowKernel(
  context: LoweringContext,
  { name, operands, body }: RowKernel,
  shape: { readonly rows: number; readonly columns: number; readonly eps?: number },
): Dispatch[] {
  const { rows, columns, eps = 0 } = shape;
  const segment = lanesPerRow(columns);
  const sum = groupReduction(context, { kind: 'sum', type: 'f32', lanes: LANES, segment });
  const kernel: KernelSource = {
    name: `${name} by ${segment}`,
    operands: operands.map(([operand]) => operand),
    parameters: { rows: 'u32', columns: 'u32', width: 'f32', eps: 'f32' },
    workgroupSize: [LANES],
    enables: sum.enables,
    declarations: sum.declarations,
    body: `${rowOfLane(segment)}
  let isRow = row < p.rows;
  let isFirst = isRow && first == 0u;
  let at = row * p.columns;
${body((value) => sum.of(value))}`,
  };
  return rowRanges(context, rows, columns).map(({ start, count }) => ({
    kernel,
    places: Object.fromEntries(
      operands.map(([operand, place, of]) => {
        const each = { entries: columns, rows: 1, columns: 0 }[of];
        return [operand.name, of === 'columns' ? place : part(place, start * each, count * each)];
      }),
    ),
    parameters: { rows: count, columns, width: columns, eps },
    workgroups: rowGrid(context, count, segment),
  }));
}

/** WGSL for each of the lane's entries `i` of its row, at `column`. */
const overRow = (statements: string): string =>
  `  if (isRow) { for (var column = first; column < p.columns; column += step) { let i = at + column; ${statements} } }`;

const RMS_STATISTICS = (sum: (value: string) => string): string =>
  `  let scale = 1.0 / sqrt(${sum('squares')} / p.width + p.eps);
  if (isFirst) { set_rstd(row, scale); }`;

/** A gradient with respect to x, and what is added to it. */
function slopesOfRow(slope: string, dxAddend: KernelPlace | undefined): { statements: string; operands: RowOperand[] } {
  if (dxAddend === undefined) return { statements: overRow(`set_dx(i, ${slope});`), operands: [] };
  return {
    statements: overRow(`set_dx(i, ${slope} + dxAddend(i));`),
    operands: [[reads('dxAddend'), dxAddend, 'entries']],
  };
}

export const normLowerings = {
  rmsNorm(context) {
    const [rows, columns, eps] = context.attributes;
    const kernel: RowKernel = {
      name: 'rms norm',
      operands: [
        [reads('x'), context.in(0), 'entries'],
        [reads('weight'), context.in(1), 'columns'],
        [writes('y'), context.out(0), 'entries'],
        [writes('rstd'), context.out(1), 'rows'],
      ],
      body: (sum) => `  var squares = 0.0;
${overRow('squares += x(i) * x(i);')}
${RMS_STATISTICS(sum)}
${overRow('set_y(i, x(i) * scale * weight(column));')}`,
    };
    return rowKernel(context, kernel, { rows, columns, eps });
  },
  addRmsNorm(context) {
    const [rows, columns, eps] = context.attributes;
    const kernel: RowKernel = {
      name: 'rms norm of a sum',
      operands: [
        [reads('x'), context.in(0), 'entries'],
        [reads('residual'), context.in(1), 'entries'],
        [reads('weight'), context.in(2), 'columns'],
        [updates('sum'), context.out(0), 'entries'],
        [writes('y'), context.out(1), 'entries'],
        [writes('rstd'), context.out(2), 'rows'],
      ],
      // A lane reads again only what it wrote itself.
      body: (sum) => `  var squares = 0.0;
${overRow('let v = x(i) + residual(i); set_sum(i, v); squares += v * v;')}
${RMS_STATISTICS(sum)}
${overRow('set_y(i, sum(i) * scale * weight(column));')}`,
    };
    return rowKernel(context, kernel, { rows, columns, eps });
  },
  rmsNormGrad(context) {
    const [rows, columns] = context.attributes;
    const [dy, x, weight, rstd] = [0, 1, 2, 3].map((i) => context.in(i));
    const dxAddend = context.maybeIn(4);
    const slopes = slopesOfRow('scale * (dy(i) * weight(column) - x(i) * scale * mean)', dxAddend);
    const kernel: RowKernel = {
      name: `rms norm slopes${dxAddend === undefined ? '' : ', added'}`,
      operands: [
        [reads('dy'), dy, 'entries'],
        [reads('x'), x, 'entries'],
        [reads('weight'), weight, 'columns'],
        [reads('rstd'), rstd, 'rows'],
        ...slopes.operands,
        [writes('dx'), context.out(0), 'entries'],
      ],
      body: (sum) => `  var scale = 0.0;
  if (isRow) { scale = rstd(row); }
  var dot = 0.0;
${overRow('dot += dy(i) * weight(column) * (x(i) * scale);')}
  let mean = ${sum('dot')} / p.width;
${slopes.statements}`,
    };
    const ofWeight = columnSums(
      context,
      {
        name: 'rms norm slopes',
        operands: [reads('dy'), reads('x'), reads('rstd')],
        places: (start, count) => ({
          dy: part(dy, start * columns, count * columns),
          x: part(x, start * columns, count * columns),
          rstd: part(rstd, start, count),
        }),
        terms: ['dy(at) * (x(at) * rstd(row))'],
      },
      rows,
      columns,
      [{ out: context.out(1), addend: context.maybeIn(5) }],
    );
    // First, because dx may lie where dy is.
    return [...ofWeight, ...rowKernel(context, kernel, { rows, columns })];
  },
  layerNorm(context) {
    const [rows, columns, eps] = context.attributes;
    const kernel: RowKernel = {
      name: 'layer norm',
      operands: [
        [reads('x'), context.in(0), 'entries'],
        [reads('weight'), context.in(1), 'columns'],
        [reads('bias'), context.in(2), 'columns'],
        [writes('y'), context.out(0), 'entries'],
        [writes('mean'), context.out(1), 'rows'],
        [writes('rstd'), context.out(2), 'rows'],
      ],
      body: (sum) => `  var total = 0.0;
${overRow('total += x(i);')}
  let center = ${sum('total')} / p.width;
  var squares = 0.0;
${overRow('let d = x(i) - center; squares += d * d;')}
${RMS_STATISTICS(sum)}
  if (isFirst) { set_mean(row, center); }
${overRow('set_y(i, (x(i) - center) * scale * weight(column) + bias(column));')}`,
    };
    return rowKernel(context, kernel, { rows, columns, eps });
  },
  layerNormGrad(context) {
    const [rows, columns] = context.attributes;
    const [dy, x, weight, mean, rstd] = [0, 1, 2, 3, 4].map((i) => context.in(i));
    const dxAddend = context.maybeIn(5);
    const slope = 'scale * (dy(i) * weight(column) - meanSlope - (x(i) - center) * scale * meanDot)';
    const slopes = slopesOfRow(slope, dxAddend);
    const kernel: RowKernel = {
      name: `layer norm slopes${dxAddend === undefined ? '' : ', added'}`,
      operands: [
        [reads('dy'), dy, 'entries'],
        [reads('x'), x, 'entries'],
        [reads('weight'), weight, 'columns'],
        [reads('mean'), mean, 'rows'],
        [reads('rstd'), rstd, 'rows'],
        ...slopes.operands,
        [writes('dx'), context.out(0), 'entries'],
      ],
      body: (sum) => `  var center = 0.0;
  var scale = 0.0;
  if (isRow) { center = mean(row); scale = rstd(row); }
  var dot = 0.0;
  var total = 0.0;
${overRow('let g = dy(i) * weight(column); total += g; dot += g * ((x(i) - center) * scale);')}
  let meanSlope = ${sum('total')} / p.width;
  let meanDot = ${sum('dot')} / p.width;
${slopes.statements}`,
    };
    const ofWeights = columnSums(
      context,
      {
        name: 'layer norm slopes',
        operands: [reads('dy'), reads('x'), reads('mean'), reads('rstd')],
        places: (start, count) => ({
          dy: part(dy, start * columns, count * columns),
          x: part(x, start * columns, count * columns),
          mean: part(mean, start, count),
          rstd: part(rstd, start, count),
        }),
        terms: ['dy(at) * ((x(at) - mean(row)) * rstd(row))', 'dy(at)'],
      },
      rows,
      columns,
      [
        { out: context.out(1), addend: context.maybeIn(6) },
        { out: context.out(2), addend: context.maybeIn(7) },
      ],
    );
    return [...ofWeights, ...rowKernel(context, kernel, { rows, columns })];
  },
} satisfies Record<string, Lowering>;
