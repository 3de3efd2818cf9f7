/** What a product is: its matrices in memory, and the form of the kernel that computes it. */
import { areVectors, type KernelPlace, type Operand, type ParameterType } from '../kernel.ts';
import type { LoweringContext } from '../lowering.ts';
import type { Tile } from './product-variant.ts';

export interface Matrix {
  readonly place: KernelPlace;
  /** Words from a row in memory to the next. */
  readonly row: number;
  /** Rows go on to a multiple of four words: readable, and zero in a where a runs along k. */
  readonly isPadded?: boolean;
}

export interface Product {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** What lies in memory is the transpose: a [k, m], b [n, k]. */
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly alpha: number;
  readonly a: Matrix;
  readonly b: Matrix;
  /** Its padding may be written to. */
  readonly out: Matrix;
  readonly bias?: KernelPlace;
  /** Rows as far apart as those of `out`; may be the same place. */
  readonly addend?: KernelPlace;
}

/** How k is cut: words of k and of the result in a part, and how many parts there are. */
export interface Parts {
  readonly k_part: number;
  readonly out_part: number;
  readonly count: number;
}

export interface ProductForm {
  readonly tile: Tile;
  readonly isDirect: boolean;
  /** a is [k, m]; b is [n, k]. */
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  /** All rows begin at multiples of four words, and vectors along rows do not cross the end of what may be read. */
  readonly isVector: boolean;
  /** k is a multiple of four, as are the starts of its parts. */
  readonly isExact: boolean;
  readonly hasBias: boolean;
  readonly hasAddend: boolean;
  readonly half: boolean;
  /** Stages of workgroup memory: 2, or 1 where memory is short. */
  readonly stages: 1 | 2;
  readonly scope: ProductScope;
}

/** What a workgroup computes: where its tile, its part of k and its matrices lie. */
export interface ProductScope {
  readonly name: string;
  readonly operands: readonly Operand[];
  readonly parameters: Readonly<Record<string, ParameterType>>;
  readonly declarations: string;
  /**
   * WGSL that declares `tile_row`, `tile_column`, `row_end` (rows from there on are not written), `k_begin`, `k_end`,
   * `b_origin` and `out_origin`, all the same for the whole workgroup; it may return.
   */
  prologue(tile: Tile): string;
}

/** The form of a product but for its tile. */
export function formOf(
  context: LoweringContext,
  product: Product,
): Omit<ProductForm, 'tile' | 'isDirect' | 'stages' | 'scope'> {
  const { k, transposeA, transposeB, bias, addend } = product;
  const alongLines = transposeA && !transposeB;
  return {
    transposeA,
    transposeB,
    isVector: isVectorProduct(product),
    isExact: alongLines || k % 4 === 0,
    hasBias: bias !== undefined,
    hasAddend: addend !== undefined,
    half: context.products.precision === 'f16' && context.features.has('shader-f16'),
  };
}

export function placesOf({ a, b, out, bias, addend }: Product): Record<string, KernelPlace> {
  return {
    a: a.place,
    b: b.place,
    out: out.place,
    ...(bias === undefined ? {} : { bias }),
    ...(addend === undefined ? {} : { addend }),
  };
}

export function sizesOf({ m, n, k, a, b, out, alpha }: Product): Record<string, number> {
  return { m, n, k, a_row: a.row, b_row: b.row, out_row: out.row, alpha };
}

/** Whether all of a product's memory can be seen as vectors along rows. */
export function isVectorProduct({ m, n, k, transposeA, transposeB, a, b, out, bias, addend }: Product): boolean {
  const isWhole = (matrix: Matrix, along: number): boolean =>
    matrix.row % 4 === 0 && (along % 4 === 0 || matrix.isPadded === true);
  if (!areVectors(a.place, b.place, out.place, bias, addend)) return false;
  if (bias !== undefined && n % 4 !== 0) return false;
  return isWhole(a, transposeA ? m : k) && isWhole(b, transposeB ? k : n) && isWhole(out, n);
}
