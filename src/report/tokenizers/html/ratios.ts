/**
 * Tokens of each language, and each source, as a multiple of the base's: the plot of the Qwen report's Figure 3, a bar for
 * each tokenizer, shorter is better, a dashed line where the base is. Intervals lie on the bars as thin lines.
 */
import type {
  TokenizerFigures,
  TokenizerGroup,
  TokenizerReport,
} from '../../../tokenizer/compare/tokenizer-report-schema.ts';
import { html, type Markup, percent } from '../../html/markup.ts';
import { formatBytes, formatCount, formatCounted } from '../../numbers.ts';
import { legend, SERIES_SHOWN, seriesClass } from '../../quality/html/series.ts';
import { FIGURE_COLUMNS, formatFigure, formatInterval, formatMultiple } from '../figure-text.ts';

/** Groups drawn; the table below has more, the JSON all. */
const GROUPS_DRAWN = 20;
const ROWS_SHOWN = 60;

/** Undefined where there are no groups to tell apart. */
export function renderRatios(report: TokenizerReport): Markup | undefined {
  const groups = report.groups.filter(({ rows }) => rows.length > 1);
  if (groups.length === 0) return undefined;
  return html`${legend(report.tokenizers.map(({ name }, series) => ({ name, series })))}
${groups.map((group) => html`<section class="group"><h3>By ${group.by}</h3>${bars(report, group)}${figureTable(report, group)}</section>`)}`;
}

function bars(report: TokenizerReport, { rows, by }: TokenizerReport['groups'][number]): Markup {
  const shown = rows.slice(0, GROUPS_DRAWN);
  const drawn = report.tokenizers.slice(0, SERIES_SHOWN);
  const most = Math.max(
    1,
    ...shown.flatMap((row) =>
      row.tokenizers.map((figures) => figures.relativeTokensInterval?.high ?? figures.relativeTokens ?? 0),
    ),
  );
  return html`<div class="ratios" role="img" aria-label="Tokens as a multiple of those of ${report.base}, by ${by}: ${shown.length} groups, ${drawn.length} tokenizers. The numbers are in the table below." style="--one:${percent(1, most)}">
${shown.map(
  (row) => html`<div class="ratio"><div class="ratio-name">${nameOf(row)} <small>${formatBytes(row.bytes)}</small></div>
<div class="ratio-bars"><u></u>${drawn.map(({ name }, t) => bar(name, t, row.tokenizers[t], most))}</div></div>`,
)}</div>`;
}

function bar(name: string, series: number, figures: TokenizerFigures, most: number): Markup {
  const { relativeTokens, relativeTokensInterval: interval } = figures;
  const within = interval === null ? '' : `, 95 % interval ${formatInterval(interval)}`;
  return html`<div class="ratio-bar ${seriesClass(series)}" title="${name}: ${formatMultiple(relativeTokens)}${within}; ${formatFigure(figures.bytesPerToken)} bytes a token"><b style="width:${percent(relativeTokens ?? 0, most)}"></b>${
    interval !== null &&
    html`<i style="left:${percent(interval.low, most)};width:${percent(interval.high - interval.low, most)}"></i>`
  }<span style="left:${percent(Math.max(relativeTokens ?? 0, interval?.high ?? 0), most)}">${formatMultiple(relativeTokens)}</span></div>`;
}

/** All figures of each group, folded for it is long. */
function figureTable(report: TokenizerReport, { by, rows, more }: TokenizerReport['groups'][number]): Markup {
  const shown = rows.slice(0, ROWS_SHOWN);
  const left = rows.length - shown.length + more;
  return html`<details class="fold data"><summary>The numbers</summary>${report.tokenizers.map(
    (
      { name },
      t,
    ) => html`<h4>${name}</h4><div class="table-frame"><table class="plain"><thead><tr><th scope="col">${by === 'language' ? 'Language' : 'Source'}</th><th scope="col" class="num">Documents</th><th scope="col" class="num">Text</th>${FIGURE_COLUMNS.map(({ title }) => html`<th scope="col" class="num">${title}</th>`)}<th scope="col" class="num">Vocabulary used</th></tr></thead>
<tbody>${shown.map(
      (row) =>
        html`<tr><th scope="row">${nameOf(row)}</th><td class="num">${formatCount(row.documents)}</td><td class="num">${formatBytes(row.bytes)}</td>${FIGURE_COLUMNS.map(
          ({ cell, interval }) =>
            html`<td class="num">${cell(row.tokenizers[t])}${interval !== undefined && html`<small>${' '}${interval(row.tokenizers[t])}</small>`}</td>`,
        )}<td class="num">${formatCount(row.tokenizers[t].vocabularyUsed)}</td></tr>`,
    )}</tbody></table></div>`,
  )}${left > 0 && html`<p class="quiet note">${formatCounted(left, `more ${by}`)} in the report’s JSON.</p>`}</details>`;
}

function nameOf({ name }: TokenizerGroup): Markup {
  return name === null ? html`<i class="quiet">none given</i>` : html`${name}`;
}
