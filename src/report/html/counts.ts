/** What stages counted documents under besides keep and drop: the benchmark items that decontamination found. */
import { formatCount, formatCounted } from '../numbers.ts';
import type { Report } from '../report-schema.ts';
import { html, type Markup } from './markup.ts';

/** `report.json` holds all. */
const MAX_ROWS = 200;

export function renderCounts(report: Report): Markup {
  return html`${report.counts.map(
    ({
      name,
      entries,
    }) => html`<details class="fold"><summary>${name}: ${formatCounted(entries.length, 'item')} found</summary>
<div class="table-frame"><table class="plain"><thead><tr><th scope="col">Item</th><th scope="col" class="num">Documents</th></tr></thead>
<tbody>${entries
      .slice(0, MAX_ROWS)
      .map(
        ({ what, documents }) =>
          html`<tr><th scope="row">${what}</th><td class="num">${formatCount(documents)}</td></tr>`,
      )}</tbody></table></div>${
      entries.length > MAX_ROWS &&
      html`<p class="quiet">${formatCount(entries.length - MAX_ROWS)} more in report.json.</p>`
    }</details>`,
  )}`;
}
