/**
 * Any matrix product as dispatches: out = alpha · op(a) · op(b) + addend + bias, over places with strides. The operation
 * `matmul` and the output head are made of it.
 *
 * A product whose operands do not fit a binding is cut in rows, columns or parts of k that do; one with a small result and
 * a long k is cut in parts of k that run beside each other and are summed in order, so that results do not depend on luck.
 */
import { OperandTooLarge } from '../bindings.ts';
import { areVectors, type Dispatch, type KernelPlace, type KernelSource, part, reads, writes } from '../kernel.ts';
import type { LoweringContext } from '../lowering.ts';
import { formOf, type Matrix, type Parts, type Product, type ProductForm, placesOf, sizesOf } from './product-form.ts';
import { productKernel, WHOLE } from './product-kernel.ts';
import { matrixDispatch } from './product-matrix.ts';
import { rowsDispatch } from './product-rows.ts';
import { chooseProduct, DIRECT, TILES, tileBytes } from './product-variant.ts';

/** The dispatches of a product, in order. */
export function multiply(context: LoweringContext, product: Product): Dispatch[] {
  if (product.m === 0 || product.n === 0) return [];
  return pieces(product, context).flatMap((piece) => one(context, piece));
}

/** A product that fits the bindings. */
function one(context: LoweringContext, product: Product): Dispatch[] {
  const { m, n, k, out } = product;
  // Nothing to multiply: bias and addend alone.
  if (k === 0) return [sumParts(context, product, { place: out.place, count: 0 })];
  const { variant, splits } = chooseProduct(product, context.products, context.limits);
  if (variant === 'rows') return [rowsDispatch(context, product)];
  const partLength = 4 * Math.ceil(k / (4 * splits));
  const count = Math.ceil(k / partLength);
  const row = out.isPadded === true ? 4 * Math.ceil(n / 4) : n;
  const parts = count === 1 ? undefined : splitScratch(context, count * m * row);
  const target: Product =
    parts === undefined
      ? product
      : { ...product, alpha: 1, bias: undefined, addend: undefined, out: { ...out, place: parts, row } };
  const tiles = { k_part: partLength, out_part: m * row, count };
  const dispatch =
    variant === 'matrix'
      ? matrixDispatch(context, target, tiles)
      : tiledDispatch(context, target, variant === 'direct' ? undefined : variant, tiles);
  if (parts === undefined) return [dispatch];
  return [dispatch, sumParts(context, product, { place: parts, count, row })];
}

function tiledDispatch(
  context: LoweringContext,
  product: Product,
  variant: keyof typeof TILES | undefined,
  parts: Parts,
): Dispatch {
  const { m, n, k } = product;
  const tile = variant === undefined ? DIRECT : TILES[variant];
  const form: ProductForm = {
    ...formOf(context, product),
    tile,
    isDirect: variant === undefined,
    stages: 2 * tileBytes(tile) <= context.limits.maxWorkgroupBytes ? 2 : 1,
    scope: WHOLE,
  };
  const [tilesM, tilesN] = [Math.ceil(m / tile.rows), Math.ceil(n / tile.columns)];
  const [x, y] = context.grid(tilesM * tilesN);
  return {
    kernel: productKernel({ ...form, isExact: form.isDirect && form.isExact }),
    places: placesOf(product),
    parameters: {
      ...sizesOf(product),
      k,
      tiles_m: tilesM,
      tiles_n: tilesN,
      k_part: parts.k_part,
      out_part: parts.out_part,
    },
    workgroups: [x, y, parts.count],
  };
}

/** Memory for parts of k: one place for all products of an instruction, which use it in turn. */
const splitPlaces = new WeakMap<LoweringContext, KernelPlace>();

function splitScratch(context: LoweringContext, words: number): KernelPlace {
  const place = splitPlaces.get(context);
  if (place !== undefined && place.length >= words) return part(place, 0, words);
  const made = context.scratch(words);
  splitPlaces.set(context, made);
  return made;
}

/** The sum of parts [count, m, n] in order, times alpha, with bias and addend; without parts it is these alone. */
function sumParts(
  context: LoweringContext,
  product: Product,
  parts: { readonly place: KernelPlace; readonly count: number; readonly row?: number },
): Dispatch {
  const { m, n, alpha, out, bias, addend } = product;
  const { row = n } = parts;
  const isVector =
    row % 4 === 0 &&
    out.row % 4 === 0 &&
    (n % 4 === 0 || (out.isPadded === true && bias === undefined)) &&
    areVectors(parts.place, out.place, bias, addend);
  const entries = isVector ? (m * row) / 4 : m * n;
  return {
    kernel: sumPartsKernel(isVector, bias !== undefined, addend !== undefined),
    places: {
      parts: parts.place,
      out: out.place,
      ...(bias === undefined ? {} : { bias }),
      ...(addend === undefined ? {} : { addend }),
    },
    parameters: {
      entries,
      columns: isVector ? row / 4 : n,
      out_row: isVector ? out.row / 4 : out.row,
      parts_row: isVector ? row / 4 : row,
      part: (m * row) / (isVector ? 4 : 1),
      count: parts.count,
      alpha,
    },
    workgroups: context.grid(Math.ceil(entries / 256)),
  };
}

