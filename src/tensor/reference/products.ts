/** The operations of matrix products by the loops of matmul.ts. */
import type { Kernel, Operands } from './kernel.ts';
import { gemm, groupedGemm, groupedGemmWeights } from './matmul.ts';

/** Puts the addend into the output, where it is not there already; true when there is one. */
function placeAddend(operands: Operands, index: number): boolean {
  const addend = operands.maybe(index);
  if (addend !== undefined) operands.out(0).set(addend);
  return addend !== undefined;
}

export const productKernels = {
  matmul(operands) {
    const [m, n, k, transposeA, transposeB, alpha] = operands.attributes;
    const accumulate = placeAddend(operands, 3);
    const shape = { m, n, k, transposeA: transposeA !== 0, transposeB: transposeB !== 0, alpha, accumulate };
    gemm(shape, operands.in(0), operands.in(1), operands.out(0), operands.maybe(2));
  },
  groupedMatmul(operands) {
    const [, n, k, , transposeB] = operands.attributes;
    const shape = { n, k, offsets: operands.ints(2), transposeB: transposeB !== 0 };
    groupedGemm(shape, operands.in(0), operands.in(1), operands.out(0));
  },
  groupedMatmulWeightGrad(operands) {
    const [, m, n] = operands.attributes;
    const accumulate = placeAddend(operands, 3);
    const shape = { n: m, k: n, offsets: operands.ints(2), accumulate };
    groupedGemmWeights(shape, operands.in(0), operands.in(1), operands.out(0));
  },
} satisfies Record<string, Kernel>;
