/** Operations entry by entry: see entrywise.ts for how they run. */
import { BINARY_KINDS, BROADCASTS, ROUND_KINDS, UNARY_KINDS } from '../../operations.ts';
import { type KernelPlace, type KernelSource, part, reads, writes } from '../kernel.ts';
import type { Lowering, LoweringContext } from '../lowering.ts';
import { type EntryFunction, entrywise } from './entrywise.ts';
import { SIGMOID, UNARY_FUNCTIONS } from './functions.ts';
import { LANES, rowRanges } from './rows.ts';

/** All inputs and outputs of the instruction, in order, and its first attribute for their length. */
function simple(context: LoweringContext, what: EntryFunction) {
  const inputs = what.inputs.map((_, i) => context.in(i));
  const outputs = what.outputs.map((_, i) => context.out(i));
  return entrywise(context, what, { inputs, outputs }, context.attributes[0]);
}

const BINARY: Record<(typeof BINARY_KINDS)[number], string> = {
  add: 'a_ + b_',
  subtract: 'a_ - b_',
  multiply: 'a_ * b_',
  divide: 'a_ / b_',
  minimum: 'min(a_, b_)',
  maximum: 'max(a_, b_)',
  less: 'select(T(0.0), T(1.0), a_ < b_)',
  equal: 'select(T(0.0), T(1.0), a_ == b_)',
};

/** Rounding to nearest, ties to even, on the bits: the shader's own conversions may flush what is small. */
const ROUND: Record<(typeof ROUND_KINDS)[number], string> = {
  bf16: `
fn round_bits(bits: u32) -> u32 {
  // What is not a number stays so.
  if ((bits & 0x7fffffffu) > 0x7f800000u) { return bits | 0x00400000u; }
  return (bits + 0x7fffu + ((bits >> 16u) & 1u)) & 0xffff0000u;
}`,
  f16: `
fn round_bits(bits: u32) -> u32 {
  let sign = bits & 0x80000000u;
  let magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) { return bits | 0x00400000u; }
  // 65520 and more: infinity.
  if (magnitude >= 0x477ff000u) { return sign | 0x7f800000u; }
  // Normal numbers keep 10 bits.
  if (magnitude >= 0x38800000u) { return sign | ((magnitude + 0x0fffu + ((magnitude >> 13u) & 1u)) & 0xffffe000u); }
  // Others are multiples of 2^-24.
  if (magnitude < 0x33000000u) { return sign; }
  let exponent = magnitude >> 23u;
  let mantissa = (magnitude & 0x7fffffu) | 0x800000u;
  // The value is mantissa · 2^(exponent − 150); bits below 2^-24 are dropped.
  let drop = 126u - exponent;
  let half = 1u << (drop - 1u);
  var kept = mantissa >> drop;
  let rest = mantissa & ((1u << drop) - 1u);
  if (rest > half || (rest == half && (kept & 1u) == 1u)) { kept += 1u; }
  return sign | bitcast<u32>(f32(kept) * 5.9604644775390625e-8);
}`,
};

/** out [rows, columns] of a [rows, columns] and b repeated. */
const binaryLowering: Lowering = (context) => {
  const [rows, columns, kind, broadcast] = context.attributes;
  const name = BINARY_KINDS[kind];
  const how = BROADCASTS[broadcast];
  const length = rows * columns;
  const [a, b, out] = [context.in(0), context.in(1), context.out(0)];
  if (how === 'none') {
    const what = { name, inputs: ['a', 'b'], outputs: ['y'], compute: `let y_ = ${BINARY[name]};` };
    return entrywise(context, what, { inputs: [a, b], outputs: [out] }, length);
  }
  const index = { scalar: '0u', rows: 'entry / p.columns', columns: 'entry % p.columns' }[how];
  const kernel: KernelSource = {
    name: `${name} ${how}`,
    operands: [reads('a'), reads('b'), writes('out')],
    parameters: { count: 'u32', columns: 'u32' },
    workgroupSize: [LANES],
    declarations: 'alias T = f32;',
    body: `if (entry >= p.count) { return; }
  let a_ = a(entry);
  let b_ = b(${index});
  set_out(entry, ${BINARY[name]});`,
  };
  // Beside one number all entries may be rows of one, however they are cut.
  const [cut, width] = how === 'scalar' ? [length, 1] : [rows, columns];
  return rowRanges(context, cut, width).map(({ start, count }) => ({
    kernel,
    places: {
      a: part(a, start * width, count * width),
      b: how === 'rows' ? part(b, start, count) : b,
      out: part(out, start * width, count * width),
    },
    parameters: { count: count * width, columns },
    workgroups: context.grid(Math.ceil((count * width) / LANES)),
  }));
};

