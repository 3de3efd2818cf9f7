/**
 * Mistakes in a pipeline file, as data and as lines.
 *
 * A mistake is one line: `file:line:column: path: found X, expected Y; did you mean 'Z'?`. Terminals and editors make
 * its beginning a link, and `path` is what `--set` accepts. A mistake made by an override names the override as its
 * place instead. All mistakes of a file are thrown together as one ConfigError.
 */
import { relative } from 'node:path';
import { CorpusmillError } from '../../core/errors.ts';

/** A way into the pipeline's data: `['stages', 2, 'minWords']`. */
export type ConfigPath = readonly (string | number)[];

/** Where a mistake was made. `text` names it: the file, `--set run.workers=x` or an environment variable. */
export interface ConfigPlace {
  text: string;
  /** 1-based; undefined for a place outside the file. */
  line: number | undefined;
  column: number | undefined;
}

export interface ConfigIssue {
  /** The pipeline file as shown to the user, or the text of the override that made the mistake. */
  file: string;
  /** 1-based; undefined when the mistake was made by an override. */
  line: number | undefined;
  column: number | undefined;
  /** `stages.2.minWords`; empty for the file as a whole. */
  path: string;
  found: string;
  /** Undefined where only `message` says what is wrong. */
  expected: string | undefined;
  /** The words of a rule that a stage states itself. */
  message: string | undefined;
  /** The nearest valid name, where there is a near one. */
  suggestion: string | undefined;
}

/** CONFIG_INVALID with every mistake; `message` holds one line for each. */
export class ConfigError extends CorpusmillError {
  readonly issues: readonly ConfigIssue[];

  constructor(
    file: string,
    issues: readonly ConfigIssue[],
    hint = 'nothing was run; `corpusmill stages NAME` shows every option of a stage',
  ) {
    const count = issues.length === 1 ? '1 mistake' : `${issues.length} mistakes`;
    super('CONFIG_INVALID', [`${count} in ${file}`, ...issues.map(issueLine)].join('\n'), {
      hint,
    });
    this.issues = issues;
  }
}

/** The line for one mistake. */
export function issueLine(issue: ConfigIssue): string {
  const place = issue.line === undefined ? issue.file : `${issue.file}:${issue.line}:${issue.column}`;
  const path = issue.path === '' ? '' : `${issue.path}: `;
  const suggestion = issue.suggestion === undefined ? '' : `; did you mean '${issue.suggestion}'?`;
  const message = issue.message === undefined ? '' : `: ${issue.message}`;
  const expected = issue.expected === undefined ? '' : `, expected ${issue.expected}`;
  return `${place}: ${path}found ${issue.found}${message}${expected}${suggestion}`;
}

/** In the order of the file; mistakes of overrides come last. */
export function sortIssues(issues: readonly ConfigIssue[]): ConfigIssue[] {
  const key = (value: number | undefined): number => value ?? Number.MAX_SAFE_INTEGER;
  return [...issues].sort((a, b) => key(a.line) - key(b.line) || key(a.column) - key(b.column));
}

/** What is wrong at a place: `expected`, or a rule's own `message`, or both. */
export interface Mistake {
  found: string;
  expected?: string | undefined;
  message?: string | undefined;
  suggestion?: string | undefined;
}

/** Collects mistakes; every rule of the configuration reports through it. */
export interface IssueCollector {
  add(place: ConfigPlace, path: ConfigPath, mistake: Mistake): void;
  readonly issues: ConfigIssue[];
}

export function collectIssues(): IssueCollector {
  const issues: ConfigIssue[] = [];
  return {
    issues,
    add(place, path, { found, expected, message, suggestion }) {
      issues.push({
        file: place.text,
        line: place.line,
        column: place.column,
        path: path.join('.'),
        found,
        expected,
        message,
        suggestion,
      });
    },
  };
}

const SHOWN_CHARS = 60;

/** A value in words: `'minwords'`, `12`, `a list of 3`, `an empty value`. */
export function describeValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'an empty value';
  if (typeof value === 'string') return quote(value);
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`;
  const keys = Object.keys(value);
  if (keys.length === 0) return 'an empty mapping';
  return `a mapping with ${keys.slice(0, 4).map(quote).join(', ')}${keys.length > 4 ? ' …' : ''}`;
}

/** A string in single quotes on one line, cut where it is long. */
export function quote(text: string): string {
  const oneLine = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"');
  const characters = [...oneLine];
  return characters.length > SHOWN_CHARS ? `'${characters.slice(0, SHOWN_CHARS).join('')}…'` : `'${oneLine}'`;
}

/** A file as users see it: relative to the current directory where that is the shorter way to say it. */
export function shownPath(file: string, cwd: string): string {
  const near = relative(cwd, file);
  return near !== '' && near.length < file.length ? near : file;
}
