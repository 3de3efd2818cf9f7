/**
 * Rows by index, and the gradient of a table.
 *
 * The gradient sorts rows by id, so that its work grows with rows and not with the vocabulary (beyond the zeros or the
 * addend that the whole table gets first, unless they are there already). Rows of one id are then a run, which is summed
 * in order, at most 64 rows by one lane: a run that goes on over the end of a block of 64 leaves its sums in scratch
 * memory, where a second kernel adds them up in order of blocks.
 */
import {
  areVectors,
  type Dispatch,
  type KernelPlace,
  type KernelSource,
  part,
  reads,
  updates,
  writes,
} from '../kernel.ts';
import type { Lowering, LoweringContext } from '../lowering.ts';
import { copyWords, fillWords } from './elementwise.ts';
import { LANES, rowRanges } from './rows.ts';
import { sortRows } from './sort.ts';

export interface Gather {
  readonly table: KernelPlace;
  /** i32 [rows]; row r is row floor(ids[r] / divisor) of the table. */
  readonly ids: KernelPlace;
  readonly out: KernelPlace;
  readonly rows: number;
  readonly columns: number;
  readonly tableRows: number;
  readonly divisor: number;
  /** A negative id gives zeros; otherwise it is an error, as one beyond the table always is. */
  readonly hasZeros: boolean;
}

/** out [rows, columns] from rows of a table. */
export function gatherRows(context: LoweringContext, gather: Gather): Dispatch[] {
  const { table, ids, out, rows, columns, tableRows, divisor, hasZeros } = gather;
  const isVector = columns % 4 === 0 && areVectors(table, ids, out);
  const units = isVector ? columns / 4 : columns;
  const dispatches: Dispatch[] = [];
  for (const held of rowRanges(context, rows, columns, 4)) {
    for (const inTable of rowRanges(context, tableRows, columns, 4)) {
      dispatches.push({
        kernel: gatherKernel(isVector),
        places: {
          table: part(table, inTable.start * columns, inTable.count * columns),
          ids: part(ids, held.start, held.count),
          out: part(out, held.start * columns, held.count * columns),
        },
        parameters: {
          count: held.count * units,
          units,
          first: held.start,
          tableRows,
          tableFirst: inTable.start,
          tableEnd: inTable.start + inTable.count,
          divisor,
          hasZeros: Number(hasZeros),
        },
        workgroups: context.grid(Math.ceil((held.count * units) / LANES)),
      });
    }
  }
  return dispatches;
}

function gatherKernel(isVector: boolean): KernelSource {
  const four = isVector ? '4' : '';
  return {
    name: `gather rows${four}`,
    operands: [reads('table'), reads('ids', 'i32'), writes('out')],
    parameters: {
      count: 'u32',
      units: 'u32',
      first: 'u32',
      tableRows: 'u32',
      tableFirst: 'u32',
      tableEnd: 'u32',
      divisor: 'u32',
      hasZeros: 'u32',
    },
    workgroupSize: [LANES],
    vectors: isVector,
    faults: true,
    body: `if (entry >= p.count) { return; }
  let row = entry / p.units;
  let id = ids(row);
  if (id < 0) {
    if (p.hasZeros == 0u) { fault(p.first + row); }
    // Written once, also where the table is bound in parts.
    else if (p.tableFirst == 0u) { set_out${four}(entry, ${isVector ? 'vec4f()' : '0.0'}); }
    return;
  }
  let place = u32(id) / p.divisor;
  if (place >= p.tableRows) { fault(p.first + row); return; }
  if (place < p.tableFirst || place >= p.tableEnd) { return; }
  set_out${four}(entry, table${four}((place - p.tableFirst) * p.units + entry % p.units));`,
  };
}

/** Positions of sorted rows that one lane sums. */
const RUN_BLOCK = 64;

const RUN_PARAMETERS = {
  rows: 'u32',
  columns: 'u32',
  tableRows: 'u32',
  tableFirst: 'u32',
  tableEnd: 'u32',
  first: 'u32',
  end: 'u32',
} as const;

/** Of positions in sorted order: whose they are. */
const RUN_ID = `
fn id_at(position: u32) -> i32 { return ids(u32(order(position))); }`;

/** WGSL that leaves unless `id` is of this part of the table. */
const IN_TABLE = `if (id < 0 || u32(id) < p.tableFirst || u32(id) >= p.tableEnd) { return; }
  let to = (u32(id) - p.tableFirst) * p.columns + column;`;

