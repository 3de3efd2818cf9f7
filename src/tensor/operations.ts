/**
 * The operations that a backend must have: the contract between the graph above and the kernels below.
 *
 * A program is a list of instructions over memory of 4-byte words (float32 unless marked `i32`); each names one of these
 * operations, its inputs and outputs in the order given here, and its attributes, all numbers, in the order given here.
 * Matrices are row-major and dense. What each operation computes is written at its entry; src/tensor/reference is the
 * same in code. Results must not depend on the number of threads.
 *
 * `optional` inputs (`name?`) may be absent. `inPlace` pairs [output, input] may lie in the same memory, entry for entry.
 * `mutates` inputs are written to. `variadic` operations take any number of inputs of the last name (or group of names).
 */

export interface OperationSpec {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: readonly string[];
  readonly inPlace?: readonly (readonly [output: number, input: number])[];
  readonly mutates?: readonly number[];
  /** The last so many input names repeat. */
  readonly variadic?: number;
}

/** Codes of the `kind` attribute of `unary` and `unaryGrad` are places in this list. */
export const UNARY_KINDS = [
  'negate',
  'exp',
  'log',
  'square',
  'sqrt',
  'reciprocal',
  'sigmoid',
  /** −log(1 + e^−x), stable at both ends. */
  'logSigmoid',
  'tanh',
  'silu',
  /** x·Φ(x) by erf. */
  'gelu',
  /** The tanh approximation of GPT-2. */
  'geluTanh',
  'relu',
  /** max(x, 0)². */
  'relu2',
  'abs',
] as const;
export type UnaryKind = (typeof UNARY_KINDS)[number];

/** Codes of the `kind` attribute of `binary`. Comparisons give 1 or 0. */
export const BINARY_KINDS = ['add', 'subtract', 'multiply', 'divide', 'minimum', 'maximum', 'less', 'equal'] as const;
export type BinaryKind = (typeof BINARY_KINDS)[number];

/** How the second operand of `binary` is repeated over [rows, columns]: not at all, one number, [rows], [columns]. */
export const BROADCASTS = ['none', 'scalar', 'rows', 'columns'] as const;
export type Broadcast = (typeof BROADCASTS)[number];

/** What `reduce` sums: everything to [1], each row to [rows], each column to [columns]. */
export const AXES = ['all', 'rows', 'columns'] as const;
export type Axis = (typeof AXES)[number];

/** Storage formats of `roundTo`. */
export const ROUND_KINDS = ['bf16', 'f16'] as const;
export type RoundKind = (typeof ROUND_KINDS)[number];

const attentionAttributes = ['batch', 'timeQ', 'timeK', 'heads', 'kvHeads', 'headDim', 'scale', 'causal', 'window'];

