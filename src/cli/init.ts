/** `corpusmill init`: writes a commented pipeline for the user's own files. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, resolve, sep } from 'node:path';
import { Command } from 'commander';
import { CorpusmillError, EXIT, isCorpusmillError, systemCode } from '../core/errors.ts';
import { packageRoot } from '../core/package-root.ts';
import type { FieldGuess, StarterInput } from '../pipeline/config/starter.ts';
import type { CliContext, ExitCode } from './context.ts';
import { collect } from './flags.ts';
import { colorsFor, print, printJson, programName, shellPath } from './print.ts';

const EXAMPLES = `
Looks at the first records of each input to guess which field holds the text and which the id. Quote globs, so that
corpusmill sees them and not the shell's expansion.

Examples:
  $ corpusmill init                                       pipeline.yaml with placeholders
  $ corpusmill init --input 'data/*.jsonl.gz'
  $ corpusmill init web.yaml --input crawl.parquet --input 'books/**/*.txt'`;

/** Records looked at for guessing. */
const SAMPLE = 50;

interface Flags {
  input?: string[];
  force?: boolean;
  json?: boolean;
}

export function initCommand(context: CliContext, setExitCode: (code: ExitCode) => void): Command {
  return new Command('init')
    .description('write a commented pipeline for your own files')
    .argument('[file]', 'pipeline file to write', 'pipeline.yaml')
    .option('-i, --input <path>', 'a file, folder or glob to read (repeatable)', collect)
    .option('--force', 'overwrite the file')
    .option('--json', 'print one JSON object on standard output')
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, flags: Flags) => {
      await init(file, flags, context);
      setExitCode(EXIT.ok);
    });
}

async function init(file: string, flags: Flags, context: CliContext): Promise<void> {
  const path = resolve(context.cwd, file);
  if (existsSync(path) && flags.force !== true) {
    throw new CorpusmillError('USAGE', `${file} exists already`, {
      hint: 'give another name, or --force to overwrite it',
    });
  }
  const { starterPipeline } = await import('../pipeline/config/starter.ts');
  const folder = dirname(path);
  const patterns = flags.input ?? ['data/*.jsonl'];
  const inputs = await describeInputs(patterns, folder, context, flags.input !== undefined);
  const schema = join(packageRoot(), 'configs', 'pipeline.schema.json');
  const schemaPath = existsSync(schema) ? posixPath(relative(folder, schema)) : undefined;
  const name = nameFrom(file);
  const text = starterPipeline({ file, name, inputs, schemaPath }, context.registry);
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(path, text, flags.force === true ? {} : { flag: 'wx' });
  } catch (error) {
    throw new CorpusmillError('OUTPUT_FAILED', `cannot write ${file}: ${systemCode(error) ?? String(error)}`, {
      cause: error,
    });
  }
  if (flags.json === true) {
    await printJson(context, { file: path, name, inputs });
    return;
  }
  const program = programName(context.env);
  const colors = colorsFor(context.stdout, context.env);
  const lines = [`${colors.green('wrote')} ${file}`];
  for (const { name, path, fields } of inputs) {
    const guess = fields === undefined ? '' : `: text in '${fields.textField}' (${fields.reason})`;
    lines.push(`  ${name}  ${path}${guess}`);
  }
  lines.push('', colors.bold('Next'), `  edit ${file}, then`);
  lines.push(
    `  ${program} validate ${shellPath(file)}`,
    `  ${program} run ${shellPath(file)} --set inputs.0.limit=1000`,
  );
  await print(context.stdout, `${lines.join('\n')}\n`);
}

async function describeInputs(
  patterns: readonly string[],
  folder: string,
  context: CliContext,
  look: boolean,
): Promise<StarterInput[]> {
  const { inputNameOf, resolveGlob } = await import('../pipeline/config/inputs.ts');
  const taken = new Set<string>();
  const inputs: StarterInput[] = [];
  for (const pattern of patterns) {
    const absolute = resolveGlob(context.cwd, pattern);
    const fromFile =
      resolve(pattern) === pattern ? pattern : posixPath(relative(folder, resolve(context.cwd, pattern)));
    const name = inputNameOf([pattern], taken);
    taken.add(name);
    inputs.push({ name, path: fromFile || '.', fields: look ? await lookInto(pattern, absolute, context) : undefined });
  }
  return inputs;
}

/** A file that cannot be read yet is no reason not to write the pipeline: it is said and the defaults stand. */
async function lookInto(pattern: string, absolute: string, context: CliContext): Promise<FieldGuess | undefined> {
  try {
    const { sampleRecords } = await import('./rows.ts');
    const { guessFields } = await import('../pipeline/config/starter.ts');
    const records = await sampleRecords(absolute, SAMPLE);
    return records === undefined ? undefined : guessFields(records);
  } catch (error) {
    if (!isCorpusmillError(error)) throw error;
    const colors = colorsFor(context.stderr, context.env);
    context.stderr.write(`${colors.yellow('warning:')} ${pattern}: ${error.message}; the defaults stand\n`);
    return undefined;
  }
}

function nameFrom(file: string): string {
  const stem = basename(file, extname(file)).replaceAll(/[^\p{L}\p{N}._-]+/gu, '-');
  return /^[\p{L}\p{N}]/u.test(stem) ? stem : 'pipeline';
}

function posixPath(path: string): string {
  return path.split(sep).join('/');
}
