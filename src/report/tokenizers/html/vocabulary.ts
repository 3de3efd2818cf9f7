/** What the vocabularies consist of, what the texts use of them, and what they share. */
import type { TokenizerReport } from '../../../tokenizer/compare/tokenizer-report-schema.ts';
import { html, type Markup } from '../../html/markup.ts';
import { formatCount, formatShare } from '../../numbers.ts';
import { every, type Point, renderPlot } from '../../quality/html/plot.ts';
import { legend, SERIES_SHOWN } from '../../quality/html/series.ts';
import { formatFigure, formatPart, shortText } from '../figure-text.ts';

const HINTS = 24;
const ROWS = 15;
const TOKENS_SHOWN = 12;

type Tokenizer = TokenizerReport['tokenizers'][number];
type ShownToken = { text: string | null; bytes: number; count: number };

export function renderUse(report: TokenizerReport): Markup {
  const { tokenizers } = report;
  const rows = tokenizers.map(
    ({ name, vocabulary, usage }) =>
      html`<tr><th scope="row">${name}</th><td class="num" data-label="Used">${formatCount(usage.used)} <small>${formatPart(usage.usedShare)}</small></td><td class="num" data-label="Once only">${formatCount(usage.usedOnce)} <small>${formatShare(usage.usedOnce, usage.used)}</small></td><td class="num" data-label="Never">${formatCount(vocabulary.regular - usage.used)}</td><td class="num" data-label="Entropy, bits">${formatFigure(usage.entropyBits)}</td><td class="num" data-label="Rényi efficiency">${formatFigure(usage.renyiEfficiency)}</td></tr>`,
  );
  return html`<table class="stacking"><thead><tr><th scope="col">Tokenizer</th><th scope="col" class="num">Used</th><th scope="col" class="num">Once only</th><th scope="col" class="num">Never</th><th scope="col" class="num">Entropy, bits</th><th scope="col" class="num">Rényi efficiency</th></tr></thead><tbody>${rows}</tbody></table>
<p class="quiet note">A token that the texts never use is a row of the embedding that they never train.</p>
${plots(tokenizers)}`;
}

function plots(tokenizers: readonly Tokenizer[]): Markup | false {
  const drawn = tokenizers.slice(0, SERIES_SHOWN).filter(({ usage }) => usage.zipf.length > 1);
  if (drawn.length === 0) return false;
  const lastRank = Math.max(...drawn.map(({ usage }) => usage.zipf.at(-1)![0]));
  const leastShare = Math.min(...drawn.map(({ usage }) => usage.zipf.at(-1)![1]));
  const decades = Math.max(1, Math.ceil(Math.log10(lastRank)));
  const depth = Math.max(1, Math.ceil(-Math.log10(leastShare)));
  const along = (rank: number): number => Math.log10(rank) / decades;
  const x = Array.from({ length: decades + 1 }, (_, i) => powerOfTen(i));
  const line = (tokenizer: Tokenizer, y: (point: Tokenizer['usage']['zipf'][number]) => number) => {
    const points = tokenizer.usage.zipf.map((point): Point => [along(point[0]), y(point)]);
    return {
      series: tokenizers.indexOf(tokenizer),
      points,
      hints: every(tokenizer.usage.zipf, HINTS).map((point) => ({
        at: [along(point[0]), y(point)] as const,
        text: `${tokenizer.name}, rank ${formatCount(point[0])}: ${formatShare(point[1], 1)} of all tokens; ranks up to it: ${formatShare(point[2], 1)}`,
      })),
    };
  };
  return html`${legend(tokenizers.map(({ name }, series) => ({ name, series })))}
<div class="plots">${renderPlot({
    title: 'Frequency by rank',
    description: `Zipf curves. ${drawn.map(({ name, usage }) => `${name}: ${formatCount(usage.used)} tokens used, the most frequent is ${formatShare(usage.zipf[0][1], 1)} of all.`).join(' ')} Points are in the table below.`,
    x: 'rank',
    y: 'share of all tokens',
    lines: drawn.map((tokenizer) => line(tokenizer, ([, share]) => 1 + Math.log10(share) / depth)),
    ticks: { x, y: Array.from({ length: depth + 1 }, (_, i) => powerOfTen(i - depth)) },
  })}${renderPlot({
    title: 'Text covered by the most frequent tokens',
    description: `Share of all tokens that the most frequent ones are. ${drawn.map(({ name, usage }) => `${name}: ${formatCount(usage.used)} tokens for all.`).join(' ')} Points are in the table below.`,
    x: 'rank',
    y: 'share of ranks up to it',
    lines: drawn.map((tokenizer) => line(tokenizer, ([, , covered]) => covered)),
    ticks: { x, y: ['0', '0.25', '0.5', '0.75', '1'] },
  })}</div>
<details class="fold data"><summary>The numbers</summary><div class="tables">${drawn.map(
    ({ name, usage }) =>
      html`<table class="plain"><caption><b>${name}</b></caption><thead><tr><th scope="col" class="num">Rank</th><th scope="col" class="num">Share</th><th scope="col" class="num">Up to it</th></tr></thead><tbody>${every(usage.zipf, ROWS).map(([rank, share, covered]) => html`<tr><td class="num">${formatCount(rank)}</td><td class="num">${share.toExponential(2)}</td><td class="num">${formatShare(covered, 1)}</td></tr>`)}</tbody></table>`,
  )}</div></details>`;
}

