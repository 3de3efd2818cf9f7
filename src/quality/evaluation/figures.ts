/**
 * The figures of a model over some documents: all of them, a fold, a language or a source. One function for all, so that a
 * figure means the same in every table of a report.
 */
import { brierScore, logLoss } from './calibration.ts';
import {
  accuracy,
  type ConfusionMatrix,
  confusionMatrix,
  labelFigures,
  macroF1,
  matthewsCorrelation,
} from './confusion.ts';
import { aucInterval, type Interval } from './delong.ts';
import { averagePrecision } from './precision-recall.ts';
import { rocAuc } from './roc.ts';
import { sweepThresholds } from './threshold-sweep.ts';

/** Documents with what is true, what was predicted and what was scored. */
export interface Judged {
  /** Label indices [documents]. */
  truth: Int32Array | Uint8Array;
  predicted: Int32Array;
  /** Of two labels [documents], of more [documents, labels]. */
  scores: Float64Array;
  scale: 'probability' | 'any';
  labels: readonly string[];
  /** Index of the positive label; undefined of more than two labels. */
  positive: number | undefined;
}

/** Undefined: a figure that has no meaning for these documents or scores. */
export interface Figures {
  auc: number | undefined;
  averagePrecision: number | undefined;
  accuracy: number | undefined;
  precision: number | undefined;
  recall: number | undefined;
  f1: number | undefined;
  macroF1: number | undefined;
  mcc: number | undefined;
  brier: number | undefined;
  logLoss: number | undefined;
}

export interface JudgedFigures {
  figures: Figures;
  /** Of two labels, where the AUC has an interval. */
  aucInterval: Interval | undefined;
  /** Why there is no AUC; undefined where there is one. */
  undefinedBecause: string | undefined;
  confusion: ConfusionMatrix;
}

export function figuresOf(judged: Judged): JudgedFigures {
  const { truth, predicted, labels, positive } = judged;
  const confusion = confusionMatrix(truth, predicted, labels.length);
  const decided = { accuracy: accuracy(confusion), macroF1: macroF1(confusion), mcc: matthewsCorrelation(confusion) };
  const undefinedBecause = whyNoAuc(confusion, labels);
  if (positive === undefined) {
    const figures = { ...NONE, ...decided, auc: macroAuc(judged), logLoss: logLossOfRows(judged) };
    return { figures, aucInterval: undefined, undefinedBecause, confusion };
  }
  const { scores, scale } = judged;
  const isPositive = indicator(truth, positive);
  const sweep = sweepThresholds(scores, isPositive);
  const { precision, recall, f1 } = labelFigures(confusion, positive);
  const figures = {
    ...NONE,
    ...decided,
    precision,
    recall,
    f1,
    auc: rocAuc(sweep),
    averagePrecision: averagePrecision(sweep),
  };
  if (scale === 'probability' && truth.length > 0) {
    figures.brier = brierScore(scores, isPositive);
    figures.logLoss = logLoss(scores.map((score, i) => (isPositive[i] === 1 ? score : 1 - score)));
  }
  return { figures, aucInterval: aucInterval(scores, isPositive), undefinedBecause, confusion };
}

const NONE: Figures = {
  auc: undefined,
  averagePrecision: undefined,
  accuracy: undefined,
  precision: undefined,
  recall: undefined,
  f1: undefined,
  macroF1: undefined,
  mcc: undefined,
  brier: undefined,
  logLoss: undefined,
};

/** [documents], 1 where a document is of the label. */
export function indicator(truth: Int32Array | Uint8Array, label: number): Uint8Array {
  const is = new Uint8Array(truth.length);
  for (let i = 0; i < is.length; i++) is[i] = truth[i] === label ? 1 : 0;
  return is;
}

/** One label's column of [documents, labels] scores. */
export function scoresOfLabel(scores: Float64Array, labels: number, label: number): Float64Array {
  return Float64Array.from({ length: scores.length / labels }, (_, document) => scores[document * labels + label]);
}

/**
 * Mean AUC of each label against the rest (scikit-learn's `roc_auc_score(multi_class='ovr', average='macro')`); undefined where
 * a label has no documents, or all.
 */
function macroAuc({ truth, scores, labels }: Judged): number | undefined {
  let sum = 0;
  for (let label = 0; label < labels.length; label++) {
    const auc = rocAuc(sweepThresholds(scoresOfLabel(scores, labels.length, label), indicator(truth, label)));
    if (auc === undefined) return undefined;
    sum += auc;
  }
  return sum / labels.length;
}

/** Rows of probabilities add up to 1 within this; those of one-versus-all models do not, and have no log loss. */
const ROW_SUM_TOLERANCE = 1e-3;

function logLossOfRows({ truth, scores, scale, labels }: Judged): number | undefined {
  if (scale !== 'probability' || truth.length === 0) return undefined;
  for (let row = 0; row < scores.length; row += labels.length) {
    const sum = scores.subarray(row, row + labels.length).reduce((total, value) => total + value, 0);
    if (Math.abs(sum - 1) > ROW_SUM_TOLERANCE) return undefined;
  }
  return logLoss(Float64Array.from(truth, (label, document) => scores[document * labels.length + label]));
}

function whyNoAuc(confusion: ConfusionMatrix, labels: readonly string[]): string | undefined {
  const documents = confusion.map((row) => row.reduce((sum, count) => sum + count, 0));
  const present = documents.filter((count) => count > 0).length;
  if (present === labels.length) return undefined;
  if (present === 0) return 'no documents';
  if (present === 1) return 'one class only';
  return `no document of ${labels.filter((_, label) => documents[label] === 0).join(', ')}`;
}
