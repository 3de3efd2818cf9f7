/** RMSNorm (Zhang & Sennrich 2019) and LayerNorm (Ba et al. 2016) over the last axis. */
import { asMatrix, type GradientSink, type Tensor } from '../graph.ts';

/** x / sqrt(mean(x²) + eps) · weight over the last axis, whose size is that of weight. */
export function rmsNorm(x: Tensor, weight: Tensor, eps: number): Tensor {
  const { rows, columns } = rowsOf(x, weight);
  const outputs = [{ shape: x.shape }, { shape: [rows] }];
  const made = x.graph.emit('rmsNorm', [x, weight], [rows, columns, eps], outputs, ([dy], sink) => {
    if (dy !== undefined) rmsNormGradient(dy, x, weight, made[1], sink, x);
  });
  return made[0];
}

/** The sum of a block's output and the residual stream, and the norm of that sum: [sum, normed]. */
export function addRmsNorm(x: Tensor, residual: Tensor, weight: Tensor, eps: number): [sum: Tensor, normed: Tensor] {
  const { rows, columns } = rowsOf(x, weight);
  const outputs = [{ shape: x.shape }, { shape: x.shape }, { shape: [rows] }];
  const made = x.graph.emit('addRmsNorm', [x, residual, weight], [rows, columns, eps], outputs, ([dsum, dy], sink) => {
    const [total, , rstd] = made as [Tensor, Tensor, Tensor];
    const gradient = dy === undefined ? dsum : rmsNormGradients(dy, total, weight, rstd, dsum, sink);
    if (gradient === undefined) return;
    sink.add(x, gradient);
    sink.add(residual, gradient);
  });
  return [made[0], made[1]];
}

/** (x − mean) / sqrt(variance + eps) · weight + bias over the last axis. */
export function layerNorm(x: Tensor, weight: Tensor, bias: Tensor, eps: number): Tensor {
  const { rows, columns } = rowsOf(x, weight);
  const outputs = [{ shape: x.shape }, { shape: [rows] }, { shape: [rows] }];
  const made = x.graph.emit('layerNorm', [x, weight, bias], [rows, columns, eps], outputs, ([dy], sink) => {
    if (dy === undefined) return;
    const shapes = [{ shape: x.shape }, { shape: weight.shape }, { shape: bias.shape }];
    let gradients: Tensor[] = [];
    // The operation adds to all three gradients at once, so each is asked for from within the one before.
    const into = (tensor: Tensor, index: number, next: (before: Tensor | undefined) => void): void => {
      if (!sink.wants(tensor)) next(undefined);
      sink.accumulate(tensor, (before) => {
        next(before);
        return gradients[index];
      });
    };
    into(x, 0, (xBefore) => {
      into(weight, 1, (weightBefore) => {
        into(bias, 2, (biasBefore) => {
          const inputs = [dy, x, weight, made[1], made[2], xBefore, weightBefore, biasBefore];
          gradients = x.graph.emit('layerNormGrad', inputs, [rows, columns], shapes);
        });
      });
    });
  });
  return made[0];
}

function rmsNormGradient(dy: Tensor, x: Tensor, weight: Tensor, rstd: Tensor, sink: GradientSink, input: Tensor): void {
  sink.accumulate(input, (before) => rmsNormGradients(dy, x, weight, rstd, before, sink));
  if (!sink.wants(input)) rmsNormGradients(dy, x, weight, rstd, undefined, sink);
}

/** Gives the weight its gradient and returns that of x, `addend` included. */
function rmsNormGradients(
  dy: Tensor,
  x: Tensor,
  weight: Tensor,
  rstd: Tensor,
  addend: Tensor | undefined,
  sink: GradientSink,
): Tensor {
  const { rows, columns } = rowsOf(x, weight);
  const emit = (weightBefore: Tensor | undefined): Tensor[] =>
    x.graph.emit(
      'rmsNormGrad',
      [dy, x, weight, rstd, addend, weightBefore],
      [rows, columns],
      [{ shape: x.shape }, { shape: weight.shape }],
    );
  let dx: Tensor | undefined;
  sink.accumulate(weight, (before) => {
    const made = emit(before);
    dx = made[0];
    return made[1];
  });
  return dx ?? emit(undefined)[0];
}

function rowsOf(x: Tensor, weight: Tensor): { rows: number; columns: number } {
  const size = asMatrix(x);
  const columns = weight.shape[weight.shape.length - 1];
  const entries = size.rows * size.columns;
  if (entries % columns !== 0) throw new RangeError(`graph ${x.graph.name}: norm of [${x.shape}] by [${weight.shape}]`);
  return { rows: entries / columns, columns };
}
