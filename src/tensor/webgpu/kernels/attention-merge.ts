/**
 * The end of attention: parts over ranges of keys become one, each weighted by its share of the softmax's sum (flash
 * decoding). Also where there is one part, whose `out` is in its place already: its lse turns from powers of two to
 * natural logarithms, and from heads' rows to rows of heads.
 */
import { type Dispatch, type KernelPlace, reads, writes } from '../kernel.ts';
import type { LoweringContext } from '../lowering.ts';
import { LEAST_LOG } from './attention-forward.ts';

export interface Merge {
  readonly batch: number;
  readonly queries: number;
  readonly heads: number;
  readonly headDim: number;
  /** Heads whose rows lie interleaved in parts (row t·group + head), and the rows of each such group. */
  readonly group: number;
  readonly rows: number;
  readonly parts: number;
  /** [parts, batch, heads / group, rows]: see forwardKernel. */
  readonly partLse: KernelPlace;
  /** Where given: [parts, batch, heads / group, rows, headDim], to be merged into `out`. */
  readonly partOut?: KernelPlace | undefined;
  readonly out?: KernelPlace | undefined;
  readonly lse?: KernelPlace | undefined;
}

const GROUP = 256;

export function mergeDispatch(context: LoweringContext, merge: Merge): Dispatch {
  const { batch, queries, heads, headDim, group, rows, parts, partLse, partOut, out, lse } = merge;
  const isMerged = partOut !== undefined && out !== undefined;
  const each = isMerged ? headDim : 1;
  const count = batch * queries * heads * each;
  // Minus infinity by its bits: as a number the compiler may take it for impossible.
  const writeLse = `set_lse(row, select(bitcast<i32>((most + log2(sum)) * 0.69314718), -8388608, sum == 0.0));`;
  return {
    kernel: {
      name: `attention ${isMerged ? 'merge' : 'lse'}${lse === undefined ? ' without lse' : ''}`,
      operands: [
        reads('part_lse'),
        ...(isMerged ? [reads('part_out'), writes('out')] : []),
        ...(lse === undefined ? [] : [writes('lse', 'i32')]),
      ],
      parameters: {
        count: 'u32',
        each: 'u32',
        queries: 'u32',
        heads: 'u32',
        group: 'u32',
        rows: 'u32',
        parts: 'u32',
        stride: 'u32',
      },
      workgroupSize: [GROUP],
      body: `if (entry >= p.count) { return; }
  let d = entry % p.each;
  let row = entry / p.each;
  let head = row % p.heads;
  let t = (row / p.heads) % p.queries;
  let b = row / (p.heads * p.queries);
  let groups = p.heads / p.group;
  let at = (b * groups + head / p.group) * p.rows + t * p.group + head % p.group;
  var most = part_lse(at);
  for (var i = 1u; i < p.parts; i++) { most = max(most, part_lse(at + i * p.stride)); }
  var sum = 0.0;
  var mixed = 0.0;
  for (var i = 0u; i < p.parts; i++) {
    let log_sum = part_lse(at + i * p.stride);
    // A part without keys has written nothing else.
    if (log_sum <= ${LEAST_LOG}) { continue; }
    let weight = exp2(log_sum - most);
    sum += weight;
    ${isMerged ? 'mixed += weight * part_out((at + i * p.stride) * p.each + d);' : ''}
  }
  ${isMerged ? 'if (sum > 0.0) { mixed /= sum; }\n  set_out(entry, mixed);' : ''}
  ${lse === undefined ? '' : `if (d == 0u) { ${writeLse} }`}`,
    },
    places: {
      part_lse: partLse,
      ...(isMerged && { part_out: partOut, out }),
      ...(lse !== undefined && { lse }),
    },
    parameters: { count, each, queries, heads, group, rows, parts, stride: batch * (heads / group) * rows },
    workgroups: context.grid(Math.ceil(count / GROUP)),
  };
}
