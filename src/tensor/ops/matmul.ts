/** Matrix products and their gradients. A weight is [out, in], as in torch.nn.Linear and in checkpoints. */
import { asMatrix, type Tensor } from '../graph.ts';
import { reduceInto } from './elementwise.ts';

export interface MatmulOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  readonly alpha?: number;
  /** Added to every row. */
  readonly bias?: Tensor | undefined;
  /** Added to the result; its memory is used for it where it is not needed any more. */
  readonly addend?: Tensor | undefined;
}

/** alpha · op(a) · op(b) + addend + bias, for matrices; without a gradient of its own for addend. */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  const { transposeA = false, transposeB = false, alpha = 1, bias, addend } = options;
  const left = asMatrix(a);
  const right = asMatrix(b);
  const [m, k] = transposeA ? [left.columns, left.rows] : [left.rows, left.columns];
  const [kb, n] = transposeB ? [right.columns, right.rows] : [right.rows, right.columns];
  if (k !== kb)
    throw new RangeError(`graph ${a.graph.name}: matmul of [${a.shape}] and [${b.shape}]: ${k} against ${kb}`);
  const attributes = [m, n, k, Number(transposeA), Number(transposeB), alpha];
  return a.graph.emit('matmul', [a, b, bias, addend], attributes, [{ shape: [m, n] }], ([dy], sink) => {
    if (dy === undefined) return;
    sink.accumulate(a, (before) =>
      transposeA
        ? matmul(b, dy, { transposeA: transposeB, transposeB: true, alpha, addend: before })
        : matmul(dy, b, { transposeB: !transposeB, alpha, addend: before }),
    );
    sink.accumulate(b, (before) =>
      transposeB
        ? matmul(dy, a, { transposeA: true, transposeB: transposeA, alpha, addend: before })
        : matmul(a, dy, { transposeA: !transposeA, alpha, addend: before }),
    );
    if (sink.wants(bias)) sink.accumulate(bias, (before) => reduceInto(dy, 'columns', before));
    if (sink.wants(addend)) sink.add(addend, dy);
  })[0];
}

/** x · weightᵀ + bias: x [rows, in], weight [out, in], bias [out]. */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  return matmul(x, weight, { transposeB: true, bias });
}

/**
 * The linear layer of each group on its own rows: x [rows, in] in order of groups, weights [groups, out, in], offsets
 * [groups + 1] (i32): rows offsets[g] to offsets[g + 1] belong to group g.
 */
export function groupedLinear(x: Tensor, weights: Tensor, offsets: Tensor): Tensor {
  const [groups, out, inner] = weights.shape as [number, number, number];
  const { rows, columns } = asMatrix(x);
  if (columns !== inner)
    throw new RangeError(`graph ${x.graph.name}: grouped linear of [${x.shape}] and [${weights.shape}]`);
  const attributes = [rows, out, inner, groups, 1];
  return x.graph.emit('groupedMatmul', [x, weights, offsets], attributes, [{ shape: [rows, out] }], ([dy], sink) => {
    if (dy === undefined) return;
    if (sink.wants(x)) {
      const [dx] = x.graph.emit(
        'groupedMatmul',
        [dy, weights, offsets],
        [rows, inner, out, groups, 0],
        [{ shape: [rows, inner] }],
      );
      sink.add(x, dx!);
    }
    sink.accumulate(weights, (before) => {
      const shape = weights.shape;
      return x.graph.emit(
        'groupedMatmulWeightGrad',
        [dy, x, offsets, before],
        [rows, out, inner, groups],
        [{ shape }],
      )[0];
    });
  })[0];
}
