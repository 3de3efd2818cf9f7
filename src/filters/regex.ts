/**
 * The user's own patterns: replace, then drop what matches an exclude rule, then drop what matches no include rule.
 *
 * Patterns are RE2 expressions (re2js, after Cox 2007, "Regular Expression Matching Can Be Simple And Fast"): a search is
 * linear in the text whatever the pattern, so no pattern can hang a worker. Look-around, back-references, atomic groups and
 * possessive repeats do not exist there; a pattern with one is an error before anything runs, which names it. `\d \w \s \b` are
 * ASCII; use `\p{…}` for more.
 *
 * Cost, measured on English web text: a search 90–280 MB/s on one core (its DFA), finding every match 12–200 MB/s. So every
 * document is searched first, and only one with a match is walked. The walk over all matches is where even RE2 can be quadratic (a
 * pattern that looks far ahead and then matches little): matches × characters is limited to `MAX_STEPS`, past which the
 * document is dropped as `too_many_steps`.
 */
import { RE2JS } from 're2js';
import { z } from 'zod';
import type { Document } from '../core/document.ts';
import { CorpusmillError } from '../core/errors.ts';
import { defineMap, drop, KEEP } from '../core/stage.ts';

const pattern = z
  .string()
  .min(1)
  .superRefine((source, issues) => {
    const problem = patternProblem(source);
    if (problem !== undefined) issues.addIssue({ code: 'custom', message: problem });
  })
  .describe('RE2 expression (no look-around, no back-references)');
const flags = z
  .string()
  .regex(/^(?!.*(.).*\1)[ims]*$/, 'flags are any of i (case), m (^ and $ at lines), s (. matches newlines), each once')
  .default('')
  .describe('i: ignore case, m: ^ and $ at line borders, s: . matches newlines');
const field = /^(?:text|id|meta\.[^.]+(?:\.[^.]+)*)$/;
const on = z
  .string()
  .regex(field, 'expected text, id, or meta.<field>')
  .default('text')
  .describe('What to search: text, id, or meta.<field>');

const matchRule = z.strictObject({
  pattern,
  flags,
  on,
  minMatches: z.int().min(1).default(1).describe('The rule holds when there are at least so many matches'),
  name: z.string().min(1).optional().describe('Shown in the drop reason'),
});

const replaceRule = z.strictObject({
  pattern,
  flags,
  on: z
    .string()
    .regex(/^(?:text|meta\..+)$/, 'expected text or meta.<field>')
    .default('text')
    .describe('What to change: text or meta.<field>'),
  with: z.string().default('').describe('Replacement; $1, $<name> and $& stand for groups and the match'),
});

const options = z.strictObject({
  replace: z.array(replaceRule).default([]).describe('Replacements, made first, in this order'),
  exclude: z.array(matchRule).default([]).describe('Drop a document for which any of these rules holds'),
  include: z
    .array(matchRule)
    .default([])
    .describe('Drop a document for which none of these rules holds; empty: keep all'),
});

export type RegexOptions = z.output<typeof options>;

/** Limit of matches × characters in one replacement or count: under two minutes at the slowest speed measured. */
export const MAX_STEPS = 2e9;

export const regex = defineMap({
  kind: 'map',
  name: 'filter.regex',
  summary: 'Replace, exclude or require your own patterns, in linear time.',
  source: 'RE2 syntax (github.com/google/re2/wiki/Syntax) through re2js',
  version: 1,
  options,
  reasons: {
    exclude: 'an exclude rule holds (value: matches found; reason is exclude:<name> for a named rule)',
    include: 'no include rule holds',
    too_many_steps: 'the matches of a pattern are too many for a text of this length',
  },
  create(given) {
    const replace = given.replace.map((rule) => ({ ...rule, compiled: compile(rule), isLocal: isLocal(rule.pattern) }));
    const exclude = given.exclude.map(prepare);
    const include = given.include.map(prepare);
    return {
      process(document) {
        for (const rule of replace) {
          const subject = read(document, rule.on);
          if (subject === undefined || !rule.compiled.test(subject)) continue;
          const changed = replaceAll(subject, rule);
          if (changed === undefined) return drop('too_many_steps');
          write(document, rule.on, changed);
        }
        for (const rule of exclude) {
          const found = countMatches(document, rule);
          if (found >= rule.minMatches) return drop(rule.reason, found, rule.minMatches);
        }
        if (include.length === 0) return KEEP;
        let most = 0;
        for (const rule of include) {
          const found = countMatches(document, rule);
          if (found >= rule.minMatches) return KEEP;
          most = Math.max(most, found);
        }
        return drop('include', most, include[0].minMatches);
      },
    };
  },
});

type PreparedRule = z.output<typeof matchRule> & { compiled: RE2JS; reason: string };

function prepare(rule: z.output<typeof matchRule>): PreparedRule {
  return { ...rule, compiled: compile(rule), reason: rule.name === undefined ? 'exclude' : `exclude:${rule.name}` };
}

