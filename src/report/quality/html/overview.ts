/** The table of models: what each reaches on the same documents, and how surely it differs from the baseline. */
import type { ModelReport, QualityReport } from '../../../quality/evaluation/quality-report-schema.ts';
import { type Child, html, type Markup } from '../../html/markup.ts';
import { NO_FIGURE } from '../../numbers.ts';
import {
  aucText,
  FIGURE_NAMES,
  formatDifference,
  formatDifferenceInterval,
  formatFigure,
  formatInterval,
} from '../figure-text.ts';
import { modelName } from './series.ts';

interface Column {
  title: string;
  cell(model: ModelReport): Child;
}

export function renderOverview(report: QualityReport): Markup {
  const columns = [aucColumn, ...(report.positive === null ? columnsOfMany : columnsOfTwo(report))];
  return html`<table class="stacking models"><thead><tr><th scope="col">Model</th>${columns.map(({ title }) => html`<th scope="col" class="num">${title}</th>`)}</tr></thead>
<tbody>${report.models.map(
    (model, index) =>
      html`<tr><th scope="row">${modelName(report, index)}${model.kind !== null && model.kind !== model.name && html` <small>${model.kind}</small>`}</th>${columns.map(
        ({ title, cell }) => html`<td class="num" data-label="${title}">${cell(model)}</td>`,
      )}</tr>`,
  )}</tbody></table>
<p class="quiet note">${note(report)}</p>`;
}

function note(report: QualityReport): string {
  const intervals = 'Small figures are 95 % intervals (DeLong).';
  if (report.positive === null) return 'ROC-AUC is the mean over the labels of each against the rest.';
  if (report.folds === null) return intervals;
  return `${intervals} The scores of all ${report.folds} folds are taken together here; the last table has each fold by itself.`;
}

const aucColumn: Column = {
  title: FIGURE_NAMES.auc,
  cell: (model) =>
    html`${model.undefinedBecause === null ? html`<b>${aucText(model)}</b>` : aucText(model)}${
      model.aucInterval !== null && html`<small>${formatInterval(model.aucInterval)}</small>`
    }`,
};

function figureColumn(name: keyof ModelReport['figures']): Column {
  return { title: FIGURE_NAMES[name], cell: ({ figures }) => formatFigure(figures[name]) };
}

const columnsOfMany: Column[] = [
  figureColumn('accuracy'),
  figureColumn('macroF1'),
  figureColumn('mcc'),
  figureColumn('logLoss'),
];

function columnsOfTwo({ baseline }: QualityReport): Column[] {
  const difference: Column = {
    title: `Beside ${baseline}`,
    cell: ({ name, binary }) => {
      if (name === baseline) return html`<span class="quiet">baseline</span>`;
      const found = binary?.difference;
      if (!found) return NO_FIGURE;
      return html`${formatDifference(found.value)}<small>${formatDifferenceInterval(found)}</small>`;
    },
  };
  return [
    ...(baseline === null ? [] : [difference]),
    figureColumn('averagePrecision'),
    figureColumn('f1'),
    figureColumn('accuracy'),
    figureColumn('mcc'),
    figureColumn('brier'),
    figureColumn('logLoss'),
  ];
}
