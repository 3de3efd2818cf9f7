/**
 * NVIDIA NeMo Curator's English heuristics: the 28 filters of its English pipeline, in its order, with its thresholds and its
 * counting, and three more of its filters that are off there.
 *
 * Source: NeMo Curator, nemo_curator/config/text/heuristic_filter_english_pipeline.yaml and
 * nemo_curator/stages/text/filters/heuristic (2026-08). Words are what stands between white space, lines are what stands
 * between newlines, lengths are code points. Reasons are the peer's names of its filters. Known differences: docs.
 */
import { z } from 'zod';
import { defineMap } from '../../core/stage.ts';
import { GOPHER_REPEATED_N_GRAMS, GOPHER_TOP_N_GRAMS, nGramLimits, shareThreshold, threshold } from '../convention.ts';
import { ruleStage } from '../rules.ts';
import { boilerplateShare } from './boilerplate.ts';
import { characterShares } from './characters.ts';
import { histogramRule, substringRule } from './extras.ts';
import { lineRepetition, lineShares, paragraphRepetition } from './lines.ts';
import { repeatedNGramRules, topNGramRules } from './n-grams.ts';
import { hasPornographicUrl, urlShare } from './urls.ts';
import * as words from './words.ts';

const YAML = 'NeMo Curator, English pipeline';

const options = z.strictObject({
  maxNonAlphanumeric: shareThreshold(
    0.25,
    `Largest share of characters other than ASCII letters, digits, newlines and ?!,. (${YAML})`,
  ),
  maxSymbolWords: shareThreshold(0.1, `Largest share of words that are hash signs or an ellipsis (${YAML})`),
  maxDigits: shareThreshold(0.15, `Largest share of digits (${YAML})`),
  maxUrlChars: shareThreshold(0.2, `Largest share of characters in http and https addresses (${YAML})`),
  maxWhiteSpace: shareThreshold(0.25, `Largest share of white space (${YAML})`),
  maxParentheses: shareThreshold(0.1, `Largest share of brackets of any kind (${YAML})`),
  maxBoilerplateParagraphs: shareThreshold(
    0.4,
    `Largest share of paragraphs about terms of use, privacy or cookies; a text with "lorem ipsum" counts as 1 (${YAML})`,
  ),
  minUniqueLines: shareThreshold(0.7, `Smallest share of lines that are the first of their kind (${YAML})`),
  minUniqueParagraphs: shareThreshold(0.7, `Smallest share of paragraphs that are the first of their kind (${YAML})`),
  minUniqueLineChars: shareThreshold(0.8, `The same for lines, in characters (${YAML})`),
  minUniqueParagraphChars: shareThreshold(0.8, `The same for paragraphs, in characters (${YAML})`),
  minWords: threshold(50, `Fewest words (${YAML})`),
  maxWords: threshold(100_000, `Most words (${YAML})`),
  maxLinesWithoutEndMark: shareThreshold(0.85, `Largest share of lines that end with none of .?!"' (${YAML})`),
  minAlphaWords: shareThreshold(0.8, `Smallest share of words with an alphabetic character (${YAML})`),
  minCommonWords: threshold(2, `Fewest occurrences of the, be, to, of, and, that, have, with, in lower case (${YAML})`),
  minMeanWordLength: threshold(3, `Least mean length of a word in characters (${YAML})`),
  maxMeanWordLength: threshold(10, `Greatest mean length of a word in characters (${YAML})`),
  maxWordLength: threshold(1000, `Longest word in characters (${YAML})`),
  maxEllipsisLines: shareThreshold(
    0.3,
    `Largest share of lines that end with an ellipsis, "-»" or "read more" (${YAML})`,
  ),
  topNGrams: nGramLimits(2, GOPHER_TOP_N_GRAMS, 'Largest share of characters in the most frequent n-gram', YAML),
  duplicateNGrams: nGramLimits(2, GOPHER_REPEATED_N_GRAMS, 'Largest share of characters in repeated n-grams', YAML),
  maxBulletLines: shareThreshold(0.9, `Largest share of lines that begin with a bullet (${YAML})`),
  dropPornographicUrls: z
    .boolean()
    .default(false)
    .describe('Drop texts with an http or https address that holds "porn" (NeMo Curator PornographicUrlsFilter)'),
  substring: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe('Keep only texts with this in them, as written (NeMo Curator SubstringFilter); null: no limit'),
  substringPosition: z
    .enum(['any', 'prefix', 'suffix'])
    .default('any')
    .describe('Where `substring` must stand (NeMo Curator SubstringFilter)'),
  histogramFile: z
    .string()
    .nullable()
    .default(null)
    .describe(
      'A character histogram of trusted text, as NLLB publishes them: one character at the start of each line, up to a ' +
        'line that starts with "]" (NeMo Curator HistogramFilter); null: no limit',
    ),
  minHistogramShare: z
    .number()
    .min(0)
    .max(1)
    .default(0.8)
    .describe('Share of characters in the histogram that must be exceeded (NeMo Curator HistogramFilter)'),
});

export type NemoOptions = z.output<typeof options>;

