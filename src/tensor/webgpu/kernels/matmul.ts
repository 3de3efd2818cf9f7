/** The operation `matmul` as a product over dense matrices. */
import type { Lowering } from '../lowering.ts';
import { multiply } from './product.ts';

export const matmulLowerings = {
  matmul(context) {
    const [m, n, k, transposedA, transposedB, alpha] = context.attributes;
    const [transposeA, transposeB] = [transposedA !== 0, transposedB !== 0];
    return multiply(context, {
      m,
      n,
      k,
      transposeA,
      transposeB,
      alpha,
      a: { place: context.in(0), row: transposeA ? m : k },
      b: { place: context.in(1), row: transposeB ? k : n },
      out: { place: context.out(0), row: n },
      bias: context.maybeIn(2),
      addend: context.maybeIn(3),
    });
  },
} satisfies Record<string, Lowering>;