function sumPartsKernel(isVector: boolean, hasBias: boolean, hasAddend: boolean): KernelSource {
  const four = isVector ? '4' : '';
  const names = ['sum of parts', four, hasBias ? 'bias' : '', hasAddend ? 'addend' : ''];
  return {
    name: names.filter((name) => name !== '').join(' '),
    operands: [
      reads('parts'),
      ...(hasBias ? [reads('bias')] : []),
      ...(hasAddend ? [reads('addend')] : []),
      writes('out'),
    ],
    parameters: {
      entries: 'u32',
      columns: 'u32',
      out_row: 'u32',
      parts_row: 'u32',
      part: 'u32',
      count: 'u32',
      alpha: 'f32',
    },
    workgroupSize: [256],
    vectors: isVector,
    body: `
  if (entry >= p.entries) { return; }
  let row = entry / p.columns;
  let column = entry % p.columns;
  let start = row * p.parts_row + column;
  let at = row * p.out_row + column;
  var sum = ${isVector ? 'vec4f()' : '0.0'};
  for (var i = 0u; i < p.count; i++) { sum += parts${four}(i * p.part + start); }
  sum *= p.alpha;
  ${hasAddend ? `sum += addend${four}(at);` : ''}
  ${hasBias ? `sum += bias${four}(column);` : ''}
  set_out${four}(at, sum);`,
  };
}

/** The product, or pieces of it whose operands fit a binding each, in order; those of k add to the ones before. */
function pieces(product: Product, { limits }: LoweringContext): Product[] {
  // A place may begin inside an alignment, and its last vector end beyond it.
  const most = limits.maxBindingWords - 2 * limits.alignmentWords;
  const { transposeA, transposeB, a, b, out } = product;
  let { m, n, k } = product;
  const half = (size: number): number => (size > 8 ? 4 * Math.ceil(size / 8) : Math.ceil(size / 2));
  const span = (rows: number, row: number, columns: number): number => (rows === 0 ? 0 : (rows - 1) * row + columns);
  for (;;) {
    const before = m + n + k;
    if (span(m, out.row, n) > most) {
      if (m > 1) m = half(m);
      else n = half(n);
    } else if ((transposeA ? span(k, a.row, m) : span(m, a.row, k)) > most) {
      if (transposeA || m === 1) k = half(k);
      else m = half(m);
    } else if ((transposeB ? span(n, b.row, k) : span(k, b.row, n)) > most) {
      if (transposeB && n > 1) n = half(n);
      else k = half(k);
    } else break;
    if (m + n + k === before) {
      const { place } = [out, a, b].reduce((largest, matrix) => (matrix.row > largest.row ? matrix : largest));
      throw new OperandTooLarge(place, limits.maxBindingWords);
    }
  }
  if (m === product.m && n === product.n && k === product.k) return [product];
  const made: Product[] = [];
  for (let i = 0; i < product.m; i += m) {
    for (let j = 0; j < product.n; j += n) {
      for (let l = 0; l === 0 || l < product.k; l += k) {
        made.push(
          piece(
            product,
            [i, j, l],
            [Math.min(m, product.m - i), Math.min(n, product.n - j), Math.min(k, product.k - l)],
          ),
        );
      }
    }
  }
  return made;
}

function piece(product: Product, [i, j, l]: number[], [m, n, k]: number[]): Product {
  const { transposeA, transposeB, a, b, out, bias, addend } = product;
  const window = (matrix: Matrix, row: number, column: number, rows: number, columns: number): Matrix => {
    const start = row * matrix.row + column;
    const padding = matrix.isPadded === true ? (4 - (columns % 4)) % 4 : 0;
    const length = rows === 0 ? 0 : (rows - 1) * matrix.row + columns + padding;
    return { ...matrix, place: part(matrix.place, start, Math.min(length, matrix.place.length - start)) };
  };
  const to = window(out, i, j, m, n);
  const isFirst = l === 0;
  const added = isFirst ? addend && window({ ...out, place: addend }, i, j, m, n).place : to.place;
  return {
    ...product,
    m,
    n,
    k,
    a: transposeA ? window(a, l, i, k, m) : window(a, i, l, m, k),
    b: transposeB ? window(b, j, l, n, k) : window(b, l, j, k, n),
    out: to,
    bias: isFirst && bias !== undefined ? part(bias, j, n) : undefined,
    addend: added,
  };
}
