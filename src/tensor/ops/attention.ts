/** Rotary positions and attention; masks are described, never made: see `attention` in ../operations.ts. */
import { asMatrix, elements, type Tensor } from '../graph.ts';

export interface RopeOptions {
  readonly headDim: number;
  /** Pairs (2i, 2i+1) instead of (i, i + headDim/2). */
  readonly interleaved?: boolean;
}

/** Rotates the heads of x [rows, heads·headDim] by table rows positions[r] (i32); cos and sin are [tableRows, headDim/2]. */
export function rope(x: Tensor, cos: Tensor, sin: Tensor, positions: Tensor, options: RopeOptions): Tensor {
  const { rows, columns } = asMatrix(x);
  const tableRows = asMatrix(cos).rows;
  const attributes = (inverse: number): number[] => [
    rows,
    columns / options.headDim,
    options.headDim,
    tableRows,
    inverse,
    Number(options.interleaved ?? false),
  ];
  return x.graph.emit('rope', [x, cos, sin, positions], attributes(0), [{ shape: x.shape }], ([dy], sink) => {
    if (dy === undefined) return;
    sink.add(x, x.graph.emit('rope', [dy, cos, sin, positions], attributes(1), [{ shape: x.shape }])[0]);
  })[0];
}

export interface AttentionOptions {
  readonly batch: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** headDim^−½ unless given. */
  readonly scale?: number;
  readonly causal?: boolean;
  /** Keys further back than this many are not seen; 0 for no limit. */
  readonly window?: number;
  /** [batch, time] (i32): documents packed in a row. */
  readonly segmentIds?: Tensor | undefined;
  /** [batch] (i32): keys before it are seen by every query. */
  readonly prefix?: Tensor | undefined;
  /** [batch, 2] (i32): first and end of the keys in use. */
  readonly keyRange?: Tensor | undefined;
}

/** softmax(scale · q·kᵀ + mask) · v: q [batch·timeQ, heads·headDim], k and v [batch·timeK, kvHeads·headDim] → like q. */
export function attention(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions): Tensor {
  const { batch, heads, kvHeads, headDim, causal = true, window = 0, segmentIds, prefix, keyRange } = options;
  const timeQ = elements(q.shape) / (batch * heads * headDim);
  const timeK = elements(k.shape) / (batch * kvHeads * headDim);
  if (!Number.isInteger(timeQ) || !Number.isInteger(timeK) || heads % kvHeads !== 0) {
    const sizes = `${batch} × ${heads}/${kvHeads} heads of ${headDim}`;
    throw new RangeError(`graph ${q.graph.name}: attention of [${q.shape}] and [${k.shape}] with ${sizes}`);
  }
  const scale = options.scale ?? 1 / Math.sqrt(headDim);
  const attributes = [batch, timeQ, timeK, heads, kvHeads, headDim, scale, Number(causal), window];
  const masks = [segmentIds, prefix, keyRange];
  const outputs = [{ shape: q.shape }, { shape: [batch * timeQ, heads] }];
  const made = q.graph.emit('attention', [q, k, v, ...masks], attributes, outputs, ([dout], sink) => {
    if (dout === undefined) return;
    const shapes = [{ shape: q.shape }, { shape: k.shape }, { shape: v.shape }];
    const inputs = [dout, q, k, v, made[0], made[1], ...masks];
    const [dq, dk, dv] = q.graph.emit('attentionGrad', inputs, attributes, shapes);
    sink.add(q, dq!);
    sink.add(k, dk!);
    sink.add(v, dv!);
  });
  return made[0];
}

/** Attention with a query per chunk distance, for inference on long contexts: see `dualChunkAttention` in ../operations.ts. */
export function dualChunkAttention(
  queries: { readonly intra: Tensor; readonly successive: Tensor; readonly inter: Tensor },
  k: Tensor,
  v: Tensor,
  options: Omit<AttentionOptions, 'causal' | 'window' | 'segmentIds' | 'prefix'> & { readonly chunkLength: number },
): Tensor {
  const { batch, heads, kvHeads, headDim, keyRange, chunkLength } = options;
  const q = queries.intra;
  const timeQ = elements(q.shape) / (batch * heads * headDim);
  const timeK = elements(k.shape) / (batch * kvHeads * headDim);
  const scale = options.scale ?? 1 / Math.sqrt(headDim);
  const attributes = [batch, timeQ, timeK, heads, kvHeads, headDim, scale, chunkLength];
  const inputs = [q, queries.successive, queries.inter, k, v, keyRange];
  const outputs = [{ shape: q.shape }, { shape: [batch * timeQ, heads] }];
  return q.graph.emit('dualChunkAttention', inputs, attributes, outputs)[0];
}
