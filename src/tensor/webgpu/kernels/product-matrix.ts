/**
 * A matrix product by subgroup matrices (cooperative matrices, tensor cores): operands rounded to float16, sums float32.
 *
 * Four subgroups share a tile of 64 × 64, a quarter each. They load 32 entries of k of both operands into workgroup memory
 * as float16, in the order in which they lie in the buffers, and multiply from there; a transposed operand is read by
 * columns. The result goes through workgroup memory once, so that alpha, bias and addend cost no second pass.
 *
 * `chromium-experimental-subgroup-matrix` is what its name says: its functions were renamed once, and sizes differ by vendor.
 */
import { type Dispatch, type KernelSource, reads, writes } from '../kernel.ts';
import type { LoweringContext } from '../lowering.ts';
import { formOf, type Parts, type Product, type ProductForm, placesOf, sizesOf } from './product-form.ts';
import { WHOLE } from './product-kernel.ts';
import { loader, writer } from './product-operands.ts';
import { MATRIX_TILE, type MatrixConfig } from './product-variant.ts';

const { rows: ROWS, columns: COLUMNS, depth: DEPTH } = MATRIX_TILE;
/** Entries of float16 by which rows in workgroup memory are longer than needed, to spread them over the banks. */
const PAD = 8;
/** A subgroup's part of the tile, each way. */
const PART = 32;

/** The first of an adapter's configurations that the kernel can use; none where subgroups may have several sizes. */
export function usableMatrix(info: GPUAdapterInfo): MatrixConfig | undefined {
  const configs = (info as { subgroupMatrixConfigs?: Iterable<Record<string, unknown>> }).subgroupMatrixConfigs ?? [];
  const { subgroupMinSize, subgroupMaxSize } = info as { subgroupMinSize?: number; subgroupMaxSize?: number };
  if (subgroupMinSize === undefined || subgroupMinSize !== subgroupMaxSize) return undefined;
  for (const config of configs) {
    const { componentType, resultComponentType } = config;
    const [m, n, k] = [config['M'], config['N'], config['K']].map(Number);
    const fits = PART % m === 0 && PART % n === 0 && DEPTH % k === 0;
    if (componentType === 'f16' && resultComponentType === 'f32' && fits)
      return { m, n, k, subgroupSize: subgroupMinSize };
  }
  return undefined;
}

export function matrixDispatch(context: LoweringContext, product: Product, parts: Parts): Dispatch {
  const { m, n } = product;
  const config = context.products.matrix as MatrixConfig;
  const form = { ...formOf(context, product), isExact: false, half: true };
  const [tilesM, tilesN] = [Math.ceil(m / ROWS), Math.ceil(n / COLUMNS)];
  const [x, y] = context.grid(tilesM * tilesN);
  return {
    kernel: matrixKernel({ ...form, isDirect: false, stages: 1, scope: WHOLE, tile: TILE }, config),
    places: placesOf(product),
    parameters: {
      ...sizesOf(product),
      tiles_m: tilesM,
      tiles_n: tilesN,
      k_part: parts.k_part,
      out_part: parts.out_part,
    },
    workgroups: [x, y, parts.count],
  };
}

/** In which the block of a thread means nothing. */
const TILE = { ...MATRIX_TILE, threadRows: 4, threadColumns: 4 };

