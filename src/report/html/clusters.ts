/** The largest clusters: the frame that the page's script fills from the data beside it (cluster-script.ts). */
import { formatCount } from '../numbers.ts';
import type { ReportDuplicates } from '../report-schema.ts';
import { clusterBlock, packClusters } from './cluster-data.ts';
import { html, type Markup } from './markup.ts';

/** `place` is the stage's number on the page, for ids. */
export function renderClusters(entry: ReportDuplicates, place: number): Markup {
  const packed = packClusters(entry.largest);
  if (packed.clusters.length === 0) return html``;
  const id = `clusters-${place}`;
  const hasNew = packed.clusters.some(([, , members]) => members.some((member) => member[4] === 1));
  const all = packed.clusters.length === entry.clusters;
  return html`<h4>${all ? 'Clusters' : 'Largest clusters'}</h4>
<div class="cluster-view" data-clusters="${id}" hidden>
<div class="cluster-tools"><label>Find <input type="search" placeholder="id or words" autocomplete="off"></label>
<label>Source <select><option value="">all</option>${packed.sources.map((source, i) => html`<option value="${i}">${source}</option>`)}</select></label>
${hasNew && html`<label><input type="checkbox"> only with new duplicates</label>`}
<span class="quiet" role="status"></span></div>
<ul class="clusters"></ul>
<button type="button" class="plain-button more">Show more</button></div>
<noscript><p class="quiet">${formatCount(packed.clusters.length)} clusters are shown by this page’s script; they are in report.json too.</p></noscript>
${clusterBlock(id, packed)}`;
}