export const nemo = defineMap({
  kind: 'map',
  name: 'filter.nemo',
  summary: "Drop documents by NeMo Curator's 28 English heuristics.",
  source: 'NVIDIA NeMo Curator, heuristic_filter_english_pipeline.yaml (2026-08)',
  version: 1,
  options,
  optionFiles: ({ histogramFile }) => [histogramFile ?? undefined],
  reasons: {
    alpha_numeric: 'share of other than ASCII letters, digits and ?!,. over maxNonAlphanumeric',
    symbol_to_word: 'share of hash signs and ellipses among words over maxSymbolWords',
    numbers_ratio: 'share of digits over maxDigits',
    urls_ratio: 'share of characters in addresses over maxUrlChars',
    white_space: 'share of white space over maxWhiteSpace',
    parentheses_ratio: 'share of brackets over maxParentheses',
    boilerplate_string_ratio: 'share of boilerplate paragraphs over maxBoilerplateParagraphs',
    repeated_lines: 'share of unique lines under minUniqueLines',
    repeated_paragraphs: 'share of unique paragraphs under minUniqueParagraphs',
    repeated_lines_char: 'share of characters in unique lines under minUniqueLineChars',
    repeated_paragraphs_char: 'share of characters in unique paragraphs under minUniqueParagraphChars',
    word_count: 'fewer words than minWords or more than maxWords',
    punctuation: 'share of lines without an end mark over maxLinesWithoutEndMark',
    words_without_alphabets: 'share of words with an alphabetic character under minAlphaWords',
    common_english_words: 'fewer common English words than minCommonWords',
    mean_word_length: 'mean word length under minMeanWordLength or over maxMeanWordLength',
    max_word_length: 'a word longer than maxWordLength',
    ellipsis: 'share of lines ending in an ellipsis over maxEllipsisLines',
    'repeating_top_{n}grams': 'share of characters in the most frequent n-gram over its limit',
    'repeating_dup_{n}gram': 'share of characters in repeated n-grams over its limit',
    bullet_ratio: 'share of bullet lines over maxBulletLines',
    pornographic_urls: 'an address with "porn" in it, with dropPornographicUrls',
    substring: 'no `substring` at substringPosition',
    histogram: 'share of characters in the histogram not over minHistogramShare',
  },
  create: (given, { baseDir }) =>
    ruleStage([
      {
        reason: 'alpha_numeric',
        measure: (view) => view.get(characterShares).nonAlphanumeric,
        max: given.maxNonAlphanumeric,
      },
      { reason: 'symbol_to_word', measure: words.symbolWordShare, max: given.maxSymbolWords },
      { reason: 'numbers_ratio', measure: (view) => view.get(characterShares).digits, max: given.maxDigits },
      { reason: 'urls_ratio', measure: urlShare, max: given.maxUrlChars },
      { reason: 'white_space', measure: (view) => view.get(characterShares).whiteSpace, max: given.maxWhiteSpace },
      {
        reason: 'parentheses_ratio',
        measure: (view) => view.get(characterShares).parentheses,
        max: given.maxParentheses,
      },
      { reason: 'boilerplate_string_ratio', measure: boilerplateShare, max: given.maxBoilerplateParagraphs },
      { reason: 'repeated_lines', measure: (view) => view.get(lineRepetition).unique, min: given.minUniqueLines },
      {
        reason: 'repeated_paragraphs',
        measure: (view) => view.get(paragraphRepetition).unique,
        min: given.minUniqueParagraphs,
      },
      {
        reason: 'repeated_lines_char',
        measure: (view) => view.get(lineRepetition).uniqueChars,
        min: given.minUniqueLineChars,
      },
      {
        reason: 'repeated_paragraphs_char',
        measure: (view) => view.get(paragraphRepetition).uniqueChars,
        min: given.minUniqueParagraphChars,
      },
      { reason: 'word_count', measure: words.wordCount, min: given.minWords, max: given.maxWords },
      {
        reason: 'punctuation',
        measure: (view) => view.get(lineShares).withoutEndMark,
        max: given.maxLinesWithoutEndMark,
      },
      { reason: 'words_without_alphabets', measure: words.alphabeticWordShare, min: given.minAlphaWords },
      {
        reason: 'common_english_words',
        measure: words.commonWordCounter(words.COMMON_ENGLISH_WORDS, given.minCommonWords ?? 0),
        min: given.minCommonWords,
      },
      {
        reason: 'mean_word_length',
        measure: words.meanWordLength,
        min: given.minMeanWordLength,
        max: given.maxMeanWordLength,
      },
      { reason: 'max_word_length', measure: words.longestWord, max: given.maxWordLength },
      { reason: 'ellipsis', measure: (view) => view.get(lineShares).ellipsis, max: given.maxEllipsisLines },
      ...topNGramRules(given.topNGrams ?? [], (n) => `repeating_top_${n}grams`),
      ...repeatedNGramRules(given.duplicateNGrams ?? [], (n) => `repeating_dup_${n}gram`),
      { reason: 'bullet_ratio', measure: (view) => view.get(lineShares).bullet, max: given.maxBulletLines },
      { reason: 'pornographic_urls', measure: hasPornographicUrl, max: given.dropPornographicUrls ? 0 : null },
      substringRule(given.substring, given.substringPosition),
      histogramRule(given.histogramFile, given.minHistogramShare, baseDir),
    ]),
});
