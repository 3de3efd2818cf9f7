/**
 * The quality report as GitHub-flavoured Markdown, for a CI job summary: all models in one table, then the leading one in
 * detail. Names, labels and document text are data, and are escaped as in report.md (markdown/text.ts).
 */
import type { ModelReport, QualityReport, ReportDocument } from '../../quality/evaluation/quality-report-schema.ts';
import { codeText, escapeMarkdown, folded, table } from '../markdown/text.ts';
import { formatCount, formatCounted, formatMeasure, formatShare, NO_FIGURE } from '../numbers.ts';
import {
  FIGURE_NAMES,
  formatDifference,
  formatDifferenceInterval,
  formatFigure,
  formatInterval,
  formatSpread,
  formatThreshold,
  leadingModel,
  thresholdText,
} from './figure-text.ts';

/** The report's JSON has all. */
const GROUPS_SHOWN = 20;
const DOCUMENTS_SHOWN = 10;
const FEATURES_SHOWN = 15;
const MATRIX_SHOWN = 12;

type FigureName = keyof ModelReport['figures'];

/** Ends with a line end; equal reports give equal text. */
export function renderQualityMarkdown(report: QualityReport): string {
  const leading = leadingModel(report);
  const parts = [
    `## ${escapeMarkdown(report.title)}`,
    headline(report, leading),
    ...report.warnings.map((warning) => `**Warning**: ${escapeMarkdown(warning)}.`),
    models(report),
    folds(report),
    decisions(report, leading),
    ...leading.groups.map((groups) => groupTable(groups, report.positive)),
    kept(leading),
    calibration(leading),
    ...leading.telling.map(features),
    nearest(leading),
    ...leading.mistakes.map(mistakes),
    footer(report),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function headline(report: QualityReport, { name, figures, aucInterval, undefinedBecause }: ModelReport): string {
  const verdict =
    undefinedBecause === null
      ? `ROC-AUC **${formatFigure(figures.auc)}** by ${escapeMarkdown(name)}${aucInterval === null ? '' : ` (95 % interval ${formatInterval(aucInterval)})`}`
      : `**No ROC-AUC**: ${escapeMarkdown(undefinedBecause)}`;
  const labels = report.labels.map(({ label, documents }) => `${formatCount(documents)} ${escapeMarkdown(label)}`);
  const protocol = report.protocol === null ? '' : ` ${escapeMarkdown(report.protocol)}.`;
  return `${verdict}. ${formatCounted(report.documents, 'document')}: ${labels.join(', ')}.${protocol}`;
}

function models(report: QualityReport): string {
  const { positive, baseline } = report;
  const names: FigureName[] =
    positive === null
      ? ['accuracy', 'macroF1', 'mcc', 'logLoss']
      : ['averagePrecision', 'f1', 'accuracy', 'mcc', 'brier', 'logLoss'];
  const heads = [
    'Model',
    `${FIGURE_NAMES.auc}:`,
    ...(positive === null ? [] : ['95 % interval:']),
    ...(baseline === null || positive === null ? [] : [`Beside ${escapeMarkdown(baseline)}:`]),
    ...names.map((name) => `${FIGURE_NAMES[name]}:`),
  ];
  const rows = report.models.map((model) => [
    escapeMarkdown(model.name),
    auc(model),
    ...(positive === null ? [] : [model.aucInterval === null ? NO_FIGURE : formatInterval(model.aucInterval)]),
    ...(baseline === null || positive === null ? [] : [difference(model)]),
    ...names.map((name) => formatFigure(model.figures[name])),
  ]);
  return `### Models\n\n${table(heads, rows)}`;
}

function auc({ figures, undefinedBecause }: Pick<ModelReport, 'figures' | 'undefinedBecause'>): string {
  return undefinedBecause === null ? formatFigure(figures.auc) : `undefined: ${escapeMarkdown(undefinedBecause)}`;
}

function difference({ binary }: ModelReport): string {
  const found = binary?.difference;
  return found ? `${formatDifference(found.value)} (${formatDifferenceInterval(found)})` : NO_FIGURE;
}

function folds(report: QualityReport): string {
  if (report.folds === null) return '';
  const numbers = Array.from({ length: report.folds }, (_, i) => `Fold ${i + 1}:`);
  const rows = report.models.map(({ name, crossValidation }) => [
    escapeMarkdown(name),
    formatSpread(crossValidation!.auc),
    ...crossValidation!.auc.values.map(formatFigure),
  ]);
  return `### ${FIGURE_NAMES.auc} of each fold\n\n${table(['Model', 'Mean ± deviation:', ...numbers], rows)}`;
}

function decisions(report: QualityReport, model: ModelReport): string {
  const { figures, confusion, binary } = model;
  const at =
    binary === null
      ? ''
      : `: ${escapeMarkdown(report.positive ?? '')} from ${escapeMarkdown(thresholdText(binary.threshold))}`;
  const names: FigureName[] =
    binary === null ? ['accuracy', 'macroF1', 'mcc'] : ['precision', 'recall', 'f1', 'accuracy', 'macroF1', 'mcc'];
  const line = names.map((name) => `${FIGURE_NAMES[name]} ${formatFigure(figures[name])}`).join(', ');
  const labels = report.labels.map(({ label }) => escapeMarkdown(label));
  const rows = confusion.map((counts, truth) => [`**is ${labels[truth]}**`, ...counts.map(formatCount)]);
  const matrix =
    labels.length > MATRIX_SHOWN
      ? byLabel(model)
      : `${table(['', ...labels.map((label) => `taken for ${label}:`)], rows)}${binary === null ? `\n\n${byLabel(model)}` : ''}`;
  return `### Decisions of ${escapeMarkdown(model.name)}${at}\n\n${line}.\n\n${matrix}`;
}

function byLabel({ byLabel: labels }: ModelReport): string {
  const rows = labels.map(({ label, documents, precision, recall, f1, auc }) => [
    escapeMarkdown(label),
    formatCount(documents),
    ...[auc, precision, recall, f1].map(formatFigure),
  ]);
  return table(['Label', 'Documents:', 'ROC-AUC:', 'Precision:', 'Recall:', 'F1:'], rows);
}

function groupTable({ by, rows, more }: ModelReport['groups'][number], positive: string | null): string {
  const shown = rows.slice(0, GROUPS_SHOWN);
  const names: FigureName[] = positive === null ? ['accuracy', 'macroF1'] : ['precision', 'recall', 'f1'];
  const cells = shown.map((row) => [
    row.name === null ? '*none given*' : escapeMarkdown(row.name),
    formatCount(row.documents),
    ...(row.positives === null ? [] : [formatShare(row.positives, row.documents)]),
    auc(row),
    ...names.map((name) => formatFigure(row.figures[name])),
  ]);
  const heads = [
    by === 'language' ? 'Language' : 'Source',
    'Documents:',
    ...(positive === null ? [] : [`${escapeMarkdown(positive)}:`]),
    `${FIGURE_NAMES.auc}:`,
    ...names.map((name) => `${FIGURE_NAMES[name]}:`),
  ];
  const left = rows.length - shown.length + more;
  const rest = left > 0 ? `\n\n${formatCounted(left, `more ${by}`)} in the report's JSON.` : '';
  return `### By ${by}\n\n${table(heads, cells)}${rest}`;
}

function kept({ binary }: ModelReport): string {
  if (binary === null) return '';
  const rows = binary.kept.map((row) => [
    `${formatMeasure(100 * row.share)} %`,
    formatThreshold(row.threshold),
    formatCount(row.kept),
    formatFigure(row.precision),
    formatFigure(row.recall),
  ]);
  const best = [
    ...(binary.best.f1 === null ? [] : [`by F1 ${formatThreshold(binary.best.f1.threshold)}`]),
    ...(binary.best.youden === null ? [] : [`by Youden's J ${formatThreshold(binary.best.youden.threshold)}`]),
  ];
  const found = best.length === 0 ? '' : `\n\nBest thresholds on these documents: ${best.join(', ')}.`;
  const heads = ['Best-scored share:', 'Threshold:', 'Documents:', 'Precision:', 'Recall:'];
  return folded('What keeping a share of the documents takes', `${table(heads, rows)}${found}`);
}

function calibration({ binary }: ModelReport): string {
  if (binary === null || binary.calibration === null) return '';
  const { bins, expectedError } = binary.calibration;
  const rows = bins.map((bin) => [
    `${formatMeasure(bin.from)}–${formatMeasure(bin.to)}`,
    formatCount(bin.documents),
    formatFigure(bin.meanScore),
    formatFigure(bin.positiveShare),
  ]);
  const heads = ['Scores', 'Documents:', 'Mean score:', 'Share of positives:'];
  return folded(`Calibration: expected error ${formatFigure(expectedError)}`, table(heads, rows));
}

function features({ label, features: found }: ModelReport['telling'][number]): string {
  const rows = found
    .slice(0, FEATURES_SHOWN)
    .map(({ feature, weight }) => [codeText(feature, 80), formatMeasure(weight)]);
  return folded(`What speaks most for ${escapeMarkdown(label)}`, table(['Feature', 'Weight:'], rows));
}

function nearest({ nearest: documents, binary }: ModelReport): string {
  if (documents.length === 0) return '';
  const shown = documents.slice(0, DOCUMENTS_SHOWN);
  const where = binary === null ? 'between two labels' : 'nearest the threshold';
  return folded(`${formatCounted(shown.length, 'document')} ${where}`, documentTable(shown));
}

function mistakes({ label, predicted, count, documents }: ModelReport['mistakes'][number]): string {
  const title = `${escapeMarkdown(label)} taken for ${escapeMarkdown(predicted)}: ${formatCounted(count, 'document')}, the surest first`;
  return folded(title, documentTable(documents.slice(0, DOCUMENTS_SHOWN)));
}

function documentTable(documents: readonly ReportDocument[]): string {
  const rows = documents.map(({ id, score, label, predicted, lang, source, excerpt }) => [
    codeText(id, 80),
    formatThreshold(score),
    escapeMarkdown(label === predicted ? label : `${label}, taken for ${predicted}`),
    escapeMarkdown([lang, source].filter((part) => part !== null).join(', ')),
    excerpt === null ? '' : codeText(excerpt),
  ]);
  return table(['Document', 'Score:', 'Label', 'From', 'Text'], rows);
}

function footer({ leftOut, corpusmillVersion }: QualityReport): string {
  const left = leftOut.map(
    ({ reason, documents }) => `${formatCounted(documents, 'document')} left out: ${escapeMarkdown(reason)}`,
  );
  return `<sub>${[`corpusmill ${escapeMarkdown(corpusmillVersion)}`, ...left].join(' · ')}</sub>`;
}
