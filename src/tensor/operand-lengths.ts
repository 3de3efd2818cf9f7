/**
 * What the attributes of each operation say of the lengths of its operands, and which attributes there may be: the part of
 * checking a program that differs from operation to operation (check-program.ts has the rest). The native backend has the same
 * in C++, the `check_…` functions of native/tensor/operations_*.cc, and tests compare the two.
 */
import { AXES, BINARY_KINDS, BROADCASTS, type OperationName, ROUND_KINDS, UNARY_KINDS } from './operations.ts';

/** An instruction as its check sees it; the first thing that is wrong is kept. */
export interface OperandCheck {
  /** Attribute `index` as a count: an integer of at least `least`. */
  size(index: number, least?: number): number;
  /** Attribute `index` as a place in a list of `count` kinds. */
  kind(index: number, count: number): number;
  /** Attribute `index` as it is, NaN too. */
  attribute(index: number): number;
  readonly attributes: number;
  readonly inputs: number;
  /** Entries of input `index`; 0 where it is absent. */
  lengthOf(index: number): number;
  has(name: string): boolean;
  /** The operand of this name, where it is there, has as many entries as the product of `shape`. */
  operand(name: string, ...shape: readonly number[]): void;
  /** The same of input `index`, for those whose names repeat. */
  input(index: number, ...shape: readonly number[]): void;
  require(condition: boolean, otherwise: string): void;
}

type Rule = (check: OperandCheck) => void;

const TWO_31 = 2 ** 31;
const TWO_32 = 2 ** 32;

const flag = (check: OperandCheck, index: number): number => check.kind(index, 2);

/** Operands of `length` entries each, the first attribute. */
function entrywise(...names: readonly string[]): Rule {
  return (check) => {
    const length = check.size(0);
    for (const name of names) check.operand(name, length);
  };
}

/** Entrywise, with a kind as the second attribute. */
function ofKind(count: number, ...names: readonly string[]): Rule {
  return (check) => {
    check.kind(1, count);
    entrywise(...names)(check);
  };
}

/** [rows, columns] operands, [columns] operands and [rows] operands; the first two attributes. */
function rowwise(matrices: readonly string[], columnVectors: readonly string[], rowVectors: readonly string[]): Rule {
  return (check) => {
    const [rows, columns] = [check.size(0), check.size(1, 1)];
    for (const name of matrices) check.operand(name, rows, columns);
    for (const name of columnVectors) check.operand(name, columns);
    for (const name of rowVectors) check.operand(name, rows);
  };
}

function reduced(axis: number, rows: number, columns: number): number {
  return [1, rows, columns][axis];
}

const MOST_KEYS = 2 ** 24 - 1;
/** More than any published model's by far; keeps what a kernel holds of a row within reason. */
const MOST_HEAD_SIZE = 4096;

interface AttentionSizes {
  readonly queryRows: number;
  readonly keyRows: number;
  readonly batch: number;
  readonly queries: number;
  readonly keys: number;
  readonly heads: number;
  readonly keyHeads: number;
  readonly headSize: number;
}

function attentionSizes(check: OperandCheck): AttentionSizes {
  const [batch, queries, keys] = [check.size(0, 1), check.size(1), check.size(2)];
  const [heads, keyHeads, headSize] = [check.size(3, 1), check.size(4, 1), check.size(5, 1)];
  check.require(Math.max(batch, queries, keys) <= MOST_KEYS, 'batch, timeQ and timeK must be below 2^24');
  check.require(heads <= MOST_KEYS && heads % keyHeads === 0, 'heads must be a multiple of kvHeads');
  check.require(headSize <= MOST_HEAD_SIZE, 'headDim must be at most 4096');
  return { batch, queries, keys, heads, keyHeads, headSize, queryRows: batch * queries, keyRows: batch * keys };
}

function attention(queries: readonly string[], keys: readonly string[], sums: readonly string[], masks: Rule): Rule {
  return (check) => {
    const { queryRows, keyRows, heads, keyHeads, headSize } = attentionSizes(check);
    for (const name of queries) check.operand(name, queryRows, heads, headSize);
    for (const name of keys) check.operand(name, keyRows, keyHeads, headSize);
    for (const name of sums) check.operand(name, queryRows, heads);
    masks(check);
  };
}

const attentionMasks: Rule = (check) => {
  const { batch, queries, keys } = attentionSizes(check);
  flag(check, 7);
  check.size(8);
  check.operand('segmentIds', batch, keys);
  check.operand('prefix', batch);
  check.operand('keyRange', batch, 2);
  check.require(!check.has('segmentIds') || queries === keys, 'segmentIds need as many queries as keys');
};

const chunkMasks: Rule = (check) => {
  check.require(check.size(7, 1) <= MOST_KEYS, 'chunkLength must be below 2^24');
  check.operand('keyRange', attentionSizes(check).batch, 2);
};

