/**
 * A user's own stage, loaded from a file that the pipeline names: `stage: ./filters/mine.mjs`.
 *
 * The file's default export is a StageDefinition, or a function that is given what a stage is made of (`StageApi`) and
 * returns one; the function form needs no installed corpusmill. The code runs with all rights of the process: it is the
 * user's program, as the pipeline file is.
 *
 * The file's content is part of the stage's key, and so is that of the files it imports by relative path, so that a
 * changed filter runs again. The hash is also in the address that is imported: Node would otherwise give the first
 * version again in a process that lives long.
 */
import { readFileSync, statSync } from 'node:fs';
import { dirname, extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CorpusmillError, systemCode } from '../core/errors.ts';
import { hashJson, xxh64Hex } from '../core/hash.ts';
import type { StageDefinition } from '../core/stage.ts';
import type { StageApi } from './stage-api.ts';

/** Where a stage was loaded from; plain data. */
export interface StageModule {
  /** Absolute. */
  path: string;
  /** Of the file and of those that it imports by relative path. */
  hash: string;
}

export interface LoadedStage {
  definition: StageDefinition;
  module: StageModule;
}

/** What is wrong with a stage file. `found` and `expected` are worded as the mistakes of a pipeline are. */
export class StageModuleError extends CorpusmillError {
  readonly found: string;
  readonly expected: string;

  constructor(path: string, found: string, expected: string, cause?: unknown) {
    super('CONFIG_INVALID', `cannot use the stage file ${path}: found ${found}, expected ${expected}`, {
      hint: 'docs/writing-a-filter.md shows one',
      cause,
    });
    this.found = found;
    this.expected = expected;
  }
}

const EXTENSIONS = ['.mjs', '.js', '.ts', '.mts'];
const TYPESCRIPT = ['.ts', '.mts'];

/** Whether `stage:` names a file and not a registered stage: `./mine.mjs`, `../a/b.ts`, `/abs/c.js`, `mine.mjs`. */
export function isModulePath(stage: string): boolean {
  return /^(\.{1,2}\/|\/|[A-Za-z]:[\\/])/.test(stage) || EXTENSIONS.includes(extname(stage));
}

/** The same rule as a JSON Schema pattern. */
export const MODULE_PATH_PATTERN = '^(\\.{1,2}/|/|[A-Za-z]:[\\\\/])|\\.(mjs|js|ts|mts)$';

const loaded = new Map<string, Promise<LoadedStage>>();

/** Loads a stage file. `path` is absolute. Throws StageModuleError. */
export async function loadStageModule(path: string): Promise<LoadedStage> {
  refuseUnreadable(path);
  const hash = hashJson(contentHashes(path));
  const key = `${path} ${hash}`;
  let promise = loaded.get(key);
  if (promise === undefined) {
    promise = importStage({ path, hash });
    loaded.set(key, promise);
  }
  return promise;
}

/** The stage that the main thread found under `module`. Throws CONFIG_INVALID where the file is another since. */
export async function reloadStageModule(module: StageModule): Promise<StageDefinition> {
  const { definition, module: now } = await loadStageModule(module.path);
  if (now.hash === module.hash) return definition;
  throw new CorpusmillError('CONFIG_INVALID', `the stage file ${module.path} was changed while the pipeline ran`, {
    hint: 'give the same command again: what the change touches runs again',
  });
}