/** Sums of runs and of parts of runs, each within a block of sorted positions: a workgroup for each place where one may begin. */
const RUN_SUMS: KernelSource = {
  name: 'sums of runs',
  operands: [reads('dy'), reads('ids', 'i32'), reads('order', 'i32'), updates('out'), writes('parts')],
  parameters: RUN_PARAMETERS,
  workgroupSize: [LANES],
  faults: true,
  declarations: RUN_ID,
  body: `let column = workgroup.z * ${LANES}u + lane;
  if (group >= p.rows || column >= p.columns) { return; }
  let row = order(group);
  let id = ids(u32(row));
  if (id >= i32(p.tableRows)) { fault(u32(row)); return; }
  ${IN_TABLE}
  let goesOn = group > 0u && id_at(group - 1u) == id;
  let isBlock = group % ${RUN_BLOCK}u == 0u;
  if (goesOn && !isBlock) { return; }
  let end = min((group / ${RUN_BLOCK}u + 1u) * ${RUN_BLOCK}u, p.rows);
  var sum = 0.0;
  var position = group;
  while (position < end) {
    let row = u32(order(position));
    if (ids(row) != id) { break; }
    if (row >= p.first && row < p.end) { sum += dy((row - p.first) * p.columns + column); }
    position++;
  }
  let isCut = position == end && end < p.rows && id_at(end) == id;
  if (goesOn || isCut) {
    // Of a block two sums at most: that of its first run, and that of one that begins later and goes on behind it.
    let kept = 2u * (group / ${RUN_BLOCK}u) + select(1u, 0u, isBlock);
    set_parts(kept * p.columns + column, sum);
  } else {
    set_out(to, out(to) + sum);
  }`,
};

/** Runs over several blocks, a workgroup for each block in which one may begin. */
const LONG_RUNS: KernelSource = {
  name: 'sums of long runs',
  operands: [reads('ids', 'i32'), reads('order', 'i32'), reads('parts'), updates('out')],
  parameters: RUN_PARAMETERS,
  workgroupSize: [LANES],
  declarations: RUN_ID,
  body: `let column = workgroup.z * ${LANES}u + lane;
  let begin = group * ${RUN_BLOCK}u;
  var next = begin + ${RUN_BLOCK}u;
  if (next >= p.rows || column >= p.columns) { return; }
  let id = id_at(next);
  ${IN_TABLE}
  // The run that goes over the end of this block begins in it, or it is an earlier block's.
  if (id_at(next - 1u) != id) { return; }
  let isFirst = id_at(begin) == id;
  if (isFirst && begin > 0u && id_at(begin - 1u) == id) { return; }
  var sum = parts((2u * group + select(1u, 0u, isFirst)) * p.columns + column);
  while (next < p.rows) {
    if (id_at(next) != id) { break; }
    sum += parts(2u * (next / ${RUN_BLOCK}u) * p.columns + column);
    next += ${RUN_BLOCK}u;
  }
  set_out(to, out(to) + sum);`,
};

const isSame = (a: KernelPlace, b: KernelPlace): boolean => a.slot === b.slot && a.offset === b.offset;

/** WGSL rotates one pair of one head; `angles` of its position lie in a row of the table. */
const ROPE: KernelSource = {
  name: 'rotate pairs',
  operands: [reads('x'), reads('cosines'), reads('sines'), reads('positions', 'i32'), writes('y')],
  parameters: {
    count: 'u32',
    half_: 'u32',
    heads: 'u32',
    first: 'u32',
    tableRows: 'u32',
    sign: 'f32',
    step: 'u32',
    apart: 'u32',
  },
  workgroupSize: [LANES],
  faults: true,
  body: `if (entry >= p.count) { return; }
  let pair = entry % p.half_;
  let head = entry / p.half_;
  let row = head / p.heads;
  let position = positions(row);
  if (position < 0 || u32(position) >= p.tableRows) { fault(p.first + row); return; }
  let angle = u32(position) * p.half_ + pair;
  let c = cosines(angle);
  let s = p.sign * sines(angle);
  let at = head * 2u * p.half_ + pair * p.step;
  let a = x(at);
  let b = x(at + p.apart);
  set_y(at, a * c - b * s);
  set_y(at + p.apart, b * c + a * s);`,
};

