/**
 * From a YAML file to a Pipeline: read, parse, fill in variables, apply overrides, check everything, and only then
 * give out a value in which every default is filled in and every path absolute. All mistakes are thrown together.
 */
import { readFile } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import type { z } from 'zod';
import { CorpusmillError, systemCode } from '../../core/errors.ts';
import type { InputSpec } from '../../io/input.ts';
import type { Pipeline, StageInstance } from '../pipeline.ts';
import { loadStages, type StageRegistry } from '../stage-loaders.ts';
import { checkValue } from './check.ts';
import { inputNameOf, resolveGlob } from './inputs.ts';
import { interpolateEnvironment } from './interpolate.ts';
import {
  ConfigError,
  type ConfigPath,
  type ConfigPlace,
  collectIssues,
  describeValue,
  type IssueCollector,
  quote,
  shownPath,
  sortIssues,
} from './issues.ts';
import { applyOverrides, type Origin, type RawPipeline } from './override.ts';
import { documentsSchema, type InputFields, NAME_PATTERN, TRAINING_MEMBERS } from './schema.ts';
import { type ConfigSource, MAX_ALIASES, parseSource } from './source.ts';
import { loadStageFiles, type StageFiles } from './stage-files.ts';
import { addMistakes, checkStages, type Locate } from './stages.ts';
import { nearestName } from './suggest.ts';
import type { PipelineFields } from './training-part.ts';

/** What checks the members that train; a file without them does without. */
export type TrainingPart = typeof import('./training-part.ts');

export interface LoadOptions {
  /** Overrides in the form `path=value`; see override.ts. */
  set?: readonly string[];
  /** For `${VAR}` in values and for CORPUSMILL_WORKERS. Default: the process's. */
  env?: NodeJS.ProcessEnv;
  /** Default: every stage of corpusmill. */
  registry?: StageRegistry;
  /** Folder that the default output, and paths in overrides, are relative to. Default: the process's. */
  cwd?: string;
}

/**
 * Reads and checks a pipeline file.
 *
 * @throws ConfigError (CONFIG_INVALID) with every mistake in it; INPUT_NOT_FOUND or INPUT_UNREADABLE for the file itself
 */
export async function loadPipeline(file: string, options: LoadOptions = {}): Promise<Pipeline> {
  const cwd = options.cwd ?? process.cwd();
  const path = resolve(cwd, file);
  const text = await readPipelineFile(path, file);
  if (options.registry !== undefined) return load(text, path, options, options.registry);
  try {
    return await load(text, path, options, undefined);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    // Names that were meant are looked for among all stages.
    const { stageDefinitions } = await import('../registry.ts');
    return load(text, path, options, stageDefinitions());
  }
}

/** Without a registry the stages that the file names are loaded, and no others. */
async function load(
  text: string,
  path: string,
  options: LoadOptions,
  registry: StageRegistry | undefined,
): Promise<Pipeline> {
  const parsed = parse(text, path, options);
  const stages = registry ?? (await loadStages(namesIn(parsed.raw['stages'])));
  const training = trains(parsed.raw) ? await import('./training-part.ts') : undefined;
  return check(parsed, stages, await loadStageFiles(parsed.raw['stages'], dirname(path)), training);
}

function trains(raw: RawPipeline): boolean {
  return TRAINING_MEMBERS.some((member) => member in raw);
}

function namesIn(rawStages: unknown): string[] {
  const entries: unknown[] = Array.isArray(rawStages) ? rawStages : [];
  const names = entries.map((entry) => (entry as { stage?: unknown } | null)?.stage);
  return names.filter((name) => typeof name === 'string');
}

/**
 * The same for the text of a pipeline file, at once and therefore without what has to be loaded: the user's own stage
 * files, and `training`, which has to be given for a file that trains. `file` is absolute and need not exist.
 */
