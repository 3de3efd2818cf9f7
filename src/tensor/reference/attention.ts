/**
 * Scaled dot-product attention in plain loops: the readable twin of native/tensor/attention.h, forward and backward.
 *
 * Arrays are float32, row-major: q, out `[batch·queries, queryHeads·headSize]`, k, v `[batch·keys, keyHeads·headSize]`,
 * lse `[batch·queries, queryHeads]`; sums are float64. Query head h reads key head ⌊h / (queryHeads / keyHeads)⌋
 * (grouped-query attention, Ainslie et al., arXiv:2305.13245). One query at a time, so memory is one row of scores.
 */

export interface AttentionShape {
  batch: number;
  queries: number;
  keys: number;
  /** A multiple of `keyHeads`. */
  queryHeads: number;
  keyHeads: number;
  headSize: number;
  /** What scores are multiplied by, usually 1/√headSize. */
  scale: number;
}

/**
 * Which keys a query sees. The query in row t of a batch row is at place i = end − queries + t of its keys, where `end` is
 * that of `keyRange`, otherwise `keys`. It sees key j if j is in the range and in its segment, and either j < prefix, or
 * the causal mask (j ≤ i) and the window (i − j < window) let it.
 */
export interface AttentionMask {
  causal: boolean;
  /** 0 or absent: none. */
  window?: number | undefined;
  /** `[batch, keys]`, never decreasing within a row: documents packed into rows. Only where queries equals keys. */
  segmentIds?: Int32Array | undefined;
  /** `[batch]` */
  prefix?: Int32Array | undefined;
  /** `[batch, 2]`: first key in use, end of those in use (exclusive) of a cache of `keys` rows. */
  keyRange?: Int32Array | undefined;
}

/**
 * Dual chunk attention (An et al., arXiv:2402.17463), where q is the rotation for keys of the same chunk: those for keys
 * one chunk back and for keys further back, like q. Forward only.
 */
export interface AttentionChunks {
  successive: Float32Array;
  inter: Float32Array;
  length: number;
}

/** The place of query `row` of batch row `b` among its keys, and the keys in use. */
function places(shape: AttentionShape, mask: AttentionMask, b: number, row: number) {
  const { queries, keys } = shape;
  const clamp = (key: number): number => Math.min(Math.max(key, 0), keys);
  const first = clamp(mask.keyRange?.[2 * b] ?? 0);
  const end = clamp(mask.keyRange?.[2 * b + 1] ?? keys);
  return { place: end - queries + row, first, end };
}

/** Whether query `row` of batch row `b` sees key `key`. */
export function isVisible(shape: AttentionShape, mask: AttentionMask, b: number, row: number, key: number): boolean {
  const { place, first, end } = places(shape, mask, b, row);
  if (key < first || key >= end) return false;
  const ids = mask.segmentIds;
  if (ids !== undefined && ids[b * shape.keys + row] !== ids[b * shape.keys + key]) return false;
  if (mask.prefix !== undefined && key < mask.prefix[b]) return true;
  const window = mask.window ?? 0;
  return (!mask.causal || key <= place) && (window === 0 || place - key < window);
}

function dot(a: Float32Array, aAt: number, b: Float32Array, bAt: number, size: number): number {
  let sum = 0;
  for (let d = 0; d < size; d++) sum += a[aAt + d] * b[bAt + d];
  return sum;
}

/**
 * Calls `body` for each query of each head: its place among the keys, the offsets of its row of numbers and of its lse, and
 * `keysAt`, where the numbers of each key that it sees begin (`seen` are the keys themselves).
 */
