/** Entry-by-entry arithmetic, sums over axes, and their gradients. */
import { asMatrix, elements, sameShape, type Tensor } from '../graph.ts';
import {
  AXES,
  type Axis,
  BINARY_KINDS,
  type BinaryKind,
  BROADCASTS,
  type Broadcast,
  ROUND_KINDS,
  type RoundKind,
  UNARY_KINDS,
  type UnaryKind,
} from '../operations.ts';

/** f(x), entry by entry. */
export function unary(kind: UnaryKind, x: Tensor): Tensor {
  const attributes = [elements(x.shape), UNARY_KINDS.indexOf(kind)];
  return x.graph.emit('unary', [x], attributes, [{ shape: x.shape }], ([dy], sink) => {
    if (dy !== undefined) sink.add(x, x.graph.emit('unaryGrad', [dy, x], attributes, [{ shape: x.shape }])[0]);
  })[0];
}

/** a + b; b may be one number, a number per row ([rows] or [rows, 1]) or per column ([columns]). */
export function add(a: Tensor, b: Tensor): Tensor {
  return binary('add', a, b, ([dy], sink, broadcast) => {
    if (dy === undefined) return;
    sink.add(a, dy);
    if (sink.wants(b)) sink.accumulate(b, (before) => summedTo(b, dy, broadcast, before));
  });
}

/** a − b. */
export function subtract(a: Tensor, b: Tensor): Tensor {
  return binary('subtract', a, b, ([dy], sink, broadcast) => {
    if (dy === undefined) return;
    sink.add(a, dy);
    if (sink.wants(b)) sink.add(b, unary('negate', summedTo(b, dy, broadcast)));
  });
}

/** a · b. */
export function multiply(a: Tensor, b: Tensor): Tensor {
  return binary('multiply', a, b, ([dy], sink, broadcast) => {
    if (dy === undefined) return;
    if (sink.wants(a)) sink.add(a, multiply(dy, b));
    if (sink.wants(b)) sink.accumulate(b, (before) => summedTo(b, multiply(dy, a), broadcast, before));
  });
}

/** a / b. */
export function divide(a: Tensor, b: Tensor): Tensor {
  return binary('divide', a, b, ([dy], sink, broadcast) => {
    if (dy === undefined) return;
    if (sink.wants(a)) sink.add(a, divide(dy, b));
    if (sink.wants(b)) {
      const slope = divide(divide(multiply(dy, a), b), b);
      sink.add(b, unary('negate', summedTo(b, slope, broadcast)));
    }
  });
}

/** The larger of a and b; where they are equal half the gradient goes to each, as in PyTorch. */
export function maximum(a: Tensor, b: Tensor): Tensor {
  return extremum('maximum', a, b);
}

/** The smaller of a and b. */
export function minimum(a: Tensor, b: Tensor): Tensor {
  return extremum('minimum', a, b);
}

/** 1 where a < b, else 0. */
export function less(a: Tensor, b: Tensor): Tensor {
  return binary('less', a, b);
}

/** 1 where a = b, else 0. */
export function equal(a: Tensor, b: Tensor): Tensor {
  return binary('equal', a, b);
}

function extremum(kind: 'maximum' | 'minimum', a: Tensor, b: Tensor): Tensor {
  return binary(kind, a, b, ([dy], sink, broadcast) => {
    if (dy === undefined) return;
    const ties = affine(equal(a, b), 0.5, 0);
    const smaller = less(a, b);
    const share = kind === 'minimum' ? add(smaller, ties) : affine(add(smaller, ties), -1, 1);
    const shareOfA = multiply(dy, share);
    sink.add(a, shareOfA);
    if (sink.wants(b)) sink.accumulate(b, (before) => summedTo(b, subtract(dy, shareOfA), broadcast, before));
  });
}

/** x · scale + shift, for numbers. */
export function affine(x: Tensor, scale: number, shift = 0): Tensor {
  const attributes = [elements(x.shape), scale, shift];
  return x.graph.emit('affine', [x], attributes, [{ shape: x.shape }], ([dy], sink) => {
    if (dy !== undefined) sink.add(x, affine(dy, scale, 0));
  })[0];
}

/** x held between low and high; no gradient outside. */
export function clamp(x: Tensor, low: number, high: number): Tensor {
  const attributes = [elements(x.shape), low, high];
  return x.graph.emit('clamp', [x], attributes, [{ shape: x.shape }], ([dy], sink) => {
    if (dy !== undefined) sink.add(x, x.graph.emit('clampGrad', [dy, x], attributes, [{ shape: x.shape }])[0]);
  })[0];
}

/** a where condition ≠ 0, else b: all of one shape. */
export function select(condition: Tensor, a: Tensor, b: Tensor): Tensor {
  const length = elements(condition.shape);
  if (elements(a.shape) !== length || elements(b.shape) !== length) {
    throw new RangeError(`graph ${a.graph.name}: select by [${condition.shape}] among [${a.shape}] and [${b.shape}]`);
  }
  return a.graph.emit('select', [condition, a, b], [length], [{ shape: a.shape }], ([dy], sink) => {
    if (dy === undefined) return;
    const zero = fill(a, 0);
    if (sink.wants(a)) sink.add(a, select(condition, dy, zero));
    if (sink.wants(b)) sink.add(b, select(condition, zero, dy));
  })[0];
}

