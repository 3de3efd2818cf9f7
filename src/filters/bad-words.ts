/**
 * C4's bad-words rule: drop a page that contains a listed word.
 *
 * Source: Raffel et al. 2020 (JMLR 21-140), 2.2, with the lists of github.com/LDNOOBW; languages, allow-lists and the share to keep as in
 * TensorFlow Datasets (c4_utils, multilingual C4) and datatrove's C4BadWordsFilter. The lists come from the user's files:
 * one entry a line, in any case. Words of Japanese, Thai and Chinese count inside others, those of other languages only
 * whole.
 *
 * Differences from datatrove: a document kept by `keepFraction` is chosen by its id and not by its turn, so the choice
 * does not depend on the order; entries are lower-cased as the text is; its loop over allow-lists leaves the language as
 * `zh`, so that it looks for English words inside longer ones too ("Scunthorpe"), against C4's rule, which we follow.
 */
import { z } from 'zod';
import { hashString32, sampleFraction } from '../core/random.ts';
import { defineMap, drop, KEEP } from '../core/stage.ts';
import { readListFile } from '../io/list-file.ts';
import { type TextView, textView } from '../text/view.ts';
import { countListed, createWordList, type WordList } from '../text/word-list.ts';
import {
  byLanguage,
  defaultLanguageOption,
  isUnspaced,
  languageFieldsOption,
  languageOf,
  wordListsOption,
} from './language.ts';

const C4 = 'multilingual C4 code';

const options = z.strictObject({
  lists: wordListsOption.describe(
    'Word lists by language, one entry a line (plain or .gz), for example {en: badwords/en.txt, zh: badwords/zh.txt}',
  ),
  languageFields: languageFieldsOption,
  defaultLanguage: defaultLanguageOption,
  missingLanguage: z
    .enum(['keep', 'drop'])
    .default('keep')
    .describe('What becomes of a document in a language without a list'),
  keepFraction: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe(`Share of documents with a listed word to keep, chosen by id (${C4}: 0)`),
  seed: z.int().nullable().default(null).describe("Seed of that choice; null: the pipeline's"),
  allow: z
    .record(z.string(), z.array(z.string().min(1)))
    .default({ ja: ['sm', 'グロ', '女の子'], zh: ['性'] })
    .describe(`Entries to leave out, by language: each alone would drop over 10 % of its language (${C4})`),
});

export const badWords = defineMap({
  kind: 'map',
  name: 'filter.bad-words',
  summary: 'Drop documents that contain a word of a list, by language.',
  source: 'Raffel et al. 2020 (JMLR 21-140), 2.2; rules as datatrove C4BadWordsFilter',
  version: 1,
  options,
  optionFiles: ({ lists }) => Object.values(lists),
  reasons: {
    document_removed_with_badwords: 'contains a listed word; the value is how many',
    no_word_list: 'no list for its language, and missingLanguage is drop',
  },
  create(given, context) {
    const lists = byLanguage(given.lists, (path, language) => {
      const entries = readListFile({ path, baseDir: context.baseDir, option: `lists.${language}` });
      // Each language's allow-list holds for all, as in C4's code.
      const allowed = new Set(Object.values(given.allow).flat());
      const kept = entries.filter((entry) => !allowed.has(entry));
      return createWordList(kept, !isUnspaced(language));
    });
    const seed = hashString32('filter.bad-words', given.seed ?? context.seed);
    const listFor = (document: { meta: Record<string, unknown> }): WordList | undefined =>
      lists(languageOf(document.meta, given.languageFields) ?? given.defaultLanguage);
    const count = (list: WordList, view: TextView): number => countListed(list, view);
    return {
      process(document) {
        const list = listFor(document);
        if (list === undefined) return given.missingLanguage === 'drop' ? drop('no_word_list') : KEEP;
        const view = textView(document.text);
        if (countListed(list, view, 1) === 0) return KEEP;
        if (given.keepFraction > 0 && sampleFraction(seed, document.id) < given.keepFraction) return KEEP;
        return drop('document_removed_with_badwords', count(list, view), 0);
      },
      explain(document) {
        const list = listFor(document);
        if (list === undefined) return [];
        const value = count(list, textView(document.text));
        return [{ rule: 'document_removed_with_badwords', value, max: 0, broken: value > 0 }];
      },
    };
  },
});
