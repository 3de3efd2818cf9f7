/**
 * A product of few rows with weights: out [m, n] = a [m, k] · b [n, k]ᵀ for m ≤ 16, as generation makes one for every
 * matrix of the model and token. Its time is that of reading b once: 32 threads read along a row, each of four rows of b
 * at once, and keep the sums of all m rows; these are added in workgroup memory, in a fixed order.
 */
import { type Dispatch, type KernelSource, reads, writes } from '../kernel.ts';
import type { LoweringContext } from '../lowering.ts';
import { isVectorProduct, type Product, placesOf, sizesOf } from './product-form.ts';
import { writer } from './product-operands.ts';

/** Threads along a row of b, rows of b that each reads, and groups of threads in a workgroup. */
const LANES = 32;
const COLUMNS = 4;
const GROUPS = 4;
/** Rows of a whose sums go through workgroup memory at once. */
const BATCH = 4;

export function rowsDispatch(context: LoweringContext, product: Product): Dispatch {
  const { m, n, bias, addend } = product;
  const rows = 2 ** Math.ceil(Math.log2(m));
  const isVector = isVectorProduct(product) && product.k % 4 === 0;
  return {
    kernel: rowsKernel(rows, isVector, bias !== undefined, addend !== undefined),
    places: placesOf(product),
    parameters: sizesOf(product),
    workgroups: context.grid(Math.ceil(n / (COLUMNS * GROUPS))),
  };
}

function rowsKernel(rows: number, isVector: boolean, hasBias: boolean, hasAddend: boolean): KernelSource {
  const all = (count: number, line: (i: number) => string): string =>
    Array.from({ length: count }, (_, i) => line(i)).join('\n');
  const load = (x: 'a' | 'b', base: string): string =>
    isVector
      ? `${x}4((${base} + k) >> 2u)`
      : `select(vec4f(), vec4f(${['x', 'y', 'z', 'w'].map((c) => `${x}(${base} + at.${c})`).join(', ')}), inside)`;
  const batch = Math.min(rows, BATCH);
  return {
    name: `product of ${rows} rows ${isVector ? 'vectors' : 'words'}${hasBias ? ' bias' : ''}${hasAddend ? ' addend' : ''}`,
    operands: [
      reads('a'),
      reads('b'),
      ...(hasBias ? [reads('bias')] : []),
      ...(hasAddend ? [reads('addend')] : []),
      writes('out'),
    ],
    parameters: { m: 'u32', n: 'u32', k: 'u32', a_row: 'u32', b_row: 'u32', out_row: 'u32', alpha: 'f32' },
    workgroupSize: [LANES * GROUPS],
    vectors: isVector,
    // One vector of padding per group of eight, so that the eight lie in different banks.
    declarations: `${writer({ isVector, hasBias, hasAddend })}
var<workgroup> sums: array<vec4f, ${batch * GROUPS * (LANES + 4)}>;
var<workgroup> eighths: array<vec4f, ${batch * GROUPS * 8}>;`,
    body: `
  let first = ${COLUMNS * GROUPS}u * group;
  if (first >= p.n) { return; }
  let along = lane % ${LANES}u;
  let column_group = lane / ${LANES}u;
${all(COLUMNS, (c) => `  let base_b${c} = min(first + ${COLUMNS}u * column_group + ${c}u, p.n - 1u) * p.b_row;`)}
${all(rows, (r) => `  let base_a${r} = min(${r}u, p.m - 1u) * p.a_row; var c${r} = vec4f();`)}
  for (var k = 4u * along; k < p.k; k += ${4 * LANES}u) {
${
  isVector
    ? ''
    : `let at = min(vec4u(k, k + 1u, k + 2u, k + 3u), vec4u(p.k - 1u));
    let inside = vec4u(k, k + 1u, k + 2u, k + 3u) < vec4u(p.k);`
}
${all(COLUMNS, (c) => `    let b${c} = ${load('b', `base_b${c}`)};`)}
${all(rows, (r) => `    { let a_ = ${load('a', `base_a${r}`)}; c${r} += vec4f(dot(a_, b0), dot(a_, b1), dot(a_, b2), dot(a_, b3)); }`)}
  }
  let slot = lane % ${GROUPS * 8 * batch}u;
  let part = slot % 8u;
  let of_group = slot / 8u % ${GROUPS}u;
  let of_row = slot / ${8 * GROUPS}u;
${all(rows / batch, (step) => {
  const r = step * batch;
  return `
${all(batch, (i) => `  sums[(${i * GROUPS}u + column_group) * ${LANES + 4}u + along + along / 8u] = c${r + i};`)}
  workgroupBarrier();
  if (lane < ${GROUPS * 8 * batch}u) {
    let start = (of_row * ${GROUPS}u + of_group) * ${LANES + 4}u + part;
    eighths[slot] = (sums[start] + sums[start + 9u]) + (sums[start + 18u] + sums[start + 27u]);
  }
  workgroupBarrier();
  if (lane < ${GROUPS * batch}u && ${r}u + lane / ${GROUPS}u < p.m) {
    let e = 8u * lane;
    let total = ((eighths[e] + eighths[e + 1u]) + (eighths[e + 2u] + eighths[e + 3u])) +
      ((eighths[e + 4u] + eighths[e + 5u]) + (eighths[e + 6u] + eighths[e + 7u]));
    let column = first + ${COLUMNS}u * (lane % ${GROUPS}u);
    write((${r}u + lane / ${GROUPS}u) * p.out_row + column, column, total);
  }`;
})}`,
  };
}
