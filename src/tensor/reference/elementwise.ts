/** Entry-by-entry operations, sums and their reverses. */
import { bfloat16Bits, bfloat16Value, float16Bits, float16Value } from '../../core/half.ts';
import {
  AXES,
  BINARY_KINDS,
  type BinaryKind,
  BROADCASTS,
  ROUND_KINDS,
  UNARY_KINDS,
  type UnaryKind,
} from '../operations.ts';
import type { Kernel } from './kernel.ts';

const SQRT_HALF = Math.SQRT1_2;
const INV_SQRT_2PI = 1 / Math.sqrt(2 * Math.PI);
const GELU_TANH = Math.sqrt(2 / Math.PI);

/** 1 / (1 + e^−x), without overflow. */
export function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const e = Math.exp(x);
  return e / (1 + e);
}

/** The error function: series for small arguments, continued fraction for large ones (Abramowitz & Stegun 7.1.5, 7.1.14). */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  if (a < 2.5) {
    let term = a;
    let sum = a;
    for (let n = 1; n < 80 && Math.abs(term) > 1e-18; n++) {
      term *= (-a * a) / n;
      sum += term / (2 * n + 1);
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let n = 60; n >= 1; n--) fraction = n / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * (a + fraction)));
}

const UNARY: Record<UnaryKind, { f(x: number): number; slope(x: number): number }> = {
  negate: { f: (x) => -x, slope: () => -1 },
  exp: { f: Math.exp, slope: Math.exp },
  log: { f: Math.log, slope: (x) => 1 / x },
  square: { f: (x) => x * x, slope: (x) => 2 * x },
  sqrt: { f: Math.sqrt, slope: (x) => 0.5 / Math.sqrt(x) },
  reciprocal: { f: (x) => 1 / x, slope: (x) => -1 / (x * x) },
  sigmoid: { f: sigmoid, slope: (x) => sigmoid(x) * sigmoid(-x) },
  logSigmoid: { f: (x) => Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x))), slope: (x) => sigmoid(-x) },
  tanh: { f: Math.tanh, slope: (x) => 1 - Math.tanh(x) ** 2 },
  silu: { f: (x) => x * sigmoid(x), slope: (x) => sigmoid(x) * (1 + x * sigmoid(-x)) },
  gelu: {
    f: (x) => 0.5 * x * (1 + erf(x * SQRT_HALF)),
    slope: (x) => 0.5 * (1 + erf(x * SQRT_HALF)) + x * INV_SQRT_2PI * Math.exp(-0.5 * x * x),
  },
  geluTanh: {
    f: (x) => 0.5 * x * (1 + Math.tanh(GELU_TANH * (x + 0.044715 * x ** 3))),
    slope: (x) => {
      const t = Math.tanh(GELU_TANH * (x + 0.044715 * x ** 3));
      return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * GELU_TANH * (1 + 3 * 0.044715 * x * x);
    },
  },
  relu: { f: (x) => (x > 0 ? x : x * 0), slope: (x) => (x > 0 ? 1 : 0) },
  relu2: { f: (x) => (x > 0 ? x * x : x * 0), slope: (x) => (x > 0 ? 2 * x : 0) },
  abs: { f: Math.abs, slope: Math.sign },
};

const BINARY: Record<BinaryKind, (a: number, b: number) => number> = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
  minimum: Math.min,
  maximum: Math.max,
  less: (a, b) => Number(a < b),
  equal: (a, b) => Number(a === b),
};

const ROUND = {
  bf16: (x: number): number => bfloat16Value(bfloat16Bits(x)),
  f16: (x: number): number => float16Value(float16Bits(x)),
};