/** A tensor of the shape of `like` with one value everywhere. */
export function fill(like: Tensor, value: number): Tensor {
  return like.graph.emit('fill', [], [elements(like.shape), value], [{ shape: like.shape }])[0];
}

/** Sums over an axis: of everything ([1]), of each row ([rows]) or of each column ([columns]). */
export function sum(x: Tensor, axis: Axis = 'all'): Tensor {
  const { rows, columns } = asMatrix(x);
  return x.graph.emit(
    'reduce',
    [x, undefined],
    [rows, columns, AXES.indexOf(axis)],
    [reducedShape(x, axis)],
    ([dy], sink) => {
      if (dy === undefined) return;
      const attributes = [rows, columns, AXES.indexOf(axis)];
      sink.add(x, x.graph.emit('broadcast', [dy], attributes, [{ shape: x.shape }])[0]);
    },
  )[0];
}

/** The same sums added to `addend`; for gradients, which have none themselves. */
export function reduceInto(x: Tensor, axis: Axis, addend: Tensor | undefined): Tensor {
  const { rows, columns } = asMatrix(x);
  return x.graph.emit('reduce', [x, addend], [rows, columns, AXES.indexOf(axis)], [reducedShape(x, axis)])[0];
}

/** x rounded to a storage format and back; the gradient passes as it is. */
export function roundTo(kind: RoundKind, x: Tensor): Tensor {
  const attributes = [elements(x.shape), ROUND_KINDS.indexOf(kind)];
  return x.graph.emit('roundTo', [x], attributes, [{ shape: x.shape }], ([dy], sink) => {
    if (dy !== undefined) sink.add(x, dy);
  })[0];
}

/** Zeroes entries at `rate` and scales the rest; `seed` [2] (i32) differs for each step, `stream` for each place in the model. */
export function dropout(x: Tensor, rate: number, seed: Tensor, stream: number): Tensor {
  if (rate === 0) return x;
  const attributes = [elements(x.shape), rate, stream];
  return x.graph.emit('dropout', [x, seed], attributes, [{ shape: x.shape }], ([dy], sink) => {
    if (dy !== undefined) sink.add(x, x.graph.emit('dropout', [dy, seed], attributes, [{ shape: x.shape }])[0]);
  })[0];
}

type BinaryRule = (
  gradients: readonly (Tensor | undefined)[],
  sink: Parameters<NonNullable<Parameters<Tensor['graph']['emit']>[4]>>[1],
  broadcast: Broadcast,
) => void;

function binary(kind: BinaryKind, a: Tensor, b: Tensor, rule?: BinaryRule): Tensor {
  const { rows, columns } = asMatrix(a);
  const broadcast = broadcastOf(a, b);
  const attributes = [rows, columns, BINARY_KINDS.indexOf(kind), BROADCASTS.indexOf(broadcast)];
  return a.graph.emit(
    'binary',
    [a, b],
    attributes,
    [{ shape: a.shape }],
    rule && ((outputs, sink) => rule(outputs, sink, broadcast)),
  )[0];
}

/** How b is repeated over a. A square matrix takes [n] for columns; rows are then asked for as [n, 1]. */
function broadcastOf(a: Tensor, b: Tensor): Broadcast {
  const { rows, columns } = asMatrix(a);
  if (sameShape(a.shape, b.shape)) return 'none';
  const length = elements(b.shape);
  const isColumn = b.shape.length > 1 && b.shape[b.shape.length - 1] === 1;
  if (length === 1) return 'scalar';
  if (length === columns && !isColumn && b.shape.length === 1) return 'columns';
  if (length === rows && (isColumn || b.shape.length === 1 || sameShape(b.shape, a.shape.slice(0, -1)))) return 'rows';
  if (length === rows * columns) return 'none';
  throw new RangeError(`graph ${a.graph.name}: [${b.shape}] cannot be repeated over [${a.shape}]`);
}

/** The gradient of a repeated operand: the sums over what it was repeated along. */
function summedTo(b: Tensor, gradient: Tensor, broadcast: Broadcast, before?: Tensor): Tensor {
  const graph = b.graph;
  if (broadcast === 'none') {
    const same = graph.reshape(gradient, b.shape);
    return before === undefined ? same : add(before, same);
  }
  const axis: Axis = broadcast === 'scalar' ? 'all' : broadcast;
  const flat = before && graph.reshape(before, [elements(b.shape)]);
  return graph.reshape(reduceInto(gradient, axis, flat), b.shape);
}

function reducedShape(x: Tensor, axis: Axis): { shape: number[] } {
  const { rows, columns } = asMatrix(x);
  return { shape: axis === 'all' ? [1] : axis === 'rows' ? [rows] : [columns] };
}