export function parsePipeline(
  text: string,
  file: string,
  options: LoadOptions & { registry: StageRegistry; training?: TrainingPart },
): Pipeline {
  const parsed = parse(text, file, options);
  if (trains(parsed.raw) && options.training === undefined) throw new Error(`${file} trains: its rules are needed`);
  return check(parsed, options.registry, new Map(), options.training);
}

/** A pipeline file as data, and what is needed to check it. */
interface Parsed {
  file: string;
  raw: RawPipeline;
  source: ConfigSource;
  locate: Locate;
  /** Paths of values whose variable is unset. */
  unset: ReadonlySet<string>;
  issues: IssueCollector;
  fail(): never;
  cwd: string;
}

function parse(text: string, file: string, options: LoadOptions): Parsed {
  const { set = [], env = process.env, cwd = process.cwd() } = options;
  const shown = shownPath(file, cwd);
  const issues = collectIssues();
  const fail = (): never => {
    throw new ConfigError(shown, sortIssues(issues.issues));
  };
  const source = parseSource(text, shown, issues);
  if (source === undefined) return fail();
  interpolateEnvironment(source, env, issues);
  const unset = new Set(issues.issues.map((issue) => issue.path));
  const raw = rawPipeline(source, issues);
  if (raw === undefined) return fail();
  expandShorthands(raw);
  const origins = applyOverrides(raw, { set, env, cwd }, issues);
  return { file, raw, source, locate: locator(source, origins), unset, issues, fail, cwd };
}

/** `training` is there for every file that trains. */
function check(
  parsed: Parsed,
  registry: StageRegistry,
  stageFiles: StageFiles,
  training: TrainingPart | undefined,
): Pipeline {
  const { file, raw, source, locate, unset, issues, fail, cwd } = parsed;
  const checked = checkValue(schemaFor(raw, training), raw);
  addMistakes(checked.mistakes, [], locate, issues);
  const seed = typeof raw['seed'] === 'number' ? raw['seed'] : 0;
  const baseDir = dirname(file);
  const rawStages = listIn(raw, 'stages');
  const rawAlign = listIn(raw, 'align');
  const stages = checkStages(rawStages, registry, { seed, baseDir, cwd, stageFiles }, locate, issues);
  checkEmptyOptions('stages', rawStages, source, locate, issues);
  checkEmptyOptions('align', rawAlign, source, locate, issues);
  checkInputNames(raw, locate, issues);
  checkTextOptions(raw, locate, issues);
  if (checked.value?.train !== undefined && issues.issues.length === 0) {
    training!.checkTrainBlock(checked.value.train, { stages, baseDir }, locate, issues);
  }
  const name = checked.value?.name ?? nameOf(file);
  const output = checked.value?.output === undefined ? join(cwd, 'runs', name) : resolve(baseDir, checked.value.output);
  const trainShards = checked.value?.train && training!.shardsOf(checked.value.train, stages)?.name;
  const place = { name, seed, baseDir, output, stages, trains: raw['train'] !== undefined, trainShards };
  const alignment =
    rawAlign.length === 0
      ? undefined
      : training!.checkAlignBlock(rawAlign, checked.value?.prompts, place, locate, issues);
  if (raw['prompts'] !== undefined && raw['align'] === undefined) {
    issues.add(locate(['prompts'], 'key'), ['prompts'], {
      found: "'prompts' without 'align'",
      expected: "the list 'align', or 'samples' of 'train'",
    });
  }
  // A value whose variable is unset would also be found to be of the wrong type: a consequence, not a mistake.
  dropConsequences(issues, unset);
  if (checked.value === undefined || issues.issues.length > 0) return fail();

  const fields: PipelineFields = checked.value;
  const inputs = inputSpecs(fields, baseDir);
  checkNamedInputs(
    stages,
    inputs.map((input) => input.name),
    locate,
    issues,
  );
  if (issues.issues.length > 0) return fail();
  const train =
    fields.train && training!.resolveTrainBlock(fields.train, { name, seed: fields.seed, baseDir, output, stages });
  return {
    file,
    baseDir,
    name,
    seed: fields.seed,
    output,
    inputs,
    stages,
    ...(train !== undefined && { train }),
    ...(alignment !== undefined && { alignment }),
    run: fields.run,
  };
}

