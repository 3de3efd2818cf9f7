/** Repeated lines, paragraphs and spans that were taken out of documents, the most repeated ones first. */
import { detailRows } from '../detail-rows.ts';
import { formatBytes, formatCount, formatCounted, formatShare } from '../numbers.ts';
import type { Report, ReportLines } from '../report-schema.ts';
import { cutText } from './excerpt.ts';
import { html, type Markup } from './markup.ts';

const ROWS_SHOWN = 25;
const TEXT_CHARS = 300;

export function renderLines(report: Report): Markup {
  return html`${report.lines.map(renderStage)}`;
}

function renderStage(entry: ReportLines): Markup {
  const settings = detailRows(entry.settings);
  return html`<section class="group">
<h3>${entry.name}${entry.stage !== entry.name && html` <small>${entry.stage}</small>`}
<span class="group-sum">−${formatCounted(entry.removed, entry.unit)} of ${formatCount(entry.seen)} (${formatShare(entry.removed, entry.seen)}), ${formatBytes(entry.bytesRemoved)} in ${formatCounted(entry.edited, 'document')}</span></h3>
${settings.length > 0 && html`<p class="settings">${settings.map(({ label, value }) => html`<span class="chip">${label} <b>${value}</b></span> `)}</p>`}
${entry.top.length === 0 ? html`<p class="quiet">Nothing repeats.</p>` : topTable(entry)}
</section>`;
}

function topTable({ top }: ReportLines): Markup {
  const shown = top.slice(0, ROWS_SHOWN);
  return html`<table class="plain top-lines"><thead><tr><th scope="col">Most repeated</th><th scope="col" class="num">Documents</th><th scope="col" class="num">Times</th></tr></thead>
<tbody>${shown.map(
    ({ text, documents, occurrences }) =>
      html`<tr><th scope="row" dir="auto">${cutText(text, TEXT_CHARS)}${text.length > TEXT_CHARS && '…'}</th><td class="num">${formatCount(documents)}</td><td class="num">${formatCount(occurrences)}</td></tr>`,
  )}</tbody></table>
${top.length > shown.length && html`<p class="quiet">${formatCount(top.length - shown.length)} more in report.json.</p>`}`;
}