function forEachQuery(
  shape: AttentionShape,
  mask: AttentionMask,
  body: (place: number, queryAt: number, lseAt: number, seen: number[], keysAt: number[]) => void,
): void {
  const { batch, queries, keys, queryHeads, keyHeads, headSize } = shape;
  for (let b = 0; b < batch; b++) {
    for (let t = 0; t < queries; t++) {
      const seen = Array.from({ length: keys }, (_, j) => j).filter((j) => isVisible(shape, mask, b, t, j));
      for (let h = 0; h < queryHeads; h++) {
        const keyHead = Math.floor(h / (queryHeads / keyHeads));
        const keysAt = seen.map((j) => ((b * keys + j) * keyHeads + keyHead) * headSize);
        const lseAt = (b * queries + t) * queryHeads + h;
        body(places(shape, mask, b, t).place, lseAt * headSize, lseAt, seen, keysAt);
      }
    }
  }
}

/**
 * out = softmax(scale·q·kᵀ over visible keys)·v. Writes `out` and `lse`, the natural logarithm of the sum of
 * exp(scale·q·k); a query that sees no key gets output 0 and lse −∞.
 */
export function attentionForward(
  shape: AttentionShape,
  mask: AttentionMask,
  q: Float32Array,
  k: Float32Array,
  v: Float32Array,
  out: Float32Array,
  lse: Float32Array,
  chunks?: AttentionChunks,
): void {
  const { headSize, scale } = shape;
  const mixed = new Float64Array(headSize);
  forEachQuery(shape, mask, (place, queryAt, lseAt, seen, keysAt) => {
    const scores = keysAt.map((keyAt, n) => {
      const rotated = chunks === undefined ? q : rotationFor(q, chunks, place, seen[n]);
      return scale * dot(rotated, queryAt, k, keyAt, headSize);
    });
    let most = Number.NEGATIVE_INFINITY;
    for (const score of scores) most = Math.max(most, score);
    let sum = 0;
    mixed.fill(0);
    for (const [n, keyAt] of keysAt.entries()) {
      const weight = Math.exp(scores[n] - most);
      sum += weight;
      for (let d = 0; d < headSize; d++) mixed[d] += weight * v[keyAt + d];
    }
    for (let d = 0; d < headSize; d++) out[queryAt + d] = sum === 0 ? 0 : mixed[d] / sum;
    lse[lseAt] = most + Math.log(sum);
  });
}

function rotationFor(q: Float32Array, chunks: AttentionChunks, place: number, key: number): Float32Array {
  const distance = Math.floor(place / chunks.length) - Math.floor(key / chunks.length);
  if (distance <= 0) return q;
  return distance === 1 ? chunks.successive : chunks.inter;
}

/**
 * Gradients of attentionForward without chunks: writes `dq`, `dk`, `dv` (each like its tensor) from `dout` and from the
 * forward pass's inputs and results. With P the probabilities: dv = Pᵀ·dout, dS = P∘(dout·vᵀ − rowsum(dout∘out)),
 * dq = scale·dS·k, dk = scale·dSᵀ·q; key heads sum over the query heads that read them.
 */
export function attentionBackward(
  shape: AttentionShape,
  mask: AttentionMask,
  dout: Float32Array,
  q: Float32Array,
  k: Float32Array,
  v: Float32Array,
  out: Float32Array,
  lse: Float32Array,
  dq: Float32Array,
  dk: Float32Array,
  dv: Float32Array,
): void {
  const { headSize, scale } = shape;
  const [dkSums, dvSums] = [new Float64Array(dk.length), new Float64Array(dv.length)];
  const dqSums = new Float64Array(headSize);
  forEachQuery(shape, mask, (_place, queryAt, lseAt, _seen, keysAt) => {
    const delta = dot(dout, queryAt, out, queryAt, headSize);
    dqSums.fill(0);
    for (const keyAt of keysAt) {
      const weight = Math.exp(scale * dot(q, queryAt, k, keyAt, headSize) - lse[lseAt]);
      const slope = scale * weight * (dot(dout, queryAt, v, keyAt, headSize) - delta);
      for (let d = 0; d < headSize; d++) {
        dvSums[keyAt + d] += weight * dout[queryAt + d];
        dkSums[keyAt + d] += slope * q[queryAt + d];
        dqSums[d] += slope * k[keyAt + d];
      }
    }
    dq.set(dqSums, queryAt);
  });
  dk.set(dkSums);
  dv.set(dvSums);
}
