/**
 * Norms over all gradients, the clip factor, and AdamW.
 *
 * Tensors are in buffers of their own, more than a kernel can bind, so each is a dispatch: it leaves at most 256 partial
 * sums in scratch memory, and one last kernel adds up those of all tensors. Where the processor draws, the norm's partial sums are
 * of lanes and not of workgroups, whose waits would take longer than the sums. The norm has no float64 to be summed in:
 * squares are kept in three sums of numbers that are small, middling and large, each scaled so that it can neither
 * overflow nor vanish (Blue 1978, A Portable Fortran Program to Find the Euclidean Norm of a Vector), and orders are fixed.
 * What is no number is told by its bits, because shaders may be compiled as if there were none.
 */
import { OperandTooLarge } from '../bindings.ts';
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
import { groupReduction } from './group-sum.ts';
import { LANES, type RowRange, rowRanges } from './rows.ts';

/** Partial results for each input. */
const PARTS = 256;
/** Entries that are worth a workgroup; more where the processor draws, for which a workgroup's waits are dear. */
const ENTRIES = 8 * LANES;
const ENTRIES_IN_SOFTWARE = 256 * LANES;

/** Squares that one lane sums before it adds them to others. */
const RUN = 64;
/** Entries for which a lane has a partial norm of its own, where the processor draws. */
const ENTRIES_OF_LANE = 2048;

/** Entries of an input in one dispatch, and which partial results are its. */
interface Piece {
  readonly range: RowRange;
  readonly firstPart: number;
  readonly parts: number;
}

/** An input as a binding holds it, and the partial results shared out; those of no workgroup are to be zeros. */
function piecesOf(context: LoweringContext, x: KernelPlace): Piece[] {
  const ranges = rowRanges(context, x.length, 1);
  if (ranges.length === 0) return [{ range: { start: 0, count: 0 }, firstPart: 0, parts: PARTS }];
  if (ranges.length > PARTS) {
    throw new OperandTooLarge(x, PARTS * context.limits.maxBindingWords);
  }
  const each = Math.floor(PARTS / ranges.length);
  return ranges.map((range, i) => ({
    range,
    firstPart: i * each,
    parts: i === ranges.length - 1 ? PARTS - i * each : each,
  }));
}

/**
 * A kernel that leaves one result of each workgroup: `body` makes `own` of the lane's entries, which it finds by
 * `for (i = entry; i < p.count; i += p.stride)`, and `words` are the WGSL results of the workgroup.
 */
function partialKernel(
  name: string,
  body: string,
  words: readonly string[],
  more: Pick<KernelSource, 'enables' | 'declarations'>,
): KernelSource {
  const zeros = words.map((_, i) => `set_parts(${words.length}u * slot + ${i}u, 0);`).join(' ');
  return {
    name,
    // As integers, also where they are floats: nothing is to change the bits of what is no number.
    operands: [reads('x', 'i32'), writes('parts', 'i32')],
    parameters: { count: 'u32', stride: 'u32', groups: 'u32', parts: 'u32' },
    workgroupSize: [LANES],
    ...more,
    body: `${body}
  if (lane == 0u) { ${words.map((word, i) => `set_parts(${words.length}u * group + ${i}u, ${word});`).join(' ')} }
  // Results that no workgroup has.
  let slot = p.groups + entry;
  if (slot < p.parts) { ${zeros} }`,
  };
}

/** Partial results of all inputs, in order: PARTS times `words` each. */
function partials(context: LoweringContext, kernel: KernelSource, words: number, parts: KernelPlace): Dispatch[] {
  return context.inputs.flatMap((input, index) => {
    const x = input as KernelPlace;
    return piecesOf(context, x).map(({ range, firstPart, parts: count }) => {
      const entries = context.products.isSoftware ? ENTRIES_IN_SOFTWARE : ENTRIES;
      const groups = Math.max(1, Math.min(count, Math.ceil(range.count / entries)));
      return {
        kernel,
        places: {
          x: part(x, range.start, range.count),
          parts: part(parts, words * (index * PARTS + firstPart), words * count),
        },
        parameters: { count: range.count, stride: groups * LANES, groups, parts: count },
        workgroups: [groups, 1, 1] as const,
      };
    });
  });
}

/**
 * Numbers from 2^-40 to 2^40 are squared as they are; below and above they are first scaled by 2^75 and 2^-75. So sums
 * of 2^30 squares stay below 2^128, and squares above 2^-126 as long as numbers are normal.
 */
