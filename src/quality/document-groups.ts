/** What documents are told apart by in tables: their language and their source. */
import type { Document } from '../core/document.ts';
import { fieldValue } from '../core/meta-field.ts';

/** Where `langid` writes, and the fields that inputs have. */
const LANGUAGE_FIELDS = ['langid.lang', 'lang', 'language'].map((field) => field.split('.'));

/** A document's language, where its meta says it. */
export function languageOf({ meta }: Document): string | undefined {
  for (const path of LANGUAGE_FIELDS) {
    const value = fieldValue(meta, path);
    if (typeof value === 'string' && value !== '') return value;
  }
  return undefined;
}

/** The input that a document comes from. */
export function sourceOf({ meta }: Document): string | undefined {
  const source = meta['source'];
  return typeof source === 'string' ? source : undefined;
}