function schemaFor(raw: RawPipeline, training: TrainingPart | undefined): z.ZodType<PipelineFields> {
  // The members that it leaves open are absent.
  if (training === undefined) return documentsSchema as z.ZodType<PipelineFields>;
  const needsDocuments = !('align' in raw) || 'inputs' in raw || 'stages' in raw || 'train' in raw;
  return needsDocuments ? training.pipelineSchema : training.alignmentOnlySchema;
}

function listIn(raw: RawPipeline, key: string): unknown[] {
  return Array.isArray(raw[key]) ? (raw[key] as unknown[]) : [];
}

async function readPipelineFile(path: string, shown: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT') {
      const hint = '`corpusmill init` writes one for your files';
      throw new CorpusmillError('INPUT_NOT_FOUND', `there is no pipeline file ${shown}`, { hint });
    }
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') {
      throw new CorpusmillError('INPUT_UNREADABLE', `the pipeline file ${shown} is not UTF-8 text`);
    }
    const reason = code === 'EISDIR' ? 'it is a folder' : (error as Error).message;
    throw new CorpusmillError('INPUT_UNREADABLE', `cannot read the pipeline file ${shown}: ${reason}`, {
      cause: error,
    });
  }
}

function dropConsequences(issues: IssueCollector, unset: ReadonlySet<string>): void {
  const seen = new Set<string>();
  const kept = issues.issues.filter(({ path }) => {
    if (!unset.has(path) || path === '') return true;
    const first = !seen.has(path);
    seen.add(path);
    return first;
  });
  issues.issues.splice(0, issues.issues.length, ...kept);
}

function rawPipeline(source: ConfigSource, issues: IssueCollector): RawPipeline | undefined {
  let raw: unknown;
  try {
    raw = source.document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    // yaml's own words (`Excessive alias count …`) name the cause but not the limit.
    const expected = `at most ${MAX_ALIASES} uses of aliases`;
    issues.add(source.locate([]), [], { found: (error as Error).message, expected });
    return undefined;
  }
  if (typeof raw === 'object' && raw !== null && !Array.isArray(raw)) return raw as RawPipeline;
  const found = raw === null ? 'an empty file' : describeValue(raw);
  issues.add(source.locate([]), [], { found, expected: "a mapping with 'inputs' and 'stages'" });
  return undefined;
}

/** `- normalize` stands for `- stage: normalize`, as do items of `align`, `- data/*.jsonl` for `- path: data/*.jsonl`, an empty `run:` for none. */
function expandShorthands(raw: RawPipeline): void {
  const expand = (list: unknown, key: string): void => {
    if (!Array.isArray(list)) return;
    for (const [index, entry] of list.entries()) if (typeof entry === 'string') list[index] = { [key]: entry };
  };
  expand(raw['stages'], 'stage');
  expand(raw['align'], 'stage');
  expand(raw['inputs'], 'path');
  if (raw['run'] === null) delete raw['run'];
}

/** What an override set is placed at the override, everything else in the file. */
function locator(source: ConfigSource, origins: readonly Origin[]): Locate {
  return (path, what) => {
    const origin = origins.findLast((o) => o.path.every((step, depth) => String(path[depth]) === String(step)));
    return origin?.place ?? source.locate(path, what);
  };
}

/**
 * Many thresholds take `null` for "no limit", and YAML reads a key without a value as null: `minWords:` left unfinished
 * would switch a filter off in silence.
 */
