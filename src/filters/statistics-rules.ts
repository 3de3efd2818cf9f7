/**
 * Rules on plain text statistics: shares of kinds of characters, line lengths, repetition, lengths. One list serves
 * `filter.text-statistics` and `filter.code-statistics`, which differ in their defaults.
 *
 * Counting follows Data-Juicer's operators (github.com/datajuicer/data-juicer, data_juicer/ops/filter): characters are code
 * points, shares are of all the text's characters, lines are Python's `splitlines()`. Its words are pieces between spaces,
 * stripped of special characters; where a recipe asks for its sentencepiece words, `words: unicode` is nearest, and the choice
 * for Chinese. What reads the text lies in src/text and is found once per text, whichever rules ask for it.
 */
import { z } from 'zod';
import { charCounts } from '../text/char-counts.ts';
import { charRepetition } from '../text/char-repetition.ts';
import { lineLengths } from '../text/line-lengths.ts';
import { sentenceRepetition } from '../text/sentence-repetition.ts';
import { foldedSpaceWords, spaceWords } from '../text/space-words.ts';
import { unicodeWords } from '../text/unicode-words.ts';
import type { TextView } from '../text/view.ts';
import { wordRepetition } from '../text/word-repetition.ts';
import { unspacedWordsOption } from './convention.ts';
import type { Rule } from './rules.ts';

/** Default limits; what is absent is off. */
export interface StatisticsDefaults {
  minChars?: number;
  maxChars?: number;
  minAlphanumeric?: number;
  maxAlphanumeric?: number;
  minSpecial?: number;
  maxSpecial?: number;
  maxMeanLineLength?: number;
  maxLineLength?: number;
  maxCharRepetition?: number;
  minWords?: number;
  maxWords?: number;
  maxWordRepetition?: number;
}

/** The options of a stage of these rules. `source` names where the defaults come from. */
export function statisticsOptions(defaults: StatisticsDefaults, source: string) {
  const limit = (name: keyof StatisticsDefaults, description: string) =>
    z
      .number()
      .nonnegative()
      .nullable()
      .default(defaults[name] ?? null)
      .describe(`${description}${defaults[name] === undefined ? '' : ` (${source})`}; null: no limit`);
  const off = (description: string) =>
    z.number().nonnegative().nullable().default(null).describe(`${description}; null: no limit`);
  const n = z.int().min(1).max(1000);
  return z.strictObject({
    minChars: limit('minChars', 'Fewest characters; Data-Juicer text_length_filter: 10'),
    maxChars: limit('maxChars', 'Most characters'),
    minAlphanumeric: limit('minAlphanumeric', 'Smallest share of letters and numbers; alphanumeric_filter: 0.25'),
    maxAlphanumeric: limit('maxAlphanumeric', 'Largest share of letters and numbers'),
    minAlphabetic: off('Smallest share of letters; for words that are not letters see filter.gopher-quality'),
    maxDigits: off('Largest share of decimal digits'),
    maxUpperCase: off('Largest share of upper-case letters'),
    minSpecial: limit('minSpecial', 'Smallest share of special characters: ASCII marks, digits, white space, emoji …'),
    maxSpecial: limit('maxSpecial', 'Largest share of special characters; special_characters_filter: 0.25'),
    minMeanLineLength: off('Least characters per line; average_line_length_filter: 10'),
    maxMeanLineLength: limit('maxMeanLineLength', 'Most characters per line'),
    minLongestLine: off('Least characters of the longest line; maximum_line_length_filter: 10'),
    maxLongestLine: limit('maxLineLength', 'Most characters of the longest line'),
    maxCharRepetition: limit(
      'maxCharRepetition',
      'Largest share of repeated character n-grams; character_repetition_filter: 0.5',
    ),
    charRepetitionN: n.default(10).describe('Characters of an n-gram (Data-Juicer rep_len)'),
    minWords: limit('minWords', 'Fewest words; words_num_filter: 10'),
    maxWords: limit('maxWords', 'Most words'),
    maxLongestWord: off('Most characters of the longest word; remove_long_words_mapper cuts such words out at 128'),
    maxNumbers: off('Largest share of words that are numbers; needs words: unicode'),
    maxWordRepetition: limit(
      'maxWordRepetition',
      'Largest share of repeated word n-grams; word_repetition_filter: 0.5',
    ),
    wordRepetitionN: n.default(10).describe('Words of an n-gram (Data-Juicer rep_len)'),
    maxSentenceRepetition: off('Largest share of letters in sentences that stood before (English and Chinese ends)'),
    words: z
      .enum(['spaces', 'unicode'])
      .default('spaces')
      .describe(
        'What a word is: spaces, pieces between spaces without special characters at their ends (Data-Juicer without a ' +
          'tokenizer); unicode, UAX #29 words that are not symbols alone, the choice for Chinese and the like',
      ),
    unspacedWords: unspacedWordsOption,
  });
}

