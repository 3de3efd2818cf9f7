/** What a model decides at its threshold, and what another threshold would: confusion, best thresholds, shares kept. */
import type { BinaryReport, ModelReport, QualityReport } from '../../../quality/evaluation/quality-report-schema.ts';
import { html, type Markup } from '../../html/markup.ts';
import { formatCount, formatMeasure, formatShare } from '../../numbers.ts';
import { FIGURE_NAMES, formatFigure, formatThreshold, thresholdText } from '../figure-text.ts';
import { perModel } from './per-model.ts';

/** A wider matrix is read by a program, from the JSON. */
const MATRIX_SHOWN = 12;
/** Share of colour in the darkest cell: its number stays readable in both themes. */
const DARKEST = 42;

export function renderDecisions(report: QualityReport): Markup | undefined {
  const labels = report.labels.map(({ label }) => label);
  return perModel(report, (model) => {
    const { binary } = model;
    return html`${binary !== null && html`<p>Taken for ${report.positive} from a score of <b>${thresholdText(binary.threshold)}</b>.</p>`}
${figureRow(model)}
<div class="tables"><div>${confusion(model, labels)}</div>${binary !== null && bestThresholds(binary)}</div>${binary !== null && keptTable(binary)}`;
  });
}

function figureRow({ figures, binary }: ModelReport): Markup {
  const names =
    binary === null
      ? (['accuracy', 'macroF1', 'mcc'] as const)
      : (['precision', 'recall', 'f1', 'accuracy', 'macroF1', 'mcc'] as const);
  return html`<dl class="facts short">${names.map((name) => html`<div><dt>${FIGURE_NAMES[name]}</dt><dd>${formatFigure(figures[name])}</dd></div>`)}</dl>`;
}

/** Darker the larger its share of the documents of its row; every cell holds its number, so that nothing is said by colour alone. */
function confusion({ confusion: matrix }: ModelReport, labels: readonly string[]): Markup {
  if (labels.length > MATRIX_SHOWN) {
    return html`<p class="quiet note">The confusion matrix of ${labels.length} labels is in the report’s JSON.</p>`;
  }
  const cell = (count: number, documents: number, right: boolean) => {
    if (count === 0) return html`<td class="none">0</td>`;
    const heat = (DARKEST * Math.sqrt(count / documents)).toFixed(1);
    return html`<td class="${right ? 'right' : 'wrong'}" style="--heat:${heat}%">${formatCount(count)} <small>${formatShare(count, documents)}</small></td>`;
  };
  return html`<h4>What it took for what</h4>
<p class="quiet note">Rows: what documents are; columns: what they were taken for. Shares are of the row.</p>
<div class="table-frame"><table class="matrix"><thead><tr><td></td>${labels.map((label) => html`<th scope="col">${label}</th>`)}</tr></thead>
<tbody>${matrix.map((row, truth) => {
    const documents = row.reduce((sum, count) => sum + count, 0);
    return html`<tr><th scope="row">${labels[truth]}</th>${row.map((count, predicted) => cell(count, documents, truth === predicted))}</tr>`;
  })}</tbody></table></div>`;
}

function bestThresholds({ best }: BinaryReport): Markup {
  const rows = [
    { title: 'F1', ...best.f1 },
    { title: 'Youden’s J', ...best.youden },
  ].filter(({ threshold }) => threshold !== undefined);
  if (rows.length === 0) return html``;
  return html`<div><h4>Best thresholds</h4>
<p class="quiet note">Found on these very documents: new ones reach a little less.</p>
<div class="table-frame"><table class="plain"><thead><tr><th scope="col">By</th><th scope="col" class="num">Threshold</th><th scope="col" class="num">Reached</th></tr></thead>
<tbody>${rows.map(
    ({ title, threshold, value }) =>
      html`<tr><th scope="row">${title}</th><td class="num">${formatThreshold(threshold!)}</td><td class="num">${formatFigure(value!)}</td></tr>`,
  )}</tbody></table></div></div>`;
}

function keptTable({ kept }: BinaryReport): Markup {
  return html`<h4>Keeping the best-scored share</h4>
<div class="table-frame"><table class="plain narrow"><thead><tr><th scope="col">Keep best</th><th scope="col" class="num">Threshold</th><th scope="col" class="num">Documents</th><th scope="col" class="num">Precision</th><th scope="col" class="num">Recall</th></tr></thead>
<tbody>${kept.map(
    (row) =>
      html`<tr><th scope="row">${formatMeasure(100 * row.share)} %</th><td class="num">${formatThreshold(row.threshold)}</td><td class="num">${formatCount(row.kept)}</td><td class="num">${formatFigure(row.precision)}</td><td class="num">${formatFigure(row.recall)}</td></tr>`,
  )}</tbody></table></div>`;
}
