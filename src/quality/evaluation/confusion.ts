/**
 * What a classifier decided against what is true, and the figures made of it. One matrix serves two labels and many. A figure
 * without a meaning (precision where nothing was predicted) is undefined; scikit-learn gives 0 and a warning there.
 */

/** `matrix[truth][predicted]`: documents, by label index. */
export type ConfusionMatrix = number[][];

/** @param truth, predicted [documents], label indices below `labels` */
export function confusionMatrix(
  truth: Int32Array | Uint8Array,
  predicted: Int32Array | Uint8Array,
  labels: number,
): ConfusionMatrix {
  const matrix = Array.from({ length: labels }, () => new Array<number>(labels).fill(0));
  for (let i = 0; i < truth.length; i++) matrix[truth[i]][predicted[i]]++;
  return matrix;
}

/** Share of documents whose label was predicted. */
export function accuracy(matrix: ConfusionMatrix): number | undefined {
  return ratio(
    matrix.reduce((sum, row, label) => sum + row[label], 0),
    matrix.flat().reduce((sum, count) => sum + count, 0),
  );
}

export interface LabelFigures {
  /** Documents of the label. */
  documents: number;
  /** Of the documents predicted to be of the label, the share that is. */
  precision: number | undefined;
  /** Of the documents of the label, the share predicted to be. */
  recall: number | undefined;
  /** Harmonic mean of the two: 2tp / (2tp + fp + fn). Undefined only for a label that is neither there nor predicted. */
  f1: number | undefined;
}

export function labelFigures(matrix: ConfusionMatrix, label: number): LabelFigures {
  const right = matrix[label][label];
  const documents = matrix[label].reduce((sum, count) => sum + count, 0);
  const predicted = matrix.reduce((sum, row) => sum + row[label], 0);
  return {
    documents,
    precision: ratio(right, predicted),
    recall: ratio(right, documents),
    f1: ratio(2 * right, documents + predicted),
  };
}

/** Mean F1 over the labels that are there or were predicted, each counting the same. */
export function macroF1(matrix: ConfusionMatrix): number | undefined {
  const defined = matrix.map((_, label) => labelFigures(matrix, label).f1).filter((f1) => f1 !== undefined);
  return ratio(
    defined.reduce((sum, f1) => sum + f1, 0),
    defined.length,
  );
}

/**
 * Matthews correlation coefficient, in [−1, 1], for many labels as Gorodkin 2004; undefined where all documents are of one
 * label or were predicted to be.
 */
export function matthewsCorrelation(matrix: ConfusionMatrix): number | undefined {
  let total = 0;
  let right = 0;
  let agreement = 0;
  let squaresTrue = 0;
  let squaresPredicted = 0;
  for (let label = 0; label < matrix.length; label++) {
    const documents = matrix[label].reduce((sum, count) => sum + count, 0);
    const predicted = matrix.reduce((sum, row) => sum + row[label], 0);
    total += documents;
    right += matrix[label][label];
    agreement += documents * predicted;
    squaresTrue += documents ** 2;
    squaresPredicted += predicted ** 2;
  }
  const spread = (total ** 2 - squaresTrue) * (total ** 2 - squaresPredicted);
  return spread === 0 ? undefined : (right * total - agreement) / Math.sqrt(spread);
}

function ratio(part: number, whole: number): number | undefined {
  return whole === 0 ? undefined : part / whole;
}
