/**
 * Duplicates by source: how many each source has, and a heat table of who copies from whom. A cell is darker the larger
 * its share of all duplicates; every cell holds its number, so that nothing is said by colour alone.
 */
import { formatBytes, formatCount, formatCounted, formatShare } from '../numbers.ts';
import type { ReportDuplicates } from '../report-schema.ts';
import { html, type Markup, percent } from './markup.ts';

type Sources = ReportDuplicates['sources'];

/** Rows of the table and of the matrix; `report.json` has all. */
const ROWS_SHOWN = 20;
const MATRIX_SHOWN = 12;
/** Share of colour in the darkest cell: its number stays readable in both themes. */
const DARKEST = 42;

export function renderSourceRates({ rows, by }: Sources): Markup {
  const found = rows.filter((row) => row.duplicates > 0);
  if (found.length === 0) return html``;
  const shown = [...found].sort((a, b) => b.duplicates - a.duplicates).slice(0, ROWS_SHOWN);
  const highest = Math.max(...shown.map((row) => row.duplicateShare ?? 0));
  return html`<h4>By source${by !== 'source' && html` <small>field <code>${by}</code></small>`}</h4>
<table class="plain rates"><thead><tr><th scope="col">Source</th><th scope="col" class="num">Duplicates</th><th scope="col" class="share-cell" colspan="2">Share</th></tr></thead>
<tbody>${shown.map(
    (
      row,
    ) => html`<tr><th scope="row">${row.name} <small>${formatCounted(row.documents, 'document')}, ${formatBytes(row.bytesSaved)} saved</small></th>
<td class="num">${formatCount(row.duplicates)}</td>
<td class="num share-cell">${formatShare(row.duplicates, row.documents)}</td>
<td class="size-bar" aria-hidden="true"><s style="width:${percent(row.duplicateShare ?? 0, highest)}"></s></td></tr>`,
  )}</tbody></table>
${rest(found.length - shown.length, rows.length - found.length)}`;
}

function rest(more: number, without: number): Markup {
  const parts = [
    ...(more > 0 ? [`${formatCounted(more, 'more source')} in report.json.`] : []),
    ...(without > 0 ? [`${formatCounted(without, 'source')} without duplicates.`] : []),
  ];
  return parts.length === 0 ? html`` : html`<p class="quiet">${parts.join(' ')}</p>`;
}

export function renderMatrix({ rows, matrix }: Sources): Markup {
  const between = matrix.filter(([row, column]) => row !== column);
  if (rows.length < 2) return html``;
  const title = html`<h4>Who copies from whom</h4>`;
  if (between.length === 0) {
    return html`${title}<p class="quiet">Every duplicate has a document of its own source for it.</p>`;
  }
  const weights = rows.map((_, i) => sumOf(between.filter(([row, column]) => row === i || column === i)));
  const involved = rows
    .map((_, i) => i)
    .filter((i) => weights[i] > 0)
    .sort((a, b) => weights[b] - weights[a] || a - b);
  const shown = involved.slice(0, MATRIX_SHOWN);
  const cells = new Map(matrix.map(([row, column, documents]) => [`${row} ${column}`, documents]));
  const most = Math.max(...matrix.map(([, , documents]) => documents));
  // By the square root: beside thousands within one source a few between two would not be seen.
  const heat = (documents: number): string => (DARKEST * Math.sqrt(documents / most)).toFixed(1);
  return html`${title}
<p class="quiet">Documents of the row’s source that were dropped because one of the column’s source is kept.</p>
<div class="table-frame"><table class="matrix"><thead><tr><td></td>${shown.map((i) => html`<th scope="col">${rows[i].name}</th>`)}</tr></thead>
<tbody>${shown.map(
    (row) =>
      html`<tr><th scope="row">${rows[row].name}</th>${shown.map((column) => {
        const documents = cells.get(`${row} ${column}`) ?? 0;
        if (documents === 0) return html`<td class="none">·</td>`;
        return html`<td style="--heat:${heat(documents)}%">${formatCount(documents)}</td>`;
      })}</tr>`,
  )}</tbody></table></div>
${involved.length > shown.length && html`<p class="quiet">${formatCounted(involved.length - shown.length, 'more source')} in report.json.</p>`}`;
}

function sumOf(cells: readonly (readonly [number, number, number])[]): number {
  return cells.reduce((total, [, , documents]) => total + documents, 0);
}
