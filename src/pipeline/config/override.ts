/**
 * Overrides: `--set path=value` and `CORPUSMILL_WORKERS`, applied to the plain data of a pipeline file before it is
 * checked, so that an override is held to the same rules as the file. What an override set is remembered, so that a
 * mistake in it names the override as its place.
 *
 * Forms: `run.workers=2`, `inputs.0.path=a.jsonl`, `inputs.web.limit=10` (by name), `stages.3.minWords=30`,
 * `stages.gopher.minWords=30` (by instance name or registered name), `align.sft.neftune=5`, `inputs=a.jsonl,b.jsonl` (replaces all inputs).
 * A relative path given here is relative to the current directory, not to the pipeline file: it was typed in a shell.
 * For a stage's options that holds for those that its declaration says name files, and for values that begin with `./`
 * or `../`.
 */
import { resolve } from 'node:path';
import { resolveGlob } from './inputs.ts';
import type { ConfigPath, ConfigPlace, IssueCollector } from './issues.ts';
import { describeValue, quote } from './issues.ts';
import { readScalar } from './scalar.ts';
import { nearestName } from './suggest.ts';

/** The data of a pipeline file after YAML and before any check. */
export type RawPipeline = Record<string, unknown>;

export interface Origin {
  path: ConfigPath;
  place: ConfigPlace;
}

/** Applies overrides to `raw` in place and returns what they set. */
export function applyOverrides(
  raw: RawPipeline,
  overrides: { set: readonly string[]; env: NodeJS.ProcessEnv; cwd: string },
  issues: IssueCollector,
): Origin[] {
  const origins: Origin[] = [];
  const workers = overrides.env['CORPUSMILL_WORKERS'];
  if (workers !== undefined && workers !== '') {
    origins.push(...applyOne(raw, 'run.workers', workers, 'CORPUSMILL_WORKERS', overrides.cwd, issues));
  }
  for (const assignment of overrides.set) {
    const place = `--set ${assignment}`;
    const equals = assignment.indexOf('=');
    if (equals <= 0) {
      const mistake = { found: quote(assignment), expected: "PATH=VALUE, for example 'run.workers=2'" };
      issues.add({ text: place, line: undefined, column: undefined }, [], mistake);
      continue;
    }
    const [path, value] = [assignment.slice(0, equals).trim(), assignment.slice(equals + 1)];
    origins.push(...applyOne(raw, path, value, place, overrides.cwd, issues));
  }
  return origins;
}