const SQUARES = `
const LEAST = 9.094947017729282e-13;
const MOST = 1099511627776.0;
const UP = 3.777893186295716e22;
const DOWN = 2.6469779601696886e-23;
fn squares(bits: i32) -> vec4f {
  let magnitude = u32(bits) & 0x7fffffffu;
  if (magnitude >= 0x7f800000u) { return vec4f(0.0, 0.0, 0.0, select(1024.0, 1.0, magnitude == 0x7f800000u)); }
  let a = bitcast<f32>(magnitude);
  if (a < LEAST) { return vec4f(a * UP * (a * UP), 0.0, 0.0, 0.0); }
  if (a > MOST) { return vec4f(0.0, 0.0, a * DOWN * (a * DOWN), 0.0); }
  return vec4f(0.0, a * a, 0.0, 0.0);
}
// The fourth entry marks infinities (1) and what is no number (1024), of any of up to 512 numbers.
fn marked(sums: vec4f) -> vec4f {
  let mark = select(select(0.0, 1.0, sums.w >= 1.0), 1024.0, sums.w >= 1024.0);
  return vec4f(sums.xyz, mark);
}`;

function normKernels(context: LoweringContext): { partial: KernelSource; last: KernelSource } {
  const byLanes = context.products.isSoftware;
  const sum = groupReduction(context, { kind: 'sum', type: 'vec4f', lanes: LANES, segment: byLanes ? 1 : LANES });
  const more = { enables: sum.enables, declarations: SQUARES + sum.declarations };
  const lanesOfLast = byLanes ? 1 : LANES;
  return {
    partial: {
      name: `squares of a tensor${byLanes ? ' by lanes' : ''}`,
      // As integers: nothing is to change the bits of what is no number.
      operands: [reads('x', 'i32'), writes('parts', 'i32')],
      parameters: { count: 'u32', stride: 'u32' },
      workgroupSize: [LANES],
      ...more,
      body: `${byLanes ? 'if (entry >= p.stride) { return; }' : ''}
  var own = vec4f();
  // Sums of sums, which lose less than one long sum.
  for (var begin = entry; begin < p.count; begin += ${RUN}u * p.stride) {
    var some = vec4f();
    let end = min(begin + ${RUN}u * p.stride, p.count);
    for (var i = begin; i < end; i += p.stride) { some += squares(x(i)); }
    own = marked(own + marked(some));
  }
  let all = bitcast<vec4i>(marked(${sum.of('own')}));
  ${byLanes ? 'let slot = entry;' : 'let slot = group;\n  if (lane != 0u) { return; }'}
  for (var i = 0u; i < 4u; i++) { set_parts(4u * slot + i, all[i]); }`,
    },
    last: {
      name: `norm of all${byLanes ? ' by a lane' : ''}`,
      operands: [reads('parts'), writes('norm', 'i32')],
      parameters: { count: 'u32', infinity: 'i32', nan: 'i32' },
      workgroupSize: [lanesOfLast],
      ...more,
      body: `var own = vec4f();
  for (var i = lane; i < p.count; i += ${lanesOfLast}u) {
    own += vec4f(parts(4u * i), parts(4u * i + 1u), parts(4u * i + 2u), parts(4u * i + 3u));
    own = marked(own);
  }
  let all = marked(${sum.of('own')});
  if (lane != 0u) { return; }
  // Roots first: compilers join the factors of x · DOWN · DOWN to one, which is 0.
  let small = sqrt(all.x);
  let middling = sqrt(all.y);
  var bits = 0;
  if (all.w >= 1024.0) { bits = p.nan; }
  else if (all.w >= 1.0) { bits = p.infinity; }
  else if (all.z > 0.0) {
    // What is small does not count beside them.
    let large = sqrt(all.z + middling * DOWN * (middling * DOWN));
    if (large >= 3.4028234e38 * DOWN) { bits = p.infinity; } else { bits = bitcast<i32>(large / DOWN); }
  }
  else if (all.y > 0.0) { bits = bitcast<i32>(sqrt(all.y + small / UP * (small / UP))); }
  else { bits = bitcast<i32>(small / UP); }
  set_norm(0u, bits);`,
    },
  };
}

function countKernels(context: LoweringContext): { partial: KernelSource; last: KernelSource } {
  const sum = groupReduction(context, { kind: 'sum', type: 'u32', lanes: LANES });
  const more = { enables: sum.enables, declarations: sum.declarations };
  const body = `var own = 0u;
  for (var i = entry; i < p.count; i += p.stride) { own += u32((x(i) & 0x7f800000) == 0x7f800000); }
  let all = ${sum.of('own')};`;
  return {
    partial: partialKernel('count what is not finite', body, ['i32(all)'], more),
    last: {
      name: 'counts of tensors',
      operands: [reads('parts', 'i32'), writes('counts')],
      parameters: { inputs: 'u32' },
      workgroupSize: [LANES],
      ...more,
      body: `if (group >= p.inputs) { return; }
  let all = ${sum.of(`u32(parts(group * ${PARTS}u + lane))`)};
  if (lane == 0u) { set_counts(group, f32(all)); }`,
    },
  };
}

