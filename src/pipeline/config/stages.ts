/**
 * The `stages` list: each entry against the options that its stage declares, then the list as a whole: names are unique,
 * what a sink needs was made before it, and the factories accept their options.
 *
 * An entry is `{ stage, name?, ...options }`, or a bare string for a stage with its defaults. The stage's name decides
 * which schema applies, so a wrong option is reported as that stage's mistake and not as "no alternative fits".
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { isCorpusmillError } from '../../core/errors.ts';
import type { StageContext, StageDefinition } from '../../core/stage.ts';
import type { StageInstance } from '../pipeline.ts';
import type { StageRegistry } from '../stage-loaders.ts';
import { isModulePath, type StageModule, StageModuleError } from '../stage-module.ts';
import { checkValue, type ValueMistake } from './check.ts';
import type { ConfigPath, ConfigPlace, IssueCollector } from './issues.ts';
import { describeValue, quote } from './issues.ts';
import { RESERVED_STAGE_KEYS, stageNameSchema } from './schema.ts';
import type { StageFiles } from './stage-files.ts';
import { nearestName } from './suggest.ts';

export type Locate = (path: ConfigPath, what?: 'value' | 'key') => ConfigPlace;

/** What an entry asks for, kept even where it is mistaken, so that rules about order see the whole list. */
interface Entry {
  index: number;
  stage: string | undefined;
  name: string | undefined;
  named: boolean;
  definition: StageDefinition | undefined;
  /** Undefined when the options are mistaken. */
  options: Record<string, unknown> | undefined;
  /** Where a stage of the user's own was loaded from. */
  module: StageModule | undefined;
  raw: Record<string, unknown>;
}

/** Checks the stages; the result is meant to be used only when no issue was added. */
export function checkStages(
  rawStages: readonly unknown[],
  registry: StageRegistry,
  context: Omit<StageContext, 'name'> & { cwd: string; stageFiles: StageFiles },
  locate: Locate,
  issues: IssueCollector,
): StageInstance[] {
  const entries = rawStages.map((raw, index) => checkEntry(raw, index, registry, context, locate, issues));
  checkOwnNames(entries, registry, locate, issues);
  checkNames(entries, locate, issues);
  const waiting = checkNeeds(entries, registry, locate, issues);
  const instances: StageInstance[] = [];
  for (const { index, name, definition, options, module } of entries) {
    if (name === undefined || definition === undefined || options === undefined) continue;
    if (!checkFiles(definition, options, context, ['stages', index], locate, issues)) continue;
    const { seed, baseDir } = context;
    const place = { at: ['stages', index], locate, own: module !== undefined };
    // One that waits for a model cannot be made before it is there.
    if (!waiting.has(index)) tryCreate(definition, options, { name, seed, baseDir }, place, issues);
    instances.push({ name, definition, options, ...(module && { module }) });
  }
  return instances;
}

function checkEntry(
  raw: unknown,
  index: number,
  registry: StageRegistry,
  { baseDir, stageFiles }: { baseDir: string; stageFiles: StageFiles },
  locate: Locate,
  issues: IssueCollector,
): Entry {
  const at: ConfigPath = ['stages', index];
  const entry: Entry = {
    index,
    stage: undefined,
    name: undefined,
    named: false,
    definition: undefined,
    options: undefined,
    module: undefined,
    raw: {},
  };
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    issues.add(locate(at), at, { found: describeValue(raw), expected: "a stage: 'stage: NAME' and its options" });
    return entry;
  }
  entry.raw = raw as Record<string, unknown>;
  const { stage, name, ...options } = entry.raw;
  if (typeof stage !== 'string') {
    const near = Object.keys(options).find((key) => registry.has(key) || nearestName(key, RESERVED_STAGE_KEYS));
    const found = stage === undefined ? `no 'stage' in ${describeValue(raw)}` : describeValue(stage);
    const suggestion = near === undefined ? undefined : registry.has(near) ? `stage: ${near}` : 'stage';
    issues.add(locate([...at, 'stage']), [...at, 'stage'], { found, expected: 'the name of a stage', suggestion });
    return entry;
  }
  entry.stage = stage;
  entry.name = stage;
  const checkedName = checkValue(stageNameSchema, name);
  addMistakes(checkedName.mistakes, [...at, 'name'], locate, issues);
  if (typeof checkedName.value === 'string') {
    entry.name = checkedName.value;
    entry.named = true;
  }
  let definition = registry.get(stage);
  if (isModulePath(stage)) {
    const loaded = stageFiles.get(resolve(baseDir, stage));
    if (loaded === undefined || loaded instanceof StageModuleError) {
      const what = loaded === undefined ? '' : `: ${loaded.found}`;
      const expected = loaded?.expected ?? 'a registered stage (stage files need to be loaded)';
      issues.add(locate([...at, 'stage']), [...at, 'stage'], { found: `${quote(stage)}${what}`, expected });
      entry.name = undefined;
      return entry;
    }
    definition = loaded.definition;
    entry.module = loaded.module;
    entry.stage = definition.name;
    if (!entry.named) entry.name = definition.name;
  }
  if (definition === undefined) {
    const expected = 'the name of a stage (`corpusmill stages` lists them)';
    const suggestion = nearestName(stage, registry.keys());
    issues.add(locate([...at, 'stage']), [...at, 'stage'], { found: quote(stage), expected, suggestion });
    return entry;
  }
  entry.definition = definition;
  const checked = checkValue(definition.options, options, 'option');
  addMistakes(checked.mistakes, at, locate, issues);
  entry.options = checked.value as Record<string, unknown> | undefined;
  return entry;
}

