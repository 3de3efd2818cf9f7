/**
 * Gopher's quality rules: word count, mean word length, symbols, bullets, ellipses, letters, stop words.
 *
 * Source: Rae et al. 2021, "Scaling Language Models: Methods, Analysis & Insights from Training Gopher"
 * (arXiv:2112.11446), appendix A.1.1. Convention: datatrove's GopherQualityFilter, in its order of tests and with its reasons;
 * words are UAX #29 segments, where datatrove's default is spaCy's English tokenizer. Agreement is exact on 4,191 real
 * documents when datatrove is given UAX #29 words.
 *
 * Known differences: a text without words is `gopher_short_doc` (datatrove divides by zero on an empty one when that test is
 * off); a threshold is switched off by null alone, where datatrove takes 0 for off too. The thresholds are for English: a
 * Chinese corpus needs `unspacedWords: dictionary` and its own (mean word length from 1, other stop words).
 */
import { z } from 'zod';
import { defineMap } from '../core/stage.ts';
import { charFlags, SPACE, skipSpace, trimSpace } from '../text/char-class.ts';
import { countOccurrences } from '../text/unicode.ts';
import type { TextView } from '../text/view.ts';
import { hashWord, type WordFeatures } from '../text/words.ts';
import { conventionOption, shareThreshold, threshold, unspacedWordsOption } from './convention.ts';
import { dclmGopherQuality } from './dclm/gopher.ts';
import { nemoGopherQuality } from './nemo/gopher.ts';
import { type Rule, ruleStage } from './rules.ts';

const PAPER = 'Gopher A.1.1';

const options = z.strictObject({
  minWords: threshold(50, `Fewest words that are not symbols alone (${PAPER})`),
  maxWords: threshold(100_000, `Most words that are not symbols alone (${PAPER})`),
  minMeanWordLength: threshold(3, `Least mean length of those words in characters (${PAPER})`),
  maxMeanWordLength: threshold(10, `Greatest mean length of those words in characters (${PAPER})`),
  maxSymbolWordRatio: threshold(0.1, `Most hash signs per word, and most ellipses ("..." or "…") per word (${PAPER})`),
  maxBulletLines: shareThreshold(0.9, `Largest share of lines that start with "•" or "-" (${PAPER})`),
  maxEllipsisLines: shareThreshold(0.3, `Largest share of lines that end with "..." or "…" (${PAPER})`),
  minAlphaWords: shareThreshold(0.8, `Smallest share of words with a letter (${PAPER})`),
  minStopWords: threshold(2, `Fewest different stop words (${PAPER})`),
  stopWords: z
    .array(z.string().min(1))
    .default(['the', 'be', 'to', 'of', 'and', 'that', 'have', 'with'])
    .describe(`Stop words, compared as written, case included (${PAPER})`),
  unspacedWords: unspacedWordsOption,
  convention: conventionOption(['datatrove', 'dclm', 'nemo']),
});

export type GopherQualityOptions = z.output<typeof options>;

export const gopherQuality = defineMap({
  kind: 'map',
  name: 'filter.gopher-quality',
  summary: 'Drop documents that do not look like prose: too short or long, odd words, many symbols, no stop words.',
  source: 'Rae et al. 2021 (arXiv:2112.11446), A.1.1; counted as datatrove GopherQualityFilter with UAX #29 words',
  version: 1,
  options,
  reasons: {
    gopher_short_doc: 'fewer words than minWords',
    gopher_long_doc: 'more words than maxWords',
    gopher_below_avg_threshold: 'mean word length under minMeanWordLength',
    gopher_above_avg_threshold: 'mean word length over maxMeanWordLength',
    gopher_too_many_hashes: 'hash signs per word over maxSymbolWordRatio',
    gopher_too_many_ellipsis: 'ellipses per word over maxSymbolWordRatio',
    gopher_too_many_symbols:
      'share of words that are hash signs or an ellipsis (nemo), or both per word (dclm), over maxSymbolWordRatio',
    gopher_too_many_bullets: 'share of bullet lines over maxBulletLines',
    gopher_too_many_end_ellipsis: 'share of lines ending in an ellipsis over maxEllipsisLines',
    gopher_below_alpha_threshold: 'share of words with a letter under minAlphaWords',
    gopher_enough_stop_words: 'fewer different stop words than minStopWords',
  },
  create(given) {
    if (given.convention === 'dclm') return dclmGopherQuality(given);
    if (given.convention === 'nemo') return nemoGopherQuality(given);
    const stopWords = createStopWords(given.stopWords);
    return ruleStage(rulesOf(given, stopWords));
  },
});

