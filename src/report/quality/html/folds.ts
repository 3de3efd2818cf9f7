/** Cross-validation: what a model reaches in each fold, and how far that varies. */
import type { ModelReport, QualityReport } from '../../../quality/evaluation/quality-report-schema.ts';
import { html, type Markup } from '../../html/markup.ts';
import { FIGURE_NAMES, formatFigure } from '../figure-text.ts';
import { perModel } from './per-model.ts';
import { modelName } from './series.ts';

type CrossValidation = NonNullable<ModelReport['crossValidation']>;
type FigureName = keyof CrossValidation;
type Row = { head: Markup; spread: CrossValidation[FigureName] };

/** Undefined without folds. */
export function renderFolds(report: QualityReport): Markup | undefined {
  const { folds } = report;
  if (folds === null) return undefined;
  const rows = report.models.map((model, index) => ({
    head: modelName(report, index),
    spread: model.crossValidation!.auc,
  }));
  return html`<h3>${FIGURE_NAMES.auc}</h3>${foldTable('Model', rows, folds)}
<p class="quiet note">±: standard deviation over the folds (n − 1).</p>
<details class="fold data"><summary>All figures</summary>${perModel(report, ({ crossValidation }) =>
    foldTable('Figure', figureRows(crossValidation!), folds),
  )}</details>`;
}

/** Without those that are undefined in every fold. */
function figureRows(crossValidation: CrossValidation): Row[] {
  return (Object.keys(crossValidation) as FigureName[])
    .filter((name) => crossValidation[name].mean !== null)
    .map((name) => ({ head: html`${FIGURE_NAMES[name]}`, spread: crossValidation[name] }));
}

function foldTable(title: string, rows: readonly Row[], folds: number): Markup {
  return html`<div class="table-frame"><table class="plain folds"><thead><tr><th scope="col">${title}</th><th scope="col" class="num">Mean</th><th scope="col" class="num">±</th>${Array.from({ length: folds }, (_, i) => html`<th scope="col" class="num">Fold ${i + 1}</th>`)}</tr></thead>
<tbody>${rows.map(
    ({ head, spread }) =>
      html`<tr><th scope="row">${head}</th><td class="num"><b>${formatFigure(spread.mean)}</b></td><td class="num">${formatFigure(spread.deviation)}</td>${spread.values.map((value) => html`<td class="num">${formatFigure(value)}</td>`)}</tr>`,
  )}</tbody></table></div>`;
}
