/**
 * ROC and precision-recall curves, all models in one plot each. Precision is drawn in steps, as average precision counts it:
 * between two recalls the precision of the lower threshold. Of more than two labels a model has a plot of its own, with a
 * curve for each label against the rest.
 */
import type { BinaryReport, ModelReport, QualityReport } from '../../../quality/evaluation/quality-report-schema.ts';
import { type Child, html, type Markup } from '../../html/markup.ts';
import { NO_FIGURE } from '../../numbers.ts';
import { aucText, FIGURE_NAMES, formatFigure, formatThreshold } from '../figure-text.ts';
import { perModel } from './per-model.ts';
import { every, type Line, type Point, renderPlot } from './plot.ts';
import { legend, SERIES_SHOWN } from './series.ts';

/** Points that answer to the pointer. */
const HINTS = 24;
/** Points in a table. */
const ROWS = 15;

type Roc = NonNullable<BinaryReport['roc']>;
type PrecisionRecall = NonNullable<BinaryReport['precisionRecall']>;

const CHANCE: readonly [Point, Point] = [
  [0, 0],
  [1, 1],
];

/** Undefined where no model has a curve. */
export function renderCurves(report: QualityReport): Markup | undefined {
  return report.positive === null ? perModel(report, curvesOfLabels) : curvesOfModels(report, report.positive);
}

function curvesOfModels(report: QualityReport, positive: string): Markup | undefined {
  const models = report.models.slice(0, SERIES_SHOWN);
  const roc = models.flatMap((model, series) => rocLineOf(model, series, positive) ?? []);
  const precisionRecall = models.flatMap((model, series) => precisionLineOf(model, series) ?? []);
  if (roc.length + precisionRecall.length === 0) return undefined;
  const positives = report.labels.find(({ label }) => label === positive)!.documents / report.documents;
  return html`${report.models.length > 1 && legend(report.models.map(({ name }, series) => ({ name, series })))}
<div class="plots">${
    roc.length > 0 &&
    renderPlot({
      title: 'ROC',
      description: `ROC curves. ${models.map((model) => `${model.name}: area ${aucText(model)}.`).join(' ')} Points are in the table below.`,
      x: 'false positive rate',
      y: 'true positive rate',
      lines: roc,
      reference: CHANCE,
    })
  }${
    precisionRecall.length > 0 &&
    renderPlot({
      title: 'Precision and recall',
      description: `Precision-recall curves. ${models.map(({ name, figures }) => `${name}: average precision ${formatFigure(figures.averagePrecision)}.`).join(' ')} Points are in the table below.`,
      x: 'recall',
      y: 'precision',
      lines: precisionRecall,
      reference: [
        [0, positives],
        [1, positives],
      ],
    })
  }</div>
<p class="quiet note">A ring is a model at its threshold; the thin line is chance.</p>
${report.models.map(({ name, binary }) => binary !== null && pointTable(name, binary))}`;
}

function rocLineOf(
  { name, binary, byLabel, figures }: ModelReport,
  series: number,
  positive: string,
): Line | undefined {
  if (!binary?.roc) return undefined;
  const others = byLabel.find(({ label }) => label !== positive)!.recall;
  return {
    ...rocLine(name, series, binary.roc),
    mark: markAt(
      others === null ? null : 1 - others,
      figures.recall,
      `${name} at its threshold ${formatThreshold(binary.threshold.value)}`,
    ),
  };
}

function rocLine(name: string, series: number, roc: Roc): Line {
  return {
    series,
    points: roc.map(([x, y]) => [x, y]),
    hints: every(roc, HINTS).map(([x, y, threshold]) => ({
      at: [x, y],
      text: `${name}${threshold === null ? '' : ` from ${formatThreshold(threshold)} up`}: true positive rate ${formatFigure(y)}, false positive rate ${formatFigure(x)}`,
    })),
  };
}

