/**
 * `evaluate`: labelled documents and the scores of some models in, a quality report out. Nothing is drawn at random and no
 * clock is read: equal inputs give equal reports. O(n log n) for each model and label, and again for its languages, sources
 * and folds.
 */
import { EXCERPT_CHARS } from '../../core/stats.ts';
import { binaryReport, CURVE_POINTS } from './binary-report.ts';
import { labelFigures } from './confusion.ts';
import { type Decision, decideByHighest, decideByThreshold, thresholdOf } from './decision.ts';
import type { Interval } from './delong.ts';
import { checkInput, type EvaluationInput, type ModelScores } from './evaluation-input.ts';
import { type Figures, figuresOf, indicator, type Judged, type JudgedFigures, scoresOfLabel } from './figures.ts';
import { overFolds } from './folds.ts';
import { documentsOfFolds, groupsOf, labelsOf, rowsOf } from './groups.ts';
import type { ModelReport, QualityReport, ReportDocument, ReportFigures } from './quality-report-schema.ts';
import { rocAuc, rocCurve } from './roc.ts';
import { smallest, surestMistakes } from './shown-documents.ts';
import { sweepThresholds } from './threshold-sweep.ts';

/** Languages or sources in a report; further ones are counted. */
const GROUPS_SHOWN = 100;
/** Pairs of labels whose mistakes are in a report. */
const MISTAKE_KINDS = 20;
/** With more labels than these a report has no curve for each: 200 languages would take megabytes. */
const LABEL_CURVES = 12;

/**
 * @throws CorpusmillError CONFIG_INVALID, INPUT_CORRUPT as `checkInput` does; CONFIG_INVALID where a threshold is to be found
 *   and a class has no documents
 */
export function evaluate(input: EvaluationInput): QualityReport {
  checkInput(input);
  const { labels, truth, folds, positive } = input;
  const positiveIndex = labels.length > 2 ? undefined : positive === undefined ? 1 : labels.indexOf(positive);
  return {
    format: 'corpusmill-quality-report',
    version: 1,
    corpusmillVersion: input.corpusmillVersion,
    title: input.title,
    protocol: input.protocol ?? null,
    documents: input.ids.length,
    labels: labels.map((label, index) => ({ label, documents: truth.filter((value) => value === index).length })),
    positive: positiveIndex === undefined ? null : labels[positiveIndex],
    folds: folds === undefined ? null : documentsOfFolds(folds).length,
    leftOut: (input.leftOut ?? []).map(({ reason, documents }) => ({ reason, documents })),
    warnings: [...(input.warnings ?? [])],
    baseline: input.baseline ?? null,
    models: input.models.map((model) =>
      positiveIndex === undefined
        ? reportOf(input, model, undefined, decideByHighest(model.scores, labels.length), null)
        : reportOfTwo(input, model, positiveIndex),
    ),
  };
}

function reportOfTwo(input: EvaluationInput, model: ModelScores, positive: number): ModelReport {
  const isPositive = indicator(input.truth, positive);
  const sweep = sweepThresholds(model.scores, isPositive);
  const threshold = thresholdOf(model, sweep);
  const decision = decideByThreshold(model.scores, threshold.value, positive);
  return reportOf(input, model, positive, decision, binaryReport(input, model, { sweep, isPositive, threshold }));
}

