/** RMSNorm and LayerNorm over rows, with their gradients. */
import type { Kernel, Operands } from './kernel.ts';

/** Norms the rows of x into y. */
function rmsRows(x: Float32Array, operands: Operands, weight: Float32Array, y: Float32Array, rstd: Float32Array): void {
  const [rows, columns, eps] = operands.attributes as [number, number, number];
  for (let r = 0; r < rows; r++) {
    const at = r * columns;
    let squares = 0;
    for (let c = 0; c < columns; c++) squares += x[at + c] ** 2;
    const scale = 1 / Math.sqrt(squares / columns + eps);
    rstd[r] = scale;
    for (let c = 0; c < columns; c++) y[at + c] = x[at + c] * scale * weight[c];
  }
}

export const normKernels = {
  rmsNorm(operands) {
    rmsRows(operands.in(0), operands, operands.in(1), operands.out(0), operands.out(1));
  },
  addRmsNorm(operands) {
    const x = operands.in(0);
    const residual = operands.in(1);
    const sum = operands.out(0);
    for (let i = 0; i < sum.length; i++) sum[i] = x[i] + residual[i];
    rmsRows(sum, operands, operands.in(2), operands.out(1), operands.out(2));
  },
  // With n = x·rstd and g = dy·weight: dx = rstd · (g − n · mean(g·n)), dweight = Σ over rows of dy·n.
  rmsNormGrad(operands) {
    const [rows, columns] = operands.attributes as [number, number];
    const [dy, x, weight, rstd] = [0, 1, 2, 3].map((i) => operands.in(i)) as [
      Float32Array,
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const dxAddend = operands.maybe(4);
    const dweightAddend = operands.maybe(5);
    const dx = operands.out(0);
    const dweight = operands.out(1);
    const sums = new Float64Array(columns);
    for (let r = 0; r < rows; r++) {
      const at = r * columns;
      const scale = rstd[r];
      let dot = 0;
      for (let c = 0; c < columns; c++) {
        const n = x[at + c] * scale;
        dot += dy[at + c] * weight[c] * n;
        sums[c] += dy[at + c] * n;
      }
      for (let c = 0; c < columns; c++) {
        const own = scale * (dy[at + c] * weight[c] - (x[at + c] * scale * dot) / columns);
        dx[at + c] = own + (dxAddend?.[at + c] ?? 0);
      }
    }
    for (let c = 0; c < columns; c++) dweight[c] = sums[c] + (dweightAddend?.[c] ?? 0);
  },
  layerNorm(operands) {
    const [rows, columns, eps] = operands.attributes as [number, number, number];
    const x = operands.in(0);
    const weight = operands.in(1);
    const bias = operands.in(2);
    const y = operands.out(0);
    for (let r = 0; r < rows; r++) {
      const at = r * columns;
      let total = 0;
      for (let c = 0; c < columns; c++) total += x[at + c];
      const mean = total / columns;
      let squares = 0;
      for (let c = 0; c < columns; c++) squares += (x[at + c] - mean) ** 2;
      const scale = 1 / Math.sqrt(squares / columns + eps);
      operands.out(1)[r] = mean;
      operands.out(2)[r] = scale;
      for (let c = 0; c < columns; c++) y[at + c] = (x[at + c] - mean) * scale * weight[c] + bias[c];
    }
  },
  // As rmsNormGrad with n = (x − mean)·rstd, and the mean of g taken off as well.
  layerNormGrad(operands) {
    const [rows, columns] = operands.attributes as [number, number];
    const [dy, x, weight, mean, rstd] = [0, 1, 2, 3, 4].map((i) => operands.in(i)) as [
      Float32Array,
      Float32Array,
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const dxAddend = operands.maybe(5);
    const dx = operands.out(0);
    const weightSums = new Float64Array(columns);
    const biasSums = new Float64Array(columns);
    for (let r = 0; r < rows; r++) {
      const at = r * columns;
      const scale = rstd[r];
      let dot = 0;
      let total = 0;
      for (let c = 0; c < columns; c++) {
        const n = (x[at + c] - mean[r]) * scale;
        const g = dy[at + c] * weight[c];
        dot += g * n;
        total += g;
        weightSums[c] += dy[at + c] * n;
        biasSums[c] += dy[at + c];
      }
      for (let c = 0; c < columns; c++) {
        const n = (x[at + c] - mean[r]) * scale;
        const own = scale * (dy[at + c] * weight[c] - total / columns - (n * dot) / columns);
        dx[at + c] = own + (dxAddend?.[at + c] ?? 0);
      }
    }
    const dweight = operands.out(1);
    const dbias = operands.out(2);
    for (let c = 0; c < columns; c++) {
      dweight[c] = weightSums[c] + (operands.maybe(6)?.[c] ?? 0);
      dbias[c] = biasSums[c] + (operands.maybe(7)?.[c] ?? 0);
    }
  },
} satisfies Record<string, Kernel>;
