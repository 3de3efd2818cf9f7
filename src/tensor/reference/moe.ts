/** Routing of tokens to experts and back. */
import type { Kernel } from './kernel.ts';

export const moeKernels = {
  routeTopK(operands) {
    const [rows, experts, perToken, normalize] = operands.attributes as [number, number, number, number];
    const logits = operands.in(0);
    const probabilities = operands.out(0);
    const weights = operands.out(1);
    const chosen = operands.outInts(2);
    for (let r = 0; r < rows; r++) {
      const at = r * experts;
      let largest = Number.NEGATIVE_INFINITY;
      for (let e = 0; e < experts; e++) largest = Math.max(largest, logits[at + e]);
      let sum = 0;
      for (let e = 0; e < experts; e++) sum += Math.exp(logits[at + e] - largest);
      for (let e = 0; e < experts; e++) probabilities[at + e] = Math.exp(logits[at + e] - largest) / sum;
      // In order of falling probability; a tie goes to the lower index.
      const order = Array.from({ length: experts }, (_, e) => e);
      order.sort((a, b) => probabilities[at + b] - probabilities[at + a] || a - b);
      let total = 0;
      for (let i = 0; i < perToken; i++) total += probabilities[at + order[i]];
      for (let i = 0; i < perToken; i++) {
        chosen[r * perToken + i] = order[i];
        weights[r * perToken + i] = probabilities[at + order[i]] / (normalize ? total : 1);
      }
    }
  },
  routeTopKGrad(operands) {
    const [rows, experts, perToken, normalize] = operands.attributes as [number, number, number, number];
    const dweights = operands.in(0);
    const probabilities = operands.in(1);
    const weights = operands.in(2);
    const chosen = operands.ints(3);
    const dprobabilities = operands.maybe(4);
    const dlogits = operands.out(0);
    for (let r = 0; r < rows; r++) {
      const at = r * experts;
      const d = new Float64Array(experts);
      for (let e = 0; e < experts; e++) d[e] = dprobabilities?.[at + e] ?? 0;
      let total = 1;
      let mean = 0;
      if (normalize) {
        total = 0;
        for (let i = 0; i < perToken; i++) {
          total += probabilities[at + chosen[r * perToken + i]];
          mean += dweights[r * perToken + i] * weights[r * perToken + i];
        }
      }
      for (let i = 0; i < perToken; i++) d[chosen[r * perToken + i]] += (dweights[r * perToken + i] - mean) / total;
      let dot = 0;
      for (let e = 0; e < experts; e++) dot += d[e] * probabilities[at + e];
      for (let e = 0; e < experts; e++) dlogits[at + e] = probabilities[at + e] * (d[e] - dot);
    }
  },
  routeSort(operands) {
    const [slots, experts] = operands.attributes as [number, number];
    const chosen = operands.ints(0);
    const order = operands.outInts(0);
    const inverse = operands.outInts(1);
    const offsets = operands.outInts(2);
    offsets.fill(0);
    for (let s = 0; s < slots; s++) offsets[chosen[s] + 1]++;
    for (let e = 0; e < experts; e++) offsets[e + 1] += offsets[e];
    const next = offsets.slice(0, experts);
    for (let s = 0; s < slots; s++) {
      const row = next[chosen[s]]++;
      order[row] = s;
      inverse[s] = row;
    }
  },
  moeDispatch(operands) {
    const [rows, columns, perToken] = operands.attributes as [number, number, number];
    const x = operands.in(0);
    const order = operands.ints(1);
    for (let r = 0; r < rows * perToken; r++) {
      const token = Math.floor(order[r] / perToken);
      operands.out(0).set(x.subarray(token * columns, (token + 1) * columns), r * columns);
    }
  },
  moeCombine(operands) {
    const [rows, columns, perToken] = operands.attributes as [number, number, number];
    const y = operands.in(0);
    const weights = operands.maybe(1);
    const inverse = operands.ints(2);
    const out = operands.out(0);
    for (let t = 0; t < rows; t++) {
      for (let c = 0; c < columns; c++) {
        let sum = 0;
        for (let i = 0; i < perToken; i++) {
          const slot = t * perToken + i;
          sum += (weights?.[slot] ?? 1) * y[inverse[slot] * columns + c];
        }
        out[t * columns + c] = sum;
      }
    }
  },
  moeCombineGrad(operands) {
    const [rows, columns, perToken] = operands.attributes as [number, number, number];
    const dout = operands.in(0);
    const y = operands.in(1);
    const weights = operands.in(2);
    const inverse = operands.ints(4);
    const dy = operands.out(0);
    const dweights = operands.out(1);
    for (let slot = 0; slot < rows * perToken; slot++) {
      const token = Math.floor(slot / perToken);
      const row = inverse[slot];
      let dot = 0;
      for (let c = 0; c < columns; c++) {
        const d = dout[token * columns + c];
        dot += d * y[row * columns + c];
        dy[row * columns + c] = d * weights[slot];
      }
      dweights[slot] = dot;
    }
  },
  expertCounts(operands) {
    const [rows, , perToken] = operands.attributes as [number, number, number];
    const chosen = operands.ints(0);
    const mask = operands.maybe(1);
    const counts = operands.out(0);
    counts.fill(0);
    for (let slot = 0; slot < rows * perToken; slot++) {
      if (mask === undefined || mask[Math.floor(slot / perToken)] !== 0) counts[chosen[slot]] += 1;
    }
  },
} satisfies Record<string, Kernel>;