/** The head: rows, columns and vocab; names of what has [rows], [rows, columns] and [vocab, columns]. */
function head(rowVectors: readonly string[], tokens: readonly string[], tables: readonly string[]): Rule {
  return (check) => {
    const [rows, columns, vocab] = [check.size(0), check.size(1), check.size(2, 1)];
    check.require(rows < TWO_32 && vocab < TWO_31, 'rows and vocab must be below 2^31');
    for (const name of tokens) check.operand(name, rows, columns);
    for (const name of tables) check.operand(name, vocab, columns);
    for (const name of rowVectors) check.operand(name, rows);
  };
}

function routing(check: OperandCheck): { rows: number; experts: number; perToken: number } {
  const [rows, experts, perToken] = [check.size(0), check.size(1, 1), check.size(2, 1)];
  return { rows, experts, perToken };
}

/** rows, columns, perToken; names of what has an entry for each slot, a row for each, a row for each token. */
function expertRows(slots: readonly string[], slotRows: readonly string[], tokenRows: readonly string[]): Rule {
  return (check) => {
    const [rows, columns, perToken] = [check.size(0), check.size(1), check.size(2, 1)];
    for (const name of slots) check.operand(name, rows, perToken);
    for (const name of slotRows) check.operand(name, rows, perToken, columns);
    for (const name of tokenRows) check.operand(name, rows, columns);
  };
}

