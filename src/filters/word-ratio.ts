/**
 * Share of listed words: stop words, of which prose has many (a list of names or a menu has few), and flagged words, of which it
 * has few.
 *
 * Source: the ROOTS corpus filters (Laurençon et al. 2022, arXiv:2303.03915) as Data-Juicer has them (stopwords_filter ≥ 0.3,
 * flagged_words_filter ≤ 0.0045 in its configs/config_all.yaml; the operator's own default is 0.045). Denominator: words with a letter (UAX #29), as Data-Juicer
 * counts once digits and marks are stripped; a character of a script without spaces is a word. Numerator: the words that
 * entries cover; an entry may be several words, and inside a longer word counts only in Chinese, Japanese and Thai.
 *
 * Stop words of 62 languages are those of the npm package `stopword`, unless a file is given: other lists give other ratios,
 * so a threshold belongs to its list. Flagged words always come from the user's files. A text without words has ratio 0.
 */
import { z } from 'zod';
import type { Document } from '../core/document.ts';
import { lazyPackage } from '../core/lazy.ts';
import { defineMap, type MapStage } from '../core/stage.ts';
import { readListFile } from '../io/list-file.ts';
import type { TextView } from '../text/view.ts';
import { countCovered, createWordList, type WordList } from '../text/word-list.ts';
import {
  baseLanguage,
  byLanguage,
  defaultLanguageOption,
  isUnspaced,
  languageFieldsOption,
  languageOf,
  longCode,
  wordListsOption,
} from './language.ts';
import { type Rule, ruleStage } from './rules.ts';

const SOURCE = 'Data-Juicer';
/** The package has no types: lists of words by ISO 639-3 code, among functions. */
const stopWordLists = lazyPackage<Record<string, unknown>>('stopword');

const options = z.strictObject({
  stopWords: wordListsOption
    .default({})
    .describe(
      'Stop-word files by language, one a line; languages without a file use the npm package stopword, if it has them',
    ),
  minStopWordRatio: ratio(0.3, `Smallest share of stop words (${SOURCE} stopwords_filter)`),
  flaggedWords: wordListsOption.default({}).describe('Flagged-word files by language, one a line'),
  maxFlaggedWordRatio: ratio(0.0045, `Largest share of flagged words (${SOURCE} config_all.yaml)`),
  languageFields: languageFieldsOption,
  defaultLanguage: defaultLanguageOption,
});

function ratio(value: number, description: string) {
  return z
    .union([z.number().min(0).max(1), z.record(z.string(), z.number().min(0).max(1))])
    .nullable()
    .default(value)
    .describe(`${description}: a number, or one by language ({en: 0.3, zh: 0.1}); null: no limit`);
}

export const wordRatio = defineMap({
  kind: 'map',
  name: 'filter.word-ratio',
  summary: 'Drop documents with too few stop words or too many flagged words, by language.',
  source: 'Laurençon et al. 2022 (arXiv:2303.03915); Data-Juicer stopwords_filter and flagged_words_filter',
  version: 1,
  options,
  optionFiles: ({ stopWords, flaggedWords }) => [...Object.values(stopWords), ...Object.values(flaggedWords)],
  reasons: {
    stop_word_ratio: 'share of stop words under minStopWordRatio',
    flagged_word_ratio: 'share of flagged words over maxFlaggedWordRatio',
  },
  create(given, { baseDir }) {
    const read =
      (option: string) =>
      (path: string, language: string): WordList =>
        createWordList(readListFile({ path, baseDir, option: `${option}.${language}` }), !isUnspaced(language));
    const stopWordFiles = byLanguage(given.stopWords, read('stopWords'));
    const flaggedWords = byLanguage(given.flaggedWords, read('flaggedWords'));
    const made = new Map<string, MapStage>();
    /** Lists and limits belong to a language, so each has a stage of its own. */
    const stageFor = (document: Document): MapStage => {
      const tag = languageOf(document.meta, given.languageFields) ?? given.defaultLanguage;
      let stage = made.get(tag);
      if (stage === undefined) {
        const stopWords = stopWordFiles(tag) ?? packagedStopWords(baseLanguage(tag));
        stage = ruleStage([
          rule('stop_word_ratio', stopWords, 'min', limitFor(given.minStopWordRatio, tag)),
          rule('flagged_word_ratio', flaggedWords(tag), 'max', limitFor(given.maxFlaggedWordRatio, tag)),
        ]);
        // Tags come from documents: more of them than languages are not worth keeping.
        if (made.size < 1000) made.set(tag, stage);
      }
      return stage;
    };
    return {
      process: (document) => stageFor(document).process(document),
      explain: (document) => stageFor(document).explain?.(document) ?? [],
    };
  },
});

/** A rule without a list has no limit: what cannot be measured drops nothing. */
function rule(reason: string, list: WordList | undefined, side: 'min' | 'max', limit: number | null): Rule {
  if (list === undefined) return { reason, measure: () => Number.NaN };
  return { reason, measure: (view) => coveredShare(list, view), [side]: limit };
}

function coveredShare(list: WordList, view: TextView): number {
  const words = view.wordFeatures('characters').alphaWords;
  // An entry inside an abbreviation may count where the word around it has no letter of its own.
  return words === 0 ? 0 : Math.min(1, countCovered(list, view) / words);
}

function limitFor(limit: number | Record<string, number> | null, tag: string): number | null {
  if (limit === null || typeof limit === 'number') return limit;
  return limit[tag] ?? limit[baseLanguage(tag)] ?? null;
}

const packaged = new Map<string, WordList | undefined>();

/** The package's list of a language by its short code, which the package knows by the long one. */
function packagedStopWords(language: string): WordList | undefined {
  if (!packaged.has(language)) {
    const entries = stopWordLists()[longCode(language)];
    packaged.set(language, Array.isArray(entries) ? createWordList(entries, !isUnspaced(language)) : undefined);
  }
  return packaged.get(language);
}
