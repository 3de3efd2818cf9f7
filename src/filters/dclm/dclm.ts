/**
 * DCLM-baseline's heuristics up to its line corrections: URLs out of the text, at most two newlines in a row, then
 * Gopher's quality and repetition rules, all in the order and with the counting of the DCLM-baseline recipe. With
 * `filter.refinedweb-lines` behind it the two give that recipe's verdicts and texts.
 *
 * Source: Li et al. 2024, "DataComp-LM" (arXiv:2406.11794), baselines/baselines_configs/dclm_baseline_refinedweb.yaml. The
 * recipe's URL lists are `filter.url`, its language test (fastText en ≥ 0.65) stands between newlines and page length
 * there and drops the same documents anywhere before or behind. Words of n-grams are UAX #29 segments.
 *
 * The thresholds are for English. Agreement: tests/filters/dclm/parity.test.ts.
 */
import { z } from 'zod';
import { defineMap, drop, type MapStage } from '../../core/stage.ts';
import { readListFile } from '../../io/list-file.ts';
import {
  GOPHER_REPEATED_N_GRAMS,
  GOPHER_TOP_N_GRAMS,
  nGramLimits,
  shareThreshold,
  threshold,
  unspacedWordsOption,
} from '../convention.ts';
import { ruleStage } from '../rules.ts';
import { qualityRules } from './quality-rules.ts';
import { createUrlRemover, domainsOf, isListedDomain } from './remove-urls.ts';
import { REPETITION_REASONS, repetitionRules } from './repetition-rules.ts';

const PAPER = 'DCLM-baseline';

const options = z.strictObject({
  removeUrls: z
    .enum(['everywhere', 'dclm', 'never'])
    .default('dclm')
    .describe(
      'Take URLs and IP addresses out of the text: everywhere; or as dclm, whose pre-check lets only texts through that ' +
        'begin with the letters of a top-level domain ("The", "http"), IP addresses going everywhere',
    ),
  topLevelDomains: z
    .string()
    .min(1)
    .optional()
    .describe("File of top-level domains, one a line; without it the public suffix list's"),
  maxNewlines: z
    .int()
    .min(1)
    .nullable()
    .default(2)
    .describe(`Most newlines in a row; further ones are taken out (${PAPER}); null: leave`),
  minWords: threshold(50, `Fewest words, those that begin with a letter or number (${PAPER})`),
  maxWords: threshold(100_000, `Most words (${PAPER})`),
  minMeanWordLength: threshold(3, `Least mean length of pieces between white space, in characters (${PAPER})`),
  maxMeanWordLength: threshold(10, `Greatest mean length of pieces between white space, in characters (${PAPER})`),
  maxSymbolWordRatio: threshold(0.1, `Most hash signs and ellipses together per word (${PAPER})`),
  maxBulletLines: shareThreshold(0.9, `Largest share of lines that start with ● • * or - (${PAPER})`),
  maxEllipsisLines: shareThreshold(0.3, `Largest share of lines that end with "...", ". . ." or "…" (${PAPER})`),
  minAlphaWords: shareThreshold(0.8, `Smallest share of words with a letter (${PAPER}: at most 0.2 without)`),
  minStopWords: threshold(2, `Fewest stop words, each occurrence counted (${PAPER})`),
  stopWords: z
    .array(z.string().min(1))
    .default(['the', 'be', 'to', 'of', 'and', 'that', 'have', 'with'])
    .describe(`Stop words, whatever their case (${PAPER})`),
  maxDuplicateLines: shareThreshold(0.3, `Largest share of lines that occur more than once (${PAPER})`),
  maxDuplicateParagraphs: shareThreshold(0.3, `Largest share of paragraphs that occur more than once (${PAPER})`),
  maxDuplicateLineChars: shareThreshold(0.2, `Largest share of characters in such lines (${PAPER})`),
  maxDuplicateParagraphChars: shareThreshold(0.2, `Largest share of characters in such paragraphs (${PAPER})`),
  topNGrams: nGramLimits(2, GOPHER_TOP_N_GRAMS, 'Largest share of characters in the most frequent n-gram', PAPER),
  duplicateNGrams: nGramLimits(
    2,
    GOPHER_REPEATED_N_GRAMS,
    'Largest share of characters in n-grams that occur more than once',
    PAPER,
  ),
  unspacedWords: unspacedWordsOption,
});

export type DclmOptions = z.output<typeof options>;

/** Drop reasons are DCLM's function names without `_filter`; those of repetition are Gopher's. */
export const dclm = defineMap({
  kind: 'map',
  name: 'filter.dclm',
  summary: 'Drop documents by the DCLM-baseline heuristics: length, words, symbols, bullets, stop words, repetition.',
  source: 'Li et al. 2024 (arXiv:2406.11794), dclm_baseline_refinedweb.yaml, with UAX #29 words',
  version: 1,
  options,
  optionFiles: (given) => [given.topLevelDomains],
  reasons: {
    url_removal: 'nothing is left without URLs, or the text was empty',
    page_length: 'fewer words than minWords, or more than maxWords',
    word_length: 'mean word length under minMeanWordLength or over maxMeanWordLength',
    symbol_ratio: 'hash signs and ellipses per word over maxSymbolWordRatio',
    bullet_count: 'share of bullet lines over maxBulletLines',
    ellipsis_count: 'share of lines ending in an ellipsis over maxEllipsisLines',
    alphabetic_word_ratio: 'share of words with a letter under minAlphaWords',
    stop_word: 'fewer stop words than minStopWords',
    ...REPETITION_REASONS,
  },
  create(given, { baseDir }): MapStage {
    const edit = createEdit(given, baseDir);
    const rules = ruleStage([...qualityRules(given, QUALITY_REASONS), ...repetitionRules(given)]);
    return {
      process(document) {
        const text = edit(document.text);
        if (text === '') return drop('url_removal');
        document.text = text;
        return rules.process(document);
      },
      explain: (document) => rules.explain?.({ ...document, text: edit(document.text) }) ?? [],
    };
  },
});

const QUALITY_REASONS = {
  short: 'page_length',
  long: 'page_length',
  shortWords: 'word_length',
  longWords: 'word_length',
  symbols: 'symbol_ratio',
  bullets: 'bullet_count',
  ellipses: 'ellipsis_count',
  alpha: 'alphabetic_word_ratio',
  stopWords: 'stop_word',
};

function createEdit(given: DclmOptions, baseDir: string): (text: string) => string {
  const isTopLevelDomain =
    given.topLevelDomains === undefined
      ? isListedDomain
      : domainsOf(readListFile({ path: given.topLevelDomains, baseDir, option: 'topLevelDomains' }));
  const removeUrls =
    given.removeUrls === 'never'
      ? (text: string) => text
      : createUrlRemover(given.removeUrls === 'dclm' ? 'start' : 'none', isTopLevelDomain);
  if (given.maxNewlines === null) return removeUrls;
  const allowed = '\n'.repeat(given.maxNewlines);
  const tooMany = new RegExp(`\n{${given.maxNewlines + 1},}`, 'g');
  return (text) => {
    const without = removeUrls(text);
    return without.includes(`${allowed}\n`) ? without.replace(tooMany, allowed) : without;
  };
}
