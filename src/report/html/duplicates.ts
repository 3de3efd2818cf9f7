/**
 * Duplicate clusters: how many of which size, and the largest with members side by side, the kept one first; in
 * near-copies the words that the kept one lacks are marked.
 */
import { detailRows } from '../detail-rows.ts';
import { formatBytes, formatCount, formatCounted, formatShare } from '../numbers.ts';
import type { Report, ReportDuplicates } from '../report-schema.ts';
import { diffAgainst } from '../word-diff.ts';
import { cutText, excerptBlock } from './excerpt.ts';
import { html, type Markup, percent } from './markup.ts';

export function renderDuplicates(report: Report, excerptChars: number): Markup {
  if (report.duplicates.length === 0) return html`<p class="quiet">This pipeline has no dedup stage.</p>`;
  return html`${report.duplicates.map((entry) => renderStage(entry, excerptChars))}`;
}

function renderStage(entry: ReportDuplicates, excerptChars: number): Markup {
  const settings = detailRows(entry.settings);
  return html`<section class="group">
<h3>${entry.name}${entry.stage !== entry.name && html` <small>${entry.stage}</small>`}
<span class="group-sum">−${formatCount(entry.duplicates)} of ${formatCount(entry.documents)} (${formatShare(entry.duplicates, entry.documents)})</span></h3>
${settings.length > 0 && html`<p class="settings">${settings.map(({ label, value }) => html`<span class="chip">${label} <b>${value}</b></span> `)}</p>`}
${entry.clusters === 0 ? html`<p class="quiet">No two documents were copies.</p>` : clusters(entry, excerptChars)}
</section>`;
}

function clusters(entry: ReportDuplicates, excerptChars: number): Markup {
  const bins = binSizes(entry.clusterSizes);
  const most = Math.max(...bins.map((bin) => bin.clusters));
  return html`<div class="table-frame"><table class="plain sizes"><thead><tr><th scope="col">Copies in a cluster</th><th scope="col" class="num">Clusters</th><td></td><th scope="col" class="num">Dropped</th></tr></thead>
<tbody>${bins.map(
    (bin) =>
      html`<tr><th scope="row">${bin.label}</th><td class="num">${formatCount(bin.clusters)}</td><td class="size-bar" aria-hidden="true"><s style="width:${percent(bin.clusters, most)}"></s></td><td class="num">${formatCount(bin.dropped)}</td></tr>`,
  )}</tbody></table></div>
${
  entry.largest.length > 0 &&
  html`<h4>Largest clusters</h4><ul class="clusters">${entry.largest.map(
    (
      cluster,
    ) => html`<li><details class="fold"><summary><b>${formatCounted(cluster.size, 'copy', 'copies')}</b> <span class="quiet cluster-hint">${hint(cluster.members)}</span></summary>
<div class="members">${members(cluster.members, excerptChars)}</div>${
      cluster.size > cluster.members.length &&
      html`<p class="quiet">and ${formatCounted(cluster.size - cluster.members.length, 'more copy', 'more copies')}</p>`
    }</details></li>`,
  )}</ul>`
}`;
}

type Member = ReportDuplicates['largest'][number]['members'][number];

/** The first words of the kept document, so that a closed cluster says what it is. */
function hint(list: readonly Member[]): string {
  return cutText((list[0]?.excerpt ?? '').replace(/\s+/g, ' ').trim(), 90);
}

function members(list: readonly Member[], excerptChars: number): Markup[] {
  if (list.length === 0) return [];
  const base = list.find((member) => member.kept) ?? list[0];
  const baseText = cutText(base.excerpt, excerptChars);
  return list.map((member) => {
    const text = cutText(member.excerpt, excerptChars);
    const shownBytes = Buffer.byteLength(text);
    const cut = member.bytes > shownBytes || base.bytes > Buffer.byteLength(baseText);
    const body =
      member === base
        ? text
        : diffAgainst(baseText, text, cut).map((run) => (run.differs ? html`<mark>${run.text}</mark>` : run.text));
    const same = member !== base && text === baseText && member.bytes === base.bytes;
    return html`<article class="member${member.kept ? ' member-kept' : ''}">
<header><span class="badge">${member.kept ? 'kept' : 'dropped'}</span> <code class="id">${member.id}</code> <span class="chip">${member.source}</span> <span class="quiet">${formatBytes(member.bytes)}${same && ', same excerpt'}</span></header>
${excerptBlock(body, shownBytes, member.bytes)}</article>`;
  });
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
