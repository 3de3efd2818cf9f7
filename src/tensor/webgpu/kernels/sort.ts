/**
 * A stable sort of rows by a key of each, such as an id of a vocabulary or an expert: counting, digit by digit from the
 * lowest (LSD radix sort), as many dispatches as digits times three and no comparison of pairs of rows.
 *
 * A workgroup counts the digits of a block of 1024 rows; one workgroup turns counts by (digit, block) into first places;
 * a workgroup sends the rows of its block to their places, each behind the earlier rows of the block with its digit.
 */
import { type Dispatch, type KernelPlace, type KernelSource, type Operand, reads, updates, writes } from '../kernel.ts';
import type { LoweringContext } from '../lowering.ts';
import { LANES } from './rows.ts';

const CHUNKS = 4;
const BLOCK = CHUNKS * LANES;
/** A lane for each digit. */
const MAX_DIGIT_BITS = 8;

export interface SortKeys {
  /** i32, one a row. */
  readonly keys: KernelPlace;
  readonly rows: number;
  /** Keys are below this; rows with others come last. */
  readonly keyEnd: number;
}

const DIGIT = `
fn digit_of(row: u32) -> u32 {
  let key = keys(row);
  return (select(p.keyEnd, u32(key), key >= 0 && u32(key) < p.keyEnd) >> p.shift) & p.mask;
}`;

/** Writes the rows' numbers to `order` (i32), in order of their keys, rows of one key in order of rows. */
export function sortRows(context: LoweringContext, { keys, rows, keyEnd }: SortKeys, order: KernelPlace): Dispatch[] {
  if (rows === 0) return [];
  const bits = 32 - Math.clz32(keyEnd);
  const passes = Math.max(1, Math.ceil(bits / MAX_DIGIT_BITS));
  const digitBits = Math.max(1, Math.ceil(bits / passes));
  const digits = passes === 1 ? keyEnd + 1 : 2 ** digitBits;
  const blocks = Math.ceil(rows / BLOCK);
  const counts = context.scratch(digits * blocks);
  const between = passes > 1 ? [context.scratch(rows), context.scratch(rows)] : [];
  const dispatches: Dispatch[] = [];
  let earlier: KernelPlace | undefined;
  for (let pass = 0; pass < passes; pass++) {
    const to = pass === passes - 1 ? order : between[pass % 2];
    const source = earlier === undefined ? undefined : { earlier };
    const parameters = { rows, keyEnd, shift: pass * digitBits, mask: 2 ** digitBits - 1, digits, blocks };
    const workgroups = context.grid(blocks);
    dispatches.push(
      { kernel: countKernel(earlier !== undefined), places: { keys, ...source, counts }, parameters, workgroups },
      { kernel: SCAN, places: { counts }, parameters: { count: digits * blocks }, workgroups: [1, 1, 1] },
      { kernel: sendKernel(earlier !== undefined), places: { keys, ...source, counts, to }, parameters, workgroups },
    );
    earlier = to;
  }
  return dispatches;
}

function passKernel(
  isLater: boolean,
  name: string,
  operands: readonly Operand[],
): Pick<KernelSource, 'name' | 'operands' | 'parameters' | 'workgroupSize'> {
  return {
    name: `${name}${isLater ? ', on' : ''}`,
    operands: [reads('keys', 'i32'), ...(isLater ? [reads('earlier', 'i32')] : []), ...operands],
    parameters: { rows: 'u32', keyEnd: 'u32', shift: 'u32', mask: 'u32', digits: 'u32', blocks: 'u32' },
    workgroupSize: [LANES],
  };
}

const rowAt = (isLater: boolean): string => (isLater ? 'u32(earlier(i))' : 'i');

const countKernel = (isLater: boolean): KernelSource => ({
  ...passKernel(isLater, 'count digits', [writes('counts', 'i32')]),
  declarations: `${DIGIT}\nvar<workgroup> found: array<atomic<u32>, ${LANES}>;`,
  body: `if (group >= p.blocks) { return; }
  atomicStore(&found[lane], 0u);
  workgroupBarrier();
  for (var chunk = 0u; chunk < ${CHUNKS}u; chunk++) {
    let i = group * ${BLOCK}u + chunk * ${LANES}u + lane;
    if (i < p.rows) { atomicAdd(&found[digit_of(${rowAt(isLater)})], 1u); }
  }
  workgroupBarrier();
  if (lane < p.digits) { set_counts(lane * p.blocks + group, i32(atomicLoad(&found[lane]))); }`,
});

/** Each count becomes the sum of those before it. */
const SCAN: KernelSource = {
  name: 'counts to places',
  operands: [updates('counts', 'i32')],
  parameters: { count: 'u32' },
  workgroupSize: [LANES],
  declarations: `var<workgroup> sums: array<i32, ${LANES}>;`,
  body: `let each = (p.count + ${LANES - 1}u) / ${LANES}u;
  let begin = min(lane * each, p.count);
  let end = min(begin + each, p.count);
  var sum = 0;
  for (var i = begin; i < end; i++) { sum += counts(i); }
  sums[lane] = sum;
  workgroupBarrier();
  var before = 0;
  for (var i = 0u; i < ${LANES}u; i++) { if (i < lane) { before += sums[i]; } }
  for (var i = begin; i < end; i++) {
    let count = counts(i);
    set_counts(i, before);
    before += count;
  }`,
};

const sendKernel = (isLater: boolean): KernelSource => ({
  ...passKernel(isLater, 'rows to places', [reads('counts', 'i32'), writes('to', 'i32')]),
  declarations: `${DIGIT}
var<workgroup> next: array<u32, ${LANES}>;
var<workgroup> digits: array<u32, ${LANES}>;`,
  body: `if (group >= p.blocks) { return; }
  if (lane < p.digits) { next[lane] = u32(counts(lane * p.blocks + group)); }
  for (var chunk = 0u; chunk < ${CHUNKS}u; chunk++) {
    let i = group * ${BLOCK}u + chunk * ${LANES}u + lane;
    let isRow = i < p.rows;
    var row = 0u;
    var digit = ${LANES}u;
    if (isRow) {
      row = ${rowAt(isLater)};
      digit = digit_of(row);
    }
    digits[lane] = digit;
    workgroupBarrier();
    var before = 0u;
    var after = 0u;
    for (var other = 0u; other < ${LANES}u; other++) {
      let isSame = u32(digits[other] == digit);
      before += select(0u, isSame, other < lane);
      after += select(0u, isSame, other > lane);
    }
    var place = 0u;
    if (isRow) { place = next[digit] + before; }
    workgroupBarrier();
    if (isRow) {
      set_to(place, i32(row));
      if (after == 0u) { next[digit] = place + 1u; }
    }
    workgroupBarrier();
  }`,
});
