/**
 * Rules for Chinese documents, in Chinese units: characters, not words; 。！？ and ……, not full stops and spaces.
 *
 * Which rules: those that published Chinese corpora share (ChineseWebText, MNBVC, llm_corpus_quality; see each option), with
 * limits set by reading what they drop (docs/repair-and-chinese.md). A document with little Han is no Chinese
 * document: `otherLanguages` says what becomes of it. Only the mojibake rule comes before that, because mojibake is in no language.
 *
 * Cost: one walk over the text for all counts; repetition reads the per-character words that `filter.gopher-repetition` reads.
 */
import { z } from 'zod';
import { defineMap, drop, KEEP, type MapStage } from '../../core/stage.ts';
import { readListFile } from '../../io/list-file.ts';
import { chineseCounts } from '../../text/chinese-counts.ts';
import { type TextView, textView } from '../../text/view.ts';
import { countListed, createWordList } from '../../text/word-list.ts';
import { shareThreshold, threshold } from '../convention.ts';
import { type Rule, ruleStage } from '../rules.ts';
import * as features from './chinese-features.ts';

const options = z.strictObject({
  otherLanguages: z
    .enum(['keep', 'drop'])
    .default('keep')
    .describe('What becomes of documents that are not Chinese: a share of Han under minHan'),
  minHan: z
    .number()
    .min(0)
    .max(1)
    .default(0.3)
    .describe('Least share of Han among all characters but white space (ChineseWebText: 0.3)'),
  minHanLines: z
    .number()
    .min(0)
    .max(1)
    .nullable()
    .default(null)
    .describe(
      'A document with less Han is Chinese too when so large a share of it stands in lines with Han (at least one ' +
        'character in twenty), as in text about programs; null: never',
    ),
  minChars: threshold(50, 'Fewest characters, white space not counted (ChineseWebText 200, MNBVC 10)'),
  maxChars: threshold(500_000, 'Most characters, white space not counted'),
  minEndedLines: shareThreshold(
    0.03,
    'Smallest share of lines that end in 。！？…… or another sentence mark; list items, lines without Han and wrapped paragraphs not counted',
  ),
  minMarkedChars: shareThreshold(
    0.35,
    'Smallest share of characters in lines that have a comma, full stop or the like',
  ),
  maxShortLines: shareThreshold(0.8, 'Largest share of short lines'),
  shortLineChars: z.int().min(0).default(10).describe('A line of at most so many characters is short (ChineseWebText)'),
  maxRepeatedLines: shareThreshold(0.3, 'Largest share of repeated lines among those with Han (Gopher table A1)'),
  maxRepeatedLineChars: shareThreshold(0.2, 'Largest share of characters in repeated lines (Gopher table A1)'),
  repeatedGram: z.int().min(2).max(32).default(13).describe('Length of the character n-gram of the next option'),
  maxRepeatedGrams: shareThreshold(
    0.45,
    'Largest share of characters in repeated n-grams (ChineseWebText: 13-grams, 0.5)',
  ),
  maxAdvertTerms: threshold(4, 'Most gambling, pornography and advert terms in a thousand characters (own list)'),
  maxContacts: threshold(6, 'Most phone, QQ and WeChat numbers in a thousand characters'),
  maxMojibake: shareThreshold(
    0.05,
    'Largest share of rare ideographs, U+FFFD, private use and runs of accented letters',
  ),
  maxDigits: shareThreshold(0.35, 'Largest share of digits, from 200 characters on'),
  minPunctuation: shareThreshold(
    0.005,
    'Smallest share of punctuation and symbols, from 200 characters on (llm_corpus_quality)',
  ),
  maxPunctuation: shareThreshold(0.5, 'Largest share of punctuation and symbols (llm_corpus_quality)'),
  badWords: z.string().nullable().default(null).describe('File with one bad word a line (plain or .gz); null: none'),
  maxBadWords: threshold(5, 'Most occurrences of bad words in a thousand characters'),
});

export type FilterChineseOptions = z.output<typeof options>;

