/**
 * What the tiled kernels of attention are made of, as WGSL: products of a tile of 64 rows with a tile of columns, by a
 * workgroup of 16 groups of threads; each thread holds four rows, and of the columns every so many-th.
 *
 * `scores` multiplies rows by columns along the head's numbers (q·kᵀ); `mix` multiplies weights that lie in workgroup
 * memory by the columns' own vectors (P·v). Both bring their operands into workgroup memory a slice at a time, so that its
 * size does not depend on the head's, and read them there as vectors of four; a thread makes about ten multiply-adds of one
 * read. Rows of the weights are padded to 17 vectors and slices by two, so that neighbouring threads meet different banks.
 * A thread's numbers are variables of their own, not an array: an array may end up in memory.
 */
import type { AdapterLimits } from '../lowering.ts';

/** Rows of a tile, four for each of its groups of threads. */
export const TILE_ROWS = 64;
const GROUPS = TILE_ROWS / 4;
const WEIGHT_STRIDE = GROUPS + 1;
/** Vectors along a head that a slice holds. */
const SLICE = 4;

export interface TileShape {
  readonly headDim: number;
  /** Vectors of four that hold a head. */
  readonly headVectors: number;
  /** Threads along the columns. */
  readonly across: number;
  /** Columns of each of them. */
  readonly columnsEach: number;
  /** Columns of a tile. */
  readonly columns: number;
  readonly threads: number;
  /** Vectors of the head that a thread accumulates, for each of its rows. */
  readonly vectorsEach: number;
  readonly name: string;
}

/**
 * The tile for a head. Up to `narrow` numbers eight threads share the columns, each with more of them in registers; a
 * longer head needs sixteen, for what a thread accumulates grows with it. 64 columns where 26 KB of workgroup memory are
 * there, else 32 (15 KB).
 */
export function tileShape(headDim: number, limits: AdapterLimits, narrow: number): TileShape {
  const headVectors = Math.ceil(headDim / 4);
  const across = headDim > narrow && limits.maxInvocations >= 16 * GROUPS ? 16 : 8;
  const columns = 16 * (weightVectors(64) + stageVectors(64)) + 64 <= limits.maxWorkgroupBytes ? 64 : 32;
  return {
    headDim,
    headVectors,
    across,
    columnsEach: columns / across,
    columns,
    threads: GROUPS * across,
    vectorsEach: Math.ceil(headVectors / across),
    name: `d${headDim} ${across}x${columns / across}`,
  };
}

function weightVectors(columns: number): number {
  return columns * WEIGHT_STRIDE;
}

/** A slice of rows and one of columns. */
function stageVectors(columns: number): number {
  return SLICE * (TILE_ROWS + 2 + columns + 2);
}

/** WGSL for each number below `count`. */
export function each(count: number, text: (i: number) => string, separator = '\n'): string {
  return Array.from({ length: count }, (_, i) => text(i)).join(separator);
}

export function tileDeclarations({ columns }: TileShape): string {
  return `var<workgroup> stage: array<vec4f, ${stageVectors(columns)}>;
var<workgroup> weights: array<vec4f, ${weightVectors(columns)}>;`;
}

/** WGSL of the places of a thread: its rows are 4·rows + 0 to 3, its columns column, column + across, … */
export function threadPlaces({ across }: TileShape): string {
  return `let column = lane % ${across}u;
  let rows = lane / ${across}u;`;
}

/**
 * `read_x(at, d)`, the d-th vector of a head that begins at `at`, for operand x; `at` counts vectors in a kernel with
 * `vectors`, words in one without. Numbers past the head are 0.
 */