function applyOne(
  raw: RawPipeline,
  pathText: string,
  valueText: string,
  placeText: string,
  cwd: string,
  issues: IssueCollector,
): Origin[] {
  const place: ConfigPlace = { text: placeText, line: undefined, column: undefined };
  if (pathText === 'inputs' && !/^\s*[[{]/.test(valueText)) {
    const files = valueText.split(',').filter((file) => file !== '');
    raw['inputs'] = files.map((file) => ({ path: resolveGlob(cwd, file) }));
    return [{ path: ['inputs'], place }];
  }
  const path = resolvePath(raw, pathText, place, issues);
  if (path === undefined) return [];
  const value = fromCwd(path, readScalar(valueText), cwd);
  let parent: object = raw;
  for (const [depth, step] of path.entries()) {
    const at = path.slice(0, depth);
    if (Array.isArray(parent) && !(typeof step === 'number' && step <= parent.length)) {
      const found = `${quote(String(step))} in a list of ${parent.length}`;
      issues.add(place, at, { found, expected: `an index from 0 to ${parent.length} (${parent.length} adds one)` });
      return [];
    }
    if (depth === path.length - 1) {
      setOwn(parent, step, value);
      break;
    }
    // Own members only: `__proto__` and `constructor` are names like any other here.
    const held: unknown = Object.hasOwn(parent, step) ? (parent as Record<string, unknown>)[step] : undefined;
    const next = held ?? (typeof path[depth + 1] === 'number' ? [] : {});
    if (typeof next !== 'object') {
      const expected = `a mapping or a list there, to set ${quote(String(path[depth + 1]))} in it`;
      issues.add(place, [...at, step], { found: describeValue(held), expected });
      return [];
    }
    if (held !== next) setOwn(parent, step, next);
    parent = next;
  }
  return [{ path, place }];
}

function setOwn(parent: object, key: string | number, value: unknown): void {
  Object.defineProperty(parent, key, { value, enumerable: true, writable: true, configurable: true });
}

/** Names of inputs and stages become indexes; other steps stay as they are. */
function resolvePath(
  raw: RawPipeline,
  text: string,
  place: ConfigPlace,
  issues: IssueCollector,
): (string | number)[] | undefined {
  const [root, ...rest] = text.split('.');
  if ((root !== 'stages' && root !== 'inputs' && root !== 'align') || rest.length === 0)
    return numbered([root, ...rest]);
  const list = Array.isArray(raw[root]) ? (raw[root] as unknown[]) : (raw[root] = []);
  const after = text.slice(root.length + 1);
  if (/^\d+$/.test(rest[0])) {
    const index = Number(rest[0]);
    if (index <= list.length) return [root, index, ...numbered(rest.slice(1))];
    const expected = `an index from 0 to ${list.length} (${list.length} adds one)`;
    issues.add(place, [root], { found: `index ${index} in a list of ${list.length}`, expected });
    return undefined;
  }
  // Names may hold dots, so the longest name that begins the path is meant: `filter.c4` in `filter.c4.minSentences`.
  const names = list.map((entry) => namesOf(entry));
  const mentions = (name: string): boolean => after === name || after.startsWith(`${name}.`);
  const known = [...new Set(names.flat())].filter(mentions).sort((a, b) => b.length - a.length)[0];
  // An instance's own name is meant before a registered name that several instances share.
  const own = names.findIndex(([first]) => first === known);
  const index = own >= 0 ? own : names.findIndex((entry) => entry.includes(known));
  if (known === undefined) {
    const all = [...new Set(names.flat())];
    const typed = rest.slice(0, Math.max(1, rest.length - 1)).join('.');
    const kind = root === 'inputs' ? 'input' : root === 'align' ? 'alignment stage' : 'stage';
    const expected = all.length === 0 ? `a pipeline with ${kind}s` : `one of this pipeline's: ${all.join(', ')}`;
    issues.add(place, [root], { found: `no ${kind} ${quote(typed)}`, expected, suggestion: nearestName(typed, all) });
    return undefined;
  }
  const sharing = own >= 0 ? names.filter(([first]) => first === known) : names.filter((e) => e.includes(known));
  if (sharing.length > 1) {
    const expected = `one of the names ${sharing.map(([first]) => quote(first)).join(', ')}, or an index`;
    issues.add(place, [root], { found: `${sharing.length} stages that ${quote(known)} could mean`, expected });
    return undefined;
  }
  const remaining = after.slice(known.length + 1);
  return [root, index, ...(remaining === '' ? [] : numbered(remaining.split('.')))];
}

function numbered(steps: readonly string[]): (string | number)[] {
  return steps.map((step) => (/^\d+$/.test(step) ? Number(step) : step));
}

/** What an entry of `inputs` or `stages` can be called: its `name` first, then its `stage`. */
function namesOf(entry: unknown): string[] {
  if (typeof entry !== 'object' || entry === null) return [];
  const { name, stage } = entry as { name?: unknown; stage?: unknown };
  return [name, stage].filter((part) => typeof part === 'string');
}

function fromCwd(path: ConfigPath, value: unknown, cwd: string): unknown {
  if (Array.isArray(value)) return value.map((item) => fromCwd(path, item, cwd));
  if (typeof value !== 'string' || value === '') return value;
  if (path[0] === 'inputs' && path[2] === 'path') return resolveGlob(cwd, value);
  const isPath = path[0] === 'output' || ((path[0] === 'stages' || path[0] === 'align') && /^\.\.?(\/|$)/.test(value));
  return isPath ? resolve(cwd, value) : value;
}