const CLIP: KernelSource = {
  name: 'clip factor',
  operands: [reads('norm', 'i32'), reads('limits', 'i32'), writes('factor')],
  parameters: { maxNorm: 'f32' },
  workgroupSize: [1],
  body: `let scale = bitcast<f32>(limits(0u));
  var factor = -1.0;
  if ((norm(0u) & 0x7f800000) != 0x7f800000) {
    let scaled = bitcast<f32>(norm(0u)) * scale;
    let bits = bitcast<i32>(scaled);
    // Floats of 0 and more are in the order of their bits; a limit may be infinite, or no number.
    let limit = limits(1u);
    if ((bits & 0x7f800000) != 0x7f800000 && bits <= limit && limit <= 0x7f800000) {
      factor = scale;
      if (p.maxNorm > 0.0) { factor = min(1.0, p.maxNorm / (scaled + 1e-6)) * scale; }
    }
  }
  set_factor(0u, factor);`,
};

function adamwKernel(isVector: boolean): KernelSource {
  const four = isVector ? '4' : '';
  return {
    name: `adamw${four}`,
    operands: [
      reads('scalars'),
      reads('factor'),
      updates('parameter'),
      reads('gradient'),
      updates('momentum'),
      updates('variance'),
    ],
    parameters: {
      count: 'u32',
      beta1: 'f32',
      beta2: 'f32',
      rest1: 'f32',
      rest2: 'f32',
      eps: 'f32',
      decay: 'f32',
    },
    workgroupSize: [LANES],
    vectors: isVector,
    body: `let factor = factor(0u);
  if (entry >= p.count || factor < 0.0) { return; }
  let lr = scalars(0u);
  let g = gradient${four}(entry) * factor;
  let m = p.beta1 * momentum${four}(entry) + p.rest1 * g;
  let v = p.beta2 * variance${four}(entry) + p.rest2 * g * g;
  let decayed = parameter${four}(entry) * (1.0 - lr * p.decay);
  set_momentum${four}(entry, m);
  set_variance${four}(entry, v);
  set_parameter${four}(entry, decayed - lr * (m / scalars(1u)) / (sqrt(v / scalars(2u)) + p.eps));`,
  };
}

export const optimizerLowerings = {
  globalNorm(context) {
    const { partial, last } = normKernels(context);
    const { isSoftware } = context.products;
    const pieces = context.inputs.flatMap((input) => {
      const x = input as KernelPlace;
      return rowRanges(context, x.length, 1).map(({ start, count }) => ({ x: part(x, start, count), count }));
    });
    const sizes = pieces.map(({ count }) =>
      Math.min(PARTS, Math.ceil(count / (isSoftware ? ENTRIES_OF_LANE : ENTRIES))),
    );
    const count = sizes.reduce((sum, size) => sum + size, 0);
    const parts = context.scratch(4 * count);
    let first = 0;
    const dispatches = pieces.map(({ x, count: entries }, i): Dispatch => {
      const size = sizes[i];
      const place = part(parts, 4 * first, 4 * size);
      first += size;
      return {
        kernel: partial,
        places: { x, parts: place },
        parameters: { count: entries, stride: isSoftware ? size : size * LANES },
        workgroups: [isSoftware ? Math.ceil(size / LANES) : size, 1, 1],
      };
    });
    return [
      ...dispatches,
      {
        kernel: last,
        places: { parts, norm: context.out(0) },
        parameters: { count, infinity: 0x7f800000, nan: 0x7fc00000 },
        workgroups: [1, 1, 1],
      },
    ];
  },
  countNonFinite(context) {
    const { partial, last } = countKernels(context);
    const inputs = context.inputs.length;
    const parts = context.scratch(inputs * PARTS);
    return [
      ...partials(context, partial, 1, parts),
      {
        kernel: last,
        places: { parts, counts: context.out(0) },
        parameters: { inputs },
        workgroups: context.grid(inputs),
      },
    ];
  },
  clipFactor(context) {
    const [maxNorm] = context.attributes;
    const places = { norm: context.in(0), limits: context.in(1), factor: context.out(0) };
    return [{ kernel: CLIP, places, parameters: { maxNorm }, workgroups: [1, 1, 1] }];
  },
  adamw(context) {
    const [beta1, beta2, eps, ...decays] = context.attributes;
    const [scalars, factor] = [context.in(0), context.in(1)];
    return decays.flatMap((decay, group) => {
      const places = [2, 3, 4, 5].map((i) => context.in(4 * group + i));
      const { length } = places[0];
      const isVector = length % 4 === 0 && areVectors(scalars, factor, ...places);
      return rowRanges(context, length, 1, 4).map(({ start, count }) => {
        const [parameter, gradient, momentum, variance] = places.map((place) => part(place, start, count));
        const entries = isVector ? count / 4 : count;
        return {
          kernel: adamwKernel(isVector),
          places: { scalars, factor, parameter, gradient, momentum, variance },
          parameters: { count: entries, beta1, beta2, rest1: 1 - beta1, rest2: 1 - beta2, eps, decay },
          workgroups: context.grid(Math.ceil(entries / LANES)),
        };
      });
    });
  },
} satisfies Record<string, Lowering>;