export function headReader(name: string, headDim: number, vectors: boolean): string {
  if (vectors) return `fn read_${name}(at: u32, d: u32) -> vec4f { return ${name}4(at + d); }`;
  const four = (index: (letter: string) => string): string =>
    `vec4f(${LETTERS.map((letter) => `${name}(${index(letter)})`).join(', ')})`;
  if (headDim % 4 === 0) {
    return `fn read_${name}(at: u32, d: u32) -> vec4f { let i = at + vec4u(4u * d, 4u * d + 1u, 4u * d + 2u, 4u * d + 3u); return ${four((letter) => `i.${letter}`)}; }`;
  }
  // No branch: a function that returns early is a loop to compilers of software adapters.
  return `fn read_${name}(at: u32, d: u32) -> vec4f {
  let n = 4u * d + vec4u(0u, 1u, 2u, 3u);
  let i = at + min(n, vec4u(${headDim - 1}u));
  return select(vec4f(), ${four((letter) => `i.${letter}`)}, n < vec4u(${headDim}u));
}`;
}

const LETTERS = ['x', 'y', 'z', 'w'] as const;

/** `write_x(at, d, v)`, as headReader. */
export function headWriter(name: string, headDim: number, vectors: boolean): string {
  if (vectors) return `fn write_${name}(at: u32, d: u32, v: vec4f) { set_${name}4(at + d, v); }`;
  // Numbers past the head repeat its last one.
  const last = headDim % 4 === 0 ? '3u' : `min(3u, ${headDim - 1}u - 4u * d)`;
  return `fn write_${name}(at: u32, d: u32, v: vec4f) {
  let n = min(vec4u(0u, 1u, 2u, 3u), vec4u(${last}));
  ${LETTERS.map((letter) => `set_${name}(at + 4u * d + n.${letter}, v[n.${letter}]);`).join('\n  ')}
}`;
}

/** `set_x` for four numbers in a row, whose place is a multiple of four words in a kernel with `vectors`. */
export function quadWriter(name: string, vectors: boolean): string {
  if (vectors) return `fn write_${name}(i: u32, v: vec4f) { set_${name}4(i >> 2u, v); }`;
  return `fn write_${name}(i: u32, v: vec4f) {\n  ${each(4, (n) => `set_${name}(i + ${n}u, v[${n}]);`, '\n  ')}\n}`;
}

export function quadReader(name: string, vectors: boolean): string {
  if (vectors) return `fn read_${name}(i: u32) -> vec4f { return ${name}4(i >> 2u); }`;
  return `fn read_${name}(i: u32) -> vec4f { return vec4f(${each(4, (n) => `${name}(i + ${n}u)`, ', ')}); }`;
}

/** Rows or columns of a tile in memory: WGSL expressions, except `read`. */
export interface TileSource {
  /** The value of vector `d` of the head that begins at `at`. */
  readonly read: (at: string, d: string) => string;
  /** Where the head of the tile's first row begins. */
  readonly start: string;
  /** From one row to the next. */
  readonly stride: string;
  /** Rows that are there; those after them are 0. */
  readonly count: string;
}

export function tileSource(name: string, start: string, stride: string, count: string): TileSource {
  return { read: (at, d) => `read_${name}(${at}, ${d})`, start, stride, count };
}

/** WGSL that brings vectors `first` to `first + vectors` of `lines` heads to stage[at(line, d)]. */
function bring(
  { threads, headVectors }: TileShape,
  source: TileSource,
  lines: number,
  vectors: number,
  first: string,
  at: (line: string, d: string) => string,
): string {
  return `for (var i = lane; i < ${lines * vectors}u; i += ${threads}u) {
      let line = i / ${vectors}u;
      let d = i % ${vectors}u;
      var v = vec4f();
      if ((line < ${source.count}) & (${first} + d < ${headVectors}u)) {
        v = ${source.read(`${source.start} + line * ${source.stride}`, `${first} + d`)};
      }
      stage[${at('line', 'd')}] = v;
    }`;
}

