/**
 * Gopher's quality rules as DCLM counts them: words are pieces between white space; a page's length is counted in
 * fastText tokens that begin with a letter or number; hash signs and ellipses are one sum; bullets and ellipses are looked
 * for in lines that are not empty; stop words count as often as they occur, whatever their case.
 *
 * Source: DataComp-LM (Li et al. 2024, arXiv:2406.11794), baselines/mappers/filters/content_filters.py. Serves `filter.dclm`
 * and `convention: dclm` of `filter.gopher-quality`; texts of no words break the rules that divide by them, as there.
 */
import { skipSpace } from '../../text/char-class.ts';
import { PY_SPACE, pythonFlags } from '../../text/python-class.ts';
import { pythonWords } from '../../text/python-words.ts';
import { strippedLines } from '../../text/stripped-pieces.ts';
import { countOccurrences } from '../../text/unicode.ts';
import type { TextView } from '../../text/view.ts';
import type { Rule } from '../rules.ts';

export interface QualityLimits {
  minWords: number | null;
  maxWords: number | null;
  minMeanWordLength: number | null;
  maxMeanWordLength: number | null;
  maxSymbolWordRatio: number | null;
  maxBulletLines: number | null;
  maxEllipsisLines: number | null;
  /** Smallest share of words with a letter. */
  minAlphaWords: number | null;
  minStopWords: number | null;
  stopWords: readonly string[];
}

/** Drop reasons, in the order of the tests. */
export interface QualityReasons {
  short: string;
  long: string;
  shortWords: string;
  longWords: string;
  symbols: string;
  bullets: string;
  ellipses: string;
  alpha: string;
  stopWords: string;
}

/** The rules in DCLM's order. */
export function qualityRules(limits: QualityLimits, reasons: QualityReasons): Rule[] {
  const stopWords = new Set(limits.stopWords.map((word) => word.toLowerCase()));
  const longest = Math.max(0, ...limits.stopWords.map((word) => word.length));
  const length = (view: TextView): number => view.get(pythonWords).fastTextWords;
  const meanWordLength = (view: TextView): number => {
    const { count, chars } = view.get(pythonWords);
    return count === 0 ? 0 : chars / count;
  };
  return [
    { reason: reasons.short, min: limits.minWords, measure: length },
    { reason: reasons.long, max: limits.maxWords, measure: length },
    { reason: reasons.shortWords, min: limits.minMeanWordLength, measure: meanWordLength },
    { reason: reasons.longWords, max: limits.maxMeanWordLength, measure: meanWordLength },
    {
      reason: reasons.symbols,
      max: limits.maxSymbolWordRatio,
      measure: (view) => {
        const { count } = view.get(pythonWords);
        return count === 0 ? Number.POSITIVE_INFINITY : countSymbols(view.text) / count;
      },
    },
    { reason: reasons.bullets, max: limits.maxBulletLines, measure: (view) => lineShare(view, isBullet) },
    { reason: reasons.ellipses, max: limits.maxEllipsisLines, measure: (view) => lineShare(view, endsInEllipsis) },
    {
      reason: reasons.alpha,
      min: limits.minAlphaWords,
      measure: (view) => {
        const { count, withoutLetter } = view.get(pythonWords);
        return count === 0 ? 0 : (count - withoutLetter) / count;
      },
    },
    {
      reason: reasons.stopWords,
      min: limits.minStopWords,
      measure: (view) => countStopWords(view, stopWords, longest, limits.minStopWords ?? 0),
    },
  ];
}

/** Hash signs and ellipses in their three spellings. */
function countSymbols(text: string): number {
  return (
    countOccurrences(text, '#') +
    countOccurrences(text, '...') +
    countOccurrences(text, '. . .') +
    countOccurrences(text, '…')
  );
}

/** Share of the lines that are not empty; 0 of none. */
function lineShare(view: TextView, test: (units: Uint16Array, start: number, end: number) => boolean): number {
  const { starts, ends, count } = view.get(strippedLines);
  let found = 0;
  for (let i = 0; i < count; i++) if (test(view.units, starts[i], ends[i])) found++;
  return count === 0 ? 0 : found / count;
}

const PERIOD = 0x2e;

/** Starts with ● • * or -. */
function isBullet(units: Uint16Array, start: number): boolean {
  const first = units[start];
  return first === 0x25cf || first === 0x2022 || first === 0x2a || first === 0x2d;
}

/** Ends with "...", ". . ." or "…". */
function endsInEllipsis(units: Uint16Array, start: number, end: number): boolean {
  const last = units[end - 1];
  if (last === 0x2026) return true;
  if (last !== PERIOD) return false;
  if (end - start >= 3 && units[end - 2] === PERIOD && units[end - 3] === PERIOD) return true;
  return (
    end - start >= 5 &&
    units[end - 2] === 0x20 &&
    units[end - 3] === PERIOD &&
    units[end - 4] === 0x20 &&
    units[end - 5] === PERIOD
  );
}

/** Occurrences of stop words; counts no further than `enough`, which most texts reach in their first sentences. */
function countStopWords(view: TextView, stopWords: ReadonlySet<string>, longest: number, enough: number): number {
  const { units, text } = view;
  const length = text.length;
  let found = 0;
  for (let start = skipSpace(units, 0, length); start < length && found < enough; ) {
    let end = start + 1;
    while (end < length && (pythonFlags[units[end]] & PY_SPACE) === 0) end++;
    if (end - start <= longest && stopWords.has(text.slice(start, end).toLowerCase())) found++;
    start = skipSpace(units, end, length);
  }
  return found;
}