function checkEmptyOptions(
  list: 'stages' | 'align',
  rawStages: readonly unknown[],
  source: ConfigSource,
  locate: Locate,
  issues: IssueCollector,
): void {
  for (const [index, entry] of rawStages.entries()) {
    if (typeof entry !== 'object' || entry === null) continue;
    for (const [option, value] of Object.entries(entry)) {
      const path: ConfigPath = [list, index, option];
      const known = issues.issues.some((issue) => issue.path === path.join('.'));
      if (value !== null || known || locate(path).line === undefined || !source.isEmpty(path)) continue;
      issues.add(locate(path), path, { found: 'an empty value', expected: "a value, or 'null' written out" });
    }
  }
}

function checkInputNames(raw: RawPipeline, locate: Locate, issues: IssueCollector): void {
  if (!Array.isArray(raw['inputs'])) return;
  const first = new Map<string, ConfigPlace>();
  for (const [index, input] of raw['inputs'].entries()) {
    const name: unknown = (input as { name?: unknown } | null)?.name;
    if (typeof name !== 'string') continue;
    const path: ConfigPath = ['inputs', index, 'name'];
    const place = locate(path);
    const earlier = first.get(name);
    if (earlier === undefined) first.set(name, place);
    else {
      const where = earlier.line === undefined ? earlier.text : `line ${earlier.line}`;
      const found = `a second input named ${quote(name)} (the first: ${where})`;
      issues.add(place, path, { found, expected: 'names that differ' });
    }
  }
}

/** Ways to say what the text is: with two of them, one would be ignored in silence. */
const TEXT_OPTIONS = ['conversations', 'template', 'textField'];

function checkTextOptions(raw: RawPipeline, locate: Locate, issues: IssueCollector): void {
  for (const [index, input] of (Array.isArray(raw['inputs']) ? raw['inputs'] : []).entries()) {
    if (typeof input !== 'object' || input === null) continue;
    const given = input as RawPipeline;
    const [first, second] = TEXT_OPTIONS.filter((option) => option in given && given[option] !== false);
    if (second === undefined) continue;
    const path: ConfigPath = ['inputs', index, second];
    issues.add(locate(path, 'key'), path, { found: `'${second}' beside '${first}'`, expected: 'one of them' });
  }
}

/** Options that name inputs name those of this pipeline. */
function checkNamedInputs(
  stages: readonly StageInstance[],
  inputs: readonly string[],
  locate: Locate,
  issues: IssueCollector,
): void {
  for (const [index, { definition, options }] of stages.entries()) {
    for (const { path, name, expected } of definition.checkInputs?.(options as never, inputs) ?? []) {
      const at: ConfigPath = ['stages', index, ...path];
      const isName = path.at(-1) === name;
      const suggestion = isName ? nearestName(name, inputs) : undefined;
      issues.add(locate(at, 'key'), at, { found: isName ? quote(name) : name, expected, suggestion });
    }
  }
}

function inputSpecs(fields: PipelineFields, baseDir: string): InputSpec[] {
  const taken = new Set(fields.inputs.flatMap((input) => input.name ?? []));
  return fields.inputs.map((input: InputFields) => {
    const given = typeof input.path === 'string' ? [input.path] : input.path;
    const name = input.name ?? inputNameOf(given, taken);
    taken.add(name);
    return {
      name,
      paths: given.map((path) => resolveGlob(baseDir, path)),
      format: input.format,
      textField: input.textField,
      ...(input.template !== undefined && { template: input.template }),
      ...(input.conversations && { conversations: true }),
      idField: input.idField,
      metaFields: input.metaFields,
      limit: input.limit,
      sample: input.sample,
      seed: fields.seed,
      maxRecordBytes: input.maxRecordBytes,
      maxExpansionRatio: input.maxExpansionRatio,
      ...(input.warc !== undefined && { warc: input.warc }),
    };
  });
}

/** The file's name without extension, made fit to be a folder's name. */
function nameOf(file: string): string {
  const stem = basename(file, extname(file)).replaceAll(/[^\p{L}\p{N}._-]+/gu, '-');
  return NAME_PATTERN.test(stem) ? stem : 'pipeline';
}