/** WGSL that declares and computes `${name}0`, `${name}1`, …: of each of the thread's columns, the products with its four rows. */
export function scores(shape: TileShape, name: string, rows: TileSource, columns: TileSource): string {
  const { headVectors, across, columnsEach } = shape;
  const [rowStride, columnStride] = [TILE_ROWS + 2, shape.columns + 2];
  const columnsAt = SLICE * rowStride;
  const dots = each(4, (r) => `dot(a${r}, b)`, ', ');
  return `${each(columnsEach, (j) => `var ${name}${j} = vec4f();`, ' ')}
  for (var slice = 0u; slice < ${headVectors}u; slice += ${SLICE}u) {
    workgroupBarrier();
    ${bring(shape, rows, TILE_ROWS, SLICE, 'slice', (line, d) => `${d} * ${rowStride}u + ${line}`)}
    ${bring(shape, columns, shape.columns, SLICE, 'slice', (line, d) => `${columnsAt}u + ${d} * ${columnStride}u + ${line}`)}
    workgroupBarrier();
    for (var d = 0u; d < ${SLICE}u; d++) {
      let at = d * ${rowStride}u + 4u * rows;
      ${each(4, (r) => `let a${r} = stage[at + ${r}u];`, ' ')}
      let column_at = ${columnsAt}u + d * ${columnStride}u + column;
      ${each(columnsEach, (j) => `{ let b = stage[column_at + ${j * across}u]; ${name}${j} += vec4f(${dots}); }`, '\n      ')}
    }
  }`;
}

/** WGSL that puts `value(j)`, for the thread's four rows and its column j, where `mix` reads it. Of columns without rows too. */
export function setWeights({ across, columnsEach }: TileShape, value: (j: number) => string): string {
  return each(
    columnsEach,
    (j) => `weights[(column + ${j * across}u) * ${WEIGHT_STRIDE}u + rows] = ${value(j)};`,
    '\n  ',
  );
}

/** WGSL that declares what `mix` adds to. */
export function accumulators({ vectorsEach }: TileShape, name: string): string {
  return each(vectorsEach, (i) => each(4, (r) => `var ${name}${r}_${i} = vec4f();`, ' '), '\n  ');
}

/** WGSL for each accumulator: of row `r` of the thread, vector `d` (an expression) of the head. */
export function eachAccumulator(
  { vectorsEach, across }: TileShape,
  name: string,
  text: (variable: string, r: number, d: string) => string,
): string {
  return each(vectorsEach, (i) => each(4, (r) => text(`${name}${r}_${i}`, r, `column + ${i * across}u`)), '\n');
}

/** WGSL that adds weights · columns to the accumulators, for the first `used` columns (an expression alike for all threads). */
export function mix(shape: TileShape, name: string, columns: TileSource, used: string): string {
  const { across, vectorsEach, headVectors } = shape;
  const padded = across * vectorsEach;
  let lines = shape.columns;
  while (lines * padded > stageVectors(shape.columns)) lines /= 2;
  const source = {
    ...columns,
    start: `${columns.start} + first * ${columns.stride}`,
    count: `${columns.count} - min(first, ${columns.count})`,
  };
  return `for (var first = 0u; first < ${used}; first += ${lines}u) {
    workgroupBarrier();
    ${bring({ ...shape, headVectors }, source, lines, padded, '0u', (line, d) => `${line} * ${padded}u + ${d}`)}
    workgroupBarrier();
    for (var n = 0u; n < ${lines}u; n++) {
      let w = weights[(first + n) * ${WEIGHT_STRIDE}u + rows];
      let at = n * ${padded}u + column;
      ${each(vectorsEach, (i) => `{ let v = stage[at + ${i * across}u]; ${each(4, (r) => `${name}${r}_${i} += w[${r}] * v;`, ' ')} }`, '\n      ')}
    }
  }`;
}

/** WGSL that declares `result`, for each of the thread's rows `combine` over all threads across it; takes two barriers. */
export function acrossRow(
  { across }: TileShape,
  result: string,
  value: string,
  combine: (a: string, b: string) => string,
): string {
  return `workgroupBarrier();
  stage[column * ${WEIGHT_STRIDE}u + rows] = ${value};
  workgroupBarrier();
  var ${result} = stage[rows];
  for (var i = 1u; i < ${across}u; i++) { ${result} = ${combine(result, `stage[i * ${WEIGHT_STRIDE}u + rows]`)}; }`;
}
