/**
 * Which kernel computes a matrix product: a pure function of its sizes and of the adapter, unless an auto-tune (see
 * ../autotune.ts) has measured better. Thresholds follow from how much of a GPU a grid of tiles fills.
 */

/** A workgroup's tile of the result: `rows` × `columns`, `depth` entries of k at a time; a thread's share of it. */
export interface Tile {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly threadRows: number;
  readonly threadColumns: number;
}

/** Tiles that go through workgroup memory. All numbers are multiples of 4, and threads load whole vectors each. */
export const TILES = {
  tile128: { rows: 128, columns: 128, depth: 8, threadRows: 8, threadColumns: 8 },
  tile128x64: { rows: 128, columns: 64, depth: 16, threadRows: 8, threadColumns: 4 },
  tile64wide: { rows: 64, columns: 64, depth: 16, threadRows: 8, threadColumns: 8 },
  tile64: { rows: 64, columns: 64, depth: 16, threadRows: 4, threadColumns: 4 },
  tile32: { rows: 32, columns: 32, depth: 32, threadRows: 4, threadColumns: 4 },
} as const satisfies Record<string, Tile>;
export type TileName = keyof typeof TILES;

/**
 * `direct` reads its operands from the buffers into registers: best where workgroup memory and barriers are emulated.
 * `rows` is for few rows times weights [n, k], bound by the reading of the weights. `matrix` uses subgroup matrices.
 */
export type ProductVariant = TileName | 'direct' | 'rows' | 'matrix';

/** The tile of the direct kernel: a workgroup of 8 × 8 threads. */
export const DIRECT: Tile = { rows: 64, columns: 64, depth: 4, threadRows: 8, threadColumns: 8 };

/** Rows that the kernel for few rows may have. */
export const MOST_ROWS = 16;

export interface ProductSizes {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

export interface ProductChoice {
  readonly variant: ProductVariant;
  /** Parts of k that are summed apart, then together in order. */
  readonly splits: number;
}

/** A configuration of subgroup matrices that kernels here can use: f16 operands, f32 results. */
export interface MatrixConfig {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly subgroupSize: number;
}

/** What is known of the adapter and wanted of products, the same for all of a backend's programs. */
export interface ProductOptions {
  readonly isSoftware: boolean;
  /** `f16`: operands are rounded to float16 inside kernels where the adapter can; sums stay float32. */
  readonly precision: 'f32' | 'f16';
  readonly matrix?: MatrixConfig;
  /** What an auto-tune measured, by `sizeClass`. */
  readonly tuned?: Readonly<Record<string, ProductVariant>>;
  /** For tests and benches: used wherever it can compute the product. */
  readonly force?: Partial<ProductChoice>;
}

/** Workgroups that fill a large GPU about twice. */
const FULL_GRID = 256;
/** The least of k that is worth a part of its own. */
const LEAST_SPLIT = 256;
const MOST_SPLITS = 16;
/** Words of the parts of a result together. */
const MOST_SPLIT_WORDS = 1 << 22;

/** What an adapter's workgroups may have. */
export interface WorkgroupLimits {
  readonly maxInvocations: number;
  readonly maxWorkgroupBytes: number;
}

/** The variant and the number of parts of k. `rows` and `matrix` are given only for products that they can compute. */
export function chooseProduct(sizes: ProductSizes, options: ProductOptions, limits: WorkgroupLimits): ProductChoice {
  const { force } = options;
  const isPossible = (variant: ProductVariant | undefined): boolean =>
    variant !== undefined && canCompute(variant, sizes, options, limits);
  const tuned = options.tuned?.[sizeClass(sizes)];
  let variant = [force?.variant, tuned, preferred(sizes, options)].find(isPossible);
  variant ??= (['tile64', 'tile32', 'direct'] as const).find(isPossible) ?? 'direct';
  return { variant, splits: splitsOf(variant, sizes, force?.splits ?? 0, options.isSoftware) };
}

function preferred({ m, n, transposeA, transposeB }: ProductSizes, options: ProductOptions): ProductVariant {
  if (options.isSoftware) return 'direct';
  if (m <= MOST_ROWS && !transposeA && transposeB) return 'rows';
  if (options.precision === 'f16' && options.matrix !== undefined) return 'matrix';
  const tiles = (tile: Tile): number => Math.ceil(m / tile.rows) * Math.ceil(n / tile.columns);
  if (tiles(TILES.tile128) >= FULL_GRID / 2) return 'tile128';
  if (tiles(TILES.tile64) >= FULL_GRID / 4) return 'tile64';
  return Math.min(m, n) <= 32 ? 'tile32' : 'tile64';
}

function canCompute(
  variant: ProductVariant,
  { m, transposeA, transposeB }: ProductSizes,
  { precision, matrix }: ProductOptions,
  limits: WorkgroupLimits,
): boolean {
  if (variant === 'direct') return true;
  if (variant === 'rows') return m <= MOST_ROWS && !transposeA && transposeB;
  if (variant === 'matrix')
    return precision === 'f16' && matrix !== undefined && MATRIX_BYTES <= limits.maxWorkgroupBytes;
  const tile = TILES[variant];
  return threadsOf(tile) <= limits.maxInvocations && tileBytes(tile) <= limits.maxWorkgroupBytes;
}

/** How many parts k is cut into, so that a small result of a long k fills the GPU. */
function splitsOf(variant: ProductVariant, { m, n, k }: ProductSizes, forced: number, isSoftware: boolean): number {
  if (variant === 'rows') return 1;
  if (forced > 0) return Math.min(forced, Math.ceil(k / 4));
  if (isSoftware) return 1;
  const { rows, columns } = variant === 'direct' ? DIRECT : variant === 'matrix' ? MATRIX_TILE : TILES[variant];
  const tiles = Math.ceil(m / rows) * Math.ceil(n / columns);
  const wanted = Math.floor(FULL_GRID / tiles);
  return Math.max(
    1,
    Math.min(wanted, MOST_SPLITS, Math.floor(k / LEAST_SPLIT), Math.floor(MOST_SPLIT_WORDS / (m * n))),
  );
}

/** Of a workgroup of four subgroups that compute subgroup matrices. */
export const MATRIX_TILE = { rows: 64, columns: 64, depth: 32 };
/** Both operands' tiles as float16, with room to spread their rows, and the result's as float32. */
const MATRIX_BYTES = 2 * 2 * 64 * (32 + 8) + 4 * 64 * 64;

export function threadsOf(tile: Tile): number {
  return (tile.rows / tile.threadRows) * (tile.columns / tile.threadColumns);
}

/** Bytes of workgroup memory of one stage of both operands, in the larger of their layouts. */
export function tileBytes({ rows, columns, depth }: Tile): number {
  return 16 * (rows + columns) * (depth / 4 + 1);
}

/** Products that an auto-tune takes for alike: sizes to the next power of two, and the transposes. */
export function sizeClass({ m, n, k, transposeA, transposeB }: ProductSizes): string {
  const log = (size: number): number => Math.ceil(Math.log2(Math.max(1, size)));
  return `${log(m)} ${log(n)} ${log(k)} ${transposeA ? 'T' : 'N'}${transposeB ? 'T' : 'N'}`;
}
