/**
 * Document lengths before and after, on one binary-log axis: a grey bar for each power of two as read, with what was
 * kept inside it. The same numbers stand in a table below, for those who do not see the chart.
 */
import { formatBytes, formatCount, formatPowerOfTwo, NO_FIGURE } from '../numbers.ts';
import type { Report, ReportLengths } from '../report-schema.ts';
import { html, type Markup, percent } from './markup.ts';

export function renderLengths(report: Report): Markup {
  const { before, after } = report.lengths;
  if (before.documents === 0 && after.documents === 0) return html`<p class="quiet">No documents, no lengths.</p>`;
  const count = Math.max(before.buckets.length, after.buckets.length);
  const bars = Array.from({ length: count }, (_, k) => ({
    exponent: k,
    before: before.buckets[k]?.documents ?? 0,
    after: after.buckets[k]?.documents ?? 0,
  }));
  const first = Math.max(0, bars.findIndex((bar) => bar.before + bar.after > 0) - 1);
  const shown = bars.slice(first);
  const top = niceCeiling(Math.max(...shown.map((bar) => Math.max(bar.before, bar.after))));
  return html`<figure class="lengths">
<figcaption class="legend"><span class="key key-before">as read</span> <span class="key key-kept">as kept</span> <span class="quiet">documents by UTF-8 bytes of text, each bar twice as long as the one before</span></figcaption>
<div class="plot" role="img" aria-label="${describe(before, after)}">
<div class="plot-y" aria-hidden="true"><span>${formatCount(top)}</span><span>${formatCount(top / 2)}</span><span>0</span></div>
<div class="plot-bars">${shown.map(
    (bar) =>
      html`<div class="plot-column" title="${rangeText(bar.exponent)}: ${formatCount(bar.before)} read, ${formatCount(bar.after)} kept"><u style="height:${percent(bar.before, top)}"></u><b style="height:${percent(bar.after, top)}"></b></div>`,
  )}</div>
<div class="plot-x" aria-hidden="true">${shown
    .map((bar, i) => ({ bar, i }))
    .filter(({ bar }) => bar.exponent % 5 === 0)
    .map(
      ({ bar, i }) => html`<span style="left:${percent(i, shown.length)}">${formatPowerOfTwo(bar.exponent)}</span>`,
    )}</div>
</div></figure>
<div class="table-frame"><table class="plain"><thead><tr><th scope="col"></th><th scope="col" class="num">Shortest</th><th scope="col" class="num">Median ≈</th><th scope="col" class="num">Mean</th><th scope="col" class="num">Longest</th></tr></thead>
<tbody>${summaryRow('As read', before)}${summaryRow('As kept', after)}</tbody></table></div>
<details class="fold data"><summary>The numbers</summary><div class="table-frame"><table class="plain"><thead><tr><th scope="col">Bytes</th><th scope="col" class="num">Read</th><th scope="col" class="num">Kept</th></tr></thead>
<tbody>${shown
    .filter((bar) => bar.before + bar.after > 0)
    .map(
      (bar) =>
        html`<tr><th scope="row">${rangeText(bar.exponent)}</th><td class="num">${formatCount(bar.before)}</td><td class="num">${formatCount(bar.after)}</td></tr>`,
    )}</tbody></table></div></details>`;
}

function summaryRow(title: string, lengths: ReportLengths): Markup {
  const cell = (value: number | null) => html`<td class="num">${value === null ? NO_FIGURE : formatBytes(value)}</td>`;
  return html`<tr><th scope="row">${title}</th>${cell(lengths.min)}${cell(lengths.median)}${cell(lengths.mean)}${cell(lengths.max)}</tr>`;
}

function describe(before: ReportLengths, after: ReportLengths): string {
  const median = (lengths: ReportLengths) => (lengths.median === null ? NO_FIGURE : formatBytes(lengths.median));
  return `Histogram of document lengths. As read: ${formatCount(before.documents)} documents, median about ${median(before)}. As kept: ${formatCount(after.documents)} documents, median about ${median(after)}.`;
}

function rangeText(exponent: number): string {
  return exponent === 0 ? 'under 2 B' : `${formatPowerOfTwo(exponent)} to ${formatPowerOfTwo(exponent + 1)}`;
}

/** The smallest round number that holds the value and whose half is round as well. */
function niceCeiling(value: number): number {
  const power = 10 ** Math.max(Math.floor(Math.log10(Math.max(value, 1))), 0);
  const steps = power === 1 ? [2, 4, 6, 8, 10] : [1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10];
  return (steps.find((step) => step * power >= value) ?? 10) * power;
}