export function matrixKernel(form: ProductForm, config: MatrixConfig): KernelSource {
  const { transposeA, transposeB, isVector, hasBias, hasAddend } = form;
  const { m, n, k, subgroupSize } = config;
  const threads = 4 * subgroupSize;
  // Entries from a row in workgroup memory to the next, as rows lie in the buffers.
  const [rowA, rowB] = [(transposeA ? ROWS : DEPTH) + PAD, (transposeB ? DEPTH : COLUMNS) + PAD];
  const loads = (x: 'a' | 'b'): string => {
    const alongK = x === 'a' ? !transposeA : transposeB;
    const lines = x === 'a' ? ROWS : COLUMNS;
    const quads = (alongK ? DEPTH : lines) / 4;
    const start = x === 'a' ? 'tile_row' : 'tile_column';
    const [line, ahead] = alongK ? ['i / QUADS', '4u * (i % QUADS)'] : ['4u * (i % QUADS)', 'i / QUADS'];
    return `for (var i = lane; i < ${(lines * DEPTH) / 4}u; i += ${threads}u) {
      let v = load_${x}(base_${x}(${start} + ${line}), k + ${ahead}, k_end, ${x === 'a' ? '0u' : 'b_origin'});
      let to = i / QUADS * ${x === 'a' ? rowA : rowB}u + 4u * (i % QUADS);
      tile_${x}[to] = v.x; tile_${x}[to + 1u] = v.y; tile_${x}[to + 2u] = v.z; tile_${x}[to + 3u] = v.w;
    }`.replaceAll('QUADS', `${quads}u`);
  };
  const [countM, countN] = [PART / m, PART / n];
  const grid = (line: (i: number, j: number) => string): string =>
    Array.from({ length: countM * countN }, (_, at) => line(Math.floor(at / countN), at % countN)).join('\n');
  const [left, right] = [`subgroup_matrix_left<f16, ${k}, ${m}>`, `subgroup_matrix_right<f16, ${n}, ${k}>`];
  const multiply: string[] = [];
  for (let i = 0; i < countM; i++) {
    const line = `(part_row + ${i * m}u)`;
    const at = transposeA ? `q * ${rowA}u + ${line}` : `${line} * ${rowA}u + q`;
    multiply.push(`let a${i} = subgroupMatrixLoad<${left}>(&tile_a, ${at}, ${transposeA}, ${rowA}u);`);
  }
  for (let j = 0; j < countN; j++) {
    const line = `(part_column + ${j * n}u)`;
    const at = transposeB ? `${line} * ${rowB}u + q` : `q * ${rowB}u + ${line}`;
    multiply.push(`let b${j} = subgroupMatrixLoad<${right}>(&tile_b, ${at}, ${transposeB}, ${rowB}u);`);
  }
  const store = (i: number, j: number): string =>
    `subgroupMatrixStore(&tile_c, (part_row + ${i * m}u) * ${COLUMNS}u + part_column + ${j * n}u, c${i}_${j}, false, ${COLUMNS}u);`;
  const flags = [isVector ? 'vectors' : 'words', hasBias ? 'bias' : '', hasAddend ? 'addend' : ''];
  return {
    name: `product by subgroup matrices ${m}x${n}x${k} of ${subgroupSize} ${transposeA ? 'T' : 'N'}${transposeB ? 'T' : 'N'} ${flags.join(' ')}`,
    operands: [
      reads('a'),
      reads('b'),
      ...(hasBias ? [reads('bias')] : []),
      ...(hasAddend ? [reads('addend')] : []),
      writes('out'),
    ],
    parameters: {
      m: 'u32',
      n: 'u32',
      k: 'u32',
      a_row: 'u32',
      b_row: 'u32',
      out_row: 'u32',
      alpha: 'f32',
      ...form.scope.parameters,
    },
    workgroupSize: [threads],
    vectors: isVector,
    enables: ['f16', 'subgroups', 'chromium_experimental_subgroup_matrix'],
    declarations: `alias E = vec4h;
${form.scope.declarations}
${loader(form, 'a')}
${loader(form, 'b')}
${writer(form)}
var<workgroup> tile_a: array<f16, ${(transposeA ? DEPTH : ROWS) * rowA}>;
var<workgroup> tile_b: array<f16, ${(transposeB ? COLUMNS : DEPTH) * rowB}>;
var<workgroup> tile_c: array<f32, ${ROWS * COLUMNS}>;`,
    // That all of a subgroup share `lane / size` is more than the compiler can see.
    body: `@diagnostic(off, chromium.subgroup_matrix_uniformity) {
${form.scope.prologue(form.tile)}
  let part_row = ${PART}u * (lane / ${2 * subgroupSize}u);
  let part_column = ${PART}u * (lane / ${subgroupSize}u % 2u);
${grid((i, j) => `  var c${i}_${j} = subgroup_matrix_result<f32, ${n}, ${m}>();`)}
  for (var k = k_begin; k < k_end; k += ${DEPTH}u) {
    ${loads('a')}
    ${loads('b')}
    workgroupBarrier();
    for (var q = 0u; q < ${DEPTH}u; q += ${k}u) {
${multiply.join('\n')}
${grid((i, j) => `c${i}_${j} = subgroupMatrixMultiplyAccumulate(a${i}, b${j}, c${i}_${j});`)}
    }
    workgroupBarrier();
  }
${grid(store)}
  workgroupBarrier();
  for (var i = lane; i < ${(ROWS * COLUMNS) / 4}u; i += ${threads}u) {
    let row = tile_row + i / ${COLUMNS / 4}u;
    let column = tile_column + 4u * (i % ${COLUMNS / 4}u);
    let v = vec4f(tile_c[4u * i], tile_c[4u * i + 1u], tile_c[4u * i + 2u], tile_c[4u * i + 3u]);
    if (row < row_end) { write(out_origin + row * p.out_row + column, column, v); }
  }
}`,
  };
}
