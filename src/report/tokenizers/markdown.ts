/**
 * The tokenizer report as GitHub-flavoured Markdown, for a CI job summary. Names and token texts are data, and are escaped as
 * in report.md (markdown/text.ts).
 */
import type { TokenizerReport } from '../../tokenizer/compare/tokenizer-report-schema.ts';
import { codeText, escapeMarkdown, folded, table } from '../markdown/text.ts';
import { formatBytes, formatCount, formatCounted } from '../numbers.ts';
import {
  FIGURE_COLUMNS,
  formatFigure,
  formatInterval,
  formatMultiple,
  formatPart,
  leanest,
  numberRule,
  roundTripText,
  shortText,
  shownText,
} from './figure-text.ts';

/** The report's JSON has all. */
const GROUPS_SHOWN = 40;
const TOKENS_SHOWN = 10;

/** Ends with a line end; equal reports give equal text. */
export function renderTokenizerMarkdown(report: TokenizerReport): string {
  const parts = [
    `## ${escapeMarkdown(report.title)}`,
    headline(report),
    overview(report),
    ...report.groups.filter(({ rows }) => rows.length > 1).map((groups) => groupTable(report, groups)),
    han(report),
    vocabulary(report),
    numbers(report),
    probes(report),
    `<sub>corpusmill ${escapeMarkdown(report.corpusmillVersion)} · intervals: 95 %, bootstrap over documents</sub>`,
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function headline(report: TokenizerReport): string {
  const { measured, badRecords } = report;
  const best = leanest(report);
  const bad = badRecords === 0 ? '' : ` ${formatCounted(badRecords, 'record')} could not be read.`;
  return `**${escapeMarkdown(best.name)}** needs the fewest tokens: ${formatFigure(best.figures.bytesPerToken)} bytes a token. ${formatCounted(measured.documents, 'document')}, ${formatBytes(measured.bytes)}.${bad}`;
}

function overview({ tokenizers }: TokenizerReport): string {
  const heads = [
    'Tokenizer',
    'Vocabulary:',
    'Used:',
    ...FIGURE_COLUMNS.map(({ title }) => `${title}:`),
    'Decoding gives back',
  ];
  const rows = tokenizers.map((tokenizer) => [
    escapeMarkdown(tokenizer.name),
    formatCount(tokenizer.vocabulary.tokens),
    formatPart(tokenizer.usage.usedShare),
    ...FIGURE_COLUMNS.map(({ cell, interval }) => {
      const within = interval?.(tokenizer.figures) ?? '';
      return within === '' ? cell(tokenizer.figures) : `${cell(tokenizer.figures)} (${within})`;
    }),
    roundTripText(tokenizer),
  ]);
  return table(heads, rows);
}

function groupTable(report: TokenizerReport, { by, rows, more }: TokenizerReport['groups'][number]): string {
  const shown = rows.slice(0, GROUPS_SHOWN);
  const heads = [
    by === 'language' ? 'Language' : 'Source',
    'Text:',
    ...report.tokenizers.map(({ name }) => `${escapeMarkdown(name)}, bytes/token:`),
    ...report.tokenizers.flatMap(({ name }) =>
      name === report.base ? [] : [`${escapeMarkdown(name)}, tokens to base:`],
    ),
  ];
  const cells = shown.map((row) => [
    row.name === null ? '*none given*' : escapeMarkdown(row.name),
    formatBytes(row.bytes),
    ...row.tokenizers.map(({ bytesPerToken }) => formatFigure(bytesPerToken)),
    ...row.tokenizers.flatMap(({ relativeTokens, relativeTokensInterval }, t) => {
      if (report.tokenizers[t].name === report.base) return [];
      const within = formatInterval(relativeTokensInterval);
      return [`${formatMultiple(relativeTokens)}${within === '' ? '' : ` (${within})`}`];
    }),
  ]);
  const left = rows.length - shown.length + more;
  const rest = left > 0 ? `\n\n${formatCounted(left, `more ${by}`)} in the report's JSON.` : '';
  return `### By ${by}\n\nTokens as a multiple of ${escapeMarkdown(report.base)}'s on the same texts; lower is better.\n\n${table(heads, cells)}${rest}`;
}

function han({ tokenizers }: TokenizerReport): string {
  if (tokenizers.every(({ figures }) => figures.han === null)) return '';
  const rows = tokenizers.map(({ name, figures }) => {
    const found = figures.han;
    return [
      escapeMarkdown(name),
      formatFigure(found?.tokensPerCharacter ?? null),
      ...[found?.joined, found?.alone, found?.inTwo, found?.inMore].map((share) => formatPart(share ?? null)),
    ];
  });
  const heads = [
    'Tokenizer',
    'Tokens a character:',
    'With others in a token:',
    'Alone:',
    'In two tokens:',
    'In three or more:',
  ];
  return `### Chinese characters\n\n${table(heads, rows)}`;
}

function vocabulary({ tokenizers, overlap }: TokenizerReport): string {
  const shared = overlap.map(
    ({ base, other, both, onlyBase, onlyOther }) =>
      `${escapeMarkdown(base)} and ${escapeMarkdown(other)} share ${formatCounted(both, 'token')}; ${formatCount(onlyBase)} only in the first, ${formatCount(onlyOther)} only in the second.`,
  );
  const kinds = [...new Set(tokenizers.flatMap(({ vocabulary }) => vocabulary.kinds.map(({ kind }) => kind)))];
  const rows = kinds.map((kind) => [
    kind,
    ...tokenizers.map(({ vocabulary }) => {
      const found = vocabulary.kinds.find((one) => one.kind === kind);
      return found === undefined ? '0' : `${formatCount(found.tokens)} (${formatCount(found.used)})`;
    }),
  ]);
  const heads = ['Kind of token, and of these used', ...tokenizers.map(({ name }) => `${escapeMarkdown(name)}:`)];
  const longest = tokenizers.map(({ name, vocabulary: { longestHan, longestWithLetters } }) => {
    const list = (tokens: typeof longestHan): string =>
      tokens
        .slice(0, TOKENS_SHOWN)
        .map(({ text, bytes }) => codeText(shortText(text, bytes)))
        .join(' ');
    return `- ${escapeMarkdown(name)}: ${list(longestWithLetters)}${longestHan.length === 0 ? '' : `; Han: ${list(longestHan)}`}`;
  });
  return `### Vocabularies\n\n${shared.length === 0 ? '' : `${shared.join(' ')}\n\n`}${folded('What they consist of', table(heads, rows))}\n\n${folded('The longest tokens', longest.join('\n'))}`;
}

function numbers({ tokenizers }: TokenizerReport): string {
  const heads = ['Tokenizer', 'Numbers', ...tokenizers[0].numbers.map(({ digits }) => `${digits}:`)];
  const rows = tokenizers.map((tokenizer) => [
    escapeMarkdown(tokenizer.name),
    numberRule(tokenizer),
    ...tokenizer.numbers.map(({ tokensEach }) => formatFigure(tokensEach)),
  ]);
  return `### Numbers\n\nMean tokens of whole numbers by their number of digits.\n\n${table(heads, rows)}`;
}

function probes({ tokenizers, probes: all }: TokenizerReport): string {
  const rows = all.map(({ text, pieces }) => [
    codeText(shownText(text, 0)),
    ...pieces.map((cut) => cut.map((piece) => codeText(pieceText(piece))).join(' ')),
  ]);
  const heads = ['Text', ...tokenizers.map(({ name }) => escapeMarkdown(name))];
  return folded('How fixed texts are cut', table(heads, rows));
}

/** A piece, and of how many tokens it is where it is a character that was cut. */
function pieceText({ text, tokens }: { text: string; tokens: number }): string {
  return `${shownText(text, 0)}${tokens > 1 ? ` (${tokens})` : ''}`;
}