function precisionLineOf({ name, binary, figures }: ModelReport, series: number): Line | undefined {
  if (!binary?.precisionRecall) return undefined;
  const curve = binary.precisionRecall;
  return {
    series,
    points: steps(curve),
    hints: every(curve, HINTS).map(([recall, precision, threshold]) => ({
      at: [recall, precision],
      text: `${name} from ${formatThreshold(threshold)} up: precision ${formatFigure(precision)}, recall ${formatFigure(recall)}`,
    })),
    mark: markAt(
      figures.recall,
      figures.precision,
      `${name} at its threshold ${formatThreshold(binary.threshold.value)}`,
    ),
  };
}

/** From each recall to the next at the next one's precision. */
function steps(curve: PrecisionRecall): Point[] {
  return curve.flatMap(([recall, precision], i): Point[] => [
    [i === 0 ? 0 : curve[i - 1][0], precision],
    [recall, precision],
  ]);
}

function markAt(x: number | null, y: number | null, text: string): Line['mark'] {
  return x === null || y === null ? undefined : { at: [x, y], text };
}

function pointTable(name: string, { roc, precisionRecall }: BinaryReport): Markup {
  const row = (cells: Child[]) => html`<tr>${cells.map((cell) => html`<td class="num">${cell}</td>`)}</tr>`;
  const head = (titles: string[]) =>
    html`<thead><tr>${titles.map((title) => html`<th scope="col" class="num">${title}</th>`)}</tr></thead>`;
  return html`<details class="fold data"><summary>The numbers of ${name}</summary><div class="tables">${
    roc !== null &&
    html`<table class="plain">${head(['Threshold', 'False positive rate', 'True positive rate'])}<tbody>${every(
      roc,
      ROWS,
    ).map(([x, y, threshold]) =>
      row([threshold === null ? NO_FIGURE : formatThreshold(threshold), formatFigure(x), formatFigure(y)]),
    )}</tbody></table>`
  }${
    precisionRecall !== null &&
    html`<table class="plain">${head(['Threshold', 'Recall', 'Precision'])}<tbody>${every(precisionRecall, ROWS).map(
      ([recall, precision, threshold]) =>
        row([formatThreshold(threshold), formatFigure(recall), formatFigure(precision)]),
    )}</tbody></table>`
  }</div></details>`;
}

/** One model, the labels with the most documents. */
function curvesOfLabels({ name, byLabel }: ModelReport): Markup | undefined {
  const shown = byLabel
    .toSorted((a, b) => b.documents - a.documents)
    .flatMap(({ label, roc, auc }) => (roc === null ? [] : [{ label, roc, auc }]))
    .slice(0, SERIES_SHOWN);
  if (shown.length === 0) return undefined;
  return html`${legend(shown.map(({ label }, series) => ({ name: label, series })))}
<div class="plots">${renderPlot({
    title: 'ROC of each label against the rest',
    description: `ROC curves of ${name}. ${shown.map(({ label, auc }) => `${label}: area ${formatFigure(auc)}.`).join(' ')} All areas are in the table of labels.`,
    x: 'false positive rate',
    y: 'true positive rate',
    lines: shown.map(({ label, roc }, series) => rocLine(label, series, roc)),
    reference: CHANCE,
  })}<div>${labelTable(byLabel)}</div></div>`;
}

function labelTable(byLabel: ModelReport['byLabel']): Markup {
  const names = ['auc', 'precision', 'recall', 'f1'] as const;
  return html`<div class="table-frame"><table class="plain"><thead><tr><th scope="col">Label</th><th scope="col" class="num">Documents</th>${names.map((name) => html`<th scope="col" class="num">${FIGURE_NAMES[name]}</th>`)}</tr></thead>
<tbody>${byLabel.map(
    (row) =>
      html`<tr><th scope="row">${row.label}</th><td class="num">${row.documents}</td>${names.map((name) => html`<td class="num">${formatFigure(row[name])}</td>`)}</tr>`,
  )}</tbody></table></div>`;
}