export type StatisticsOptions = z.output<ReturnType<typeof statisticsOptions>>;

/** Reasons with their meaning, for a stage's declaration. */
export const STATISTICS_REASONS: Record<string, string> = {
  text_length: 'fewer characters than minChars, or more than maxChars',
  alnum_ratio: 'share of letters and numbers under minAlphanumeric or over maxAlphanumeric',
  alpha_ratio: 'share of letters under minAlphabetic',
  digit_ratio: 'share of digits over maxDigits',
  upper_case_ratio: 'share of upper-case letters over maxUpperCase',
  special_char_ratio: 'share of special characters under minSpecial or over maxSpecial',
  avg_line_length: 'characters per line under minMeanLineLength or over maxMeanLineLength',
  max_line_length: 'characters of the longest line under minLongestLine or over maxLongestLine',
  num_words: 'fewer words than minWords, or more than maxWords',
  long_word: 'characters of the longest word over maxLongestWord',
  number_ratio: 'share of words that are numbers over maxNumbers',
  char_rep_ratio: 'share of repeated character n-grams over maxCharRepetition',
  word_rep_ratio: 'share of repeated word n-grams over maxWordRepetition',
  sentence_rep_ratio: 'share of letters in repeated sentences over maxSentenceRepetition',
};

/**
 * The rules, cheapest first: a document that breaks one is not walked for the others. `lineEnds` says whether the mean line
 * length is the text's by its lines, ends included (Data-Juicer), or the lines' own (StarCoder).
 */
export function statisticsRules(given: StatisticsOptions, lineEnds: 'included' | 'left out'): Rule[] {
  const share = (part: number, view: TextView): number => (view.text.length === 0 ? 0 : part / view.charCount);
  const unicode = given.words === 'unicode';
  const unspaced = given.unspacedWords;
  return [
    { reason: 'text_length', min: given.minChars, max: given.maxChars, measure: (view) => view.charCount },
    {
      reason: 'alnum_ratio',
      min: given.minAlphanumeric,
      max: given.maxAlphanumeric,
      measure: (view) => share(view.get(charCounts).alphanumeric, view),
    },
    {
      reason: 'alpha_ratio',
      min: given.minAlphabetic,
      measure: (view) => share(view.get(charCounts).alphabetic, view),
    },
    { reason: 'digit_ratio', max: given.maxDigits, measure: (view) => share(view.get(charCounts).digits, view) },
    {
      reason: 'upper_case_ratio',
      max: given.maxUpperCase,
      measure: (view) => share(view.get(charCounts).upperCase, view),
    },
    {
      reason: 'special_char_ratio',
      min: given.minSpecial,
      max: given.maxSpecial,
      measure: (view) => share(view.get(charCounts).special, view),
    },
    {
      reason: 'avg_line_length',
      min: given.minMeanLineLength,
      max: given.maxMeanLineLength,
      measure:
        lineEnds === 'included'
          ? (view) => (view.lines.count === 0 ? 0 : view.charCount / view.lines.count)
          : (view) => (view.lines.count === 0 ? 0 : view.get(lineLengths).total / view.lines.count),
    },
    {
      reason: 'max_line_length',
      min: given.minLongestLine,
      max: given.maxLongestLine,
      measure: (view) => view.get(lineLengths).longest,
    },
    {
      reason: 'num_words',
      min: given.minWords,
      max: given.maxWords,
      measure: (view) => (unicode ? view.wordFeatures(unspaced).properWords : view.get(spaceWords).count),
    },
    {
      reason: 'long_word',
      max: given.maxLongestWord,
      measure: (view) => (unicode ? unicodeWords(view, unspaced).longest : view.get(spaceWords).longest),
    },
    {
      reason: 'number_ratio',
      max: given.maxNumbers,
      measure: (view) => {
        const { numbers, count } = unicodeWords(view, unspaced);
        return count === 0 ? 0 : numbers / count;
      },
    },
    {
      reason: 'char_rep_ratio',
      max: given.maxCharRepetition,
      measure: (view) => charRepetition(view, given.charRepetitionN),
    },
    {
      reason: 'word_rep_ratio',
      max: given.maxWordRepetition,
      measure: (view) =>
        wordRepetition(unicode ? unicodeWords(view, unspaced).keys : view.get(foldedSpaceWords), given.wordRepetitionN),
    },
    {
      reason: 'sentence_rep_ratio',
      max: given.maxSentenceRepetition,
      measure: (view) => view.get(sentenceRepetition),
    },
  ];
}
