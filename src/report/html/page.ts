/** `report.html`: what a run read, dropped, kept and wrote, on one page. */
import { verdictText } from '../limit.ts';
import { formatBytes, formatCount, formatShare } from '../numbers.ts';
import type { Report } from '../report-schema.ts';
import { CHART_STYLE } from '../training/style.ts';
import { alignmentVerdict, renderAlignment } from './alignment.ts';
import { ALIGNMENT_STYLE } from './alignment-style.ts';
import { renderComparison } from './comparison.ts';
import { renderCounts } from './counts.ts';
import { renderDrops } from './drops.ts';
import { renderDuplicates } from './duplicates.ts';
import { excerptLength } from './excerpt.ts';
import { renderFunnel } from './funnel.ts';
import { renderLengths } from './lengths.ts';
import { type Child, html, type Markup } from './markup.ts';
import { renderMixes, renderOutputs, renderQuarantine, renderSkipped, renderSources } from './results.ts';
import { renderKeptByScore } from './scores.ts';
import { type Chapter, chapter, MASTHEAD_BAR, renderShell } from './shell.ts';
import { renderTraining } from './training.ts';

export function renderHtml(report: Report): string {
  const excerptChars = excerptLength(report.drops.flatMap((drop) => drop.samples.map((sample) => sample.excerpt)));
  const ofModels = [
    ...(report.training === null
      ? []
      : [
          chapter('training', 'Training', 'The model that was trained on the shards.', renderTraining(report.training)),
        ]),
    ...(report.alignment === null
      ? []
      : [
          chapter(
            'alignment',
            'Alignment',
            'What made an assistant of the model, one stage after another.',
            renderAlignment(report.alignment),
          ),
        ]),
  ];
  if (report.alignment !== null && report.inputs.length === 0) return renderPage(report, ofModels);
  return renderPage(report, [
    // What came of the models first, where they are what the pipeline is for.
    ...(report.alignment === null ? [] : ofModels),
    ...(report.comparison === null
      ? []
      : [chapter('comparison', 'Compared', 'With the report of an earlier run.', renderComparison(report))]),
    chapter('funnel', 'Funnel', 'What each stage was given and what it passed on.', renderFunnel(report)),
    chapter(
      'drops',
      'Why dropped',
      'Every rule that dropped documents. Open one to read a few that it dropped.',
      html`${renderDrops(report, excerptChars)}${renderCounts(report)}`,
      report.drops.some((drop) => drop.samples.length > 0),
    ),
    chapter('lengths', 'Lengths', 'Document lengths before and after.', renderLengths(report)),
    chapter(
      'sources',
      'Sources',
      'What each input gave and what is left of it.',
      html`${renderSources(report)}${renderSkipped(report)}${renderMixes(report)}`,
    ),
    chapter(
      'duplicates',
      'Duplicates',
      'Documents that another stands for, and lines that repeat. Open a cluster to see copies side by side.',
      renderDuplicates(report),
    ),
    ...(report.scores.length === 0
      ? []
      : [
          chapter(
            'scores',
            'Scores',
            'How documents lie by score, and what the limit keeps.',
            renderKeptByScore(report),
          ),
        ]),
    ...(report.alignment === null ? ofModels : []),
    chapter(
      'outputs',
      'Outputs',
      'What was written and how to open it. Paths and commands are from the run directory.',
      renderOutputs(report),
    ),
    chapter('quarantine', 'Quarantine', 'Records that are not documents.', renderQuarantine(report)),
  ]);
}

function renderPage(report: Report, chapters: readonly Chapter[]): string {
  const [first] = chapters;
  return renderShell({
    title: `${report.pipeline.name} – corpusmill report`,
    skip: { to: first.id, text: `Skip to the ${first.title.toLowerCase()}` },
    masthead: masthead(report),
    chapters,
    footer: footer(report),
    ...((report.training !== null || report.alignment !== null) && { style: CHART_STYLE + ALIGNMENT_STYLE }),
  });
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
  if (report.alignment !== null && report.inputs.length === 0) {
    return html`<header class="masthead">
${MASTHEAD_BAR}
<h1>${report.pipeline.name}</h1>
<p class="verdict">${alignmentVerdict(report.alignment)}</p>
</header>`;
  }
  return html`<header class="masthead">
${MASTHEAD_BAR}
<h1>${report.pipeline.name}</h1>
${report.alignment !== null && html`<p class="verdict">${alignmentVerdict(report.alignment)}</p>`}
<p class="${report.alignment === null ? 'verdict' : 'limit-line'}">${
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
