/** Norms over all gradients, the clip factor, and AdamW. */
import type { Kernel } from './kernel.ts';

export const optimizerKernels = {
  globalNorm(operands) {
    let squares = 0;
    for (let i = 0; i < operands.inputCount; i++) for (const value of operands.in(i)) squares += value * value;
    operands.out(0)[0] = Math.sqrt(squares);
  },
  countNonFinite(operands) {
    for (let i = 0; i < operands.inputCount; i++) {
      let count = 0;
      for (const value of operands.in(i)) if (!Number.isFinite(value)) count++;
      operands.out(0)[i] = count;
    }
  },
  clipFactor(operands) {
    const [maxNorm] = operands.attributes as [number];
    const [scale, spike] = operands.in(1) as unknown as [number, number];
    const norm = operands.in(0)[0] * scale;
    const clip = maxNorm > 0 ? Math.min(1, maxNorm / (norm + 1e-6)) : 1;
    operands.out(0)[0] = Number.isFinite(norm) && norm <= spike ? clip * scale : -1;
  },
  adamw(operands) {
    const [beta1, beta2, eps, ...decays] = operands.attributes as [number, number, number, ...number[]];
    const [lr, correction1, correction2] = operands.in(0) as unknown as [number, number, number];
    const factor = operands.in(1)[0];
    if (factor < 0) return;
    decays.forEach((decay, group) => {
      const [p, g, m, v] = [2, 3, 4, 5].map((i) => operands.in(4 * group + i)) as [
        Float32Array,
        Float32Array,
        Float32Array,
        Float32Array,
      ];
      for (let i = 0; i < p.length; i++) {
        const gradient = g[i] * factor;
        m[i] = beta1 * m[i] + (1 - beta1) * gradient;
        v[i] = beta2 * v[i] + (1 - beta2) * gradient * gradient;
        const decayed = p[i] * (1 - lr * decay);
        p[i] = decayed - (lr * (m[i] / correction1)) / (Math.sqrt(v[i] / correction2) + eps);
      }
    });
  },
} satisfies Record<string, Kernel>;
