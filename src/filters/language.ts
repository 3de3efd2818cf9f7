/**
 * A document's language, for filters whose lists and units depend on it: which `meta` field holds it, and whether the
 * language puts spaces between its words.
 */
import { z } from 'zod';

/** The option that names the `meta` fields to look into. */
export const languageFieldsOption = z
  .array(z.string().min(1))
  .min(1)
  .default(['langid.lang', 'language'])
  .describe(
    'Fields of meta that may hold the language, the first that does counts (a dot goes inside): tags as en, zh-Hans, eng_Latn',
  );

export const defaultLanguageOption = z
  .string()
  .min(1)
  .default('en')
  .describe('Language of documents that do not say (datatrove: en)');

/** Word-list files by language. */
export const wordListsOption = z.record(z.string().min(1), z.string().min(1));

/** A member of `meta`; dots go inside objects. */
export function metaValue(meta: Record<string, unknown>, field: string): unknown {
  if (Object.hasOwn(meta, field)) return meta[field];
  let at: unknown = meta;
  for (const key of field.split('.')) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<string, unknown>)[key];
  }
  return at;
}

/** The language tag in the first of the `meta` fields that has one, or undefined. */
export function languageOf(meta: Record<string, unknown>, fields: readonly string[]): string | undefined {
  for (const field of fields) {
    const value = metaValue(meta, field);
    if (typeof value === 'string' && value !== '') return value;
  }
  return undefined;
}

/** ISO 639-3 codes whose 639-1 code lists are usually named by; macro-languages and their main member alike. */
const SHORT: Record<string, string> = {
  ara: 'ar', arb: 'ar', ces: 'cs', cmn: 'zh', dan: 'da', deu: 'de', eng: 'en', epo: 'eo', fas: 'fa', pes: 'fa', fin: 'fi',
  fra: 'fr', hin: 'hi', hun: 'hu', ita: 'it', jpn: 'ja', kor: 'ko', lzh: 'zh', nld: 'nl', nob: 'no', nor: 'no', pol: 'pl',
  por: 'pt', rus: 'ru', spa: 'es', swe: 'sv', tha: 'th', tur: 'tr', vie: 'vi', yue: 'zh', zho: 'zh',
}; // biome-ignore format: a table

/** `zh-Hans`, `zh_CN`, `cmn_Hani`, `zho` → `zh`: the part before the region or script, in its short form. */
export function baseLanguage(tag: string): string {
  const first = tag.toLowerCase().split(/[-_]/, 1)[0];
  return SHORT[first] ?? first;
}

/** ISO 639-3 code for a short code: `en` → `eng`, `zh` → `zho`. */
export function longCode(language: string): string {
  const preferred: Record<string, string> = { ar: 'ara', fa: 'fas', no: 'nob', zh: 'zho' };
  return preferred[language] ?? Object.keys(SHORT).find((long) => SHORT[long] === language) ?? language;
}

/** Languages that C4 does not ask to put spaces between words. */
export function isUnspaced(tag: string): boolean {
  return ['ja', 'th', 'zh'].includes(baseLanguage(tag));
}

/** What `make` gives for each entry of an option by language; found under the tag itself, then under its base language. */
export function byLanguage<V, T>(
  entries: Record<string, V>,
  make: (value: V, language: string) => T,
): (tag: string) => T | undefined {
  const made = new Map<string, T>();
  for (const [language, value] of Object.entries(entries)) {
    const item = make(value, language);
    made.set(language, item);
    const base = baseLanguage(language);
    if (!made.has(base)) made.set(base, item);
  }
  return (tag) => made.get(tag) ?? made.get(baseLanguage(tag));
}
