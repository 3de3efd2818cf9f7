/** The tokenizer report on one page, for people: `renderTokenizerHtml`. */
import type { TokenizerReport } from '../../../tokenizer/compare/tokenizer-report-schema.ts';
import { type Child, html, type Markup } from '../../html/markup.ts';
import { type Chapter, chapter, MASTHEAD_BAR, renderShell } from '../../html/shell.ts';
import { formatBytes, formatCount, formatCounted } from '../../numbers.ts';
import { formatFigure, formatInterval, formatMultiple, formatPart, leanest } from '../figure-text.ts';
import { renderNumbers, renderProbes } from './cuts.ts';
import { renderHan, renderOverview } from './overview.ts';
import { renderRatios } from './ratios.ts';
import { TOKENIZER_STYLE } from './style.ts';
import { renderUse, renderVocabularies } from './vocabulary.ts';

/** One self-contained file; equal reports give equal bytes. */
export function renderTokenizerHtml(report: TokenizerReport): string {
  return renderShell({
    title: `${report.title} – corpusmill tokenizer report`,
    skip: { to: 'tokenizers', text: 'Skip to the tokenizers' },
    masthead: masthead(report),
    chapters: chapters(report),
    footer: footer(report),
    style: TOKENIZER_STYLE,
  });
}

function chapters(report: TokenizerReport): Chapter[] {
  const optional: [id: string, title: string, lead: string, content: Markup | undefined, foldable?: boolean][] = [
    ['tokenizers', 'Tokenizers', 'What each reaches on all texts.', renderOverview(report)],
    [
      'groups',
      'Languages and sources',
      `Tokens as a multiple of those of ${report.base}: shorter is better.`,
      renderRatios(report),
    ],
    ['chinese', 'Chinese', 'Into what Han characters are cut.', renderHan(report)],
    ['use', 'Use', 'How much of a vocabulary the texts use, and how evenly.', renderUse(report)],
    ['vocabularies', 'Vocabularies', 'What they consist of, and what they share.', renderVocabularies(report), true],
    ['numbers', 'Numbers and code', 'What averages hide.', renderNumbers(report)],
    ['cuts', 'Cuts', 'The same texts as each tokenizer cuts them.', renderProbes(report), true],
  ];
  return optional.flatMap(([id, title, lead, content, foldable]) =>
    content === undefined ? [] : [chapter(id, title, lead, content, foldable)],
  );
}

function masthead(report: TokenizerReport): Markup {
  const best = leanest(report);
  return html`<header class="masthead">
${MASTHEAD_BAR}
<h1>${report.title}</h1>
<p class="verdict">${verdict(report, best)}</p>
<dl class="figures">${figuresOf(report, best).map(
    ([label, value, note]) => html`<div><dt>${label}</dt><dd>${value}<small>${note}</small></dd></div>`,
  )}</dl>
</header>`;
}

function verdict({ base, tokenizers }: TokenizerReport, best: TokenizerReport['tokenizers'][number]): Markup {
  const { relativeTokens, bytesPerToken } = best.figures;
  if (tokenizers.length === 1)
    return html`<strong>${formatFigure(bytesPerToken)}</strong> bytes a token by ${best.name}.`;
  if (best.name === base) return html`<strong>${best.name}</strong> needs the fewest tokens.`;
  return html`<strong>${best.name}</strong> needs ${formatMultiple(relativeTokens)} the tokens of ${base}.`;
}

function figuresOf(
  report: TokenizerReport,
  best: TokenizerReport['tokenizers'][number],
): [label: string, value: string, note: Child][] {
  const { documents, bytes, characters } = report.measured;
  const interval = formatInterval(best.figures.bytesPerTokenInterval);
  return [
    ['Texts', formatBytes(bytes), `${formatCounted(documents, 'document')}, ${formatCount(characters)} characters`],
    [
      'Bytes a token',
      formatFigure(best.figures.bytesPerToken),
      html`${best.name}${interval !== '' && html`, ${interval}`}`,
    ],
    ['Tokens a word', formatFigure(best.figures.fertility), `${formatPart(best.figures.wordsWhole)} of words whole`],
    ['Vocabulary used', formatPart(best.usage.usedShare), `${formatCount(best.usage.used)} tokens of ${best.name}`],
  ];
}

function footer({ badRecords, corpusmillVersion, replicates, seed, tokenizers }: TokenizerReport): Markup {
  return html`<footer>
<dl class="facts">${tokenizers.map(({ name, hash }) => html`<div><dt>${name}, SHA-256</dt><dd><code class="id">${hash}</code></dd></div>`)}
<div><dt>Intervals</dt><dd>Poisson bootstrap over documents, ${replicates} replicates, seed ${seed}</dd></div>
<div><dt>corpusmill</dt><dd>${corpusmillVersion}</dd></div></dl>
${badRecords > 0 && html`<p class="quiet">${formatCounted(badRecords, 'record')} could not be read.</p>`}
<p class="quiet">The same numbers for programs are in the report’s JSON, for a job summary in its Markdown.</p>
</footer>`;
}
