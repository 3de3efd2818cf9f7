/**
 * The funnel: one row per stage, a thick bar for documents over a thin one for bytes, on one scale; what the stage dropped is the
 * rust tail of its bar, and a taper leads from what went in to what came out. Drawn with boxes rather than SVG, so
 * that text keeps its size on a phone.
 */
import type { Volume } from '../../core/stats.ts';
import { formatBytes, formatCount, formatShare } from '../numbers.ts';
import type { Report } from '../report-schema.ts';
import { type Child, html, type Markup, percent } from './markup.ts';

export function renderFunnel(report: Report): Markup {
  const { read, kept } = report.totals;
  const volumes = [read, kept, ...report.funnel.flatMap((row) => [row.input, row.output])];
  const scale: Volume = {
    documents: Math.max(...volumes.map((v) => v.documents)),
    bytes: Math.max(...volumes.map((v) => v.bytes)),
  };
  return html`<p class="legend"><span class="key key-kept">goes on</span> <span class="key key-lost">dropped here</span>
<span class="key key-thin">thin bar: bytes of text</span></p>
<ol class="flow">
${flowRow({ title: 'Read', input: read, output: read, scale, end: true, figure: volumeFigure(read) })}
${report.funnel.map((row, index) =>
  flowRow({
    // By place, never by name: an id made of data could be anything.
    title: row.dropped.documents > 0 ? html`<a href="#reasons-${index + 1}">${row.name}</a>` : row.name,
    subtitle: row.stage === row.name ? undefined : row.stage,
    input: row.input,
    output: row.output,
    scale,
    end: false,
    figure: stageFigure(row),
  }),
)}
${flowRow({ title: 'Kept', input: kept, output: kept, scale, end: true, figure: keptFigure(report) })}
</ol>`;
}

interface FlowRow {
  title: Child;
  subtitle?: string | undefined;
  input: Volume;
  output: Volume;
  scale: Volume;
  /** The first and the last row. */
  end: boolean;
  figure: Markup;
}

function flowRow({ title, subtitle, input, output, scale, end, figure }: FlowRow): Markup {
  return html`<li class="flow-row${end ? ' flow-end' : ''}">
<div class="flow-name">${title}${subtitle !== undefined && html` <small>${subtitle}</small>`}</div>
<div class="flow-figure">${figure}</div>
<div class="flow-bars" aria-hidden="true">
${bar('bar-documents', input.documents, output.documents, scale.documents)}
${bar('bar-bytes', input.bytes, output.bytes, scale.bytes)}
<i class="taper" style="--in:${percent(input.documents, scale.documents)};--out:${percent(output.documents, scale.documents)}"></i>
</div></li>`;
}

function bar(kind: string, input: number, output: number, scale: number): Markup {
  const lost = Math.max(input - output, 0);
  return html`<span class="bar ${kind}"><b style="width:${percent(output, scale)}"></b>${
    lost > 0 && html`<s style="width:${percent(lost, scale)}"></s>`
  }</span>`;
}

function volumeFigure(volume: Volume): Markup {
  return html`<strong>${formatCount(volume.documents)}</strong> <span>${formatBytes(volume.bytes)}</span>`;
}

function keptFigure(report: Report): Markup {
  const { read, kept } = report.totals;
  return html`<strong>${formatCount(kept.documents)}</strong> <span>${formatBytes(kept.bytes)} · ${formatShare(kept.documents, read.documents)}</span>`;
}

/** What edits took away and put in. */
function editedBytes({ bytesRemoved, bytesAdded }: Report['funnel'][number]): string {
  const removed = bytesRemoved > 0 ? ` −${formatBytes(bytesRemoved)}` : '';
  return `${removed}${bytesAdded > 0 ? ` +${formatBytes(bytesAdded)}` : ''}`;
}

function stageFigure(row: Report['funnel'][number]): Markup {
  const notes: Child[] = [];
  if (row.dropped.documents > 0) {
    notes.push(
      html`<em>−${formatCount(row.dropped.documents)}</em> (${formatShare(row.dropped.documents, row.input.documents)})`,
    );
  }
  if (row.added > 0) notes.push(`+${formatCount(row.added)} by splitting`);
  if (row.changed > 0) notes.push(`${formatCount(row.changed)} edited${editedBytes(row)}`);
  if (notes.length === 0) notes.push('nothing dropped');
  return html`<strong>${formatCount(row.output.documents)}</strong> <span>${notes.flatMap((note, i) => (i === 0 ? [note] : [' · ', note]))}</span>`;
}
