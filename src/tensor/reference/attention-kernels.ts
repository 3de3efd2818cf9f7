/** The attention operations by the loops of attention.ts. */
import { type AttentionMask, type AttentionShape, attentionBackward, attentionForward } from './attention.ts';
import type { Kernel, Operands } from './kernel.ts';

/** `firstMask` is the place of segmentIds among the inputs; prefix and keyRange follow it. */
function attentionOf(operands: Operands, firstMask: number): { shape: AttentionShape; mask: AttentionMask } {
  const [batch, queries, keys, queryHeads, keyHeads, headSize, scale, causal, window] = operands.attributes;
  return {
    shape: { batch, queries, keys, queryHeads, keyHeads, headSize, scale },
    mask: {
      causal: causal !== 0,
      window,
      segmentIds: operands.maybeInts(firstMask),
      prefix: operands.maybeInts(firstMask + 1),
      keyRange: operands.maybeInts(firstMask + 2),
    },
  };
}

export const attentionKernels = {
  attention(operands) {
    const { shape, mask } = attentionOf(operands, 3);
    const [q, k, v] = [0, 1, 2].map((index) => operands.in(index));
    attentionForward(shape, mask, q, k, v, operands.out(0), operands.out(1));
  },
  dualChunkAttention(operands) {
    const [batch, queries, keys, queryHeads, keyHeads, headSize, scale, length] = operands.attributes;
    const [q, successive, inter, k, v] = [0, 1, 2, 3, 4].map((index) => operands.in(index));
    const shape = { batch, queries, keys, queryHeads, keyHeads, headSize, scale };
    const mask = { causal: true, keyRange: operands.maybeInts(5) };
    attentionForward(shape, mask, q, k, v, operands.out(0), operands.out(1), { successive, inter, length });
  },
  attentionGrad(operands) {
    const { shape, mask } = attentionOf(operands, 6);
    const [dout, q, k, v, out, lse] = [0, 1, 2, 3, 4, 5].map((index) => operands.in(index));
    const [dq, dk, dv] = [0, 1, 2].map((index) => operands.out(index));
    attentionBackward(shape, mask, dout, q, k, v, out, lse, dq, dk, dv);
  },
} satisfies Record<string, Kernel>;
