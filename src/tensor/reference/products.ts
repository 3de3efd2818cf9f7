/** Matrix products and attention: adapters from operands to the functions of matmul.ts and attention.ts. */
import type { Kernel } from './kernel.ts';

export const productKernels = {
  matmul(operands) {
    const [m, n, k, transposeA, transposeB, alpha] = operands.attributes as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const a = operands.in(0);
    const b = operands.in(1);
    const bias = operands.maybe(2);
    const addend = operands.maybe(3);
    const out = operands.out(0);
    const [ai, ak] = transposeA ? [1, m] : [k, 1];
    const [bj, bk] = transposeB ? [k, 1] : [1, n];
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let p = 0; p < k; p++) sum += a[i * ai + p * ak] * b[j * bj + p * bk];
        out[i * n + j] = alpha * sum + (addend?.[i * n + j] ?? 0) + (bias?.[j] ?? 0);
      }
    }
  },
  groupedMatmul(operands) {
    const [, n, k, groups, transposeB] = operands.attributes as [number, number, number, number, number];
    const a = operands.in(0);
    const b = operands.in(1);
    const offsets = operands.ints(2);
    const out = operands.out(0);
    const [bj, bk] = transposeB ? [k, 1] : [1, n];
    for (let g = 0; g < groups; g++) {
      for (let r = offsets[g]; r < offsets[g + 1]; r++) {
        for (let j = 0; j < n; j++) {
          let sum = 0;
          for (let p = 0; p < k; p++) sum += a[r * k + p] * b[g * n * k + j * bj + p * bk];
          out[r * n + j] = sum;
        }
      }
    }
  },
  groupedMatmulWeightGrad(operands) {
    const [, m, n, groups] = operands.attributes as [number, number, number, number];
    const dy = operands.in(0);
    const x = operands.in(1);
    const offsets = operands.ints(2);
    const addend = operands.maybe(3);
    const out = operands.out(0);
    for (let g = 0; g < groups; g++) {
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let sum = 0;
          for (let r = offsets[g]; r < offsets[g + 1]; r++) sum += dy[r * m + i] * x[r * n + j];
          const at = (g * m + i) * n + j;
          out[at] = sum + (addend?.[at] ?? 0);
        }
      }
    }
  },
} satisfies Record<string, Kernel>;
