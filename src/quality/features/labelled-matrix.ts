/** Rows of numbers with a label each: what logistic regression and trees are fitted to. */
export interface LabelledMatrix {
  /** [rows, columns], row after row. */
  matrix: Float64Array;
  rows: number;
  columns: number;
  /** Index of each row's label, [rows]. */
  labels: Uint32Array;
  labelCount: number;
  /** Names of the columns, for messages. */
  names?: readonly string[];
}

/** An entry in words, for errors: `feature digit_share (column 4) of row 17 is NaN`. */
export function describeEntry({ matrix, columns, names }: LabelledMatrix, row: number, column: number): string {
  const name = names?.[column] === undefined ? '' : ` ${names[column]}`;
  return `feature${name} (column ${column}) of row ${row} is ${matrix[row * columns + column]}`;
}
