/** Attention by plain loops over visible pairs: see `attention` in ../operations.ts for what is seen. */
import type { Kernel, Operands } from './kernel.ts';

interface Attention {
  readonly batch: number;
  readonly timeQ: number;
  readonly timeK: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly scale: number;
  /** True when the query t of batch b sees key j. */
  sees(b: number, t: number, j: number): boolean;
  /** Where query t of batch b stands among the keys. */
  keyOf(b: number, t: number): number;
}

function attentionOf(operands: Operands, firstMask: number): Attention {
  const [batch, timeQ, timeK, heads, kvHeads, headDim, scale, causal, window] = operands.attributes as number[];
  const segmentIds = operands.maybeInts(firstMask);
  const prefix = operands.maybeInts(firstMask + 1);
  const keyRange = operands.maybeInts(firstMask + 2);
  const keyOf = (b: number, t: number): number => (keyRange?.[2 * b + 1] ?? timeK) - timeQ + t;
  return {
    batch,
    timeQ,
    timeK,
    heads,
    kvHeads,
    headDim,
    scale,
    keyOf,
    sees(b, t, j) {
      const i = keyOf(b, t);
      if (keyRange !== undefined && (j < keyRange[2 * b] || j >= keyRange[2 * b + 1])) return false;
      if (causal && j > i && !(prefix !== undefined && j < prefix[b])) return false;
      if (window > 0 && i - j >= window) return false;
      if (segmentIds !== undefined && segmentIds[b * timeK + i] !== segmentIds[b * timeK + j]) return false;
      return true;
    },
  };
}

/** Calls `visit` for each query row and head with the visible keys and where their rows begin. */
function eachQuery(
  a: Attention,
  visit: (query: {
    row: number;
    head: number;
    q: number;
    keys: { row: number; k: number; j: number }[];
    i: number;
  }) => void,
): void {
  const group = a.heads / a.kvHeads;
  for (let b = 0; b < a.batch; b++) {
    for (let t = 0; t < a.timeQ; t++) {
      for (let head = 0; head < a.heads; head++) {
        const keys: { row: number; k: number; j: number }[] = [];
        for (let j = 0; j < a.timeK; j++) {
          if (!a.sees(b, t, j)) continue;
          const row = b * a.timeK + j;
          keys.push({ row, k: (row * a.kvHeads + Math.floor(head / group)) * a.headDim, j });
        }
        const row = b * a.timeQ + t;
        visit({ row, head, q: (row * a.heads + head) * a.headDim, keys, i: a.keyOf(b, t) });
      }
    }
  }
}

function dot(x: Float32Array, i: number, y: Float32Array, j: number, length: number): number {
  let sum = 0;
  for (let c = 0; c < length; c++) sum += x[i + c] * y[j + c];
  return sum;
}

function forward(
  a: Attention,
  queryOf: (i: number, j: number) => Float32Array,
  k: Float32Array,
  v: Float32Array,
  out: Float32Array,
  lse: Float32Array,
): void {
  const d = a.headDim;
  eachQuery(a, ({ row, head, q, keys, i }) => {
    const scores = keys.map((key) => a.scale * dot(queryOf(i, key.j), q, k, key.k, d));
    const largest = scores.reduce((most, score) => Math.max(most, score), Number.NEGATIVE_INFINITY);
    let sum = 0;
    for (const score of scores) sum += Math.exp(score - largest);
    const result = new Float64Array(d);
    keys.forEach((key, n) => {
      const p = Math.exp(scores[n] - largest) / sum;
      for (let c = 0; c < d; c++) result[c] += p * v[key.k + c];
    });
    out.set(result, q);
    lse[row * a.heads + head] = keys.length === 0 ? Number.NEGATIVE_INFINITY : largest + Math.log(sum);
  });
}

export const attentionKernels = {
  attention(operands) {
    const q = operands.in(0);
    const a = attentionOf(operands, 3);
    forward(a, () => q, operands.in(1), operands.in(2), operands.out(0), operands.out(1));
  },
  dualChunkAttention(operands) {
    const [batch, timeQ, timeK, heads, kvHeads, headDim, scale, chunkLength] = operands.attributes as number[];
    const keyRange = operands.maybeInts(5);
    const keyOf = (b: number, t: number): number => (keyRange?.[2 * b + 1] ?? timeK) - timeQ + t;
    const sees = (b: number, t: number, j: number): boolean => j <= keyOf(b, t) && j >= (keyRange?.[2 * b] ?? 0);
    const a = { batch, timeQ, timeK, heads, kvHeads, headDim, scale, keyOf, sees };
    const queries = [operands.in(0), operands.in(1), operands.in(2)];
    const queryOf = (i: number, j: number): Float32Array =>
      queries[Math.min(2, Math.floor(i / chunkLength) - Math.floor(j / chunkLength))];
    forward(a, queryOf, operands.in(3), operands.in(4), operands.out(0), operands.out(1));
  },
  // With p = softmax, D = dout·out: dv += p·dout, ds = p·(dout·v − D), dq += scale·ds·k, dk += scale·ds·q.
  attentionGrad(operands) {
    const [dout, q, k, v, out, lse] = [0, 1, 2, 3, 4, 5].map((index) => operands.in(index));
    const a = attentionOf(operands, 6);
    const d = a.headDim;
    const dq = new Float64Array(q.length);
    const dk = new Float64Array(k.length);
    const dv = new Float64Array(v.length);
    eachQuery(a, (query) => {
      const delta = dot(dout, query.q, out, query.q, d);
      for (const key of query.keys) {
        const p = Math.exp(a.scale * dot(q, query.q, k, key.k, d) - lse[query.row * a.heads + query.head]);
        const ds = a.scale * p * (dot(dout, query.q, v, key.k, d) - delta);
        for (let c = 0; c < d; c++) {
          dv[key.k + c] += p * dout[query.q + c];
          dq[query.q + c] += ds * k[key.k + c];
          dk[key.k + c] += ds * q[query.q + c];
        }
      }
    });
    operands.out(0).set(dq);
    operands.out(1).set(dk);
    operands.out(2).set(dv);
  },
} satisfies Record<string, Kernel>;