const SUPERSCRIPT = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];

/** `1`, `10`, `10³`, `10⁻⁵`. */
function powerOfTen(exponent: number): string {
  if (exponent === 0) return '1';
  if (exponent === 1) return '10';
  const digits = [...String(Math.abs(exponent))].map((digit) => SUPERSCRIPT[Number(digit)]).join('');
  return `10${exponent < 0 ? '⁻' : ''}${digits}`;
}

export function renderVocabularies(report: TokenizerReport): Markup {
  const { tokenizers } = report;
  const order = [...new Set(tokenizers.flatMap(({ vocabulary }) => vocabulary.kinds.map(({ kind }) => kind)))];
  return html`<h4>Kinds of tokens</h4>
<p class="quiet note">By the script of their letters; below, how many of them the texts use.</p>
<table class="stacking"><thead><tr><th scope="col">Kind</th>${tokenizers.map(({ name }) => html`<th scope="col" class="num">${name}</th>`)}</tr></thead>
<tbody>${order.map(
    (kind) =>
      html`<tr><th scope="row">${kind}</th>${tokenizers.map(({ name, vocabulary }) => {
        const found = vocabulary.kinds.find((one) => one.kind === kind);
        return html`<td class="num" data-label="${name}">${formatCount(found?.tokens ?? 0)}${found !== undefined && html`<small>${formatCount(found.used)} used</small>`}</td>`;
      })}</tr>`,
  )}</tbody></table>
${overlaps(report)}
<h4>The longest tokens</h4>
${tokenizers.map(
  ({ name, vocabulary }) => html`<details class="fold data"><summary>${name}</summary>
<p class="quiet note">By bytes</p>${tokenList(vocabulary.longest)}<p class="quiet note">With letters, by characters</p>${tokenList(vocabulary.longestWithLetters)}${
    vocabulary.longestHan.length > 0 &&
    html`<p class="quiet note">Han, by characters</p>${tokenList(vocabulary.longestHan)}`
  }</details>`,
)}`;
}

function overlaps({ overlap }: TokenizerReport): Markup | false {
  if (overlap.length === 0) return false;
  return html`<h4>What two vocabularies share</h4>
<div class="table-frame"><table class="plain"><thead><tr><th scope="col">Beside ${overlap[0].base}</th><th scope="col" class="num">In both</th><th scope="col" class="num">Only in ${overlap[0].base}</th><th scope="col" class="num">Only in the other</th></tr></thead>
<tbody>${overlap.map(({ other, both, onlyBase, onlyOther }) => html`<tr><th scope="row">${other}</th><td class="num">${formatCount(both)}</td><td class="num">${formatCount(onlyBase)}</td><td class="num">${formatCount(onlyOther)}</td></tr>`)}</tbody></table></div>
${overlap.map(
  ({
    base,
    other,
    mostUsedOnlyBase,
    mostUsedOnlyOther,
  }) => html`<details class="fold data"><summary>Most used tokens that only ${base} or only ${other} has</summary>
<p class="quiet note">Only ${base}</p>${tokenList(mostUsedOnlyBase)}<p class="quiet note">Only ${other}</p>${tokenList(mostUsedOnlyOther)}</details>`,
)}`;
}

function tokenList(tokens: readonly ShownToken[]): Markup {
  if (tokens.length === 0) return html`<p class="quiet">none</p>`;
  return html`<p class="token-list">${tokens.slice(0, TOKENS_SHOWN).map(({ text, bytes, count }) => html`<span><code>${shortText(text, bytes)}</code><small>${formatCount(count)}</small></span>`)}</p>`;
}
