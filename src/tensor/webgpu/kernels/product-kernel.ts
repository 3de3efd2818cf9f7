/**
 * WGSL of a matrix product by tiles: each thread keeps a block of the result in registers and adds outer products to it,
 * four entries of k at a time. Two forms share that inner part:
 *
 * - tiled: a workgroup loads tiles of both operands into its memory, while it computes on those loaded before (two stages,
 *   one barrier per step). An operand whose rows in memory run along k is kept as vectors along k, one vector longer per
 *   row than needed, which spreads rows over the banks; otherwise as vectors along m or n. So loads from buffers and to
 *   and from workgroup memory are of 128 bits in every transpose, and turning 4 × 4 entries is a renaming of registers.
 * - direct: threads read from the buffers. Software adapters run it 2 to 5 times faster, for want of real workgroup memory.
 *
 * Edges cost no branch in the loop: indices are clamped to the operand, and what lies beyond k is selected to zero.
 * With `half`, operands are rounded to float16, products of one tile's depth are summed in float16 and these in float32.
 */
import { type KernelSource, reads, writes } from '../kernel.ts';
import type { ProductForm, ProductScope } from './product-form.ts';
import { LETTERS, loader, runsAlongK, writer } from './product-operands.ts';
import { threadsOf } from './product-variant.ts';

/** Workgroup `group` to its tile, so that neighbours in time share rows of a and columns of b. */
export const TILE_ORDER = `
fn tile_of(group: u32) -> vec2u {
  let panel = group / (8u * p.tiles_n);
  let inside = group % (8u * p.tiles_n);
  let height = min(8u, p.tiles_m - 8u * panel);
  return vec2u(8u * panel + inside % height, inside / height);
}`;

/** One product, or one part of k of it for each workgroup along z. */
export const WHOLE: ProductScope = {
  name: 'product',
  operands: [],
  parameters: { tiles_m: 'u32', tiles_n: 'u32', k_part: 'u32', out_part: 'u32' },
  declarations: TILE_ORDER,
  prologue: ({ rows, columns }) => `
  if (group >= p.tiles_m * p.tiles_n) { return; }
  let tile = tile_of(group);
  let tile_row = ${rows}u * tile.x;
  let tile_column = ${columns}u * tile.y;
  let row_end = p.m;
  let k_begin = workgroup.z * p.k_part;
  let k_end = min(k_begin + p.k_part, p.k);
  let b_origin = 0u;
  let out_origin = workgroup.z * p.out_part;`,
};

export function productKernel(form: ProductForm): KernelSource {
  const { tile, scope, isVector, half } = form;
  const threads = threadsOf(tile);
  const name = [
    scope.name,
    `${tile.rows}x${tile.columns}x${tile.depth}/${tile.threadRows}x${tile.threadColumns}`,
    form.isDirect ? 'direct' : `stages${form.stages}`,
    `${form.transposeA ? 'T' : 'N'}${form.transposeB ? 'T' : 'N'}`,
    isVector ? 'vectors' : 'words',
    ...(form.isExact ? ['exact'] : []),
    ...(form.hasBias ? ['bias'] : []),
    ...(form.hasAddend ? ['addend'] : []),
    ...(half ? ['half'] : []),
  ].join(' ');
  const optional = [...(form.hasBias ? [reads('bias')] : []), ...(form.hasAddend ? [reads('addend')] : [])];
  return {
    name,
    operands: [reads('a'), reads('b'), ...scope.operands, ...optional, writes('out')],
    parameters: {
      m: 'u32',
      n: 'u32',
      k: 'u32',
      a_row: 'u32',
      b_row: 'u32',
      out_row: 'u32',
      alpha: 'f32',
      ...scope.parameters,
    },
    workgroupSize: [threads],
    vectors: isVector,
    ...(half ? { enables: ['f16'] } : {}),
    declarations: [
      half ? 'alias E = vec4h;' : 'alias E = vec4f;',
      scope.declarations,
      loader(form, 'a'),
      loader(form, 'b'),
      writer(form),
      ...(form.isDirect ? [] : [workgroupMemory(form)]),
    ].join('\n'),
    body: `${scope.prologue(tile)}
  let tx = lane % ${tile.columns / tile.threadColumns}u;
  let ty = lane / ${tile.columns / tile.threadColumns}u;
${form.isDirect ? directLoop(form) : tiledLoop(form)}
${epilogue(form)}`,
  };
}

