/**
 * What the output head does with rows of logits: their log-sum-exp, loss and entropy, and their gradients in place.
 *
 * A workgroup takes a row. Its threads go once along the row and keep a running maximum m with Σ e^(l−m), Σ e^(l−m)·(l−m)
 * and Σ l, rescaled when m rises (Milakov & Gimelshein, Online normalizer calculation for softmax); these are joined in
 * workgroup memory in a fixed order. So logits are read once, and once more for gradients.
 */
import { type KernelSource, reads, updates, writes } from '../kernel.ts';

const THREADS = 256;

const LABEL = `
var<workgroup> label_of_row: i32;
/** The row's label; −1 for one that does not count. */
fn shared_label(row: u32, lane: u32) -> i32 {
  if (lane == 0u) {
    var label = labels(row);
    if (label >= i32(p.vocab)) {
      fault(p.first_row + row);
      label = -1;
    }
    label_of_row = label;
  }
  return workgroupUniformLoad(&label_of_row);
}`;

/** Sums of a row as (m, Σ e^(l−m), Σ e^(l−m)·(l−m), Σ l). No infinities: compilers may take them for impossible. */
const SUMS = `
var<workgroup> sums: array<vec4f, ${THREADS}>;
fn scaled(a: vec4f, m: f32) -> vec4f {
  let below = max(a.x - m, -1e30);
  let f = exp(max(below, -100.0));
  return vec4f(m, f * a.y, f * (a.z + below * a.y), a.w);
}
fn joined(a: vec4f, b: vec4f) -> vec4f {
  let m = max(a.x, b.x);
  let both = scaled(a, m) + scaled(b, m);
  return vec4f(m, both.yzw);
}
fn sums_of_row(base: u32, lane: u32) -> vec4f {
  var sum = vec4f(-1e38, 0.0, 0.0, 0.0);
  for (var i = lane; i < p.vocab; i += ${THREADS}u) {
    let l = logits(base + i);
    if (l > sum.x) { sum = scaled(sum, l); }
    let below = l - sum.x;
    let e = exp(below);
    sum += vec4f(0.0, e, e * below, l);
  }
  sums[lane] = sum;
  workgroupBarrier();
  for (var half = ${THREADS / 2}u; half > 0u; half /= 2u) {
    if (lane < half) { sums[lane] = joined(sums[lane], sums[lane + half]); }
    workgroupBarrier();
  }
  return sums[0];
}`;

const CLEAR_ROW = `for (var i = lane; i < p.row; i += ${THREADS}u) { set_logits(base + i, 0.0); }`;

const START = `
  if (group >= p.rows) { return; }
  let row = group;
  let base = row * p.row;
  let label = shared_label(row, lane);`;

/** nll and the row's term of the loss; with gradients, logits become theirs, and padding zero. */
export function crossEntropyRows(withGradients: boolean): KernelSource {
  return {
    name: `cross-entropy of rows${withGradients ? ' with gradients' : ''}`,
    operands: [updates('logits'), reads('labels', 'i32'), reads('weights'), writes('nll'), writes('terms')],
    parameters: { rows: 'u32', row: 'u32', vocab: 'u32', first_row: 'u32', z_loss: 'f32', smoothing: 'f32' },
    workgroupSize: [THREADS],
    faults: true,
    declarations: LABEL + SUMS,
    body: `${START}
  if (label < 0) {
    if (lane == 0u) {
      set_nll(row, 0.0);
      set_terms(row, 0.0);
    }
    ${withGradients ? CLEAR_ROW : ''}
    return;
  }
  let at_label = logits(base + u32(label));
  let sum = sums_of_row(base, lane);
  let lse = sum.x + log(sum.y);
  let weight = weights(row);
  if (lane == 0u) {
    let own = lse - at_label;
    let mean = lse - sum.w / f32(p.vocab);
    set_nll(row, own);
    set_terms(row, weight * ((1.0 - p.smoothing) * own + p.smoothing * mean + p.z_loss * lse * lse));
  }
  ${
    withGradients
      ? `let spread = p.smoothing / f32(p.vocab);
  let slope = 2.0 * p.z_loss * lse;
  for (var i = lane; i < p.row; i += ${THREADS}u) {
    let target_ = spread + select(0.0, 1.0 - p.smoothing, i == u32(label));
    let probability = exp(logits(base + i) - lse);
    let d = weight * (probability - target_ + slope * probability);
    set_logits(base + i, select(0.0, d, i < p.vocab));
  }`
      : ''
  }`,
  };
}

export const LOG_PROB_ROWS: KernelSource = {
  name: 'log-probabilities of rows',
  operands: [reads('logits'), reads('labels', 'i32'), writes('log_prob'), writes('lse'), writes('entropy')],
  parameters: { rows: 'u32', row: 'u32', vocab: 'u32', first_row: 'u32' },
  workgroupSize: [THREADS],
  faults: true,
  declarations: LABEL + SUMS,
  body: `${START}
  if (label < 0) {
    if (lane == 0u) {
      set_log_prob(row, 0.0);
      set_lse(row, 0.0);
      set_entropy(row, 0.0);
    }
    return;
  }
  let sum = sums_of_row(base, lane);
  if (lane == 0u) {
    let log_sum = log(sum.y);
    set_log_prob(row, logits(base + u32(label)) - sum.x - log_sum);
    set_lse(row, sum.x + log_sum);
    set_entropy(row, log_sum - sum.z / sum.y);
  }`,
};

export const LOG_PROB_GRADIENT_ROWS: KernelSource = {
  name: 'gradients of log-probabilities of rows',
  operands: [updates('logits'), reads('labels', 'i32'), reads('dlog_prob'), reads('lse')],
  parameters: { rows: 'u32', row: 'u32', vocab: 'u32', first_row: 'u32', scale: 'f32' },
  workgroupSize: [THREADS],
  faults: true,
  declarations: LABEL,
  body: `${START}
  if (label < 0) {
    ${CLEAR_ROW}
    return;
  }
  let factor = dlog_prob(row) * p.scale;
  let lse_ = lse(row);
  for (var i = lane; i < p.row; i += ${THREADS}u) {
    let d = factor * (select(0.0, 1.0, i == u32(label)) - exp(logits(base + i) - lse_));
    set_logits(base + i, select(0.0, d, i < p.vocab));
  }`,
};

/** The sum of all rows' terms, in an order that depends on their number alone. */
export const LOSS: KernelSource = {
  name: 'loss',
  operands: [reads('terms'), writes('loss')],
  parameters: { rows: 'u32' },
  workgroupSize: [THREADS],
  declarations: `var<workgroup> sums: array<f32, ${THREADS}>;`,
  body: `
  var sum = 0.0;
  for (var i = lane; i < p.rows; i += ${THREADS}u) { sum += terms(i); }
  sums[lane] = sum;
  workgroupBarrier();
  for (var half = ${THREADS / 2}u; half > 0u; half /= 2u) {
    if (lane < half) { sums[lane] += sums[lane + half]; }
    workgroupBarrier();
  }
  if (lane == 0u) { set_loss(0u, sums[0]); }`,
};
