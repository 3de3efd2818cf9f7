/**
 * Gopher's quality and repetition rules with NeMo Curator's counting, for `convention: nemo` of those stages: their options
 * and reasons, in their order.
 *
 * What differs from datatrove: words are what stands between white space; hash signs and ellipses count only as words of
 * their own, together; bullets do not include the hyphen; a line may end with "read more" as with an ellipsis; stop words count as often as
 * they occur. Lines and paragraphs are compared with white space at their ends; lines of white space alone are none. The
 * most frequent n-gram counts wherever its characters stand; repeated n-grams overlap and count their spaces; a text of
 * fewer than n words breaks the n-gram's limit.
 */
import type { MapStage } from '../../core/stage.ts';
import { ruleStage } from '../rules.ts';
import { lineRepetition, lineShares, paragraphRepetition } from './lines.ts';
import { type NGramLimits, repeatedNGramRules, topNGramRules } from './n-grams.ts';
import * as words from './words.ts';

type Limit = number | null;

/** Options of `filter.gopher-quality`, as far as they are limits. */
export interface NemoQualityLimits {
  minWords: Limit;
  maxWords: Limit;
  minMeanWordLength: Limit;
  maxMeanWordLength: Limit;
  maxSymbolWordRatio: Limit;
  maxBulletLines: Limit;
  maxEllipsisLines: Limit;
  minAlphaWords: Limit;
  minStopWords: Limit;
  stopWords: readonly string[];
}

/** `filter.gopher-quality` under `convention: nemo`. */
export function nemoGopherQuality(limits: NemoQualityLimits): MapStage {
  return ruleStage([
    { reason: 'gopher_short_doc', measure: words.wordCount, min: limits.minWords },
    { reason: 'gopher_long_doc', measure: words.wordCount, max: limits.maxWords },
    { reason: 'gopher_below_avg_threshold', measure: words.meanWordLength, min: limits.minMeanWordLength },
    { reason: 'gopher_above_avg_threshold', measure: words.meanWordLength, max: limits.maxMeanWordLength },
    { reason: 'gopher_too_many_symbols', measure: words.symbolWordShare, max: limits.maxSymbolWordRatio },
    { reason: 'gopher_too_many_bullets', measure: (view) => view.get(lineShares).bullet, max: limits.maxBulletLines },
    {
      reason: 'gopher_too_many_end_ellipsis',
      measure: (view) => view.get(lineShares).ellipsis,
      max: limits.maxEllipsisLines,
    },
    { reason: 'gopher_below_alpha_threshold', measure: words.alphabeticWordShare, min: limits.minAlphaWords },
    {
      reason: 'gopher_enough_stop_words',
      measure: words.commonWordCounter(limits.stopWords, limits.minStopWords ?? 0),
      min: limits.minStopWords,
    },
  ]);
}

/** Options of `filter.gopher-repetition`, as far as they are limits. */
export interface NemoRepetitionLimits {
  maxDuplicateParagraphs: Limit;
  maxDuplicateParagraphChars: Limit;
  maxDuplicateLines: Limit;
  maxDuplicateLineChars: Limit;
  topNGrams: NGramLimits | null;
  duplicateNGrams: NGramLimits | null;
}

/** `filter.gopher-repetition` under `convention: nemo`. */
export function nemoGopherRepetition(limits: NemoRepetitionLimits): MapStage {
  return ruleStage([
    {
      reason: 'dup_para_frac',
      measure: (view) => view.get(paragraphRepetition).repeated,
      max: limits.maxDuplicateParagraphs,
    },
    {
      reason: 'dup_para_char_frac',
      measure: (view) => view.get(paragraphRepetition).repeatedChars,
      max: limits.maxDuplicateParagraphChars,
    },
    { reason: 'dup_line_frac', measure: (view) => view.get(lineRepetition).repeated, max: limits.maxDuplicateLines },
    {
      reason: 'dup_line_char_frac',
      measure: (view) => view.get(lineRepetition).repeatedChars,
      max: limits.maxDuplicateLineChars,
    },
    ...topNGramRules(limits.topNGrams ?? [], (n) => `top_${n}_gram`),
    ...repeatedNGramRules(limits.duplicateNGrams ?? [], (n) => `duplicated_${n}_n_grams`),
  ]);
}