/** Words of a row along k, and vectors of a tile of an operand, in workgroup memory. */
function layout(form: ProductForm, operand: 'a' | 'b'): { readonly row: number; readonly vectors: number } {
  const { depth, rows, columns } = form.tile;
  const lines = operand === 'a' ? rows : columns;
  if (runsAlongK(form, operand)) return { row: depth / 4 + 1, vectors: lines * (depth / 4 + 1) };
  return { row: lines / 4, vectors: depth * (lines / 4) };
}

function workgroupMemory(form: ProductForm): string {
  return (['a', 'b'] as const)
    .map((x) => `var<workgroup> tile_${x}: array<E, ${form.stages * layout(form, x).vectors}>;`)
    .join('\n');
}

/** Rows of the tile that the thread computes: `i` of them. In order of vectors where a runs along m. */
function rowOf(form: ProductForm, i: number): string {
  const across = form.tile.rows / form.tile.threadRows;
  if (runsAlongK(form, 'a')) return `ty + ${across * i}u`;
  return `4u * (ty + ${across * Math.floor(i / 4)}u) + ${i % 4}u`;
}

/** The vector of columns `j` of the thread, in vectors. */
function vectorOf({ tile }: ProductForm, j: number): string {
  return `tx + ${(tile.columns / tile.threadColumns) * j}u`;
}

/** One vector of an operand for the thread: along k of line `index`, or at one k of vector `index`. */
type Fetch = (index: number, k: string) => string;

/**
 * Four entries of k added to the thread's block, or one where both operands run along lines. `a(i, k)` and `b(j, k)` are
 * WGSL of one vector of an operand.
 */
function accumulate(form: ProductForm, prefix: string, a: Fetch, b: Fetch): string {
  const { threadRows, threadColumns } = form.tile;
  const [alongA, alongB] = [runsAlongK(form, 'a'), runsAlongK(form, 'b')];
  const vectors = threadColumns / 4;
  const lines: string[] = [];
  const add = (i: number, factor: string, k: number): void => {
    for (let j = 0; j < vectors; j++)
      lines.push(`${prefix}${i}_${j} = fma(E(${factor}), b${k}_${j}, ${prefix}${i}_${j});`);
  };
  const four = alongA || alongB;
  const ks = four ? [0, 1, 2, 3] : [0];
  for (let j = 0; j < vectors; j++) {
    if (alongB) {
      for (let c = 0; c < 4; c++) lines.push(`let w${c}_${j} = ${b(4 * j + c, '0u')};`);
      LETTERS.forEach((letter, k) => {
        lines.push(`let b${k}_${j} = E(${ks.map((c) => `w${c}_${j}.${letter}`).join(', ')});`);
      });
    } else {
      for (const k of ks) lines.push(`let b${k}_${j} = ${b(j, `${k}u`)};`);
    }
  }
  if (alongA) {
    for (let i = 0; i < threadRows; i++) {
      lines.push(`let a${i} = ${a(i, '0u')};`);
      LETTERS.forEach((letter, k) => {
        add(i, `a${i}.${letter}`, k);
      });
    }
    return lines.join('\n');
  }
  for (const k of ks) {
    for (let v = 0; v < threadRows / 4; v++) {
      lines.push(`let a${k}_${v} = ${a(v, `${k}u`)};`);
      LETTERS.forEach((letter, c) => {
        add(4 * v + c, `a${k}_${v}.${letter}`, k);
      });
    }
  }
  return lines.join('\n');
}

function declareBlock({ tile }: ProductForm, prefix: string, type: string): string {
  const lines: string[] = [];
  for (let i = 0; i < tile.threadRows; i++) {
    for (let j = 0; j < tile.threadColumns / 4; j++) lines.push(`var ${prefix}${i}_${j} = ${type}();`);
  }
  return lines.join(' ');
}

