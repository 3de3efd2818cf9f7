/**
 * Keep or drop by what a document already carries: a quality signal, a score, a language, a column of the input.
 *
 * Source: none published; the counterpart of Data-Juicer's specified_numeric_field_filter and specified_field_filter, and
 * of the jq conditions with which RedPajama-V2 and Dolma users apply thresholds to stored attributes.
 *
 * A field is a path into `meta` with dots. Names may hold dots themselves (`annotate.redpajama-v2`): at each level the longest
 * name that is there wins. Published span lists `[[start, end, score]]` of one span stand for their score. Patterns are RE2
 * expressions, as in `filter.regex`, and match anywhere in the value.
 */
import { RE2JS } from 're2js';
import { z } from 'zod';
import type { Document } from '../core/document.ts';
import { fieldValue } from '../core/meta-field.ts';
import { defineMap, drop, KEEP, type Measurement, type Verdict } from '../core/stage.ts';

const limit = (what: string) => z.number().nullable().default(null).describe(`${what}; null: no limit`);

const rule = z.strictObject({
  field: z.string().min(1).describe('Path into meta, with dots: quality.score'),
  min: limit('Smallest value that is kept'),
  max: limit('Largest value that is kept'),
  oneOf: z
    .array(z.union([z.string(), z.number(), z.boolean()]))
    .nullable()
    .default(null)
    .describe('Values that are kept; null: any'),
  matches: z
    .string()
    .min(1)
    .refine(isPattern, 'not an RE2 expression (no look-around, no back-references)')
    .nullable()
    .default(null)
    .describe('RE2 expression that the value must match somewhere; null: any'),
  missing: z
    .enum(['keep', 'drop'])
    .default('drop')
    .describe('What becomes of a document without the field, or with null, or with a value of another kind'),
});

const options = z.strictObject({
  rules: z.array(rule).default([]).describe('A document is kept when every rule lets it pass; tested in this order'),
});

export const metaFilter = defineMap({
  kind: 'map',
  name: 'filter.meta',
  summary: 'Keep or drop documents by their meta fields: scores, signals, languages, columns of the input.',
  source: 'as Data-Juicer specified_numeric_field_filter and specified_field_filter',
  version: 1,
  options,
  reasons: {
    below_min: 'a field is under its min (reason is below_min:<field>)',
    above_max: 'a field is over its max (above_max:<field>)',
    not_one_of: 'a field has none of the values in oneOf (not_one_of:<field>)',
    no_match: 'a field does not match its expression (no_match:<field>)',
    missing: 'a document lacks a field (missing:<field>)',
  },
  create(given) {
    const rules = given.rules.map(prepare);
    return {
      process(document) {
        for (const one of rules) {
          const verdict = judge(one, fieldValue(document.meta, one.path));
          if (verdict !== KEEP) return verdict;
        }
        return KEEP;
      },
      explain: (document) => rules.map((one) => explainRule(one, document)),
    };
  },
});

type Rule = z.output<typeof rule> & { path: readonly string[]; pattern: RE2JS | undefined };

function prepare(given: z.output<typeof rule>): Rule {
  const pattern = given.matches === null ? undefined : RE2JS.compile(given.matches);
  return { ...given, path: given.field.split('.'), pattern };
}

function isPattern(source: string): boolean {
  try {
    RE2JS.compile(source);
    return true;
  } catch {
    return false;
  }
}

function judge({ field, min, max, oneOf, pattern, missing }: Rule, value: unknown): Verdict {
  const isMissing =
    (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') ||
    ((min !== null || max !== null) && typeof value !== 'number');
  if (isMissing) return missing === 'drop' ? drop(`missing:${field}`) : KEEP;
  if (typeof value === 'number') {
    if (min !== null && value < min) return drop(`below_min:${field}`, value, min);
    if (max !== null && value > max) return drop(`above_max:${field}`, value, max);
  }
  if (oneOf !== null && !oneOf.includes(value)) return drop(`not_one_of:${field}`, numberOf(value));
  if (pattern?.test(String(value)) === false) return drop(`no_match:${field}`, numberOf(value));
  return KEEP;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function explainRule(one: Rule, document: Document): Measurement {
  const value = fieldValue(document.meta, one.path);
  return {
    rule: one.field,
    value: typeof value === 'number' ? value : value === undefined ? 'missing' : (JSON.stringify(value) ?? 'missing'),
    ...(one.min !== null && { min: one.min }),
    ...(one.max !== null && { max: one.max }),
    broken: judge(one, value) !== KEEP,
  };
}
