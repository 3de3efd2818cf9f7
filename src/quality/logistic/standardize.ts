/**
 * Columns brought to mean 0 and standard deviation 1 (of the population: divided by the number of rows), so that one penalty
 * fits all of them. A column that never changes stays 0.
 */
import { CorpusmillError } from '../../core/errors.ts';
import { describeEntry, type LabelledMatrix } from '../features/labelled-matrix.ts';

export interface Scaling {
  means: Float64Array;
  /** 1 for a column that never changes. */
  scales: Float64Array;
}

/** Means and deviations of the columns. Throws CONFIG_INVALID naming the first number that is NaN or infinite. */
export function columnScaling(data: LabelledMatrix): Scaling {
  const { matrix, rows, columns } = data;
  const means = new Float64Array(columns);
  const scales = new Float64Array(columns);
  for (let column = 0; column < columns; column++) {
    let sum = 0;
    let least = Number.POSITIVE_INFINITY;
    let most = Number.NEGATIVE_INFINITY;
    for (let row = 0; row < rows; row++) {
      const value = matrix[row * columns + column];
      if (!Number.isFinite(value)) {
        throw new CorpusmillError(
          'CONFIG_INVALID',
          `cannot fit a logistic regression: ${describeEntry(data, row, column)}`,
          {
            hint: 'fill it in, leave the row out, or train trees (gbdt, forest), to which a missing value is one more value',
          },
        );
      }
      sum += value;
      least = Math.min(least, value);
      most = Math.max(most, value);
    }
    // Of a constant column rounding may leave a mean beside the constant, and a deviation that only magnifies noise.
    const isConstant = least === most;
    const mean = isConstant ? least : sum / rows;
    let squares = 0;
    for (let row = 0; row < rows; row++) squares += (matrix[row * columns + column] - mean) ** 2;
    means[column] = mean;
    scales[column] = isConstant ? 1 : Math.sqrt(squares / rows);
  }
  return { means, scales };
}

/** The matrix in standard units, [rows, columns]. */
export function standardized({ matrix, rows, columns }: LabelledMatrix, { means, scales }: Scaling): Float64Array {
  const standard = new Float64Array(rows * columns);
  for (let i = 0; i < standard.length; i++) {
    const column = i % columns;
    standard[i] = (matrix[i] - means[column]) / scales[column];
  }
  return standard;
}