export const OPERATIONS = {
  /** out [m,n] = alpha · op(a) · op(b) + addend + bias[n]. a is [m,k], or [k,m] when transposeA; b is [k,n], or [n,k] when transposeB. */
  matmul: {
    inputs: ['a', 'b', 'bias?', 'addend?'],
    outputs: ['out'],
    attributes: ['m', 'n', 'k', 'transposeA', 'transposeB', 'alpha'],
    inPlace: [[0, 3]],
  },
  /** Rows offsets[g] to offsets[g+1] of a [rows,k] times matrix g of b: [groups,n,k] when transposeB, else [groups,k,n]. */
  groupedMatmul: {
    inputs: ['a', 'b', 'offsets:i32'],
    outputs: ['out'],
    attributes: ['rows', 'n', 'k', 'groups', 'transposeB'],
  },
  /** out [groups,m,n]: for each group dyᵀ·x over its rows, dy [rows,m], x [rows,n]; plus addend. */
  groupedMatmulWeightGrad: {
    inputs: ['dy', 'x', 'offsets:i32', 'addend?'],
    outputs: ['out'],
    attributes: ['rows', 'm', 'n', 'groups'],
    inPlace: [[0, 3]],
  },
  /** out [rows,columns]: row ids[r] of table [tableRows,columns]; zeros for a negative id; an id ≥ tableRows is an error. */
  embedding: {
    inputs: ['table', 'ids:i32'],
    outputs: ['out'],
    attributes: ['rows', 'columns', 'tableRows'],
  },
  /** out [tableRows,columns]: row i is the sum of dy's rows whose id is i, in order of rows; plus addend. */
  embeddingGrad: {
    inputs: ['dy', 'ids:i32', 'addend?'],
    outputs: ['out'],
    attributes: ['rows', 'columns', 'tableRows'],
    inPlace: [[0, 2]],
  },
  /** y = x / sqrt(mean(x²) + eps) · weight; rstd [rows] is kept for the gradient. */
  rmsNorm: {
    inputs: ['x', 'weight'],
    outputs: ['y', 'rstd'],
    attributes: ['rows', 'columns', 'eps'],
  },
  /** sum = x + residual, then rmsNorm of the sum: the residual stream in one pass. */
  addRmsNorm: {
    inputs: ['x', 'residual', 'weight'],
    outputs: ['sum', 'y', 'rstd'],
    attributes: ['rows', 'columns', 'eps'],
    inPlace: [
      [0, 0],
      [0, 1],
    ],
  },
  /** dx [rows,columns] plus dxAddend, dweight [columns] plus dweightAddend. */
  rmsNormGrad: {
    inputs: ['dy', 'x', 'weight', 'rstd', 'dxAddend?', 'dweightAddend?'],
    outputs: ['dx', 'dweight'],
    attributes: ['rows', 'columns'],
    inPlace: [
      [0, 0],
      [0, 4],
      [1, 5],
    ],
  },
  /** y = (x − mean) / sqrt(var + eps) · weight + bias, biased variance. */
  layerNorm: {
    inputs: ['x', 'weight', 'bias'],
    outputs: ['y', 'mean', 'rstd'],
    attributes: ['rows', 'columns', 'eps'],
  },
  layerNormGrad: {
    inputs: ['dy', 'x', 'weight', 'mean', 'rstd', 'dxAddend?', 'dweightAddend?', 'dbiasAddend?'],
    outputs: ['dx', 'dweight', 'dbias'],
    attributes: ['rows', 'columns'],
    inPlace: [
      [0, 0],
      [0, 5],
      [1, 6],
      [2, 7],
    ],
  },
  /**
   * Rotates the pairs of each head of x [rows, heads·headDim] by the angles of table row positions[r]; cos and sin are
   * [tableRows, headDim/2]. Pairs are (i, i + headDim/2), or (2i, 2i+1) when interleaved. `inverse` turns back (the
   * gradient). A position outside the table is an error.
   */
  rope: {
    inputs: ['x', 'cos', 'sin', 'positions:i32'],
    outputs: ['y'],
    attributes: ['rows', 'heads', 'headDim', 'tableRows', 'inverse', 'interleaved'],
    inPlace: [[0, 0]],
  },
  /**
   * out [batch·timeQ, heads·headDim] = softmax(scale · q·kᵀ + mask) · v; lse [batch·timeQ, heads] is the log of the
   * softmax's sum. q is like out, k and v [batch·timeK, kvHeads·headDim]; query head h reads KV head
   * floor(h / (heads/kvHeads)). Query t stands at key i = t + timeK − timeQ, or, with keyRange [batch,2] = (first, end),
   * at i = end − timeQ + t and keys outside [first, end) are not seen. causal: keys j ≤ i, or j < prefix[b] with prefix
   * [batch]. window > 0: i − j < window, or j < prefix[b]. segmentIds [batch,timeK]: equal ids only. No visible key: out 0, lse −∞.
   */
  attention: {
    inputs: ['q', 'k', 'v', 'segmentIds?:i32', 'prefix?:i32', 'keyRange?:i32'],
    outputs: ['out', 'lse'],
    attributes: attentionAttributes,
  },
  attentionGrad: {
    inputs: ['dout', 'q', 'k', 'v', 'out', 'lse', 'segmentIds?:i32', 'prefix?:i32', 'keyRange?:i32'],
    outputs: ['dq', 'dk', 'dv'],
    attributes: attentionAttributes,
  },
  /**
   * Dual chunk attention (An et al., ChunkLlama), forward: the query that meets key j is qIntra, qSuccessive or qInter as
   * floor(i/chunkLength) − floor(j/chunkLength) is 0, 1 or more. Otherwise as attention, causal.
   */
  dualChunkAttention: {
    inputs: ['qIntra', 'qSuccessive', 'qInter', 'k', 'v', 'keyRange?:i32'],
    outputs: ['out', 'lse'],
    attributes: ['batch', 'timeQ', 'timeK', 'heads', 'kvHeads', 'headDim', 'scale', 'chunkLength'],
  },
  /** Row t of batch b of rows [batch·time, columns] is written to row at[b] + t of cache [batch,capacity,columns]; outside is an error. */
  cacheWrite: {
    inputs: ['cache', 'rows', 'at:i32'],
    outputs: [],
    attributes: ['batch', 'time', 'capacity', 'columns'],
    mutates: [0],
  },
  /** y = silu(gate) · up. */
  swiglu: {
    inputs: ['gate', 'up'],
    outputs: ['y'],
    attributes: ['length'],
    inPlace: [
      [0, 0],
      [0, 1],
    ],
  },
  swigluGrad: {
    inputs: ['dy', 'gate', 'up'],
    outputs: ['dgate', 'dup'],
    attributes: ['length'],
    inPlace: [
      [0, 1],
      [1, 2],
    ],
  },
  unary: { inputs: ['x'], outputs: ['y'], attributes: ['length', 'kind'], inPlace: [[0, 0]] },
  /** dx = dy · f'(x). */
  unaryGrad: {
    inputs: ['dy', 'x'],
    outputs: ['dx'],
    attributes: ['length', 'kind'],
    inPlace: [
      [0, 0],
      [0, 1],
    ],
  },
  binary: {
    inputs: ['a', 'b'],
    outputs: ['out'],
    attributes: ['rows', 'columns', 'kind', 'broadcast'],
    inPlace: [[0, 0]],
  },
  /** y = x · scale + shift. */
  affine: { inputs: ['x'], outputs: ['y'], attributes: ['length', 'scale', 'shift'], inPlace: [[0, 0]] },
  clamp: { inputs: ['x'], outputs: ['y'], attributes: ['length', 'low', 'high'], inPlace: [[0, 0]] },
  /** dx = dy where low ≤ x ≤ high, else 0. */
  clampGrad: { inputs: ['dy', 'x'], outputs: ['dx'], attributes: ['length', 'low', 'high'], inPlace: [[0, 0]] },
  /** a where condition ≠ 0, else b: never a product, so that a NaN on the other side stays there. */
  select: {
    inputs: ['condition', 'a', 'b'],
    outputs: ['out'],
    attributes: ['length'],
    inPlace: [
      [0, 1],
      [0, 2],
    ],
  },
  /** Sums of x [rows,columns] over an axis, plus addend. */
  reduce: {
    inputs: ['x', 'addend?'],
    outputs: ['out'],
    attributes: ['rows', 'columns', 'axis'],
    inPlace: [[0, 1]],
  },
  /** The reverse of reduce: out [rows,columns] repeats x. */
  broadcast: { inputs: ['x'], outputs: ['out'], attributes: ['rows', 'columns', 'axis'] },
  /**
   * The head and its loss without the logits of all rows at once. logits = x · wᵀ, x [rows,columns], w [vocab,columns];
   * nll[r] = logsumexp − logit of labels[r] (0 where the label is negative), with label smoothing e:
   * (1−e)·nll + e·mean over the vocabulary; zLoss adds zLoss · logsumexp². loss = Σ tokenWeights[r] · (those).
   * With gradients: dx [rows,columns] and dw [vocab,columns] (+ dwAddend) of loss. A label ≥ vocab is an error.
   */
  linearCrossEntropy: {
    inputs: ['x', 'w', 'labels:i32', 'tokenWeights', 'dwAddend?'],
    outputs: ['loss', 'nll', 'dx?', 'dw?'],
    attributes: ['rows', 'columns', 'vocab', 'zLoss', 'labelSmoothing'],
    inPlace: [[3, 4]],
  },
  /**
   * logProb[r] = log-probability of labels[r] under softmax(x·wᵀ · inverseTemperature) (0 where the label is negative),
   * lse[r], and entropy[r] of that distribution (0 where the label is negative).
   */
  linearLogProb: {
    inputs: ['x', 'w', 'labels:i32'],
    outputs: ['logProb', 'lse', 'entropy'],
    attributes: ['rows', 'columns', 'vocab', 'inverseTemperature'],
  },
  /** Gradients of Σ dlogProb·logProb; logits are computed anew. */
  linearLogProbGrad: {
    inputs: ['dlogProb', 'x', 'w', 'labels:i32', 'lse', 'dwAddend?'],
    outputs: ['dx', 'dw'],
    attributes: ['rows', 'columns', 'vocab', 'inverseTemperature'],
    inPlace: [[1, 5]],
  },
  /** Softmax over all experts, then the perToken largest (ties: the lower index), renormalised to sum 1 if asked. */
  routeTopK: {
    inputs: ['logits'],
    outputs: ['probabilities', 'weights', 'chosen:i32'],
    attributes: ['rows', 'experts', 'perToken', 'normalize'],
  },
  /** dlogits from the gradients of weights and (optional) of probabilities. */
  routeTopKGrad: {
    inputs: ['dweights', 'probabilities', 'weights', 'chosen:i32', 'dprobabilities?'],
    outputs: ['dlogits'],
    attributes: ['rows', 'experts', 'perToken', 'normalize'],
  },
  /** Slots (token · perToken + choice) in order of expert, stable: order[r] = slot, inverse[slot] = r, offsets [experts+1]. */
  routeSort: {
    inputs: ['chosen:i32'],
    outputs: ['order:i32', 'inverse:i32', 'offsets:i32'],
    attributes: ['slots', 'experts'],
  },
  /** out [rows·perToken, columns]: row r is row floor(order[r] / perToken) of x. */
  moeDispatch: {
    inputs: ['x', 'order:i32'],
    outputs: ['out'],
    attributes: ['rows', 'columns', 'perToken'],
  },
  /** out [rows,columns]: Σ over a token's slots of weights[slot] (1 without weights) · y[inverse[slot]]. */
  moeCombine: {
    inputs: ['y', 'weights?', 'inverse:i32'],
    outputs: ['out'],
    attributes: ['rows', 'columns', 'perToken'],
  },
  /** dy rows in expert order and dweights [rows,perToken] from dout [rows,columns]. */
  moeCombineGrad: {
    inputs: ['dout', 'y', 'weights', 'order:i32', 'inverse:i32'],
    outputs: ['dy', 'dweights'],
    attributes: ['rows', 'columns', 'perToken'],
  },
  /** out [experts]: how many slots chose each expert, over the tokens whose mask is not 0. */
  expertCounts: {
    inputs: ['chosen:i32', 'mask?'],
    outputs: ['counts'],
    attributes: ['rows', 'experts', 'perToken'],
  },
  /**
   * Entry i is kept, divided by 1 − rate, when the counter generator (seed[0], seed[1], stream, i) draws at least `rate`:
   * see reference/dropout.ts. The same instruction on dy is the gradient.
   */
  dropout: {
    inputs: ['x', 'seed:i32'],
    outputs: ['y'],
    attributes: ['length', 'rate', 'stream'],
    inPlace: [[0, 0]],
  },
  /** y = x rounded to the format and back, to nearest, ties to even; overflow gives infinity. */
  roundTo: { inputs: ['x'], outputs: ['y'], attributes: ['length', 'kind'], inPlace: [[0, 0]] },
  /** Words of either type. */
  copy: { inputs: ['x'], outputs: ['y'], attributes: ['length'], inPlace: [[0, 0]] },
  fill: { inputs: [], outputs: ['y'], attributes: ['length', 'value'] },
  /** out [1] = sqrt of the sum of squares over all inputs, summed in float64 in a fixed order. */
  globalNorm: { inputs: ['x'], outputs: ['norm'], attributes: [], variadic: 1 },
  /** out [inputs]: how many entries of each input are NaN or infinite. */
  countNonFinite: { inputs: ['x'], outputs: ['counts'], attributes: [], variadic: 1 },
  /**
   * factor [1] for adamw: min(1, maxNorm / (norm · scale + 1e-6)) · scale, maxNorm ≤ 0 for no clipping; −1 (skip the
   * step) when the norm is not finite or norm · scale exceeds limits[1]. limits = (scale of the gradients, largest norm that is not a spike).
   */
  clipFactor: { inputs: ['norm', 'limits'], outputs: ['factor'], attributes: ['maxNorm'] },
  /**
   * One step of AdamW (Loshchilov & Hutter) on every parameter in turn; nothing when factor[0] < 0.
   * g = gradient · factor; m = β1·m + (1−β1)·g; v = β2·v + (1−β2)·g²;
   * p −= lr · decay · p (before the update, as PyTorch); p −= lr · (m / c1) / (sqrt(v / c2) + eps).
   * scalars = (lr, c1 = 1 − β1^t, c2 = 1 − β2^t); `decay` is one number per group of four inputs, appended to the attributes.
   */
  adamw: {
    inputs: ['scalars', 'factor', 'parameter', 'gradient', 'm', 'v'],
    outputs: [],
    attributes: ['beta1', 'beta2', 'eps'],
    variadic: 4,
    mutates: [2, 4, 5],
  },
} as const satisfies Record<string, OperationSpec>;

export type OperationName = keyof typeof OPERATIONS;

/** The spec of an operation, as the general type. */
export function operationSpec(name: OperationName): OperationSpec {
  return OPERATIONS[name];
}
