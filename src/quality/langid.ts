/**
 * The stage `langid`: writes each document's language and the confidence in it into `meta`, and on request drops documents in other
 * languages or too uncertain.
 *
 * As in FineWeb: fastText's lid.176 on the text with line ends as spaces, English kept above .65. The model is the compressed
 * lid.176.ftz that an npm package carries (FineWeb used lid.176.bin: name it under `model`). Figures: bench/langid.ts.
 */
import { resolve } from 'node:path';
import { z } from 'zod';
import { CorpusmillError } from '../core/errors.ts';
import { defineMap, drop, KEEP, type MapStage } from '../core/stage.ts';
import { firstUnits } from '../text/first-units.ts';
import { hanScript } from '../text/han-script.ts';
import { textView } from '../text/view.ts';
import { bundledLanguageModel } from './bundled-model.ts';
import { loadClassifier } from './fasttext/classifier.ts';
import { createLanguageIdentifier, type LanguageIdentifier } from './language-identifier.ts';

const options = z.strictObject({
  model: z
    .string()
    .optional()
    .describe('fastText model (.bin or .ftz) whose labels are languages; by default the bundled lid.176.ftz'),
  languages: z
    .array(z.string().min(1))
    .min(1)
    .nullable()
    .default(null)
    .describe("Languages to keep, by the model's labels (lid.176: en, zh, de, pt …); null: all"),
  minConfidence: z
    .number()
    .min(0)
    .max(1)
    .nullable()
    .default(0.65)
    .describe('The confidence must be above this (FineWeb .65; cc_net .5, Data-Juicer .8); null: no limit'),
  action: z
    .enum(['annotate', 'drop'])
    .optional()
    .describe('What to do with other documents; by default drop where languages are named, else annotate only'),
  scoring: z
    .enum(['fasttext', 'letters'])
    .default('fasttext')
    .describe(
      "fasttext: the model's own verdict; letters: for short texts, corrected by script, alphabet and the model's bias to large languages",
    ),
  candidates: z
    .array(z.string().min(1))
    .min(2)
    .nullable()
    .default(null)
    .describe('Languages that may occur at all, where that is known: short texts gain most; null: all of the model'),
  maxChars: z
    .int()
    .min(100)
    .nullable()
    .default(null)
    .describe('Read no more than so many UTF-16 units of a document; null: all, as FineWeb'),
  perLine: z
    .boolean()
    .default(false)
    .describe('For mixed documents: also write each language’s share of the characters, lines judged one by one'),
  hanScript: z
    .boolean()
    .default(true)
    .describe('For Chinese, also write whether it is simplified (Hans) or traditional (Hant)'),
});

export type LangidOptions = z.output<typeof options>;

/** Lines shorter than this (in UTF-16 units) join the language of the line before them. */
const MIN_LINE = 20;
const CHINESE = new Set(['zh', 'yue', 'wuu']);

export const langid = defineMap({
  kind: 'map',
  name: 'langid',
  summary: 'Identify the language (fastText lid.176) into meta; keep the languages you name.',
  source: 'Joulin et al. 2016 (arXiv:1607.01759), lid.176; threshold and use as in FineWeb (arXiv:2406.17557)',
  version: 1,
  options,
  optionFiles: (given) => [given.model],
  reasons: {
    language: 'the language is none of those to keep',
    language_confidence: 'the confidence is not above minConfidence',
  },
  create(given, { name, baseDir }) {
    const path = given.model === undefined ? bundledLanguageModel() : resolve(baseDir, given.model);
    const classifier = loadClassifier(path);
    for (const option of ['languages', 'candidates'] as const) {
      const language = given[option]?.find((one) => !classifier.model.labels.includes(one));
      if (language === undefined) continue;
      throw new CorpusmillError('CONFIG_INVALID', `${name}: ${option}: the model knows no language "${language}"`, {
        hint: `it knows ${[...classifier.model.labels].sort().join(' ')}`,
      });
    }
    return createStage(given, name, createLanguageIdentifier(classifier, given));
  },
});

function createStage(given: LangidOptions, name: string, identify: LanguageIdentifier): MapStage {
  const { languages, minConfidence, maxChars } = given;
  const drops = (given.action ?? (languages === null ? 'annotate' : 'drop')) === 'drop';
  const read = (text: string) => identify(maxChars === null ? text : firstUnits(text, maxChars));
  return {
    process(document) {
      const { text } = document;
      const guess = read(text);
      const found: Record<string, unknown> = { ...guess };
      if (given.hanScript && CHINESE.has(guess.lang)) {
        const script = textView(text).get(hanScript);
        if (script !== undefined) found['script'] = script;
      }
      if (given.perLine) found['shares'] = lineShares(text, identify);
      document.meta[name] = found;
      if (!drops) return KEEP;
      if (languages !== null && !languages.includes(guess.lang)) return drop('language', guess.confidence);
      if (minConfidence !== null && guess.confidence <= minConfidence) {
        return drop('language_confidence', guess.confidence, minConfidence);
      }
      return KEEP;
    },
    explain(document) {
      const { lang, confidence } = read(document.text);
      return [
        { rule: 'language', value: lang, broken: drops && languages !== null && !languages.includes(lang) },
        {
          rule: 'language_confidence',
          value: confidence,
          ...(minConfidence !== null && { min: minConfidence }),
          broken: drops && minConfidence !== null && confidence <= minConfidence,
        },
      ];
    },
  };
}

/** Share of the document's line characters by language, three decimals, largest first. */
function lineShares(text: string, identify: LanguageIdentifier): Record<string, number> {
  const lengths = new Map<string, number>();
  let total = 0;
  let lang: string | undefined;
  for (const line of text.split('\n')) {
    const trimmed = line.trim();
    if (trimmed.length >= MIN_LINE) lang = identify(trimmed).lang;
    // Short lines before the first long one go with the document's own language, by way of the first long line.
    if (lang === undefined) continue;
    lengths.set(lang, (lengths.get(lang) ?? 0) + trimmed.length);
    total += trimmed.length;
  }
  const sorted = [...lengths].sort((a, b) => b[1] - a[1]);
  return Object.fromEntries(sorted.map(([language, length]) => [language, Math.round((1000 * length) / total) / 1000]));
}
