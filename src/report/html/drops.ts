/**
 * Why documents were dropped: reasons under their stage, with a bar each, and behind each a few sampled documents
 * with what was measured beside the limit it broke. `<details>` opens by keyboard and without script.
 */
import { formatBytes, formatCount, formatCounted, formatMeasure, formatShare } from '../numbers.ts';
import type { Report, ReportDrop, ReportSample } from '../report-schema.ts';
import { cutText, excerptBlock } from './excerpt.ts';
import { html, type Markup, percent } from './markup.ts';

export function renderDrops(report: Report, excerptChars: number): Markup {
  if (report.drops.length === 0) return html`<p class="quiet">No stage dropped a document.</p>`;
  const largest = Math.max(...report.drops.map((drop) => drop.documents));
  return html`${whereDropped(report)}${report.funnel.map(
    (row, index) =>
      row.dropped.documents > 0 &&
      html`<section class="group" id="reasons-${index + 1}">
<h3>${row.name}${row.stage !== row.name && html` <small>${row.stage}</small>`}
<span class="group-sum">−${formatCount(row.dropped.documents)} · ${formatBytes(row.dropped.bytes)}</span></h3>
<ul class="reasons">${report.drops
        .filter((drop) => drop.name === row.name)
        .map((drop) => html`<li>${reasonRow(drop, largest, report.totals.read.documents, excerptChars)}</li>`)}</ul>
</section>`,
  )}`;
}

/** Where the dropped documents lie. */
function whereDropped({ audit }: Report): Markup | false {
  if (audit === null || audit.documents === 0) return false;
  const which = audit.fraction === 1 ? 'All of them lie' : `${formatCounted(audit.documents, 'document')} of them lie`;
  const text = audit.text === 'whole' ? 'and their text' : 'and the start of their text';
  return html`<p>${which} in <code class="id">${audit.path}</code> with stage, reason, measured value, limit ${text}: <code>corpusmill inspect ${audit.path}</code></p>`;
}

function reasonRow(drop: ReportDrop, largest: number, documentsRead: number, excerptChars: number): Markup {
  const head = html`<span class="reason-name">${drop.reason}${
    drop.description !== null && html` <small>${drop.description}</small>`
  }</span>
<span class="reason-bar" aria-hidden="true"><s style="width:${percent(drop.documents, largest)}"></s></span>
<span class="num reason-count">${formatCount(drop.documents)}</span>
<span class="num reason-share">${formatShare(drop.documents, documentsRead)}</span>
<span class="num reason-bytes">${formatBytes(drop.bytes)}</span>`;
  if (drop.samples.length === 0) return html`<div class="reason">${head}</div>`;
  return html`<details class="fold"><summary class="reason">${head}</summary>
<div class="samples">${drop.samples.map((sample) => sampleCard(sample, excerptChars))}</div></details>`;
}

function sampleCard(sample: ReportSample, excerptChars: number): Markup {
  const text = cutText(sample.excerpt, excerptChars);
  return html`<article class="sample">
<header><code class="id">${sample.id}</code> <span class="chip">${sample.source}</span> <span class="quiet">${formatBytes(sample.bytes)}</span></header>
${measurement(sample)}${excerptBlock(text, Buffer.byteLength(text), sample.bytes)}</article>`;
}

/** `measured 0.34, limit 0.2`, with a small scale where both are positive. */
function measurement({ value, threshold }: ReportSample): Markup | false {
  if (value === null) return false;
  if (threshold === null) return html`<p class="measure">measured <b>${formatMeasure(value)}</b></p>`;
  const scale = Math.max(value, threshold) * 1.1;
  const gauge =
    value >= 0 &&
    threshold >= 0 &&
    scale > 0 &&
    html`<span class="gauge" aria-hidden="true"><s style="width:${percent(value, scale)}"></s><i style="left:${percent(threshold, scale)}"></i></span>`;
  return html`<p class="measure">measured <b>${formatMeasure(value)}</b> ${gauge} limit <b class="limit">${formatMeasure(threshold)}</b></p>`;
}
