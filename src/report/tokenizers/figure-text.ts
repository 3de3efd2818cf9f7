/** How the figures of a tokenizer report are written and called, in all its forms alike. */
import type { TokenizerFigures, TokenizerReport } from '../../tokenizer/compare/tokenizer-report-schema.ts';
import { formatShare, NO_FIGURE } from '../numbers.ts';

/** `4.34`; three decimals below 1. */
export function formatFigure(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return NO_FIGURE;
  return value.toFixed(value < 1 ? 3 : 2);
}

/** `4.31–4.37`, or nothing. */
export function formatInterval(interval: { low: number; high: number } | null): string {
  return interval === null ? '' : `${formatFigure(interval.low)}–${formatFigure(interval.high)}`;
}

/** `×0.923`, `×1.35`: tokens as a multiple of the base's. */
export function formatMultiple(value: number | null): string {
  return value === null ? NO_FIGURE : `×${value.toFixed(value < 1 ? 3 : 2)}`;
}

/** A share of which 0 and nothing are told apart. */
export function formatPart(value: number | null): string {
  return value === null ? NO_FIGURE : formatShare(value, 1);
}

/** A column that all forms of the report have. */
export interface FigureColumn {
  title: string;
  cell(figures: TokenizerFigures): string;
  /** In small letters below, where there is room. */
  interval?(figures: TokenizerFigures): string;
}

export const FIGURE_COLUMNS: readonly FigureColumn[] = [
  {
    title: 'Bytes/token',
    cell: ({ bytesPerToken }) => formatFigure(bytesPerToken),
    interval: ({ bytesPerTokenInterval }) => formatInterval(bytesPerTokenInterval),
  },
  {
    title: 'Tokens to base',
    cell: ({ relativeTokens }) => formatMultiple(relativeTokens),
    interval: ({ relativeTokensInterval }) => formatInterval(relativeTokensInterval),
  },
  { title: 'Chars/token', cell: ({ charactersPerToken }) => formatFigure(charactersPerToken) },
  { title: 'Tokens/word', cell: ({ fertility }) => formatFigure(fertility) },
  { title: 'Words whole', cell: ({ wordsWhole }) => formatPart(wordsWhole) },
  { title: 'Not UTF-8 alone', cell: ({ partialTokens }) => formatPart(partialTokens) },
];

/** `every text`, `every text, 12 in NFC form`, `all but 3 texts`. */
export function roundTripText({ roundTrip }: TokenizerReport['tokenizers'][number]): string {
  const { exact, normalized, changed } = roundTrip;
  const form = normalized === 0 ? '' : `, ${normalized.toLocaleString('en-US')} of them in NFC form`;
  if (exact + normalized + changed === 0) return NO_FIGURE;
  if (changed === 0) return `every text${form}`;
  return `all but ${changed.toLocaleString('en-US')} ${changed === 1 ? 'text' : 'texts'}${form}`;
}

/** The tokenizer with the fewest tokens on all texts. */
export function leanest({ tokenizers }: TokenizerReport): TokenizerReport['tokenizers'][number] {
  return tokenizers.reduce((best, one) => (one.figures.tokens < best.figures.tokens ? one : best));
}

/** What the numbers of up to four digits say of a tokenizer's rule. */
export function numberRule({ numbers }: TokenizerReport['tokenizers'][number]): string {
  const follows = (tokens: (digits: number) => number): boolean =>
    numbers.every(({ digits, tokensEach }) => tokensEach === tokens(digits));
  if (follows((digits) => digits)) return 'a token for each digit';
  if (follows((digits) => Math.ceil(digits / 3))) return 'groups of up to three digits';
  return 'as frequent in its training';
}

/** A token's text in one line: white space by signs, what is invisible by its code point, lone bytes as their number. */
export function shownText(text: string | null, bytes: number): string {
  if (text === null) return bytes === 1 ? 'a byte' : `${bytes} bytes`;
  return text
    .replaceAll(' ', '␣')
    .replaceAll('\n', '⏎')
    .replaceAll('\r', '␍')
    .replaceAll('\t', '⇥')
    .replaceAll('\u00a0', '⍽')
    .replaceAll(/\p{Cf}/gu, (c) => `⟨${c.codePointAt(0)!.toString(16).toUpperCase()}⟩`);
}

/** A long run of one sign as `␣ × 128`. */
export function shortText(text: string | null, bytes: number): string {
  const shown = shownText(text, bytes);
  const characters = [...shown];
  if (characters.length > 12 && characters.every((one) => one === characters[0])) {
    return `${characters[0]} × ${characters.length}`;
  }
  return characters.length > 60 ? `${characters.slice(0, 60).join('')}…` : shown;
}
