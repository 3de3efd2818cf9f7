/**
 * Matrix products of float32 arrays, row-major, as plain loops: the readable twin of native/tensor/gemm.cc, which tests
 * compare with it. Sums are float64 and rounded once at the end. About a thousandth of the native kernel's speed.
 */

export interface GemmShape {
  /** C is [m, n]; op(A) is [m, k], op(B) [k, n]. Any may be 0. */
  m: number;
  n: number;
  k: number;
  /** What lies in memory is the transpose: A [k, m], B [n, k]. Weights [out, in] are a transposed B. */
  transposeA?: boolean;
  transposeB?: boolean;
  /** Entries from a row in memory to the next; by default rows follow each other. */
  aRow?: number;
  bRow?: number;
  cRow?: number;
  /** Factor of the product; 1 by default. */
  alpha?: number;
  /** Adds to what is in C. */
  accumulate?: boolean;
}

/** C = alpha · op(A) · op(B) (+ C) (+ bias [n], added to each row). C must not overlap the others. */
export function gemm(shape: GemmShape, a: Float32Array, b: Float32Array, c: Float32Array, bias?: Float32Array): void {
  const { m, n, k, transposeA = false, transposeB = false, alpha = 1, accumulate = false } = shape;
  const aRow = shape.aRow ?? (transposeA ? m : k);
  const bRow = shape.bRow ?? (transposeB ? k : n);
  const cRow = shape.cRow ?? n;
  // Entries from one term of a sum to the next, and from one sum's first term to the next one's.
  const [aNext, aFirst] = transposeA ? [aRow, 1] : [1, aRow];
  const [bNext, bFirst] = transposeB ? [1, bRow] : [bRow, 1];
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let l = 0, x = i * aFirst, y = j * bFirst; l < k; l++, x += aNext, y += bNext) sum += a[x] * b[y];
      c[i * cRow + j] = (accumulate ? c[i * cRow + j] : 0) + alpha * sum + (bias === undefined ? 0 : bias[j]);
    }
  }
}

export interface GroupedShape {
  n: number;
  k: number;
  /** Rows [offsets[e], offsets[e + 1]) belong to expert e; experts + 1 entries, ascending. */
  offsets: Int32Array;
  transposeB?: boolean;
  alpha?: number;
  accumulate?: boolean;
}

/**
 * Rows of an expert by its own matrix: C [rows, n] = A [rows, k] · op(B[e]) with B [experts, k, n], or [experts, n, k]
 * when transposed. Mixture of experts forward (weights [experts, out, in] transposed) and dX (the same as they are).
 */
export function groupedGemm(shape: GroupedShape, a: Float32Array, b: Float32Array, c: Float32Array): void {
  const { n, k, offsets } = shape;
  for (let e = 0; e + 1 < offsets.length; e++) {
    const [from, to] = [offsets[e], offsets[e + 1]];
    const expert = b.subarray(e * n * k, (e + 1) * n * k);
    gemm({ ...shape, m: to - from }, a.subarray(from * k, to * k), expert, c.subarray(from * n, to * n));
  }
}

/**
 * An expert's matrix from its rows: C[e] [n, k] = A_eᵀ · B_e with A [rows, n], B [rows, k]. dW [experts, out, in] from dY
 * (n = out) and X (k = in); zeros, or C as it was when accumulating, for an expert without rows.
 */
export function groupedGemmWeights(
  shape: Omit<GroupedShape, 'transposeB'>,
  a: Float32Array,
  b: Float32Array,
  c: Float32Array,
): void {
  const { n, k, offsets, alpha, accumulate } = shape;
  for (let e = 0; e + 1 < offsets.length; e++) {
    const [from, to] = [offsets[e], offsets[e + 1]];
    gemm(
      { m: n, n: k, k: to - from, transposeA: true, alpha, accumulate },
      a.subarray(from * n, to * n),
      b.subarray(from * k, to * k),
      c.subarray(e * n * k, (e + 1) * n * k),
    );
  }
}
