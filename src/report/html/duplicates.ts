/**
 * Duplicates, a group for each dedup stage: what they take, by source and between sources, cluster sizes, how near copies
 * were told, and the largest clusters.
 */
import { detailRows } from '../detail-rows.ts';
import { formatBytes, formatCount, formatShare, NO_FIGURE } from '../numbers.ts';
import type { Report, ReportDuplicates } from '../report-schema.ts';
import { renderClusters } from './clusters.ts';
import { renderLines } from './lines.ts';
import { html, type Markup, percent } from './markup.ts';
import { renderMatrix, renderSourceRates } from './matrix.ts';
import { renderSimilarity } from './similarity.ts';

export function renderDuplicates(report: Report): Markup {
  if (report.duplicates.length + report.lines.length === 0) {
    return html`<p class="quiet">This pipeline has no dedup stage.</p>`;
  }
  return html`${report.duplicates.map((entry, i) => renderStage(entry, i + 1))}${renderLines(report)}`;
}

function renderStage(entry: ReportDuplicates, place: number): Markup {
  const settings = detailRows(entry.settings);
  return html`<section class="group">
<h3>${entry.name}${entry.stage !== entry.name && html` <small>${entry.stage}</small>`}
<span class="group-sum">−${formatCount(entry.duplicates)} of ${formatCount(entry.documents)} (${formatShare(entry.duplicates, entry.documents)})</span></h3>
${settings.length > 0 && html`<p class="settings">${settings.map(({ label, value }) => html`<span class="chip">${label} <b>${value}</b></span> `)}</p>`}
${
  entry.clusters === 0
    ? html`<p class="quiet">No two documents were copies.</p>${entry.index !== null && savings(entry)}${renderSimilarity(entry)}`
    : html`${savings(entry)}${renderSourceRates(entry.sources)}${renderMatrix(entry.sources)}${sizes(entry)}${renderSimilarity(entry)}${renderClusters(entry, place)}`
}
</section>`;
}

function savings({ saved, clusters, duplicates, index }: ReportDuplicates): Markup {
  const figures: [label: string, value: string][] = [
    ['Text saved', formatBytes(saved.bytes)],
    ['Tokens saved', formatCount(saved.tokens)],
    ['Clusters', formatCount(clusters)],
    ['Copies of each, mean', clusters > 0 ? (1 + duplicates / clusters).toFixed(1) : NO_FIGURE],
  ];
  if (index !== null) figures.push([`In the index of ${formatCount(index.documents)}`, formatCount(index.inIndex)]);
  return html`<dl class="facts savings">${figures.map(([label, value]) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>`;
}

function sizes(entry: ReportDuplicates): Markup {
  const bins = binSizes(entry.clusterSizes);
  const most = Math.max(...bins.map((bin) => bin.clusters));
  return html`<h4>Cluster sizes</h4>
<div class="table-frame"><table class="plain sizes"><thead><tr><th scope="col">Copies in a cluster</th><th scope="col" class="num">Clusters</th><td></td><th scope="col" class="num">Dropped</th></tr></thead>
<tbody>${bins.map(
    (bin) =>
      html`<tr><th scope="row">${bin.label}</th><td class="num">${formatCount(bin.clusters)}</td><td class="size-bar" aria-hidden="true"><s style="width:${percent(bin.clusters, most)}"></s></td><td class="num">${formatCount(bin.dropped)}</td></tr>`,
  )}</tbody></table></div>`;
}

/** Sizes 2, 3, 4 stand alone, then doubling ranges: a corpus can have clusters of a hundred thousand. */
function binSizes(sizes: ReportDuplicates['clusterSizes']): { label: string; clusters: number; dropped: number }[] {
  const bins = new Map<number, { label: string; clusters: number; dropped: number }>();
  for (const { size, clusters: count } of sizes) {
    const power = 2 ** Math.floor(Math.log2(size));
    const from = size <= 4 ? size : power === size ? size / 2 + 1 : power + 1;
    const to = size <= 4 ? size : power === size ? size : power * 2;
    const bin = bins.get(from) ?? {
      label: from === to ? formatCount(from) : `${formatCount(from)}–${formatCount(to)}`,
      clusters: 0,
      dropped: 0,
    };
    bin.clusters += count;
    bin.dropped += count * (size - 1);
    bins.set(from, bin);
  }
  return [...bins.entries()].sort(([a], [b]) => a - b).map(([, bin]) => bin);
}
