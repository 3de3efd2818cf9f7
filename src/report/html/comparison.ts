/** What changed since the baseline: in all, by stage and by source, and how many duplicates are new or gone. */
import { formatBytes, formatCount, formatCounted, formatShare, NO_FIGURE } from '../numbers.ts';
import type { Report, ReportComparison } from '../report-schema.ts';
import { html, type Markup } from './markup.ts';

type Row = Pick<ReportComparison['stages'][number]['sources'][number], 'name' | 'now' | 'before' | 'trend'>;

/** Sources listed under a stage. */
const SOURCES_SHOWN = 20;

export function renderComparison({ comparison }: Report): Markup {
  if (comparison === null) return html``;
  const { totals, stages, baseline } = comparison;
  return html`<p class="trend trend-${totals.trend ?? 'same'}">${sentence(comparison)}</p>
${stages.map((stage) => {
  const changed = stage.sources.filter((row) => row.trend !== 'same');
  return html`<section class="group"><h3>${stage.name} <span class="group-sum">${newAndGone(stage)}</span></h3>
${stage.untold !== null && html`<p class="quiet">Which duplicates are new is not known: ${stage.untold}.</p>`}
${rateTable([{ ...stage, name: 'All documents' }, ...changed.slice(0, SOURCES_SHOWN)])}
${rest(changed.length - SOURCES_SHOWN, stage.sources.length - changed.length)}</section>`;
})}
<p class="quiet baseline">Baseline: <code class="id">${baseline.pipeline}</code>, corpusmill ${baseline.corpusmillVersion}, hash <code class="id">${baseline.hash}</code></p>`;
}

function sentence({ totals: { now, before, trend } }: ReportComparison): Markup {
  const rate = (one: typeof now) => formatShare(one.duplicates, one.documents);
  if (trend === null) return html`There is no rate to compare with.`;
  if (trend === 'same') return html`As before: <b>${rate(now)}</b> duplicates.`;
  return html`${trend === 'better' ? 'Better' : 'Worse'}: <b>${rate(now)}</b> duplicates, ${rate(before)} before.`;
}

function newAndGone({ newDuplicates, goneDuplicates }: ReportComparison['stages'][number]): string {
  if (newDuplicates === null || goneDuplicates === null) return '';
  return `${formatCount(newDuplicates)} new, ${formatCount(goneDuplicates)} gone`;
}

function rest(more: number, unchanged: number): Markup {
  const parts = [
    ...(more > 0 ? [`${formatCounted(more, 'more source')} changed, in report.json.`] : []),
    ...(unchanged > 0 ? [`${formatCounted(unchanged, 'source')} as before.`] : []),
  ];
  return parts.length === 0 ? html`` : html`<p class="quiet">${parts.join(' ')}</p>`;
}

function rateTable(rows: readonly Row[]): Markup {
  const figures = (side: Row['now'], value: (rate: NonNullable<Row['now']>) => string) =>
    side === null ? NO_FIGURE : value(side);
  return html`<table class="stacking"><thead><tr><th scope="col">Source</th><th scope="col" class="num">Duplicates</th><th scope="col" class="num">Before</th><th scope="col" class="num">Share</th><th scope="col" class="num">Before</th><th scope="col" class="num">Text saved</th></tr></thead>
<tbody>${rows.map(
    ({
      name,
      now,
      before,
      trend,
    }) => html`<tr><th scope="row">${name}${trend !== null && trend !== 'same' && html` <span class="badge badge-${trend}">${trend}</span>`}</th>
<td class="num" data-label="Duplicates">${figures(now, (rate) => formatCount(rate.duplicates))}</td>
<td class="num" data-label="Before">${figures(before, (rate) => formatCount(rate.duplicates))}</td>
<td class="num" data-label="Share">${figures(now, (rate) => formatShare(rate.duplicates, rate.documents))}</td>
<td class="num" data-label="Share before">${figures(before, (rate) => formatShare(rate.duplicates, rate.documents))}</td>
<td class="num" data-label="Text saved">${figures(now, (rate) => formatBytes(rate.bytesSaved))}</td></tr>`,
  )}</tbody></table>`;
}
