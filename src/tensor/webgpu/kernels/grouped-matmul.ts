/**
 * Products of groups of rows with a matrix each (the experts of a mixture). Which rows are whose is known only on the GPU,
 * where routing wrote it: `groupedMatmul` launches as many tiles as there could be, rows/tile + groups, and each workgroup
 * looks for its group in the offsets; for the gradients of weights a group's rows are its range of k.
 */
import { OperandTooLarge } from '../bindings.ts';
import { type Dispatch, type KernelPlace, part, reads, SCRATCH } from '../kernel.ts';
import type { Lowering, LoweringContext } from '../lowering.ts';
import { multiply } from './product.ts';
import { formOf, type Product, type ProductForm, type ProductScope, placesOf, sizesOf } from './product-form.ts';
import { productKernel } from './product-kernel.ts';
import { chooseProduct, DIRECT, TILES, type Tile, tileBytes } from './product-variant.ts';

/** Groups of one dispatch: their offsets are read into workgroup memory at once. */
const MOST_GROUPS = 256;

/** Row `first_row` of all is row 0 of a and out here; matrix 0 of b is that of group `first_group`. */
const PARAMETERS = { first_group: 'u32', groups: 'u32', first_row: 'u32', matrix: 'u32', tiles_n: 'u32' } as const;

/** Where rows [first_row, first_row + count) of a group begin, as rows here: offsets may be any numbers. */
const CLAMPED = (rows: string): string => `
fn start_of(group: u32) -> u32 {
  let start = u32(max(offsets(p.first_group + group), 0));
  return clamp(start, p.first_row, p.first_row + ${rows}) - p.first_row;
}`;

const ROWS_OF_GROUPS: ProductScope = {
  name: 'product of groups',
  operands: [reads('offsets', 'i32')],
  parameters: PARAMETERS,
  declarations: `${CLAMPED('p.m')}
var<workgroup> starts: array<u32, ${MOST_GROUPS + 1}>;
var<workgroup> found: vec4u;`,
  prologue: (tile) => `
  let tile_column = ${tile.columns}u * (group % p.tiles_n);
  for (var i = lane; i <= p.groups; i += ${threads(tile)}u) { starts[i] = start_of(i); }
  workgroupBarrier();
  if (lane == 0u) {
    var left = group / p.tiles_n;
    var of_group = vec4u(0u);
    for (var g = 0u; g < p.groups; g++) {
      let end = max(starts[g], starts[g + 1u]);
      let tiles = (end - starts[g] + ${tile.rows - 1}u) / ${tile.rows}u;
      if (left < tiles) { of_group = vec4u(g, starts[g] + ${tile.rows}u * left, end, 1u); break; }
      left -= tiles;
    }
    found = of_group;
  }
  let mine = workgroupUniformLoad(&found);
  if (mine.w == 0u) { return; }
  let tile_row = mine.y;
  let row_end = mine.z;
  let k_begin = 0u;
  let k_end = p.k;
  let b_origin = mine.x * p.matrix;
  let out_origin = 0u;`,
};

const WEIGHTS_OF_GROUPS: ProductScope = {
  name: 'weights of groups',
  operands: [reads('offsets', 'i32')],
  parameters: { ...PARAMETERS, tiles_m: 'u32' },
  declarations: `${CLAMPED('p.k')}
var<workgroup> found: vec2u;`,
  prologue: ({ rows, columns }) => `
  if (group >= p.tiles_m * p.tiles_n) { return; }
  if (lane == 0u) {
    let start = start_of(workgroup.z);
    found = vec2u(start, max(start, start_of(workgroup.z + 1u)));
  }
  let mine = workgroupUniformLoad(&found);
  let tile_row = ${rows}u * (group / p.tiles_n);
  let tile_column = ${columns}u * (group % p.tiles_n);
  let row_end = p.m;
  let k_begin = mine.x;
  let k_end = mine.y;
  let b_origin = 0u;
  let out_origin = workgroup.z * p.matrix;`,
};

function threads(tile: Tile): number {
  return (tile.rows / tile.threadRows) * (tile.columns / tile.threadColumns);
}

/** The tile for a product of which each group has about `m` rows, and the form of its kernel. */
function formFor(context: LoweringContext, product: Product, m: number, scope: ProductScope): ProductForm {
  const { variant } = chooseProduct({ ...product, m }, context.products, context.limits);
  const name = variant === 'rows' || variant === 'matrix' ? 'tile64' : variant;
  const tile = name === 'direct' ? DIRECT : TILES[name];
  const form = formOf(context, product);
  const isDirect = name === 'direct';
  const stages = 2 * tileBytes(tile) + 16 * MOST_GROUPS <= context.limits.maxWorkgroupBytes ? 2 : 1;
  return { ...form, tile, isDirect, stages, scope, isExact: isDirect && form.isExact };
}