function refuseUnreadable(path: string): void {
  const expected = 'a JavaScript module (.mjs, .js, or .ts)';
  let isFile: boolean;
  try {
    isFile = statSync(path).isFile();
  } catch (error) {
    const missing = ['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '');
    throw new StageModuleError(path, missing ? 'no such file' : (error as Error).message, expected, error);
  }
  if (!isFile) throw new StageModuleError(path, 'a folder', expected);
  const extension = extname(path);
  if (!EXTENSIONS.includes(extension)) {
    throw new StageModuleError(path, `a file with the extension '${extension}'`, expected);
  }
  if (TYPESCRIPT.includes(extension) && !stripsTypes()) {
    const found = `TypeScript, which Node ${process.versions.node} does not run`;
    throw new StageModuleError(path, found, 'a .mjs file, or Node 22.18 or newer');
  }
}

/** Node 22.18 and 23.6 strip types unasked; older ones do not know the feature's name. */
function stripsTypes(): boolean {
  const { typescript } = process.features as { typescript?: unknown };
  return (typescript !== undefined && typescript !== false) || process.env['VITEST'] !== undefined;
}

const RELATIVE_IMPORT = /\b(?:from|import)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g;

/** Hashes of a file and of all that it imports by relative path, in the order met. */
function contentHashes(path: string, seen = new Set<string>()): string[] {
  if (seen.has(path)) return [];
  seen.add(path);
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch {
    // An import that leads nowhere is the import's failure, said there.
    return ['missing'];
  }
  const imports = [...bytes.toString('utf8').matchAll(RELATIVE_IMPORT)].map(([, name]) => name);
  return [xxh64Hex(bytes), ...imports.flatMap((name) => contentHashes(resolve(dirname(path), name), seen))];
}

async function importStage(module: StageModule): Promise<LoadedStage> {
  const { path, hash } = module;
  const given = 'a stage definition, or a function that returns one';
  let exported: Record<string, unknown>;
  try {
    exported = (await import(`${pathToFileURL(path).href}?${hash}`)) as Record<string, unknown>;
  } catch (error) {
    throw new StageModuleError(
      path,
      `an error when it was imported (${firstLine(error)})`,
      'a module that loads',
      error,
    );
  }
  if (exported['default'] === undefined) {
    const names = Object.keys(exported);
    const found = names.length === 0 ? 'no export' : `no default export, but ${names.slice(0, 5).join(', ')}`;
    throw new StageModuleError(path, found, `\`export default\` of ${given}`);
  }
  let definition: unknown = exported['default'];
  if (typeof definition === 'function') {
    try {
      const { stageApi } = await import('./stage-api.ts');
      definition = await (definition as (api: StageApi) => unknown)(stageApi);
    } catch (error) {
      const found = `an error from its default export (${firstLine(error)})`;
      throw new StageModuleError(path, found, 'a function that returns a stage definition', error);
    }
  }
  const problem = shapeProblem(definition);
  if (problem !== undefined) throw new StageModuleError(path, problem.found, problem.expected);
  return { definition: definition as StageDefinition, module };
}

function firstLine(error: unknown): string {
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return message.split('\n')[0];
}

const NAME = /^[\p{L}\p{N}][\p{L}\p{N}._-]{0,99}$/u;

const FUNCTIONS: Record<StageDefinition['kind'], readonly string[]> = {
  map: ['create'],
  barrier: ['createObserver', 'decide'],
  sink: [],
};

/** The first thing that a default export lacks for a stage definition. */
function shapeProblem(value: unknown): { found: string; expected: string } | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const found = `a default export that is ${value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value}`;
    return { found, expected: 'a stage definition, or a function that returns one' };
  }
  const given = value as Record<string, unknown>;
  const wrong = (member: string, expected: string): { found: string; expected: string } => ({
    found: `${given[member] === undefined ? 'no' : 'a wrong'} \`${member}\` in its stage definition`,
    expected,
  });
  const { kind } = given;
  if (typeof kind !== 'string' || !Object.hasOwn(FUNCTIONS, kind)) return wrong('kind', "'map', 'barrier' or 'sink'");
  if (typeof given['name'] !== 'string' || !NAME.test(given['name'])) {
    return wrong('name', "a name of letters, digits, '.', '_' and '-', such as 'filter.mine'");
  }
  for (const member of ['summary', 'source']) {
    if (typeof given[member] !== 'string') return wrong(member, 'a sentence');
  }
  if (!Number.isInteger(given['version'])) return wrong('version', 'a whole number');
  const options = given['options'] as { _zod?: { def?: { type?: unknown } } } | undefined;
  if (options?._zod?.def?.type !== 'object') return wrong('options', 'a zod 4 object: `z.strictObject({ … })`');
  for (const member of FUNCTIONS[kind as StageDefinition['kind']]) {
    if (typeof given[member] !== 'function') return wrong(member, 'a function');
  }
  if (kind === 'barrier' && !['document', 'corpus'].includes(given['scope'] as string)) {
    return wrong('scope', "'document' or 'corpus'");
  }
  if (kind === 'sink' && !Array.isArray(given['steps'])) return wrong('steps', 'a list of steps');
  const { reasons } = given;
  if (reasons !== undefined && (typeof reasons !== 'object' || reasons === null)) {
    return wrong('reasons', 'a mapping of reasons to sentences');
  }
  return undefined;
}