/** Adds the mistakes of a value at `base`. */
export function addMistakes(
  mistakes: readonly ValueMistake[],
  base: ConfigPath,
  locate: Locate,
  issues: IssueCollector,
): void {
  for (const { path, at, ...mistake } of mistakes) {
    const full = [...base, ...path];
    issues.add(locate(full, at), full, mistake);
  }
}

/** A file's stage has a name of its own: not that of a registered stage, nor of another file's. */
function checkOwnNames(
  entries: readonly Entry[],
  registry: StageRegistry,
  locate: Locate,
  issues: IssueCollector,
): void {
  const declaredBy = new Map<string, StageModule>();
  for (const { index, stage, module } of entries) {
    if (module === undefined || stage === undefined) continue;
    const earlier = declaredBy.get(stage);
    declaredBy.set(stage, module);
    const taken = registry.has(stage)
      ? `the name of a stage of corpusmill, ${quote(stage)}`
      : earlier !== undefined && earlier.path !== module.path
        ? `the name ${quote(stage)}, which another stage file has too`
        : undefined;
    if (taken === undefined) continue;
    const path = ['stages', index, 'stage'];
    issues.add(locate(path), path, {
      found: taken,
      expected: "a 'name' of its own in the stage definition of the file",
    });
  }
}

function checkNames(entries: readonly Entry[], locate: Locate, issues: IssueCollector): void {
  const first = new Map<string, Entry>();
  for (const entry of entries) {
    if (entry.name === undefined) continue;
    const earlier = first.get(entry.name);
    if (earlier === undefined) {
      first.set(entry.name, entry);
      continue;
    }
    const key = entry.named ? 'name' : 'stage';
    const path = ['stages', entry.index, key];
    const { line } = locate(['stages', earlier.index, earlier.named ? 'name' : 'stage']);
    const where = line === undefined ? `stages.${earlier.index}` : `line ${line}`;
    issues.add(locate(path), path, {
      found: `a second stage named ${quote(entry.name)} (the first: ${where})`,
      expected: entry.named ? 'names that differ' : "a 'name' of its own for one of them",
    });
  }
}

/**
 * A stage's needs (`tokenizer`, `model`) are met by an option of the same name or by an earlier barrier that makes it.
 * Returns the indices of stages that wait for what a barrier makes.
 */
function checkNeeds(
  entries: readonly Entry[],
  registry: StageRegistry,
  locate: Locate,
  issues: IssueCollector,
): Set<number> {
  const waiting = new Set<number>();
  for (const { index, stage, definition, raw } of entries) {
    for (const { role, by } of definition?.needs ?? []) {
      if (raw[role] != null) continue;
      waiting.add(index);
      const makesRole = (d: StageDefinition | undefined): boolean =>
        d?.kind === 'barrier' && (d.makes ?? []).includes(role);
      const makes = (entry: Entry): boolean => makesRole(entry.definition);
      const named = by === undefined ? undefined : raw[by];
      if (typeof named === 'string') {
        if (entries.some((entry) => entry.index < index && entry.name === named && makes(entry))) continue;
        const names = entries.filter((entry) => entry.index < index && makes(entry)).map(({ name }) => quote(name!));
        const path = ['stages', index, by!];
        issues.add(locate(path), path, {
          found: quote(named),
          expected: `the name of a stage before it that makes a ${role}${names.length > 0 ? `: ${names.join(' or ')}` : ''}`,
        });
        continue;
      }
      // A misspelt maker is reported already; its absence would only be a consequence.
      const makers = [...registry.values()].filter(makesRole);
      const isMisspelt = ({ index: at, definition: known, stage: given }: Entry): boolean =>
        known === undefined && at < index && makers.some((maker) => given?.startsWith(maker.name.split('.')[0]));
      if (entries.some((e) => isMisspelt(e) || (e.index < index && makes(e)))) continue;
      const maker = makers.map((d) => quote(d.name)).join(' or ') || `a stage that makes a ${role}`;
      const later = entries.find((entry) => entry.index > index && makes(entry));
      const option = Object.hasOwn(definition!.options.shape, role) ? `, or its option '${role}'` : '';
      const path = ['stages', index];
      issues.add(locate(path), path, {
        found:
          later === undefined
            ? `${quote(stage!)} with no ${role}`
            : `${quote(stage!)} before ${quote(later.stage!)}, which makes its ${role}`,
        expected: `${maker} before it${option}`,
      });
    }
  }
  return waiting;
}

