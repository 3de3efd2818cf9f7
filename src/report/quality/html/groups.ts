/** The figures of each language and each source: a model that is good on the whole may fail one of them. */
import type { ModelReport, QualityReport, ReportGroup } from '../../../quality/evaluation/quality-report-schema.ts';
import { type Child, html, type Markup } from '../../html/markup.ts';
import { formatCount, formatCounted, formatShare } from '../../numbers.ts';
import { aucText, FIGURE_NAMES, formatFigure, formatInterval } from '../figure-text.ts';
import { perModel } from './per-model.ts';

/** The report's JSON has more. */
const ROWS_SHOWN = 25;

/** Undefined where documents had neither languages nor sources. */
export function renderGroups(report: QualityReport): Markup | undefined {
  return perModel(report, ({ groups }) =>
    groups.length === 0 ? undefined : groups.map((table) => groupTable(table, report.positive)),
  );
}

function groupTable({ by, rows, more }: ModelReport['groups'][number], positive: string | null): Markup {
  const columns = positive === null ? columnsOfMany : columnsOfTwo(positive);
  const shown = rows.slice(0, ROWS_SHOWN);
  const left = rows.length - shown.length + more;
  return html`<h4>By ${by}</h4>
<table class="stacking"><thead><tr><th scope="col">${by === 'language' ? 'Language' : 'Source'}</th>${columns.map(([title]) => html`<th scope="col" class="num">${title}</th>`)}</tr></thead>
<tbody>${shown.map(
    (row) =>
      html`<tr><th scope="row">${row.name ?? html`<i class="quiet">none given</i>`}</th>${columns.map(([title, cell]) => html`<td class="num" data-label="${title}">${cell(row)}</td>`)}</tr>`,
  )}</tbody></table>
${left > 0 && html`<p class="quiet note">${formatCounted(left, `more ${by}`)} in the report’s JSON.</p>`}`;
}

type Column = readonly [title: string, cell: (row: ReportGroup) => Child];

const documents: Column = ['Documents', (row) => formatCount(row.documents)];

const auc: Column = [
  FIGURE_NAMES.auc,
  (row) =>
    row.undefinedBecause !== null
      ? html`<span class="undefined">${aucText(row)}</span>`
      : html`${aucText(row)}${row.aucInterval !== null && html`<small>${formatInterval(row.aucInterval)}</small>`}`,
];

function figure(name: keyof ReportGroup['figures']): Column {
  return [FIGURE_NAMES[name], (row) => formatFigure(row.figures[name])];
}

const columnsOfMany: Column[] = [documents, auc, figure('accuracy'), figure('macroF1')];

function columnsOfTwo(positive: string): Column[] {
  const share = (count: number | null, row: ReportGroup) => (count === null ? '' : formatShare(count, row.documents));
  return [
    documents,
    [positive, (row) => share(row.positives, row)],
    [`Taken for ${positive}`, (row) => share(row.kept, row)],
    auc,
    figure('precision'),
    figure('recall'),
    figure('f1'),
  ];
}