function reportOf(
  input: EvaluationInput,
  model: ModelScores,
  positive: number | undefined,
  { predicted, margin }: Decision,
  binary: ModelReport['binary'],
): ModelReport {
  const { labels, truth, folds, ids } = input;
  const scale = model.scale ?? 'probability';
  const judged: Judged = { truth, predicted, scores: model.scores, scale, labels, positive };
  const width = model.scores.length / ids.length;
  const among = (documents: Uint32Array): JudgedFigures =>
    figuresOf({
      ...judged,
      truth: labelsOf(truth, documents),
      predicted: labelsOf(predicted, documents),
      scores: rowsOf(model.scores, documents, width),
    });
  const show = (document: number): ReportDocument => ({
    id: ids[document],
    label: labels[truth[document]],
    predicted: labels[predicted[document]],
    score: model.scores[positive === undefined ? document * width + predicted[document] : document],
    lang: input.lang?.[document] ?? null,
    source: input.source?.[document] ?? null,
    ...excerptOf(input.text?.(document)),
  });
  const { figures, aucInterval, undefinedBecause, confusion } = figuresOf(judged);
  return {
    name: model.name,
    kind: model.kind ?? null,
    scale,
    details: model.details ?? {},
    figures: written(figures),
    aucInterval: writtenInterval(aucInterval),
    undefinedBecause: undefinedBecause ?? null,
    confusion,
    byLabel: labels.map((label, index) => {
      const { documents, precision = null, recall = null, f1 = null } = labelFigures(confusion, index);
      return { label, documents, precision, recall, f1, ...againstTheRest(judged, index) };
    }),
    binary,
    crossValidation:
      folds === undefined ? null : crossValidation(documentsOfFolds(folds).map((held) => among(held).figures)),
    groups: [
      ...(input.lang === undefined ? [] : [groupTable('language', input.lang, positive, among)]),
      ...(input.source === undefined ? [] : [groupTable('source', input.source, positive, among)]),
    ],
    telling: (model.telling ?? []).map(({ label, features }) => ({
      label,
      features: features.map(({ feature, weight }) => ({ feature, weight })),
    })),
    nearest: smallest(input.nearest ?? 20, margin, ids).map(show),
    mistakes: surestMistakes(input.mistakes ?? 10, margin, truth, predicted, ids)
      .slice(0, MISTAKE_KINDS)
      .map((kind) => ({
        label: labels[kind.truth],
        predicted: labels[kind.predicted],
        count: kind.count,
        documents: kind.documents.map(show),
      })),
  };
}

/** The AUC of one label; of more than two labels with its curve. */
function againstTheRest({ truth, scores, labels, positive }: Judged, label: number) {
  const isLabel = indicator(truth, label);
  if (positive === undefined) {
    const sweep = sweepThresholds(scoresOfLabel(scores, labels.length, label), isLabel);
    const roc = labels.length > LABEL_CURVES ? undefined : rocCurve(sweep, CURVE_POINTS);
    return { auc: rocAuc(sweep) ?? null, roc: roc ?? null };
  }
  // Low scores speak for the other label.
  const auc = rocAuc(sweepThresholds(label === positive ? scores : scores.map((score) => -score), isLabel));
  return { auc: auc ?? null, roc: null };
}

function groupTable(
  by: 'language' | 'source',
  column: readonly (string | undefined)[],
  positive: number | undefined,
  among: (documents: Uint32Array) => JudgedFigures,
): ModelReport['groups'][number] {
  const groups = groupsOf(column);
  const rows = groups.slice(0, GROUPS_SHOWN).map(({ name, documents }) => {
    const { figures, aucInterval, undefinedBecause, confusion } = among(documents);
    const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
    return {
      name: name ?? null,
      documents: documents.length,
      positives: positive === undefined ? null : sum(confusion[positive]),
      kept: positive === undefined ? null : sum(confusion.map((row) => row[positive])),
      figures: written(figures),
      aucInterval: writtenInterval(aucInterval),
      undefinedBecause: undefinedBecause ?? null,
    };
  });
  return { by, rows, more: groups.length - rows.length };
}

function crossValidation(folds: readonly Figures[]): NonNullable<ModelReport['crossValidation']> {
  const names = Object.keys(folds[0]) as (keyof Figures)[];
  const spread = (name: keyof Figures) => {
    const { mean = null, deviation = null, values } = overFolds(folds.map((figures) => figures[name]));
    return { mean, deviation, values: values.map((value) => value ?? null) };
  };
  return Object.fromEntries(names.map((name) => [name, spread(name)])) as NonNullable<ModelReport['crossValidation']>;
}

/** JSON has no undefined. */
function written(figures: Figures): ReportFigures {
  const entries = Object.entries(figures).map(([name, value]) => [name, value ?? null]);
  return Object.fromEntries(entries) as ReportFigures;
}

function writtenInterval(interval: Interval | undefined): ModelReport['aucInterval'] {
  return interval === undefined
    ? null
    : { standardError: interval.standardError, low: interval.low, high: interval.high };
}

function excerptOf(text: string | undefined): Pick<ReportDocument, 'bytes' | 'excerpt'> {
  if (text === undefined) return { bytes: null, excerpt: null };
  // Not through a surrogate pair.
  const excerpt = text.slice(0, EXCERPT_CHARS).replace(/[\ud800-\udbff]$/, '');
  return { bytes: Buffer.byteLength(text), excerpt };
}
