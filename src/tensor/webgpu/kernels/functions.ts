/**
 * Functions of one number in WGSL, over T (f32 or vec4f), with their slopes. They hold at both ends of the range: no
 * exponential overflows on the way to a finite result.
 */
import type { UnaryKind } from '../../operations.ts';

export const SIGMOID = `
fn sigmoid(x: T) -> T {
  let e = exp(-abs(x));
  return select(e, T(1.0), x >= T(0.0)) / (T(1.0) + e);
}`;

/** log(1 + x) for 0 ≤ x ≤ 1: the series where 1 + x would lose x. */
const LOG1P = `
fn log1p(x: T) -> T {
  return select(log(T(1.0) + x), x * (T(1.0) - x * (T(0.5) - x * T(0.33333334))), x < T(0.01));
}`;

/** Some drivers compute tanh by two exponentials, which overflow. */
const TANH = `
fn tanh_(x: T) -> T { return tanh(clamp(x, T(-12.0), T(12.0))); }`;

/** 1 − tanh², without the difference. */
const SECH2 = `
fn sech2(x: T) -> T {
  let e = exp(-2.0 * abs(x));
  return 4.0 * e / ((1.0 + e) * (1.0 + e));
}`;

/**
 * 1 + erf by complementary error function, accurate to 1.2e-7 everywhere, also where erf nears −1 (Numerical Recipes,
 * section 6.2, the Chebyshev fit).
 */
const ERF = `
fn one_plus_erf(x: T) -> T {
  let a = abs(x);
  let t = T(1.0) / (T(1.0) + 0.5 * a);
  var s = T(0.17087277);
  s = s * t - T(0.82215223);
  s = s * t + T(1.48851587);
  s = s * t - T(1.13520398);
  s = s * t + T(0.27886807);
  s = s * t - T(0.18628806);
  s = s * t + T(0.09678418);
  s = s * t + T(0.37409196);
  s = s * t + T(1.00002368);
  s = s * t - T(1.26551223);
  let erfc = t * exp(s - a * a);
  return select(erfc, T(2.0) - erfc, x >= T(0.0));
}`;

const GELU_TANH = `
fn gelu_inner(x: T) -> T { return tanh_(0.7978845608 * (x + 0.044715 * x * x * x)); }`;

export interface UnaryFunction {
  readonly declarations?: string;
  /** Expressions of x. */
  readonly f: string;
  readonly slope: string;
}

export const UNARY_FUNCTIONS: Record<UnaryKind, UnaryFunction> = {
  negate: { f: '-x', slope: 'T(-1.0)' },
  exp: { f: 'exp(x)', slope: 'exp(x)' },
  log: { f: 'log(x)', slope: '1.0 / x' },
  square: { f: 'x * x', slope: '2.0 * x' },
  sqrt: { f: 'sqrt(x)', slope: '0.5 / sqrt(x)' },
  reciprocal: { f: '1.0 / x', slope: '-1.0 / (x * x)' },
  sigmoid: { declarations: SIGMOID, f: 'sigmoid(x)', slope: 'sigmoid(x) * sigmoid(-x)' },
  logSigmoid: {
    declarations: SIGMOID + LOG1P,
    f: 'min(x, T(0.0)) - log1p(exp(-abs(x)))',
    slope: 'sigmoid(-x)',
  },
  tanh: { declarations: TANH + SECH2, f: 'tanh_(x)', slope: 'sech2(x)' },
  silu: { declarations: SIGMOID, f: 'x * sigmoid(x)', slope: 'sigmoid(x) * (1.0 + x * sigmoid(-x))' },
  gelu: {
    declarations: ERF,
    f: '0.5 * x * one_plus_erf(0.70710678 * x)',
    slope: '0.5 * one_plus_erf(0.70710678 * x) + 0.39894228 * x * exp(-0.5 * x * x)',
  },
  geluTanh: {
    declarations: TANH + GELU_TANH,
    f: '0.5 * x * (1.0 + gelu_inner(x))',
    slope:
      '0.5 * (1.0 + gelu_inner(x)) + 0.5 * x * (1.0 - gelu_inner(x) * gelu_inner(x)) * 0.7978845608 * (1.0 + 0.134145 * x * x)',
  },
  relu: { f: 'max(x, T(0.0))', slope: 'select(T(0.0), T(1.0), x > T(0.0))' },
  relu2: { f: 'max(x, T(0.0)) * max(x, T(0.0))', slope: '2.0 * max(x, T(0.0))' },
  abs: { f: 'abs(x)', slope: 'sign(x)' },
};