export const filterChinese = defineMap({
  kind: 'map',
  name: 'filter.chinese',
  summary: 'Drop Chinese documents that are menus, spam, mojibake, tables or repetition; all counted in characters.',
  source: 'rules shared by ChineseWebText (arXiv:2311.01149), MNBVC and llm_corpus_quality; limits as each option says',
  version: 1,
  options,
  optionFiles: ({ badWords }) => [badWords ?? undefined],
  reasons: {
    mojibake: 'share of broken and rare characters over maxMojibake',
    not_chinese: 'share of Han under minHan, and otherLanguages is drop',
    short_doc: 'fewer characters than minChars',
    long_doc: 'more characters than maxChars',
    ended_lines: 'share of lines ending like sentences under minEndedLines',
    marked_chars: 'share of characters in lines with sentence marks under minMarkedChars',
    short_lines: 'share of short lines over maxShortLines',
    repeated_lines: 'share of repeated lines over maxRepeatedLines',
    repeated_line_chars: 'share of characters in repeated lines over maxRepeatedLineChars',
    repeated_grams: 'share of characters in repeated n-grams over maxRepeatedGrams',
    advert_terms: 'advert terms in a thousand characters over maxAdvertTerms',
    contacts: 'phone, QQ and WeChat numbers in a thousand characters over maxContacts',
    digits: 'share of digits over maxDigits',
    punctuation: 'share of punctuation under minPunctuation or over maxPunctuation',
    bad_words: 'bad words in a thousand characters over maxBadWords',
  },
  create(given, context): MapStage {
    const mojibake = ruleStage([{ reason: 'mojibake', max: given.maxMojibake, measure: features.mojibakeShare }]);
    const { minHan, minHanLines } = given;
    const isChinese = (view: TextView, share: number): boolean =>
      share >= minHan || (minHanLines !== null && share > 0 && features.hanLineShare(view) >= minHanLines);
    const chinese = ruleStage(rulesOf(given, context.baseDir));
    return {
      process(document) {
        const verdict = mojibake.process(document);
        if (verdict !== KEEP) return verdict;
        const view = textView(document.text);
        const share = features.hanShare(view);
        if (isChinese(view, share)) return chinese.process(document);
        return given.otherLanguages === 'keep' ? KEEP : drop('not_chinese', share, given.minHan);
      },
      explain(document) {
        const view = textView(document.text);
        const share = features.hanShare(view);
        const isOther = !isChinese(view, share);
        const language = {
          rule: 'not_chinese',
          value: share,
          min: given.minHan,
          broken: isOther && given.otherLanguages === 'drop',
        };
        const rules = isOther ? [] : (chinese.explain?.(document) ?? []);
        return [...(mojibake.explain?.(document) ?? []), language, ...rules];
      },
    };
  },
});

/** In order of cost, and of how plain the reason is. */
function rulesOf(given: FilterChineseOptions, baseDir: string): Rule[] {
  const rules: Rule[] = [
    { reason: 'short_doc', min: given.minChars, measure: (view) => view.get(chineseCounts).characters },
    { reason: 'long_doc', max: given.maxChars, measure: (view) => view.get(chineseCounts).characters },
    { reason: 'punctuation', min: given.minPunctuation, max: given.maxPunctuation, measure: features.punctuationShare },
    { reason: 'digits', max: given.maxDigits, measure: features.digitShare },
    { reason: 'ended_lines', min: given.minEndedLines, measure: features.endedLineShare },
    { reason: 'marked_chars', min: given.minMarkedChars, measure: features.markedCharShare },
    {
      reason: 'short_lines',
      max: given.maxShortLines,
      measure: (view) => features.shortLineShare(view, given.shortLineChars),
    },
    {
      reason: 'repeated_lines',
      max: given.maxRepeatedLines,
      measure: (view) => view.get(features.repeatedLines).lines,
    },
    {
      reason: 'repeated_line_chars',
      max: given.maxRepeatedLineChars,
      measure: (view) => view.get(features.repeatedLines).chars,
    },
    {
      reason: 'advert_terms',
      max: given.maxAdvertTerms,
      measure: (view) => features.perThousand(view, view.get(features.advertCounts).terms),
    },
    {
      reason: 'contacts',
      max: given.maxContacts,
      measure: (view) => features.perThousand(view, view.get(features.advertCounts).contacts),
    },
    {
      reason: 'repeated_grams',
      max: given.maxRepeatedGrams,
      measure: (view) => features.repeatedGramShare(view, given.repeatedGram),
    },
  ];
  if (given.badWords !== null) {
    const entries = readListFile({ path: given.badWords, baseDir, option: 'badWords' });
    const list = createWordList(entries, false);
    rules.push({
      reason: 'bad_words',
      max: given.maxBadWords,
      measure: (view) => features.perThousand(view, countListed(list, view)),
    });
  }
  return rules;
}
