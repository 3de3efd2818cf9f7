/** The output head with cross-entropy or log-probabilities, one row of logits at a time. */
import type { Kernel } from './kernel.ts';

/** Writes scale · x·wᵀ for one row and returns its log-sum-exp. */
function logitsOfRow(
  x: Float32Array,
  w: Float32Array,
  row: number,
  columns: number,
  scale: number,
  logits: Float64Array,
): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let v = 0; v < logits.length; v++) {
    let dot = 0;
    for (let c = 0; c < columns; c++) dot += x[row * columns + c] * w[v * columns + c];
    logits[v] = dot * scale;
    largest = Math.max(largest, logits[v]);
  }
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - largest);
  return largest + Math.log(sum);
}

function checkLabel(label: number, row: number, vocab: number): void {
  if (label >= vocab) throw new RangeError(`entry ${row} is ${label}, the vocabulary has ${vocab} rows`);
}

/** Adds the gradients that flow from the gradient of one row's logits. */
function addRow(
  dlogits: Float64Array,
  x: Float32Array,
  w: Float32Array,
  row: number,
  columns: number,
  dx: Float32Array | undefined,
  dw: Float64Array | undefined,
): void {
  const dxRow = new Float64Array(columns);
  dlogits.forEach((d, v) => {
    if (d === 0) return;
    for (let c = 0; c < columns; c++) {
      dxRow[c] += d * w[v * columns + c];
      if (dw !== undefined) dw[v * columns + c] += d * x[row * columns + c];
    }
  });
  dx?.set(dxRow, row * columns);
}

export const lossKernels = {
  linearCrossEntropy(operands) {
    const [rows, columns, vocab, zLoss, smoothing] = operands.attributes as [number, number, number, number, number];
    const x = operands.in(0);
    const w = operands.in(1);
    const labels = operands.ints(2);
    const tokenWeights = operands.in(3);
    const addend = operands.maybe(4);
    const nll = operands.out(1);
    const dx = operands.maybeOut(2);
    const dw = operands.maybeOut(3);
    const dwSums = dw && new Float64Array(vocab * columns);
    const logits = new Float64Array(vocab);
    let loss = 0;
    for (let r = 0; r < rows; r++) {
      const label = labels[r];
      checkLabel(label, r, vocab);
      const weight = tokenWeights[r];
      if (label < 0) {
        nll[r] = 0;
        dx?.fill(0, r * columns, (r + 1) * columns);
        continue;
      }
      const lse = logitsOfRow(x, w, r, columns, 1, logits);
      let mean = 0;
      for (const logit of logits) mean += (lse - logit) / vocab;
      const own = lse - logits[label];
      nll[r] = own;
      loss += weight * ((1 - smoothing) * own + smoothing * mean + zLoss * lse * lse);
      if (dx === undefined && dw === undefined) continue;
      for (let v = 0; v < vocab; v++) {
        const p = Math.exp(logits[v] - lse);
        const target = (v === label ? 1 - smoothing : 0) + smoothing / vocab;
        logits[v] = weight * (p - target + 2 * zLoss * lse * p);
      }
      addRow(logits, x, w, r, columns, dx, dwSums);
    }
    operands.out(0)[0] = loss;
    if (dw !== undefined) for (let i = 0; i < dw.length; i++) dw[i] = dwSums![i] + (addend?.[i] ?? 0);
  },
  linearLogProb(operands) {
    const [rows, columns, vocab, scale] = operands.attributes as [number, number, number, number];
    const x = operands.in(0);
    const w = operands.in(1);
    const labels = operands.ints(2);
    const logits = new Float64Array(vocab);
    for (let r = 0; r < rows; r++) {
      const label = labels[r];
      checkLabel(label, r, vocab);
      let lse = 0;
      let logProb = 0;
      let entropy = 0;
      if (label >= 0) {
        lse = logitsOfRow(x, w, r, columns, scale, logits);
        logProb = logits[label] - lse;
        for (const logit of logits) entropy += Math.exp(logit - lse) * (lse - logit);
      }
      operands.out(0)[r] = logProb;
      operands.out(1)[r] = lse;
      operands.out(2)[r] = entropy;
    }
  },
  linearLogProbGrad(operands) {
    const [rows, columns, vocab, scale] = operands.attributes as [number, number, number, number];
    const dlogProb = operands.in(0);
    const x = operands.in(1);
    const w = operands.in(2);
    const labels = operands.ints(3);
    const addend = operands.maybe(5);
    const dx = operands.out(0);
    const dw = operands.out(1);
    const sums = new Float64Array(vocab * columns);
    const logits = new Float64Array(vocab);
    for (let r = 0; r < rows; r++) {
      const label = labels[r];
      checkLabel(label, r, vocab);
      if (label < 0) {
        dx.fill(0, r * columns, (r + 1) * columns);
        continue;
      }
      const lse = logitsOfRow(x, w, r, columns, scale, logits);
      for (let v = 0; v < vocab; v++) {
        logits[v] = dlogProb[r] * scale * (Number(v === label) - Math.exp(logits[v] - lse));
      }
      addRow(logits, x, w, r, columns, dx, sums);
    }
    for (let i = 0; i < dw.length; i++) dw[i] = sums[i] + (addend?.[i] ?? 0);
  },
} satisfies Record<string, Kernel>;