function cacheKernel(isVector: boolean): KernelSource {
  const four = isVector ? '4' : '';
  return {
    name: `write to cache${four}`,
    operands: [writes('cache'), reads('rows'), reads('at', 'i32')],
    parameters: { count: 'u32', units: 'u32', time: 'u32', capacity: 'u32', first: 'u32' },
    workgroupSize: [LANES],
    vectors: isVector,
    faults: true,
    body: `if (entry >= p.count) { return; }
  let batch = entry / (p.time * p.units);
  let start = at(batch);
  if (start < 0 || u32(start) + p.time > p.capacity) { fault(p.first + batch); return; }
  let within = entry % (p.time * p.units);
  set_cache${four}((batch * p.capacity + u32(start)) * p.units + within, rows${four}(entry));`,
  };
}

export const embeddingLowerings = {
  embedding(context) {
    const [rows, columns, tableRows] = context.attributes;
    const [table, ids, out] = [context.in(0), context.in(1), context.out(0)];
    return gatherRows(context, { table, ids, out, rows, columns, tableRows, divisor: 1, hasZeros: true });
  },
  embeddingGrad(context) {
    const [rows, columns, tableRows] = context.attributes;
    const [dy, ids, addend, out] = [context.in(0), context.in(1), context.maybeIn(2), context.out(0)];
    const length = tableRows * columns;
    const dispatches: Dispatch[] = [];
    if (addend === undefined) dispatches.push(...fillWords(context, out, length, 0));
    else if (!isSame(addend, out)) dispatches.push(...copyWords(context, addend, out, length));
    const order = context.scratch(rows);
    dispatches.push(...sortRows(context, { keys: ids, rows, keyEnd: tableRows }, order));
    const blocks = Math.ceil(rows / RUN_BLOCK);
    const parts = context.scratch(2 * blocks * columns);
    const tiles = Math.ceil(columns / LANES);
    const over = (count: number): [number, number, number] => {
      const [x, y] = context.grid(count);
      return [x, y, tiles];
    };
    for (const table of rowRanges(context, tableRows, columns)) {
      for (const held of rowRanges(context, rows, columns)) {
        const parameters = {
          rows,
          columns,
          tableRows,
          tableFirst: table.start,
          tableEnd: table.start + table.count,
          first: held.start,
          end: held.start + held.count,
        };
        const target = part(out, table.start * columns, table.count * columns);
        const source = part(dy, held.start * columns, held.count * columns);
        dispatches.push(
          {
            kernel: RUN_SUMS,
            places: { dy: source, ids, order, out: target, parts },
            parameters,
            workgroups: over(rows),
          },
          { kernel: LONG_RUNS, places: { ids, order, parts, out: target }, parameters, workgroups: over(blocks) },
        );
      }
    }
    return dispatches;
  },
  rope(context) {
    const [rows, heads, headDim, tableRows, inverse, interleaved] = context.attributes;
    const [x, cosines, sines, positions] = [0, 1, 2, 3].map((i) => context.in(i));
    const half = headDim / 2;
    const columns = heads * headDim;
    const [step, apart] = interleaved ? [2, 1] : [1, half];
    return rowRanges(context, rows, columns).map(({ start, count }) => ({
      kernel: ROPE,
      places: {
        x: part(x, start * columns, count * columns),
        cosines,
        sines,
        positions: part(positions, start, count),
        y: part(context.out(0), start * columns, count * columns),
      },
      parameters: {
        count: count * heads * half,
        half_: half,
        heads,
        first: start,
        tableRows,
        sign: inverse ? -1 : 1,
        step,
        apart,
      },
      workgroups: context.grid(Math.ceil((count * heads * half) / LANES)),
    }));
  },
  cacheWrite(context) {
    const [batch, time, capacity, columns] = context.attributes;
    const [cache, rows, at] = [0, 1, 2].map((i) => context.in(i));
    const isVector = columns % 4 === 0 && areVectors(cache, rows, at);
    const units = isVector ? columns / 4 : columns;
    // A batch's whole cache is a row here.
    return rowRanges(context, batch, capacity * columns, 4).map(({ start, count }) => ({
      kernel: cacheKernel(isVector),
      places: {
        cache: part(cache, start * capacity * columns, count * capacity * columns),
        rows: part(rows, start * time * columns, count * time * columns),
        at: part(at, start, count),
      },
      parameters: { count: count * time * units, units, time, capacity, first: start },
      workgroups: context.grid(Math.ceil((count * time * units) / LANES)),
    }));
  },
} satisfies Record<string, Lowering>;