/** Begins of pieces of `count` of which `most` fit, and their sizes. */
function* cut(count: number, most: number): Generator<[first: number, size: number]> {
  for (let first = 0; first < count; first += most) yield [first, Math.min(most, count - first)];
}

/** How many units of so many words each fit a binding. */
function fitting(context: LoweringContext, ...words: readonly number[]): number {
  const { maxBindingWords, alignmentWords } = context.limits;
  const most = Math.floor((maxBindingWords - 2 * alignmentWords) / Math.max(...words));
  if (most === 0) throw new OperandTooLarge({ slot: SCRATCH, length: Math.max(...words) }, maxBindingWords);
  return most > 4 ? most - (most % 4) : most;
}

function groupProduct(context: LoweringContext): Dispatch[] {
  const [rows, n, k, groups, transposedB] = context.attributes;
  const [a, b, offsets] = [context.in(0), context.in(1), context.in(2)];
  const out = context.out(0);
  if (rows === 0 || n === 0 || groups === 0) return [];
  if (k === 0) return multiply(context, dense(rows, n, 0, false, false, a, b, out));
  const dispatches: Dispatch[] = [];
  for (const [row, m] of cut(rows, fitting(context, n, k))) {
    for (const [group, count] of cut(groups, Math.min(MOST_GROUPS, fitting(context, n * k)))) {
      const places = [
        part(a, row * k, m * k),
        part(b, group * n * k, count * n * k),
        part(out, row * n, m * n),
      ] as const;
      const product = dense(m, n, k, false, transposedB !== 0, ...places);
      const form = formFor(context, product, Math.ceil(rows / groups), ROWS_OF_GROUPS);
      const tilesN = Math.ceil(n / form.tile.columns);
      dispatches.push({
        kernel: productKernel(form),
        places: { ...placesOf(product), offsets },
        parameters: {
          ...sizesOf(product),
          first_group: group,
          groups: count,
          first_row: row,
          matrix: n * k,
          tiles_n: tilesN,
        },
        workgroups: context.grid(tilesN * (Math.ceil(m / form.tile.rows) + count)),
      });
    }
  }
  return dispatches;
}

function weightGradient(context: LoweringContext): Dispatch[] {
  const [rows, m, n, groups] = context.attributes;
  const [dy, x, offsets] = [context.in(0), context.in(1), context.in(2)];
  const [addend, out] = [context.maybeIn(3), context.out(0)];
  if (m === 0 || n === 0 || groups === 0) return [];
  if (rows === 0) {
    const sum = dense(groups * m, n, 0, true, false, dy, x, out);
    return multiply(context, { ...sum, addend });
  }
  const dispatches: Dispatch[] = [];
  const mostGroups = Math.min(fitting(context, m * n), context.limits.maxWorkgroups);
  for (const [group, count] of cut(groups, mostGroups)) {
    for (const [row, k] of cut(rows, fitting(context, m, n))) {
      const to = part(out, group * m * n, count * m * n);
      // Rows beyond those of the first piece add to what it gave.
      const added = row > 0 ? to : addend && part(addend, group * m * n, count * m * n);
      const product = {
        ...dense(m, n, k, true, false, part(dy, row * m, k * m), part(x, row * n, k * n), to),
        addend: added,
      };
      const form = formFor(context, product, m, WEIGHTS_OF_GROUPS);
      const [tilesM, tilesN] = [Math.ceil(m / form.tile.rows), Math.ceil(n / form.tile.columns)];
      const [gridX, gridY] = context.grid(tilesM * tilesN);
      dispatches.push({
        kernel: productKernel(form),
        places: { ...placesOf(product), offsets },
        parameters: {
          ...sizesOf(product),
          first_group: group,
          groups: count,
          first_row: row,
          matrix: m * n,
          tiles_m: tilesM,
          tiles_n: tilesN,
        },
        workgroups: [gridX, gridY, count],
      });
    }
  }
  return dispatches;
}

function dense(
  m: number,
  n: number,
  k: number,
  transposeA: boolean,
  transposeB: boolean,
  a: KernelPlace,
  b: KernelPlace,
  out: KernelPlace,
): Product {
  return {
    m,
    n,
    k,
    transposeA,
    transposeB,
    alpha: 1,
    a: { place: a, row: transposeA ? m : k },
    b: { place: b, row: transposeB ? k : n },
    out: { place: out, row: n },
  };
}

export const groupedMatmulLowerings = {
  groupedMatmul: groupProduct,
  groupedMatmulWeightGrad: weightGradient,
} satisfies Record<string, Lowering>;