function compile(rule: { pattern: string; flags: string }): RE2JS {
  let bits = 0;
  if (rule.flags.includes('i')) bits |= RE2JS.CASE_INSENSITIVE;
  if (rule.flags.includes('m')) bits |= RE2JS.MULTILINE;
  if (rule.flags.includes('s')) bits |= RE2JS.DOTALL;
  const problem = patternProblem(rule.pattern);
  if (problem !== undefined) {
    throw new CorpusmillError('CONFIG_INVALID', `filter.regex: ${problem}`, {
      hint: 'Patterns are RE2 expressions: github.com/google/re2/wiki/Syntax.',
    });
  }
  return RE2JS.compile(rule.pattern, bits);
}

/** Constructs of other engines that cannot run in linear time, by how they start. */
const UNSUPPORTED: readonly (readonly [RegExp, string])[] = [
  [/\(\?=/, 'look-ahead (?=…)'],
  [/\(\?!/, 'negative look-ahead (?!…)'],
  [/\(\?<=/, 'look-behind (?<=…)'],
  [/\(\?<!/, 'negative look-behind (?<!…)'],
  [/\(\?>/, 'an atomic group (?>…)'],
  [/\(\?\(/, 'a conditional (?(…)…)'],
  [/\\[1-9]/, 'a back-reference'],
  [/\\[kg][<{']|\(\?P=/, 'a named back-reference'],
  [/[*+?}]\+/, 'a possessive repeat'],
  [/\\u[0-9a-fA-F]{4}/, '\\uXXXX (write \\x{XXXX})'],
];

/** What is wrong with a pattern, in words, or undefined. */
function patternProblem(source: string): string | undefined {
  try {
    RE2JS.compile(source);
    return undefined;
  } catch (error) {
    // Escaped characters and classes cannot start a construct.
    const bare = source.replace(/\\[^1-9kgu]/g, '').replace(/\[(?:\\.|[^\]\\])*\]/g, '');
    const construct = UNSUPPORTED.find(([start]) => start.test(bare));
    if (construct !== undefined) {
      return `the pattern ${JSON.stringify(source)} uses ${construct[1]}, which cannot be matched in linear time and is not supported`;
    }
    const words = error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : String(error);
    return `the pattern ${JSON.stringify(source)} cannot be read: ${words}`;
  }
}

/**
 * True when a search cannot look further than it matches (by more than a fixed length): no repeat without upper limit,
 * or a single one at the very end.
 */
function isLocal(source: string): boolean {
  const bare = source.replace(/\\./g, 'x').replace(/\[(?:[^\]])*\]/g, 'x');
  const body = bare.includes('|') ? bare : bare.replace(/(?:[*+]|\{\d+,\})\??$/, '');
  return !/[*+]|\{\d+,\}/.test(body);
}

function replaceAll(subject: string, rule: { compiled: RE2JS; with: string; isLocal: boolean }): string | undefined {
  if (!rule.isLocal && !hasFewMatches(subject, rule.compiled)) return undefined;
  return rule.compiled.matcher(subject).replaceAll(rule.with);
}

function hasFewMatches(subject: string, compiled: RE2JS): boolean {
  const matcher = compiled.matcher(subject);
  for (let left = Math.ceil(MAX_STEPS / Math.max(1, subject.length)); matcher.find(); left--)
    if (left === 0) return false;
  return true;
}

/** Matches in the rule's field, counted no further than its `minMatches`. */
function countMatches(document: Document, rule: PreparedRule): number {
  const subject = read(document, rule.on);
  if (subject === undefined || !rule.compiled.test(subject)) return 0;
  if (rule.minMatches === 1) return 1;
  const matcher = rule.compiled.matcher(subject);
  const most = Math.min(rule.minMatches, Math.ceil(MAX_STEPS / Math.max(1, subject.length)));
  let found = 0;
  while (found < most && matcher.find()) found++;
  return found;
}

/** The field as text: numbers and booleans are written out, anything else but a string has nothing to search. */
function read(document: Document, name: string): string | undefined {
  if (name === 'text') return document.text;
  if (name === 'id') return document.id;
  const value = metaPath(name).reduce<unknown>(
    (at, key) =>
      typeof at === 'object' && at !== null && Object.hasOwn(at, key)
        ? (at as Record<string, unknown>)[key]
        : undefined,
    document.meta,
  );
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

function write(document: Document, name: string, value: string): void {
  if (name === 'text') {
    document.text = value.toWellFormed();
    return;
  }
  const path = metaPath(name);
  const last = path.pop() as string;
  let at: Record<string, unknown> = document.meta;
  for (const key of path) at = at[key] as Record<string, unknown>;
  at[last] = value;
}

function metaPath(name: string): string[] {
  return name.slice('meta.'.length).split('.');
}