export const elementwiseKernels = {
  unary(operands) {
    const [length, kind] = operands.attributes as [number, number];
    const x = operands.in(0);
    const y = operands.out(0);
    const { f } = UNARY[UNARY_KINDS[kind]];
    for (let i = 0; i < length; i++) y[i] = f(x[i]);
  },
  unaryGrad(operands) {
    const [length, kind] = operands.attributes as [number, number];
    const dy = operands.in(0);
    const x = operands.in(1);
    const dx = operands.out(0);
    const { slope } = UNARY[UNARY_KINDS[kind]];
    for (let i = 0; i < length; i++) dx[i] = dy[i] * slope(x[i]);
  },
  binary(operands) {
    const [rows, columns, kind, broadcast] = operands.attributes as [number, number, number, number];
    const a = operands.in(0);
    const b = operands.in(1);
    const out = operands.out(0);
    const f = BINARY[BINARY_KINDS[kind]];
    const perRow = { none: columns, scalar: 0, rows: 1, columns: 0 }[BROADCASTS[broadcast]];
    const perColumn = { none: 1, scalar: 0, rows: 0, columns: 1 }[BROADCASTS[broadcast]];
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) {
        out[r * columns + c] = f(a[r * columns + c], b[r * perRow + c * perColumn]);
      }
    }
  },
  affine(operands) {
    const [length, scale, shift] = operands.attributes as [number, number, number];
    const x = operands.in(0);
    const y = operands.out(0);
    for (let i = 0; i < length; i++) y[i] = x[i] * scale + shift;
  },
  clamp(operands) {
    const [length, low, high] = operands.attributes as [number, number, number];
    const x = operands.in(0);
    const y = operands.out(0);
    for (let i = 0; i < length; i++) y[i] = Math.min(Math.max(x[i], low), high);
  },
  clampGrad(operands) {
    const [length, low, high] = operands.attributes as [number, number, number];
    const dy = operands.in(0);
    const x = operands.in(1);
    const dx = operands.out(0);
    for (let i = 0; i < length; i++) dx[i] = x[i] >= low && x[i] <= high ? dy[i] : 0;
  },
  select(operands) {
    const [length] = operands.attributes as [number];
    const condition = operands.in(0);
    const a = operands.in(1);
    const b = operands.in(2);
    const out = operands.out(0);
    for (let i = 0; i < length; i++) out[i] = condition[i] !== 0 ? a[i] : b[i];
  },
  reduce(operands) {
    const [rows, columns, axis] = operands.attributes as [number, number, number];
    const x = operands.in(0);
    const addend = operands.maybe(1);
    const out = operands.out(0);
    const sums = new Float64Array(out.length);
    const perRow = AXES[axis] === 'rows' ? 1 : 0;
    const perColumn = AXES[axis] === 'columns' ? 1 : 0;
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) sums[r * perRow + c * perColumn] += x[r * columns + c];
    }
    for (let i = 0; i < out.length; i++) out[i] = sums[i] + (addend?.[i] ?? 0);
  },
  broadcast(operands) {
    const [rows, columns, axis] = operands.attributes as [number, number, number];
    const x = operands.in(0);
    const out = operands.out(0);
    const perRow = AXES[axis] === 'rows' ? 1 : 0;
    const perColumn = AXES[axis] === 'columns' ? 1 : 0;
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) out[r * columns + c] = x[r * perRow + c * perColumn];
    }
  },
  roundTo(operands) {
    const [length, kind] = operands.attributes as [number, number];
    const x = operands.in(0);
    const y = operands.out(0);
    const round = ROUND[ROUND_KINDS[kind]];
    for (let i = 0; i < length; i++) y[i] = round(x[i]);
  },
  copy(operands) {
    operands.out(0).set(operands.in(0));
  },
  fill(operands) {
    operands.out(0).fill(operands.attributes[1]);
  },
  swiglu(operands) {
    const [length] = operands.attributes as [number];
    const gate = operands.in(0);
    const up = operands.in(1);
    const y = operands.out(0);
    for (let i = 0; i < length; i++) y[i] = gate[i] * sigmoid(gate[i]) * up[i];
  },
  swigluGrad(operands) {
    const [length] = operands.attributes as [number];
    const dy = operands.in(0);
    const gate = operands.in(1);
    const up = operands.in(2);
    const dgate = operands.out(0);
    const dup = operands.out(1);
    for (let i = 0; i < length; i++) {
      const g = gate[i];
      const s = sigmoid(g);
      const slope = s * (1 + g * (1 - s));
      const u = up[i];
      dup[i] = dy[i] * g * s;
      dgate[i] = dy[i] * u * slope;
    }
  },
} satisfies Record<string, Kernel>;