/** Words of either type; the two may lie in one buffer. */
export function copyWords(context: LoweringContext, from: KernelPlace, to: KernelPlace, length: number) {
  // As integers: a word keeps its bits, also where as a number it is none.
  const what: EntryFunction = { name: 'copy', inputs: ['x'], outputs: ['y'], compute: 'let y_ = x_;', type: 'i32' };
  return entrywise(context, what, { inputs: [from], outputs: [to] }, length);
}

/** One number everywhere. */
export function fillWords(context: LoweringContext, to: KernelPlace, length: number, value: number) {
  const what = { name: 'fill', inputs: [], outputs: ['y'], parameters: { value }, compute: 'let y_ = T(p.value);' };
  return entrywise(context, what, { inputs: [], outputs: [to] }, length);
}

export const elementwiseLowerings = {
  unary(context) {
    const kind = UNARY_KINDS[context.attributes[1]];
    const { declarations, f } = UNARY_FUNCTIONS[kind];
    const compute = `let x = x_; let y_ = ${f};`;
    return simple(context, { name: kind, inputs: ['x'], outputs: ['y'], declarations, compute });
  },
  unaryGrad(context) {
    const kind = UNARY_KINDS[context.attributes[1]];
    const { declarations, slope } = UNARY_FUNCTIONS[kind];
    const compute = `let x = x_; let dx_ = dy_ * (${slope});`;
    return simple(context, { name: `${kind} slope`, inputs: ['dy', 'x'], outputs: ['dx'], declarations, compute });
  },
  binary: binaryLowering,
  affine(context) {
    const [, scale, shift] = context.attributes;
    const compute = 'let y_ = x_ * p.scale + p.shift;';
    return simple(context, { name: 'affine', inputs: ['x'], outputs: ['y'], parameters: { scale, shift }, compute });
  },
  clamp(context) {
    const [, low, high] = context.attributes;
    const compute = 'let y_ = min(max(x_, T(p.low)), T(p.high));';
    return simple(context, { name: 'clamp', inputs: ['x'], outputs: ['y'], parameters: { low, high }, compute });
  },
  clampGrad(context) {
    const [, low, high] = context.attributes;
    const compute = 'let dx_ = select(T(0.0), dy_, (x_ >= T(p.low)) & (x_ <= T(p.high)));';
    const what = { name: 'clamp slope', inputs: ['dy', 'x'], outputs: ['dx'], parameters: { low, high }, compute };
    return simple(context, what);
  },
  select(context) {
    const compute = 'let y_ = select(b_, a_, condition_ != T(0.0));';
    return simple(context, { name: 'select', inputs: ['condition', 'a', 'b'], outputs: ['y'], compute });
  },
  roundTo(context) {
    const kind = ROUND_KINDS[context.attributes[1]];
    const each = ['x', 'y', 'z', 'w'].map((c) => `round_bits(bits.${c})`).join(', ');
    const declarations = ROUND[kind];
    // As integers: what is no number keeps its bits on the way.
    const compute = (isVector: boolean): string =>
      `let bits = U(x_); let y_ = T(${isVector ? `vec4u(${each})` : 'round_bits(bits)'});`;
    const what = { name: `round to ${kind}`, inputs: ['x'], outputs: ['y'], declarations, compute };
    return simple(context, { ...what, type: 'i32' });
  },
  copy(context) {
    return copyWords(context, context.in(0), context.out(0), context.attributes[0]);
  },
  fill(context) {
    const [length, value] = context.attributes;
    return fillWords(context, context.out(0), length, value);
  },
  swiglu(context) {
    const compute = 'let y_ = gate_ * sigmoid(gate_) * up_;';
    return simple(context, { name: 'swiglu', inputs: ['gate', 'up'], outputs: ['y'], declarations: SIGMOID, compute });
  },
  swigluGrad(context) {
    const compute = `let s = sigmoid(gate_);
  let dgate_ = dy_ * up_ * s * (1.0 + gate_ * (1.0 - s));
  let dup_ = dy_ * gate_ * s;`;
    const what = { name: 'swiglu slopes', inputs: ['dy', 'gate', 'up'], outputs: ['dgate', 'dup'], compute };
    return simple(context, { ...what, declarations: SIGMOID });
  },
} satisfies Record<string, Lowering>;
