/** The table of tokenizers: what each reaches on all texts. */
import type { TokenizerReport } from '../../../tokenizer/compare/tokenizer-report-schema.ts';
import { type Child, html, type Markup } from '../../html/markup.ts';
import { formatCount } from '../../numbers.ts';
import { FIGURE_COLUMNS, formatFigure, formatPart, leanest, roundTripText, shownText } from '../figure-text.ts';

/** Columns of the table of Han tokens; the last one holds all that are longer. */
const LENGTHS_SHOWN = 6;

type Tokenizer = TokenizerReport['tokenizers'][number];

interface Column {
  title: string;
  cell(tokenizer: Tokenizer): Child;
}

const COLUMNS: readonly Column[] = [
  { title: 'Vocabulary', cell: ({ vocabulary }) => formatCount(vocabulary.tokens) },
  ...FIGURE_COLUMNS.map(
    ({ title, cell, interval }): Column => ({
      title,
      cell: ({ figures }) => {
        const within = interval?.(figures) ?? '';
        return html`${cell(figures)}${within !== '' && html`<small>${within}</small>`}`;
      },
    }),
  ),
  { title: 'Lone bytes', cell: ({ figures }) => formatPart(figures.byteTokens) },
];

/** Of tokenizers that have such a token, as SentencePiece's may. */
const UNKNOWN: Column = { title: 'Unknown', cell: ({ figures }) => formatPart(figures.unknownTokens) };

export function renderOverview(report: TokenizerReport): Markup {
  const best = leanest(report);
  const hasUnknown = report.tokenizers.some(({ figures }) => figures.unknownTokens !== null);
  const columns = hasUnknown ? [...COLUMNS, UNKNOWN] : COLUMNS;
  return html`<table class="stacking models"><thead><tr><th scope="col">Tokenizer</th>${columns.map(({ title }) => html`<th scope="col" class="num">${title}</th>`)}</tr></thead>
<tbody>${report.tokenizers.map(
    (tokenizer) =>
      html`<tr><th scope="row">${tokenizer === best && report.tokenizers.length > 1 ? html`<b>${tokenizer.name}</b>` : tokenizer.name} <small class="id">${tokenizer.hash.slice(0, 12)}</small></th>${columns.map(
        ({ title, cell }) => html`<td class="num" data-label="${title}">${cell(tokenizer)}</td>`,
      )}</tr>`,
  )}</tbody></table>
<p class="quiet note">Tokens to base: those of ${report.base} are 1, less is better. Tokens per word count those that hold some of a word; a word of a script without spaces is a character. Small figures are 95 % intervals (bootstrap over documents).</p>
${roundTrips(report)}`;
}

function roundTrips({ tokenizers }: TokenizerReport): Markup {
  return html`<h4>There and back</h4>
<table class="plain"><thead><tr><th scope="col">Tokenizer</th><th scope="col">Decoding gives back</th></tr></thead>
<tbody>${tokenizers.map((tokenizer) => html`<tr><th scope="row">${tokenizer.name}</th><td>${roundTripText(tokenizer)}</td></tr>`)}</tbody></table>
${tokenizers
  .filter(({ roundTrip }) => roundTrip.examples.length > 0)
  .map(
    ({ name, roundTrip }) => html`<details class="fold data"><summary>Texts that ${name} changes</summary>
<div class="table-frame"><table class="plain"><thead><tr><th scope="col">Document</th><th scope="col" class="num">At</th><th scope="col">Text</th><th scope="col">Decoded</th></tr></thead>
<tbody>${roundTrip.examples.map(
      ({ document, at, expected, found }) =>
        html`<tr><th scope="row"><code class="id">${document}</code></th><td class="num">${formatCount(at)}</td><td><code>${shownText(expected, 0)}</code></td><td><code>${shownText(found, 0)}</code></td></tr>`,
    )}</tbody></table></div></details>`,
  )}`;
}

export function renderHan({ tokenizers }: TokenizerReport): Markup | undefined {
  if (tokenizers.every(({ figures }) => figures.han === null)) return undefined;
  const parts = ['with others in a token', 'alone in a token', 'over two tokens', 'over three or more'];
  const longest = Math.max(...tokenizers.map(({ vocabulary }) => vocabulary.hanByLength.length));
  const lengths = Array.from({ length: Math.min(longest, LENGTHS_SHOWN) }, (_, i) => i);
  const isLast = (i: number): boolean => i === LENGTHS_SHOWN - 1 && longest > LENGTHS_SHOWN;
  const tokensOf = (counts: readonly number[], i: number): number =>
    isLast(i) ? counts.slice(i).reduce((sum, count) => sum + count, 0) : (counts[i] ?? 0);
  return html`<p class="legend">${parts.map((title, i) => html`<span class="key key-share-${i + 1}">${title}</span> `)}</p>
${tokenizers.map(({ name, figures: { han } }) => {
  const shares = [han?.joined, han?.alone, han?.inTwo, han?.inMore].map((share) => share ?? 0);
  return html`<div class="group"><h4>${name} <small>${formatFigure(han?.tokensPerCharacter ?? null)} tokens a character</small></h4>
<div class="shares" role="img" aria-label="${name}: ${shares.map((share, i) => `${formatPart(share)} ${parts[i]}`).join(', ')}.">${shares.map((share, i) => html`<b style="flex:${share.toFixed(5)}" title="${formatPart(share)} ${parts[i]}"></b>`)}</div>
<p class="quiet note">${shares.map((share, i) => `${formatPart(share)} ${parts[i]}`).join(' · ')}</p></div>`;
})}
<h4>Tokens of Han characters alone, by their number of characters</h4>
<div class="table-frame"><table class="plain narrow"><thead><tr><th scope="col">Tokenizer</th>${lengths.map((i) => html`<th scope="col" class="num">${i + 1}${isLast(i) ? ' and more' : ''}</th>`)}</tr></thead>
<tbody>${tokenizers.map(({ name, vocabulary }) => html`<tr><th scope="row">${name}</th>${lengths.map((i) => html`<td class="num">${formatCount(tokensOf(vocabulary.hanByLength, i))}</td>`)}</tr>`)}</tbody></table></div>`;
}
