/**
 * The end of `corpusmill tokenizer compare` in a terminal: the tokenizers on all texts, then by language and source. What
 * has no room is left out, the last columns first.
 */
import pc from 'picocolors';
import type { TokenizerGroup, TokenizerReport } from '../../tokenizer/compare/tokenizer-report-schema.ts';
import { formatBytes, formatCount, formatCounted, formatRate } from '../numbers.ts';
import { cutMiddleToWidth, padEndToWidth, printable, textWidth } from '../text-width.ts';
import {
  FIGURE_COLUMNS,
  formatFigure,
  formatMultiple,
  formatPart,
  leanest,
  numberRule,
  roundTripText,
} from './figure-text.ts';

const MIN_WIDTH = 60;
const MAX_WIDTH = 120;
const NAME_MAX = 32;
const GROUPS_SHOWN = 20;

type Colors = ReturnType<typeof pc.createColors>;

export interface TerminalOptions {
  color: boolean;
  /** In terminal columns. */
  width: number;
  /** Encoding speed of each tokenizer; of the machine's clock, and so in no file. */
  bytesPerSecond: readonly number[];
}

/** Text that ends with a line end. */
export function renderTokenizerTerminal(
  report: TokenizerReport,
  { color, width, bytesPerSecond }: TerminalOptions,
): string {
  const colors = pc.createColors(color);
  const columns = Math.min(Math.max(width, MIN_WIDTH), MAX_WIDTH);
  const blocks = [
    headline(report, colors),
    overview(report, columns, colors),
    ...report.groups.filter(({ rows }) => rows.length > 1).map((groups) => groupTable(report, groups, columns, colors)),
    notes(report, bytesPerSecond, colors),
  ];
  return `${blocks.map((lines) => lines.map((line) => line.trimEnd()).join('\n')).join('\n\n')}\n`;
}

function headline({ title, measured, badRecords }: TokenizerReport, colors: Colors): string[] {
  const { documents, bytes } = measured;
  return [
    `${colors.bold(printable(title))}: ${formatCounted(documents, 'document')}, ${formatBytes(bytes)}`,
    ...(badRecords > 0 ? [colors.yellow(`${formatCounted(badRecords, 'record')} could not be read`)] : []),
  ];
}

function overview(report: TokenizerReport, columns: number, colors: Colors): string[] {
  const best = leanest(report);
  const rows = report.tokenizers.map((tokenizer) => [
    tokenizer.name,
    formatCount(tokenizer.vocabulary.tokens),
    ...FIGURE_COLUMNS.map(({ cell }) => cell(tokenizer.figures)),
  ]);
  const heads = ['tokenizer', 'tokens', ...FIGURE_COLUMNS.map(({ title }) => title[0].toLowerCase() + title.slice(1))];
  return tableLines(
    heads,
    rows,
    columns,
    colors,
    (row) => report.tokenizers.length > 1 && report.tokenizers[row] === best,
  );
}

/** A column of each tokenizer: bytes per token of the base, then multiples of its tokens. */
function groupTable(
  report: TokenizerReport,
  { by, rows, more }: TokenizerReport['groups'][number],
  columns: number,
  colors: Colors,
): string[] {
  const base = report.tokenizers.findIndex(({ name }) => name === report.base);
  const shown = rows.slice(0, GROUPS_SHOWN);
  const heads = [
    by,
    'text',
    ...report.tokenizers.map(({ name }, t) => (t === base ? `${name}, bytes/token` : `${name}, tokens to base`)),
  ];
  const cells = shown.map((row: TokenizerGroup) => [
    row.name ?? '(none)',
    formatBytes(row.bytes),
    ...row.tokenizers.map((figures, t) =>
      t === base ? formatFigure(figures.bytesPerToken) : formatMultiple(figures.relativeTokens),
    ),
  ]);
  const left = rows.length - shown.length + more;
  return [
    ...tableLines(heads, cells, columns, colors),
    ...(left > 0 ? [colors.dim(`  and ${formatCounted(left, `more ${by}`)}, in the report`)] : []),
  ];
}

function notes({ tokenizers }: TokenizerReport, bytesPerSecond: readonly number[], colors: Colors): string[] {
  return tokenizers.map((tokenizer, t) => {
    const facts = [
      `${formatPart(tokenizer.usage.usedShare)} of the vocabulary used`,
      `numbers ${numberRule(tokenizer)}`,
      `decoding gives back ${roundTripText(tokenizer)}`,
      `encoded at ${formatRate(bytesPerSecond[t])}`,
    ];
    return `${colors.bold(printable(tokenizer.name))}: ${facts.join('; ')}`;
  });
}

/** A head and a line for each row: the name to the left, figures to the right, as many columns as there is room for. */
function tableLines(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  columns: number,
  colors: Colors,
  strong: (row: number) => boolean = () => false,
): string[] {
  const cell = (row: readonly string[], c: number): string => cutMiddleToWidth(printable(row[c]), NAME_MAX);
  const widths = heads.map((_, c) =>
    Math.max(textWidth(cell(heads, c)), ...rows.map((row) => textWidth(cell(row, c)))),
  );
  let shown = 1;
  for (let room = columns - widths[0] - 2; shown < heads.length; shown++) {
    room -= widths[shown] + 2;
    if (room < 0 && shown > 2) break;
  }
  const line = (row: readonly string[]): string =>
    heads
      .slice(0, shown)
      .map((_, c) => (c === 0 ? padEndToWidth(cell(row, c), widths[c]) : right(cell(row, c), widths[c])))
      .join('  ');
  return [
    colors.dim(`  ${line(heads)}`),
    ...rows.map((row, r) => `  ${strong(r) ? colors.bold(line(row)) : line(row)}`),
  ];
}

function right(text: string, width: number): string {
  return ' '.repeat(Math.max(width - textWidth(text), 0)) + text;
}
