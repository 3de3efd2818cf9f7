/** From a trained model to its `.ftz`: pruned, trained once more if asked for, quantized; scored as it will be read back. */
import { CorpusmillError } from '../../core/errors.ts';
import type { TrainingData } from './descent.ts';
import { descend, roomForRows } from './gradient-descent.ts';
import type { FastTextModel, Matrix } from './model.ts';
import type { QuantizedModel } from './model-writer.ts';
import type { FastTextOptions } from './options.ts';
import { quantizeMatrix } from './product-quantizer.ts';
import { type Pruned, pruneData, pruneModel } from './prune.ts';
import { CENTROIDS, expand } from './quantized-matrix.ts';

type Quantize = NonNullable<FastTextOptions['quantize']>;

/**
 * The compressed form of `model`, which was trained on `data`. Throws CONFIG_INVALID for a matrix of fewer than 256 rows. The
 * model's output matrix is trained on when `retrain` is set.
 */
export function compress(
  model: FastTextModel,
  data: TrainingData,
  options: FastTextOptions,
  { cutoff, retrain, qnorm, qout, dsub }: Quantize,
): { model: FastTextModel; quantized: QuantizedModel } {
  const pruned = pruneModel(model, cutoff);
  const { output } = pruned.model;
  const input = retrain ? trainAgain(pruned, data, options) : pruned.model.input;
  const quantize = (matrix: Matrix, what: string, dsub: number) => {
    if (matrix.rows >= CENTROIDS) return quantizeMatrix(matrix, dsub, qnorm, options.seed);
    throw new CorpusmillError(
      'CONFIG_INVALID',
      `fastText quantization: ${matrix.rows} ${what}, and ${CENTROIDS} are the fewest that can be quantized`,
      { hint: what === 'labels' ? 'leave qout off' : 'raise cutoff, or write a .bin (quantize: null)' },
    );
  };
  const quantized = {
    input: quantize(input, 'words and n-grams', dsub),
    output: qout ? quantize(output, 'labels', 2) : undefined,
  };
  return {
    model: {
      ...pruned.model,
      input: expand(quantized.input),
      output: quantized.output === undefined ? output : expand(quantized.output),
    },
    quantized,
  };
}

/** The pruned input matrix after another training, which changes the output matrix too; as it was where nothing was pruned. */
function trainAgain(pruned: Pruned, data: TrainingData, options: FastTextOptions): Matrix {
  const { input, output } = pruned.model;
  const { rows, dim } = input;
  if (rows === pruned.rowOf.length) return input;
  const values = roomForRows(rows, dim);
  values.set(input.values);
  descend(pruneData(data, pruned), options, dim, values, rows, rows, output.values);
  return { rows, dim, values: values.subarray(0, rows * dim) };
}