/** Adds sums in float16 to those in float32. */
function promote({ tile }: ProductForm): string {
  const lines: string[] = [];
  for (let i = 0; i < tile.threadRows; i++) {
    for (let j = 0; j < tile.threadColumns / 4; j++) lines.push(`c${i}_${j} += vec4f(h${i}_${j});`);
  }
  return lines.join('\n');
}

function directLoop(form: ProductForm): string {
  const { threadRows, threadColumns } = form.tile;
  const step = runsAlongK(form, 'a') || runsAlongK(form, 'b') ? 4 : 1;
  const lines = [declareBlock(form, 'c', 'vec4f')];
  const [countA, countB] = [
    runsAlongK(form, 'a') ? threadRows : threadRows / 4,
    runsAlongK(form, 'b') ? threadColumns : threadColumns / 4,
  ];
  for (let i = 0; i < countA; i++) {
    const line = runsAlongK(form, 'a') ? rowOf(form, i) : rowOf(form, 4 * i);
    lines.push(`let base_a${i} = base_a(tile_row + ${line});`);
  }
  for (let j = 0; j < countB; j++) {
    const line = runsAlongK(form, 'b')
      ? `4u * (${vectorOf(form, Math.floor(j / 4))}) + ${j % 4}u`
      : `4u * (${vectorOf(form, j)})`;
    lines.push(`let base_b${j} = base_b(tile_column + ${line});`);
  }
  const inner = accumulate(
    form,
    form.half ? 'h' : 'c',
    (i, k) => `load_a(base_a${i}, k + ${k}, k_end, 0u)`,
    (j, k) => `load_b(base_b${j}, k + ${k}, k_end, b_origin)`,
  );
  const half = form.half ? [declareBlock(form, 'h', 'E'), promote(form)] : ['', ''];
  lines.push(`for (var k = k_begin; k < k_end; k += ${step}u) {\n${half[0]}\n${inner}\n${half[1]}\n}`);
  return lines.join('\n');
}

/** Loads that a thread makes of a tile of an operand: bases before the loop, then each step's vectors, then their places. */
function tileLoads(form: ProductForm, x: 'a' | 'b') {
  const { tile } = form;
  const lines = x === 'a' ? tile.rows : tile.columns;
  const threads = threadsOf(tile);
  const { row } = layout(form, x);
  const count = (lines * tile.depth) / 4 / threads;
  const along = runsAlongK(form, x);
  const origin = x === 'a' ? '0u' : 'b_origin';
  const start = x === 'a' ? 'tile_row' : 'tile_column';
  const [before, loads, stores]: string[][] = [[], [], []];
  for (let t = 0; t < count; t++) {
    const id = `${x}${t}`;
    before.push(`let at_${id} = lane + ${t * threads}u;`);
    if (along) {
      const [line, quad] = [`(at_${id} / ${tile.depth / 4}u)`, `(at_${id} % ${tile.depth / 4}u)`];
      // Four lines that a thread reads together lie a quarter of the tile apart: neighbouring threads, neighbouring rows.
      const place = x === 'a' ? line : `(${line} % 4u * ${lines / 4}u + ${line} / 4u)`;
      before.push(
        `let base_${id} = base_${x}(${start} + ${line});`,
        `let k_${id} = 4u * ${quad};`,
        `let put_${id} = ${place} * ${row}u + ${quad};`,
      );
    } else {
      before.push(
        `let base_${id} = base_${x}(${start} + 4u * (at_${id} % ${lines / 4}u));`,
        `let k_${id} = at_${id} / ${lines / 4}u;`,
        `let put_${id} = at_${id};`,
      );
    }
    loads.push(`next_${id} = load_${x}(base_${id}, k + k_${id}, k_end, ${origin});`);
    stores.push(`tile_${x}[stage_${x} + put_${id}] = next_${id};`);
    before.push(`var next_${id} = E();`);
  }
  return { before, loads, stores };
}

