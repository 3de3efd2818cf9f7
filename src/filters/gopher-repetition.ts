/**
 * Gopher's repetition rules: repeated paragraphs and lines, the most frequent n-gram, repeated longer n-grams.
 *
 * Source: Rae et al. 2021 (arXiv:2112.11446), table A1. Convention: datatrove's GopherRepetitionFilter: second and later
 * occurrences count, shares are of all the text's characters (code points), a top n-gram counts even when it occurs once (so
 * texts of a few words are dropped), a repeated n-gram is jumped over once counted. DCLM and dolma count every
 * occurrence and get other verdicts from the same thresholds. Words are UAX #29 segments; agreement is exact on 4,191
 * real documents.
 *
 * Known difference: the empty text is kept (datatrove divides by zero).
 */
import { z } from 'zod';
import { defineMap } from '../core/stage.ts';
import { duplicateNGramChars, topNGramChars } from '../text/n-grams.ts';
import { defineFeature } from '../text/view.ts';
import {
  conventionOption,
  GOPHER_REPEATED_N_GRAMS,
  GOPHER_TOP_N_GRAMS,
  MAX_N,
  nGramLimits,
  shareThreshold,
  unspacedWordsOption,
} from './convention.ts';
import { dclmGopherRepetition } from './dclm/gopher.ts';
import { nemoGopherRepetition } from './nemo/gopher.ts';
import { type Rule, ruleStage } from './rules.ts';

const PAPER = 'Gopher table A1';

const options = z.strictObject({
  maxDuplicateParagraphs: shareThreshold(0.3, `Largest share of repeated paragraphs (${PAPER})`),
  maxDuplicateParagraphChars: shareThreshold(0.2, `Largest share of characters in repeated paragraphs (${PAPER})`),
  maxDuplicateLines: shareThreshold(0.3, `Largest share of repeated lines (${PAPER})`),
  maxDuplicateLineChars: shareThreshold(0.2, `Largest share of characters in repeated lines (${PAPER})`),
  topNGrams: nGramLimits(2, GOPHER_TOP_N_GRAMS, 'Largest share of characters in the most frequent n-gram', PAPER),
  duplicateNGrams: nGramLimits(2, GOPHER_REPEATED_N_GRAMS, 'Largest share of characters in repeated n-grams', PAPER),
  unspacedWords: unspacedWordsOption,
  convention: conventionOption(['datatrove', 'dclm', 'nemo']),
});

export type GopherRepetitionOptions = z.output<typeof options>;

export const gopherRepetition = defineMap({
  kind: 'map',
  name: 'filter.gopher-repetition',
  summary: 'Drop documents that repeat themselves: paragraphs, lines, or word n-grams.',
  source:
    'Rae et al. 2021 (arXiv:2112.11446), table A1; counted as datatrove GopherRepetitionFilter with UAX #29 words',
  version: 1,
  options,
  reasons: {
    dup_para_frac: 'share of repeated paragraphs over maxDuplicateParagraphs',
    dup_para_char_frac: 'share of characters in repeated paragraphs over maxDuplicateParagraphChars',
    dup_line_frac: 'share of repeated lines over maxDuplicateLines',
    dup_line_char_frac: 'share of characters in repeated lines over maxDuplicateLineChars',
    'top_{n}_gram': 'share of characters in the most frequent n-gram over its limit',
    'duplicated_{n}_n_grams': 'share of characters in repeated n-grams over its limit',
  },
  create(given) {
    if (given.convention === 'dclm') return dclmGopherRepetition(given);
    if (given.convention === 'nemo') return nemoGopherRepetition(given);
    return ruleStage(rulesOf(given));
  },
});

/** In datatrove's order. Shares of an empty text are NaN or 0 and break no limit. */
function rulesOf(given: GopherRepetitionOptions): Rule[] {
  const top = given.topNGrams ?? [];
  const repeated = given.duplicateNGrams ?? [];
  const maxTopN = Math.max(0, ...top.map(([n]) => n));
  const [minRepeatedN, maxRepeatedN] = [
    Math.min(MAX_N, ...repeated.map(([n]) => n)),
    Math.max(0, ...repeated.map(([n]) => n)),
  ];
  // Characters by n, all found in one walk when the first rule asks.
  const topChars = new Float64Array(MAX_N + 1);
  const repeatedChars = new Float64Array(MAX_N + 1);
  const topFound = defineFeature((view) => {
    topNGramChars(view.wordFeatures(given.unspacedWords), maxTopN, topChars);
    return topChars;
  });
  const repeatedFound = defineFeature((view) => {
    duplicateNGramChars(view.wordFeatures(given.unspacedWords), minRepeatedN, maxRepeatedN, repeatedChars);
    return repeatedChars;
  });
  return [
    {
      reason: 'dup_para_frac',
      max: given.maxDuplicateParagraphs,
      measure: (view) => view.get(repeatedParagraphs).elements / view.paragraphs.count,
    },
    {
      reason: 'dup_para_char_frac',
      max: given.maxDuplicateParagraphChars,
      measure: (view) => view.get(repeatedParagraphs).chars / view.charCount,
    },
    {
      reason: 'dup_line_frac',
      max: given.maxDuplicateLines,
      measure: (view) => view.get(repeatedLines).elements / view.lineRuns.count,
    },
    {
      reason: 'dup_line_char_frac',
      max: given.maxDuplicateLineChars,
      measure: (view) => view.get(repeatedLines).chars / view.charCount,
    },
    ...top.map(
      ([n, share]): Rule => ({
        reason: `top_${n}_gram`,
        max: share,
        measure: (view) => view.get(topFound)[n] / view.charCount,
      }),
    ),
    ...repeated.map(
      ([n, share]): Rule => ({
        reason: `duplicated_${n}_n_grams`,
        max: share,
        measure: (view) => view.get(repeatedFound)[n] / view.charCount,
      }),
    ),
  ];
}

const repeatedParagraphs = defineFeature((view) => ({ ...view.duplicates(view.paragraphs) }));
const repeatedLines = defineFeature((view) => ({ ...view.duplicates(view.lineRuns) }));