/**
 * Files that options name, in lists and mappings too, must exist; false when one does not. One that an override named is
 * relative to the current directory.
 */
function checkFiles(
  definition: StageDefinition,
  options: Record<string, unknown>,
  { baseDir, cwd }: { baseDir: string; cwd: string },
  at: ConfigPath,
  locate: Locate,
  issues: IssueCollector,
): boolean {
  let allThere = true;
  const files = new Set(definition.optionFiles?.(options as never) ?? []);
  for (const { path, holder, key } of strings(options, [])) {
    const file = holder[key] as string;
    if (!files.has(file)) continue;
    const place = locate([...at, ...path]);
    const fromOverride = place.line === undefined;
    const absolute = resolve(fromOverride ? cwd : baseDir, file);
    if (fromOverride) holder[key] = absolute;
    if (existsSync(absolute)) continue;
    allThere = false;
    const folder = fromOverride ? 'the current directory' : 'the folder of the pipeline file';
    const found = `${quote(file)}, which does not exist`;
    issues.add(place, [...at, ...path], { found, expected: `a file (relative to ${folder})` });
  }
  return allThere;
}

interface StringMember {
  path: ConfigPath;
  /** The list or mapping that holds it. */
  holder: Record<string | number, unknown>;
  key: string | number;
}

/** Every string within options. */
function* strings(value: unknown, path: ConfigPath): Generator<StringMember> {
  if (typeof value !== 'object' || value === null) return;
  const holder = value as Record<string | number, unknown>;
  for (const name of Object.keys(holder)) {
    const key = Array.isArray(value) ? Number(name) : name;
    if (typeof holder[key] === 'string') yield { path: [...path, key], holder, key };
    else yield* strings(holder[key], [...path, key]);
  }
}

/**
 * Runs a factory once, as each worker will, so that what no schema can see (a regular expression that does not compile)
 * is known before anything runs. Options named in the factory's message (`patterns.0: …`) give the place.
 */
function tryCreate(
  definition: StageDefinition,
  options: Record<string, unknown>,
  context: StageContext,
  { at, locate, own }: { at: ConfigPath; locate: Locate; own: boolean },
  issues: IssueCollector,
): void {
  try {
    if (definition.kind === 'map') definition.create(options, context);
    else if (definition.kind === 'barrier') definition.createObserver(options, context);
  } catch (error) {
    // What a user's own factory throws is about that factory; what a registered one throws unasked is a defect.
    if (!isCorpusmillError(error) && !own) throw error;
    const said = error instanceof Error ? error.message : String(error);
    const hint = isCorpusmillError(error) ? error.hint : undefined;
    const { path, message } = optionNamedBy(said, options, [context.name, definition.name]);
    const value = path.reduce<unknown>((held, step) => (held as Record<string, unknown> | undefined)?.[step], options);
    const found = path.length === 0 ? `options that ${quote(definition.name)} refuses` : describeValue(value);
    issues.add(locate([...at, ...path]), [...at, ...path], {
      found,
      message: hint === undefined ? message : `${message} (${hint})`,
    });
  }
}

/**
 * The option that a factory's message begins with (`exclude.1: no closing parenthesis`, `vocabSize 12 is too small`),
 * also behind the stage's name; a name followed by a colon is taken off, since the place says it.
 */
function optionNamedBy(
  message: string,
  options: Record<string, unknown>,
  stageNames: readonly string[],
): { path: (string | number)[]; message: string } {
  const prefix = stageNames.map((name) => `${name}: `).find((name) => message.startsWith(name)) ?? '';
  const rest = message.slice(prefix.length);
  const named = /^[`']?([A-Za-z]\w*)((?:\.\w+|\[\d+\])*)[`']?(?:: | )/.exec(rest);
  if (named === null || !Object.hasOwn(options, named[1])) return { path: [], message: rest };
  const inner = named[2].split(/[.[\]]+/).filter((step) => step !== '');
  const steps = inner.map((step) => (/^\d+$/.test(step) ? Number(step) : step));
  return { path: [named[1], ...steps], message: named[0].endsWith(': ') ? rest.slice(named[0].length) : rest };
}
