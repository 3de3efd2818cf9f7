/**
 * `report.html`: one file that opens from disk, without network, script libraries or fonts of its own. A content
 * policy forbids everything but this page's style and its one script (allowed by hash), so that even markup that got past the escaping
 * could load and run nothing.
 */
import { createHash } from 'node:crypto';
import { verdictText } from '../limit.ts';
import { formatBytes, formatCount, formatShare } from '../numbers.ts';
import type { Report } from '../report-schema.ts';
import { renderComparison } from './comparison.ts';
import { renderCounts } from './counts.ts';
import { renderDrops } from './drops.ts';
import { renderDuplicates } from './duplicates.ts';
import { excerptLength } from './excerpt.ts';
import { renderFunnel } from './funnel.ts';
import { renderLengths } from './lengths.ts';
import { type Child, html, type Markup, trusted } from './markup.ts';
import { renderMixes, renderOutputs, renderQuarantine, renderSkipped, renderSources } from './results.ts';
import { PAGE_SCRIPT } from './script.ts';
import { PAGE_STYLE } from './style.ts';

export function renderHtml(report: Report): string {
  const scriptHash = createHash('sha256').update(PAGE_SCRIPT).digest('base64');
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${scriptHash}'; base-uri 'none'; form-action 'none'`;
  const excerptChars = excerptLength(report);
  const sections = [
    ...(report.comparison === null
      ? []
      : [section('comparison', 'Compared', 'With the report of an earlier run.', renderComparison(report))]),
    section('funnel', 'Funnel', 'What each stage was given and what it passed on.', renderFunnel(report)),
    section(
      'drops',
      'Why dropped',
      'Every rule that dropped documents. Open one to read a few that it dropped.',
      html`${renderDrops(report, excerptChars)}${renderCounts(report)}`,
      report.drops.some((drop) => drop.samples.length > 0),
    ),
    section('lengths', 'Lengths', 'Document lengths before and after.', renderLengths(report)),
    section(
      'sources',
      'Sources',
      'What each input gave and what is left of it.',
      html`${renderSources(report)}${renderSkipped(report)}${renderMixes(report)}`,
    ),
    section(
      'duplicates',
      'Duplicates',
      'Documents that another stands for, and lines that repeat. Open a cluster to see copies side by side.',
      renderDuplicates(report),
    ),
    section(
      'outputs',
      'Outputs',
      'What was written and how to open it. Paths and commands are from the run directory.',
      renderOutputs(report),
    ),
    section('quarantine', 'Quarantine', 'Records that are not documents.', renderQuarantine(report)),
  ];
  return `${html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${trusted(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${report.pipeline.name} – corpusmill report</title>
<style>${trusted(PAGE_STYLE)}</style>
<script>${trusted(PAGE_SCRIPT)}</script>
</head>
<body>
<a class="skip" href="#funnel">Skip to the funnel</a>
<div class="page">
${masthead(report)}
<nav aria-label="Sections"><ul>${sections.map((one) => html`<li><a href="#${one.id}">${one.title}</a></li>`)}</ul></nav>
<main>
${sections.map((one) => one.body)}
</main>
${footer(report)}
</div>
</body>
</html>
`}`;
}

function section(
  id: string,
  title: string,
  lead: string,
  content: Markup,
  foldable = false,
): { id: string; title: string; body: Markup } {
  const body = html`<section class="chapter" id="${id}" aria-labelledby="${id}-title">
<div class="chapter-head"><h2 id="${id}-title">${title}</h2><p>${lead}</p>${
    foldable &&
    html`<button type="button" class="plain-button" data-opens="${id}" aria-controls="${id}" aria-expanded="false" hidden>Open all</button>`
  }</div>
<div class="chapter-body">${content}</div></section>`;
  return { id, title, body };
}

function masthead(report: Report): Markup {
  const { read, kept, dropped, duplicates, saved, badRecords, tokens } = report.totals;
  const filtered = dropped.documents - duplicates;
  const ofDocuments = (part: number) => read.documents > 0 && `${formatShare(part, read.documents)} of documents`;
  const figures: [label: string, value: string, note: Child][] = [
    [
      'Text kept',
      formatBytes(kept.bytes),
      read.bytes > 0 && `of ${formatBytes(read.bytes)} (${formatShare(kept.bytes, read.bytes)})`,
    ],
    ['Dropped by filters', formatCount(filtered), ofDocuments(filtered)],
    [
      'Duplicates',
      formatCount(duplicates),
      html`${ofDocuments(duplicates)}${saved.bytes > 0 && `, ${formatBytes(saved.bytes)} of text`}`,
    ],
    ['Bad records', formatCount(badRecords), badRecords === 0 ? 'nothing quarantined' : 'in quarantine'],
  ];
  if (tokens !== null) figures.splice(3, 0, ['Tokens packed', formatCount(tokens), bytesPerToken(kept.bytes, tokens)]);
  return html`<header class="masthead">
<div class="masthead-bar"><span class="brand">corpusmill</span><button type="button" id="theme-toggle" class="plain-button" hidden>Dark theme</button></div>
<h1>${report.pipeline.name}</h1>
<p class="verdict">${
    read.documents === 0
      ? 'No documents were read.'
      : html`<strong>${formatCount(kept.documents)}</strong> of ${formatCount(read.documents)} documents kept, <span class="nowrap">${formatShare(kept.documents, read.documents)}.</span>`
  }</p>
${report.verdict !== null && html`<p class="limit-line ${report.verdict.over ? 'limit-over' : 'limit-kept'}"><b>${report.verdict.over ? 'Failed' : 'Passed'}</b> ${verdictText(report.verdict)}</p>`}
<dl class="figures">${figures.map(
    ([label, value, note]) => html`<div><dt>${label}</dt><dd>${value}<small>${note}</small></dd></div>`,
  )}</dl>
</header>`;
}

function bytesPerToken(bytes: number, tokens: number): string {
  return tokens > 0 ? `${(bytes / tokens).toFixed(2)} bytes of text each` : 'no tokens';
}

function footer(report: Report): Markup {
  const { pipeline, corpusmillVersion } = report;
  return html`<footer>
<dl class="facts"><div><dt>Pipeline</dt><dd><code class="id">${pipeline.file}</code></dd></div>
<div><dt>Hash of stages and inputs</dt><dd><code class="id">${pipeline.hash}</code></dd></div>
<div><dt>Seed</dt><dd>${String(pipeline.seed)}</dd></div>
<div><dt>corpusmill</dt><dd>${corpusmillVersion}</dd></div></dl>
<p class="quiet">The same numbers for programs are in <code>report.json</code>, for a job summary in <code>report.md</code>.</p>
</footer>`;
}