function tiledLoop(form: ProductForm): string {
  const { depth, columns } = form.tile;
  const [a, b] = [tileLoads(form, 'a'), tileLoads(form, 'b')];
  const [sizeA, sizeB] = [layout(form, 'a'), layout(form, 'b')];
  const loads = [...a.loads, ...b.loads].join('\n');
  const stores = [...a.stores, ...b.stores].join('\n');
  const across = form.tile.rows / form.tile.threadRows;
  const fetchA: Fetch = (i, k) =>
    runsAlongK(form, 'a')
      ? `tile_a[stage_a + (ty + ${across * i}u) * ${sizeA.row}u + q]`
      : `tile_a[stage_a + (4u * q + ${k}) * ${sizeA.row}u + ty + ${across * i}u]`;
  const fetchB: Fetch = (j, k) =>
    runsAlongK(form, 'b')
      ? `tile_b[stage_b + (${(columns / 4) * (j % 4)}u + ${vectorOf(form, Math.floor(j / 4))}) * ${sizeB.row}u + q]`
      : `tile_b[stage_b + (4u * q + ${k}) * ${sizeB.row}u + ${vectorOf(form, j)}]`;
  // Where both run along lines, k goes by ones: q then counts them.
  const byOnes = !runsAlongK(form, 'a') && !runsAlongK(form, 'b');
  const inner = accumulate(form, form.half ? 'h' : 'c', fetchA, fetchB).replaceAll(
    '4u * q + 0u',
    byOnes ? 'q' : '4u * q',
  );
  const compute = `${form.half ? declareBlock(form, 'h', 'E') : ''}
  for (var q = 0u; q < ${byOnes ? depth : depth / 4}u; q++) {
${inner}
  }
${form.half ? promote(form) : ''}`;
  const start = `${declareBlock(form, 'c', 'vec4f')}
${[...a.before, ...b.before].join('\n')}
var stage_a = 0u; var stage_b = 0u;
var k = k_begin;
${loads}
${stores}
workgroupBarrier();`;
  // Loads of the step after the last give zeros or repeat what is there; nothing reads them.
  if (form.stages === 1) {
    return `${start}
loop {
k += ${depth}u;
${loads}
${compute}
workgroupBarrier();
if (k >= k_end) { break; }
${stores}
workgroupBarrier();
}`;
  }
  return `${start}
loop {
k += ${depth}u;
${loads}
${compute}
if (k >= k_end) { break; }
stage_a = ${sizeA.vectors}u - stage_a;
stage_b = ${sizeB.vectors}u - stage_b;
${stores}
workgroupBarrier();
}`;
}

function epilogue(form: ProductForm): string {
  const { tile, isDirect } = form;
  const vectors = tile.threadColumns / 4;
  if (isDirect) return looped(form, vectors);
  const lines: string[] = [];
  for (let i = 0; i < tile.threadRows; i++) {
    const writes: string[] = [];
    for (let j = 0; j < vectors; j++) {
      writes.push(`let column = tile_column + 4u * (${vectorOf(form, j)}); write(at + column, column, c${i}_${j});`);
    }
    const body = writes.map((text) => `{ ${text} }`).join(' ');
    lines.push(
      `{ let row = tile_row + ${rowOf(form, i)}; if (row < row_end) { let at = out_origin + row * p.out_row; ${body} } }`,
    );
  }
  return lines.join('\n');
}

/** The same as a loop, which a GPU would keep the block in memory for; software adapters compile it in a third of the time. */
function looped(form: ProductForm, vectors: number): string {
  const { rows, columns, threadRows, threadColumns } = form.tile;
  const across = rows / threadRows;
  const count = threadRows * vectors;
  const names = Array.from({ length: count }, (_, i) => `c${Math.floor(i / vectors)}_${i % vectors}`);
  const row = runsAlongK(form, 'a') ? `ty + ${across}u * r` : `4u * (ty + ${across}u * (r / 4u)) + r % 4u`;
  return `var block = array<vec4f, ${count}>(${names.join(', ')});
for (var i = 0u; i < ${count}u; i++) {
  let r = i / ${vectors}u;
  let row = tile_row + ${row};
  let column = tile_column + 4u * (tx + ${columns / threadColumns}u * (i % ${vectors}u));
  if (row < row_end) { write(out_origin + row * p.out_row + column, column, block[i]); }
}`;
}
