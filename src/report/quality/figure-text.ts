/** How the figures of a quality report are written and called, in all its forms alike. */
import type { ModelReport, QualityReport, ReportFigures } from '../../quality/evaluation/quality-report-schema.ts';
import { formatMeasure, NO_FIGURE } from '../numbers.ts';

export const FIGURE_NAMES: Record<keyof ReportFigures, string> = {
  auc: 'ROC-AUC',
  averagePrecision: 'Average precision',
  accuracy: 'Accuracy',
  precision: 'Precision',
  recall: 'Recall',
  f1: 'F1',
  macroF1: 'Macro F1',
  mcc: 'MCC',
  brier: 'Brier score',
  logLoss: 'Log loss',
};

/**
 * Three decimals, so that columns line up: `0.912`. What would round to 0 or 1 without being it is written `<0.001` or
 * `>0.999`: no report claims a perfect model falsely.
 */
export function formatFigure(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return NO_FIGURE;
  if (value > 0 && value < 0.0005) return '<0.001';
  if (value < 1 && value >= 0.9995) return '>0.999';
  return value.toFixed(3).replace('-', '−');
}

/** With its sign, as a difference is: `+0.021`, `−0.004`. */
export function formatDifference(value: number): string {
  return `${value > 0 ? '+' : value < 0 ? '−' : ''}${Math.abs(value).toFixed(3)}`;
}

/** `0.874–0.950`. */
export function formatInterval({ low, high }: { low: number; high: number }): string {
  return `${formatFigure(low)}–${formatFigure(high)}`;
}

/** `−0.012 to +0.054`. */
export function formatDifferenceInterval({ low, high }: { low: number; high: number }): string {
  return `${formatDifference(low)} to ${formatDifference(high)}`;
}

/** `0.912 ± 0.031`, mean and standard deviation over folds. */
export function formatSpread({ mean, deviation }: { mean: number | null; deviation: number | null }): string {
  return deviation === null ? formatFigure(mean) : `${formatFigure(mean)} ± ${formatFigure(deviation)}`;
}

/** An AUC, or why there is none: `undefined: one class only`. */
export function aucText({ figures, undefinedBecause }: Pick<ModelReport, 'figures' | 'undefinedBecause'>): string {
  return undefinedBecause === null ? formatFigure(figures.auc) : `undefined: ${undefinedBecause}`;
}

/**
 * A threshold to four significant digits, close below 1 as many as tell it from 1, up to eight: `0.5`, `12.35`, `0.99997`. Shown
 * as 1 it would be taken for one that keeps nothing.
 */
export function formatThreshold(value: number): string {
  if (value <= 0.9 || value >= 1) return formatMeasure(value);
  if (value > 1 - 1e-8) return '>0.99999999';
  const decimals = Math.max(4, Math.ceil(-Math.log10(1 - value)) + 1);
  return String(Number(value.toFixed(Math.min(decimals, 8))));
}

const THRESHOLD_ORIGIN = {
  given: 'as given',
  default: 'the middle of the scale',
  f1: 'the best by F1 on these documents',
  youden: "the best by Youden's J on these documents",
} as const;

/** `0.5, the middle of the scale`. */
export function thresholdText({ value, from }: NonNullable<ModelReport['binary']>['threshold']): string {
  return `${formatThreshold(value)}, ${THRESHOLD_ORIGIN[from]}`;
}

/** The model to speak of first: that of the largest AUC, or accuracy where no model has an AUC; of equal ones the first. */
export function leadingModel({ models }: QualityReport): ModelReport {
  const figure = models.some(({ figures }) => figures.auc !== null) ? 'auc' : 'accuracy';
  const of = (model: ModelReport) => model.figures[figure] ?? Number.NEGATIVE_INFINITY;
  return models.reduce((best, model) => (of(model) > of(best) ? model : best));
}
