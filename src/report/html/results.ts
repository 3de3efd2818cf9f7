/** What went in and what came out: the table of sources, the outputs with how to open them, and the quarantine. */
import { detailRows } from '../detail-rows.ts';
import { formatBytes, formatCount, formatCounted, formatShare } from '../numbers.ts';
import { type OpenRecipe, recipesFor, recipesForArtifact } from '../open-with.ts';
import type { Report } from '../report-schema.ts';
import { html, type Markup, percent } from './markup.ts';

export function renderSources(report: Report): Markup {
  if (report.inputs.length === 0) return html`<p class="quiet">The pipeline has no inputs.</p>`;
  return html`<table class="stacking"><thead><tr><th scope="col">Source</th><th scope="col" class="num">On disk</th><th scope="col" class="num">Read</th><th scope="col" class="num">Kept</th><th scope="col" class="share-cell">Share kept</th><th scope="col" class="num">Text kept</th></tr></thead>
<tbody>${report.inputs.map(
    (
      input,
    ) => html`<tr><th scope="row">${input.name} <small>${formatCounted(input.files, `${input.format} file`)}</small></th>
<td class="num" data-label="On disk">${formatBytes(input.fileBytes)}</td>
<td class="num" data-label="Read">${formatCount(input.read.documents)}${input.badRecords > 0 && html` <small class="bad">+${formatCount(input.badRecords)} bad</small>`}</td>
<td class="num" data-label="Kept">${formatCount(input.kept.documents)}</td>
<td class="share-cell" data-label="Share kept">${input.read.documents > 0 && html`<span class="share-bar" aria-hidden="true"><b style="width:${percent(input.kept.documents, input.read.documents)}"></b></span> `}${formatShare(input.kept.documents, input.read.documents)}</td>
<td class="num" data-label="Text kept">${formatBytes(input.kept.bytes)}</td></tr>`,
  )}</tbody></table>`;
}

/** The shares that a mixing stage reached beside those asked for. */
export function renderMixes(report: Report): Markup {
  return html`${report.mixes.map(
    ({ name, unit, sources }) => html`<h3>Mix: ${name}</h3>
<div class="table-frame"><table class="plain"><thead><tr><th scope="col">Source</th><th scope="col" class="num">Available</th><th scope="col" class="num">Kept</th><th scope="col" class="num">Documents</th><th scope="col" class="num">Share of ${unit}</th><th scope="col" class="num">Asked</th></tr></thead>
<tbody>${sources.map(
      (source) => html`<tr><th scope="row">${source.name}</th>
<td class="num">${amount(source.available, unit)}</td><td class="num">${amount(source.kept, unit)}</td><td class="num">${formatCount(source.documents)}</td>
<td class="num">${source.share === null ? '' : formatShare(source.share, 1)}</td><td class="num">${source.target === null ? '' : formatShare(source.target, 1)}</td></tr>`,
    )}</tbody></table></div>`,
  )}`;
}

function amount(size: number, unit: string): string {
  return unit === 'bytes' ? formatBytes(size) : formatCount(size);
}

export function renderOutputs(report: Report): Markup {
  if (report.outputs.length + report.artifacts.length === 0) {
    return html`<p class="quiet">The pipeline wrote no output besides this report.</p>`;
  }
  return html`${report.outputs.map((output) =>
    outputCard({
      name: output.name,
      stage: output.stage,
      lead: `${formatCounted(output.files, 'file')}, ${formatBytes(output.fileBytes)}`,
      paths: [output.path],
      details: output.details,
      recipes: recipesFor(output),
    }),
  )}${report.artifacts
    .filter((artifact) => artifact.files.length > 0)
    .map((artifact) =>
      outputCard({
        name: artifact.name,
        stage: artifact.stage,
        lead: artifact.files.map((file) => file.role).join(', '),
        paths: artifact.files.map((file) => file.path),
        details: artifact.details,
        recipes: artifact.files.flatMap((file) => recipesForArtifact(file.role, file.path)),
      }),
    )}`;
}

interface OutputCard {
  name: string;
  stage: string;
  lead: string;
  paths: string[];
  details: Record<string, unknown>;
  recipes: OpenRecipe[];
}

function outputCard({ name, stage, lead, paths, details, recipes }: OutputCard): Markup {
  const rows = detailRows(details);
  return html`<article class="output">
<h3>${name}${stage !== name && html` <small>${stage}</small>`} <span class="group-sum">${lead}</span></h3>
<p class="paths">${paths.map((path) => html`<code class="id">${path}</code> `)}</p>
${rows.length > 0 && html`<dl class="facts">${rows.map(({ label, value }) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>`}
${recipes.map(
  ({ tool, code }) =>
    html`<div class="recipe"><span class="recipe-tool">${tool}</span><pre><code>${code}</code></pre><button type="button" class="copy" hidden>Copy</button></div>`,
)}</article>`;
}

const SKIPS_SHOWN = 12;

/** Records of web archives that the inputs' `warc` options leave out, by why. */
export function renderSkipped({ skipped: { records, reasons } }: Report): Markup {
  if (records === 0) return html``;
  const more = reasons.length - SKIPS_SHOWN;
  return html`<h3>Records left out <span class="group-sum">${formatCounted(records, 'record')} by the inputs’ <code>warc</code> options</span></h3>
<div class="table-frame"><table class="plain"><thead><tr><th scope="col">Why</th><th scope="col" class="num">Records</th></tr></thead>
<tbody>${reasons.slice(0, SKIPS_SHOWN).map((row) => html`<tr><th scope="row">${row.reason}</th><td class="num">${formatCount(row.records)}</td></tr>`)}${
    more > 0 && html`<tr><th scope="row">${formatCount(more)} more in report.json</th><td></td></tr>`
  }</tbody></table></div>`;
}

export function renderQuarantine(report: Report): Markup {
  const { records, path, reasons } = report.quarantine;
  if (records === 0) return html`<p class="quiet">Every record of every input could be read.</p>`;
  return html`<p>${formatCounted(records, 'record')} could not be read and ${records === 1 ? 'was' : 'were'} set aside${
    path !== null && html` in <code class="id">${path}</code>, each with its file, offset and reason`
  }.</p>
<div class="table-frame"><table class="plain"><thead><tr><th scope="col">Reason</th><th scope="col" class="num">Records</th></tr></thead>
<tbody>${reasons.map((row) => html`<tr><th scope="row">${row.reason}</th><td class="num">${formatCount(row.records)}</td></tr>`)}</tbody></table></div>`;
}
