/** Stages that keep documents by a score: a histogram with what was kept, and the limit and share of each group. */
import { formatCount, formatCounted, formatMeasure, formatShare, NO_FIGURE } from '../numbers.ts';
import type { Report, ReportScore } from '../report-schema.ts';
import { html, type Markup, percent } from './markup.ts';

export function renderKeptByScore(report: Report): Markup {
  return html`${report.scores.map(renderStage)}`;
}

function renderStage(score: ReportScore): Markup {
  const { name, stage, field, documents, kept, unscored, quantiles } = score;
  const shown = ['0.01', '0.1', '0.25', '0.5', '0.75', '0.9', '0.99'].filter((quantile) => quantile in quantiles);
  return html`<section class="group">
<h3>${name}${stage !== name && html` <small>${stage}</small>`}
<span class="group-sum">${formatCount(kept)} of ${formatCount(documents)} kept (${formatShare(kept, documents)}) by <code class="id">${field}</code></span></h3>
${unscored > 0 && html`<p class="quiet">${formatCounted(unscored, 'document')} without a score.</p>`}
${score.histogram !== null && histogram(score, score.histogram)}
${
  shown.length > 0 &&
  html`<dl class="facts">${shown.map((quantile) => html`<div><dt>${quantileName(quantile)}</dt><dd>${formatMeasure(quantiles[quantile])}</dd></div>`)}</dl>`
}
${groupTable(score)}</section>`;
}

function quantileName(quantile: string): string {
  return quantile === '0.5' ? 'Median' : `${formatMeasure(100 * Number(quantile))} % are below`;
}

function histogram(
  { documents, unscored, field }: ReportScore,
  { from, to, kept, dropped }: NonNullable<ReportScore['histogram']>,
): Markup {
  const width = (to - from) / kept.length;
  const bins = kept.map((count, i) => ({
    kept: count,
    dropped: dropped[i],
    low: from + i * width,
    high: from + (i + 1) * width,
  }));
  const most = Math.max(...bins.map((bin) => bin.kept + bin.dropped));
  const range = (i: number): string => {
    if (i === 0) return `under ${formatMeasure(bins[0].high)}`;
    if (i === bins.length - 1) return `${formatMeasure(bins[i].low)} and more`;
    return `${formatMeasure(bins[i].low)} to ${formatMeasure(bins[i].high)}`;
  };
  return html`<figure>
<figcaption class="legend"><span class="key key-kept">kept</span> <span class="key key-before">dropped</span> <span class="quiet">documents by score</span></figcaption>
<div class="plot plot-small" role="img" aria-label="Histogram of ${formatCounted(documents - unscored, 'document')} by ${field}. The numbers are in the table below.">
<div class="plot-y" aria-hidden="true"><span>${formatCount(most)}</span><span>0</span></div>
<div class="plot-bars">${bins.map(
    (bin, i) =>
      html`<div class="plot-stack" title="${range(i)}: ${formatCount(bin.kept)} kept, ${formatCount(bin.dropped)} dropped"><u style="height:${percent(bin.dropped, most)}"></u><b style="height:${percent(bin.kept, most)}"></b></div>`,
  )}</div>
<div class="plot-ticks" aria-hidden="true">${[0, 0.25, 0.5, 0.75, 1].map((at) => html`<span>${formatMeasure(from + at * (to - from))}</span>`)}</div>
<div class="plot-title" aria-hidden="true">${field}, from the 1st to the 99th percentile</div></div></figure>
<details class="fold data"><summary>The numbers</summary><div class="table-frame"><table class="plain"><thead><tr><th scope="col">Score</th><th scope="col" class="num">Kept</th><th scope="col" class="num">Dropped</th></tr></thead>
<tbody>${bins.map(
    (bin, i) =>
      (bin.kept + bin.dropped > 0 || undefined) &&
      html`<tr><th scope="row">${range(i)}</th><td class="num">${formatCount(bin.kept)}</td><td class="num">${formatCount(bin.dropped)}</td></tr>`,
  )}</tbody></table></div></details>`;
}

function groupTable({ groups, groupBy }: ReportScore): Markup {
  const limit = (value: number | null): string => (value === null ? NO_FIGURE : formatMeasure(value));
  return html`<div class="table-frame"><table class="plain"><thead><tr><th scope="col">${groupBy ?? 'Documents'}</th><th scope="col" class="num">Documents</th><th scope="col" class="num">Kept</th><th scope="col" class="num">Share kept</th><th scope="col" class="num">Kept from</th><th scope="col" class="num">to</th></tr></thead>
<tbody>${groups.map(
    (group) =>
      html`<tr><th scope="row">${group.name}</th><td class="num">${formatCount(group.documents)}</td><td class="num">${formatCount(group.kept)}</td><td class="num">${formatShare(group.kept, group.documents)}</td><td class="num">${limit(group.min)}</td><td class="num">${limit(group.max)}</td></tr>`,
  )}</tbody></table></div>`;
}
