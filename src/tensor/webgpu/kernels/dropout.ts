/**
 * Dropout by Philox 4x32-10, bit for bit as reference/dropout.ts has it: an invocation draws the four numbers of one
 * counter, which belong to four entries 16 apart. WGSL has no high half of a product, so it is put together from halves.
 */
import { type KernelSource, part, reads, writes } from '../kernel.ts';
import type { Lowering } from '../lowering.ts';
import { LANES, rowRanges } from './rows.ts';

/** Entries of 16 counters. */
const RUN = 64;

const PHILOX = `
fn multiply_high(a: u32, b: u32) -> u32 {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let middle = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
  let other = (a & 0xffffu) * (b >> 16u) + (middle & 0xffffu);
  return (a >> 16u) * (b >> 16u) + (middle >> 16u) + (other >> 16u);
}
fn philox(counter: vec4u, key: vec2u) -> vec4u {
  var c = counter;
  var k = key;
  for (var round = 0u; round < 10u; round++) {
    let high0 = multiply_high(c.x, 0xd2511f53u);
    let high1 = multiply_high(c.z, 0xcd9e8d57u);
    c = vec4u(high1 ^ c.y ^ k.x, c.z * 0xcd9e8d57u, high0 ^ c.w ^ k.y, c.x * 0xd2511f53u);
    k += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}`;

const KERNEL: KernelSource = {
  name: 'dropout',
  operands: [reads('x'), reads('seed', 'i32'), writes('y')],
  parameters: { count: 'u32', firstRun: 'u32', threshold: 'u32', scale: 'f32', stream: 'u32' },
  workgroupSize: [LANES],
  declarations: PHILOX,
  body: `let run = entry / 16u;
  if (run * ${RUN}u >= p.count) { return; }
  // Counters need no second word below 2^34 entries, more than a buffer has.
  let counter = (p.firstRun + run) * 16u + entry % 16u;
  let words = philox(vec4u(counter, 0u, p.stream, 0u), vec2u(u32(seed(0u)), u32(seed(1u))));
  for (var part = 0u; part < 4u; part++) {
    let i = run * ${RUN}u + part * 16u + entry % 16u;
    if (i >= p.count) { break; }
    var value = 0.0;
    if (words[part] >= p.threshold) { value = x(i) * p.scale; }
    set_y(i, value);
  }`,
};

export const dropoutLowerings = {
  dropout(context) {
    const [length, rate, stream] = context.attributes;
    const [x, seed, y] = [context.in(0), context.in(1), context.out(0)];
    const threshold = Math.min(Math.ceil(rate * 2 ** 32), 2 ** 32 - 1);
    return rowRanges(context, length, 1, RUN).map(({ start, count }) => ({
      kernel: KERNEL,
      places: { x: part(x, start, count), seed, y: part(y, start, count) },
      parameters: { count, firstRun: start / RUN, threshold, scale: 1 / (1 - rate), stream },
      workgroups: context.grid(Math.ceil((Math.ceil(count / RUN) * 16) / LANES)),
    }));
  },
} satisfies Record<string, Lowering>;
