/**
 * The configuration of a training run from its file: YAML or JSON (which is YAML), variables filled in, overrides applied,
 * every mistake at once with its line and column, defaults filled in, paths absolute.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, extname, resolve } from 'node:path';
import type { z } from 'zod';
import { CorpusmillError, systemCode } from '../../core/errors.ts';
import { type TrainConfigInput, trainSchema } from '../../training/config/schema.ts';
import { withAbsolutePaths } from '../../training/config/training-files.ts';
import type { ResolvedTrainConfig } from '../../training/run-training.ts';
import { checkValue } from './check.ts';
import { interpolateEnvironment } from './interpolate.ts';
import { ConfigError, collectIssues, describeValue, shownPath, sortIssues } from './issues.ts';
import { applyOverrides, type Origin, type RawPipeline } from './override.ts';
import type { JsonSchema } from './phrases.ts';
import { inputJsonSchema } from './phrases.ts';
import { MAX_ALIASES, parseSource } from './source.ts';
import { addMistakes, type Locate } from './stages.ts';

export interface LoadTrainOptions {
  /** Overrides in the form `path=value`. */
  set?: readonly string[];
  env?: NodeJS.ProcessEnv;
  /** Where `runs/NAME` goes, and what paths in overrides are relative to. */
  cwd?: string;
}

const HINT = 'nothing was run; docs/training.md and configs/train.schema.json list every member';

/** Throws ConfigError (CONFIG_INVALID) with every mistake; INPUT_NOT_FOUND or INPUT_UNREADABLE for the file itself. */
export async function loadTrainConfig(file: string, options: LoadTrainOptions = {}): Promise<ResolvedTrainConfig> {
  const members = "a mapping with 'model', 'data' and 'stop'";
  const { value, place } = await loadRunConfig(file, trainSchema, { members, hint: HINT }, options);
  return withAbsolutePaths(value, place);
}

/** A configuration that was read, and what its paths are relative to. */
export interface LoadedRunConfig<T> {
  value: T;
  place: { folder: string; name: string; cwd: string };
}

/** The same for any schema of a run, defaults filled in and paths as they are written. `members`: what the file is, in words. */
export async function loadRunConfig<T>(
  file: string,
  schema: z.ZodType<T>,
  words: { members: string; hint: string },
  options: LoadTrainOptions = {},
): Promise<LoadedRunConfig<T>> {
  const { set = [], env = process.env, cwd = process.cwd() } = options;
  const path = resolve(cwd, file);
  const shown = shownPath(path, cwd);
  const issues = collectIssues();
  const fail = (): never => {
    throw new ConfigError(shown, sortIssues(issues.issues), words.hint);
  };
  const source = parseSource(await readText(path, shown), shown, issues);
  if (source === undefined) return fail();
  interpolateEnvironment(source, env, issues);
  const raw: unknown = source.document.toJS({ maxAliasCount: MAX_ALIASES });
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    const found = raw === null ? 'an empty file' : describeValue(raw);
    issues.add(source.locate([]), [], { found, expected: words.members });
    return fail();
  }
  // The workers of pipelines are no affair of a training run.
  const origins = applyOverrides(raw as RawPipeline, { set, env: {}, cwd }, issues);
  for (const origin of origins) fromCwd(raw as RawPipeline, origin, cwd);
  const locate: Locate = (at, what) => {
    const origin = origins.findLast((o) => o.path.every((step, depth) => String(at[depth]) === String(step)));
    return origin?.place ?? source.locate(at, what);
  };
  const checked = checkValue(schema, raw);
  addMistakes(checked.mistakes, [], locate, issues);
  if (checked.value === undefined || issues.issues.length > 0) return fail();
  return { value: checked.value, place: { folder: dirname(path), name: basename(path, extname(path)), cwd } };
}

/** JSON Schema (draft 2020-12) of such files; shipped as configs/train.schema.json. */
export function trainJsonSchema(): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'corpusmill training run',
    description: 'A model, what it is trained on, and how.',
    ...inputJsonSchema(trainSchema),
  };
}

/** For programs: a configuration as an object, with the defaults of a file. Throws ZodError. */
export function resolveTrainConfig(
  config: TrainConfigInput,
  place: { folder?: string; name?: string; cwd?: string } = {},
): ResolvedTrainConfig {
  const { cwd = process.cwd(), folder = cwd, name = 'training' } = place;
  return withAbsolutePaths(trainSchema.parse(config), { folder, name, cwd });
}

/** Members of configurations below which there are paths. */
const PATH_MEMBERS = ['data', 'model', 'reference', 'reward', 'critic', 'merging', 'pretraining'];

/** A path typed in a shell is relative to where it was typed. */
function fromCwd(raw: RawPipeline, { path }: Origin, cwd: string): void {
  if (!PATH_MEMBERS.includes(String(path[0]))) return;
  let parent: unknown = raw;
  for (const step of path.slice(0, -1)) parent = (parent as Record<string, unknown> | undefined)?.[step];
  const last = path[path.length - 1];
  const holder = parent as Record<string, unknown> | undefined;
  const value = holder?.[last];
  if (typeof value === 'string' && existsSync(resolve(cwd, value))) holder![last] = resolve(cwd, value);
}

async function readText(path: string, shown: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') {
      throw new CorpusmillError('INPUT_NOT_FOUND', `there is no training configuration ${shown}`, {
        hint: 'configs/training/ has examples; docs/training.md begins with one.',
      });
    }
    throw new CorpusmillError(
      'INPUT_UNREADABLE',
      `cannot read the training configuration ${shown}: ${(error as Error).message}`,
      { cause: error },
    );
  }
}