export const OPERAND_LENGTHS: Readonly<Record<OperationName, Rule>> = {
  matmul(check) {
    const [m, n, k] = [check.size(0), check.size(1), check.size(2)];
    flag(check, 3);
    flag(check, 4);
    check.operand('a', m, k);
    check.operand('b', k, n);
    check.operand('bias', n);
    check.operand('addend', m, n);
    check.operand('out', m, n);
  },
  groupedMatmul(check) {
    const [rows, n, k, groups] = [check.size(0), check.size(1), check.size(2), check.size(3, 1)];
    flag(check, 4);
    check.operand('a', rows, k);
    check.operand('b', groups, n, k);
    check.operand('offsets', groups + 1);
    check.operand('out', rows, n);
  },
  groupedMatmulWeightGrad(check) {
    const [rows, m, n, groups] = [check.size(0), check.size(1), check.size(2), check.size(3, 1)];
    check.operand('dy', rows, m);
    check.operand('x', rows, n);
    check.operand('offsets', groups + 1);
    check.operand('addend', groups, m, n);
    check.operand('out', groups, m, n);
  },
  embedding(check) {
    const [rows, columns, table] = [check.size(0), check.size(1), check.size(2)];
    check.operand('table', table, columns);
    check.operand('ids', rows);
    check.operand('out', rows, columns);
  },
  embeddingGrad(check) {
    const [rows, columns, table] = [check.size(0), check.size(1), check.size(2)];
    check.require(rows < TWO_32, 'rows must be below 2^32');
    check.operand('dy', rows, columns);
    check.operand('ids', rows);
    check.operand('addend', table, columns);
    check.operand('out', table, columns);
  },
  rmsNorm: rowwise(['x', 'y'], ['weight'], ['rstd']),
  addRmsNorm: rowwise(['x', 'residual', 'sum', 'y'], ['weight'], ['rstd']),
  rmsNormGrad: rowwise(['dy', 'x', 'dxAddend', 'dx'], ['weight', 'dweightAddend', 'dweight'], ['rstd']),
  layerNorm: rowwise(['x', 'y'], ['weight', 'bias'], ['mean', 'rstd']),
  layerNormGrad: rowwise(
    ['dy', 'x', 'dxAddend', 'dx'],
    ['weight', 'dweightAddend', 'dbiasAddend', 'dweight', 'dbias'],
    ['mean', 'rstd'],
  ),
  rope(check) {
    const [rows, heads, dim, table] = [check.size(0), check.size(1), check.size(2), check.size(3)];
    flag(check, 4);
    flag(check, 5);
    check.require(dim % 2 === 0, 'headDim must be even');
    check.operand('x', rows, heads, dim);
    check.operand('cos', table, dim / 2);
    check.operand('sin', table, dim / 2);
    check.operand('positions', rows);
    check.operand('y', rows, heads, dim);
  },
  attention: attention(['q', 'out'], ['k', 'v'], ['lse'], attentionMasks),
  attentionGrad: attention(['dout', 'q', 'out', 'dq'], ['k', 'v', 'dk', 'dv'], ['lse'], attentionMasks),
  dualChunkAttention: attention(['qIntra', 'qSuccessive', 'qInter', 'out'], ['k', 'v'], ['lse'], chunkMasks),
  cacheWrite(check) {
    const [batch, time, capacity, columns] = [check.size(0), check.size(1), check.size(2), check.size(3)];
    check.require(time <= capacity, 'time must not be more than capacity');
    check.operand('cache', batch, capacity, columns);
    check.operand('rows', batch, time, columns);
    check.operand('at', batch);
  },
  swiglu: entrywise('gate', 'up', 'y'),
  swigluGrad: entrywise('dy', 'gate', 'up', 'dgate', 'dup'),
  unary: ofKind(UNARY_KINDS.length, 'x', 'y'),
  unaryGrad: ofKind(UNARY_KINDS.length, 'dy', 'x', 'dx'),
  binary(check) {
    const [rows, columns] = [check.size(0), check.size(1)];
    check.kind(2, BINARY_KINDS.length);
    const broadcast = BROADCASTS[check.kind(3, BROADCASTS.length)];
    check.operand('a', rows, columns);
    if (broadcast === 'none') check.operand('b', rows, columns);
    else check.operand('b', broadcast === 'scalar' ? 1 : broadcast === 'rows' ? rows : columns);
    check.operand('out', rows, columns);
  },
  affine: entrywise('x', 'y'),
  clamp: entrywise('x', 'y'),
  clampGrad: entrywise('dy', 'x', 'dx'),
  select: entrywise('condition', 'a', 'b', 'out'),
  reduce(check) {
    const [rows, columns, axis] = [check.size(0), check.size(1), check.kind(2, AXES.length)];
    check.operand('x', rows, columns);
    check.operand('addend', reduced(axis, rows, columns));
    check.operand('out', reduced(axis, rows, columns));
  },
  broadcast(check) {
    const [rows, columns, axis] = [check.size(0), check.size(1), check.kind(2, AXES.length)];
    check.operand('x', reduced(axis, rows, columns));
    check.operand('out', rows, columns);
  },
  linearCrossEntropy(check) {
    head(['labels', 'tokenWeights', 'nll'], ['x', 'dx'], ['w', 'dwAddend', 'dw'])(check);
    check.operand('loss', 1);
  },
  linearLogProb: head(['labels', 'logProb', 'lse', 'entropy'], ['x'], ['w']),
  linearLogProbGrad: head(['dlogProb', 'labels', 'lse'], ['x', 'dx'], ['w', 'dwAddend', 'dw']),
  routeTopK(check) {
    const { rows, experts, perToken } = routing(check);
    flag(check, 3);
    check.require(perToken <= experts, 'perToken must not be more than experts');
    check.require(experts < TWO_31, 'experts must be below 2^31');
    for (const name of ['logits', 'probabilities']) check.operand(name, rows, experts);
    for (const name of ['weights', 'chosen']) check.operand(name, rows, perToken);
  },
  routeTopKGrad(check) {
    const { rows, experts, perToken } = routing(check);
    flag(check, 3);
    check.require(experts < TWO_31, 'experts must be below 2^31');
    for (const name of ['dweights', 'weights', 'chosen']) check.operand(name, rows, perToken);
    for (const name of ['probabilities', 'dprobabilities', 'dlogits']) check.operand(name, rows, experts);
  },
  routeSort(check) {
    const [slots, experts] = [check.size(0), check.size(1, 1)];
    check.require(slots < TWO_31, 'slots must be below 2^31');
    for (const name of ['chosen', 'order', 'inverse']) check.operand(name, slots);
    check.operand('offsets', experts + 1);
  },
  moeDispatch: expertRows(['order'], ['out'], ['x']),
  moeCombine: expertRows(['weights', 'inverse'], ['y'], ['out']),
  moeCombineGrad: expertRows(['weights', 'order', 'inverse', 'dweights'], ['y', 'dy'], ['dout']),
  expertCounts(check) {
    const { rows, experts, perToken } = routing(check);
    check.operand('chosen', rows, perToken);
    check.operand('mask', rows);
    check.operand('counts', experts);
  },
  dropout(check) {
    const length = check.size(0);
    const rate = check.attribute(1);
    check.require(rate >= 0 && rate < 1, 'rate must be from 0 to below 1');
    check.require(check.size(2) < TWO_32, 'stream must be below 2^32');
    check.operand('x', length);
    check.operand('seed', 2);
    check.operand('y', length);
  },
  roundTo: ofKind(ROUND_KINDS.length, 'x', 'y'),
  copy: entrywise('x', 'y'),
  fill: entrywise('y'),
  globalNorm(check) {
    check.operand('norm', 1);
  },
  countNonFinite(check) {
    check.operand('counts', check.inputs);
  },
  clipFactor(check) {
    check.operand('norm', 1);
    check.operand('limits', 2);
    check.operand('factor', 1);
  },
  adamw(check) {
    check.operand('scalars', 3);
    check.operand('factor', 1);
    const groups = (check.inputs - 2) / 4;
    check.require(check.attributes === 3 + groups, 'wants one weight decay for each parameter');
    for (let at = 2; at < check.inputs; at += 4) {
      for (let i = 1; i < 4; i++) check.input(at + i, check.lengthOf(at));
    }
  },
};