/** In datatrove's order. The mean length of no words is NaN, which breaks neither limit. */
function rulesOf(limits: GopherQualityOptions, stopWords: StopWords): Rule[] {
  const words = (view: TextView): WordFeatures => view.wordFeatures(limits.unspacedWords);
  const perWord = (view: TextView, found: number): number => found / Math.max(1, words(view).count);
  const perLine = (view: TextView, found: number): number => found / Math.max(1, view.lines.count);
  const meanLength = (view: TextView): number => words(view).properChars / words(view).properWords;
  const { maxSymbolWordRatio, minStopWords } = limits;
  return [
    { reason: 'gopher_short_doc', min: limits.minWords, measure: (view) => words(view).properWords },
    { reason: 'gopher_long_doc', max: limits.maxWords, measure: (view) => words(view).properWords },
    { reason: 'gopher_below_avg_threshold', min: limits.minMeanWordLength, measure: meanLength },
    { reason: 'gopher_above_avg_threshold', max: limits.maxMeanWordLength, measure: meanLength },
    {
      reason: 'gopher_too_many_hashes',
      max: maxSymbolWordRatio,
      measure: (view) => perWord(view, countOccurrences(view.text, '#')),
    },
    {
      reason: 'gopher_too_many_ellipsis',
      max: maxSymbolWordRatio,
      measure: (view) => perWord(view, countOccurrences(view.text, '...') + countOccurrences(view.text, '…')),
    },
    {
      reason: 'gopher_too_many_bullets',
      max: limits.maxBulletLines,
      measure: (view) => perLine(view, countBulletLines(view)),
    },
    {
      reason: 'gopher_too_many_end_ellipsis',
      max: limits.maxEllipsisLines,
      measure: (view) => perLine(view, countEllipsisLines(view)),
    },
    {
      reason: 'gopher_below_alpha_threshold',
      min: limits.minAlphaWords,
      measure: (view) => perWord(view, words(view).alphaWords),
    },
    {
      reason: 'gopher_enough_stop_words',
      min: minStopWords,
      measure: (view) => countStopWords(words(view), stopWords, minStopWords ?? 0),
    },
  ];
}

const BULLET = 0x2022;
const HYPHEN = 0x2d;
const ELLIPSIS = 0x2026;
const PERIOD = 0x2e;

function countBulletLines(view: TextView): number {
  const { starts, ends, count } = view.lines;
  const units = view.units;
  let found = 0;
  for (let i = 0; i < count; i++) {
    const at = skipSpace(units, starts[i], ends[i]);
    if (at < ends[i] && (units[at] === BULLET || units[at] === HYPHEN)) found++;
  }
  return found;
}

function countEllipsisLines(view: TextView): number {
  const { starts, ends, count } = view.lines;
  const units = view.units;
  let found = 0;
  for (let i = 0; i < count; i++) {
    const start = starts[i];
    let end = ends[i];
    if (end > start && (charFlags[units[end - 1]] & SPACE) !== 0) end = trimSpace(units, start, end);
    if (end === start) continue;
    const last = units[end - 1];
    if (last === ELLIPSIS) found++;
    else if (last === PERIOD && end - start >= 3 && units[end - 2] === PERIOD && units[end - 3] === PERIOD) found++;
  }
  return found;
}

/** Stop words by hash, and a filter on eight bits of it that nearly every other word fails. */
interface StopWords {
  low: Int32Array;
  high: Int32Array;
  mayBe: Uint8Array;
  seen: Uint8Array;
}

function createStopWords(list: readonly string[]): StopWords {
  const different = [...new Set(list)];
  const stopWords: StopWords = {
    low: new Int32Array(different.length),
    high: new Int32Array(different.length),
    mayBe: new Uint8Array(256),
    seen: new Uint8Array(different.length),
  };
  different.forEach((word, i) => {
    const { low, high } = hashWord(word);
    stopWords.low[i] = low;
    stopWords.high[i] = high;
    stopWords.mayBe[low & 255] = 1;
  });
  return stopWords;
}

/** Different stop words in the text; counts no further than `enough`. */
function countStopWords(words: WordFeatures, stopWords: StopWords, enough: number): number {
  const { low, high, count } = words;
  const { mayBe, seen } = stopWords;
  seen.fill(0);
  let found = 0;
  for (let i = 0; i < count && found < enough; i++) {
    if (mayBe[low[i] & 255] === 0) continue;
    for (let k = 0; k < seen.length; k++) {
      if (seen[k] === 0 && stopWords.low[k] === low[i] && stopWords.high[k] === high[i]) {
        seen[k] = 1;
        found++;
      }
    }
  }
  return found;
}
