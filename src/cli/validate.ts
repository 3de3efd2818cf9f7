/** `corpusmill validate`: checks pipeline files and runs nothing. */
import { Command } from 'commander';
import { EXIT, isCorpusmillError } from '../core/errors.ts';
import type { ConfigIssue } from '../pipeline/config/issues.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { CliContext, ExitCode } from './context.ts';
import { collect } from './flags.ts';
import { colorsFor, plural, print, printJson } from './print.ts';

const EXAMPLES = `
A mistake is one line: file:line:column, where it is, what was found, what was expected, the nearest valid name.
Exit code 0 when all files are valid, 2 when one is not.

Examples:
  $ corpusmill validate pipelines/*.yaml
  $ corpusmill validate web.yaml --set stages.dedup.minhash.numBands=20
  $ corpusmill validate web.yaml --json | jq '.files[].issues'`;

interface Flags {
  set?: string[];
  json?: boolean;
}

interface FileResult {
  file: string;
  valid: boolean;
  issues: readonly ConfigIssue[];
  error?: { code: string; message: string; hint: string | undefined };
  warnings: string[];
}

export function validateCommand(context: CliContext, setExitCode: (code: ExitCode) => void): Command {
  return new Command('validate')
    .description('check pipeline files: every mistake at once, nothing is run')
    .argument('<pipeline...>', 'pipeline files')
    .option('--set <path=value>', 'override a value before checking (repeatable)', collect)
    .option('--json', 'print one JSON object on standard output')
    .addHelpText('after', EXAMPLES)
    .action(async (files: string[], flags: Flags) => setExitCode(await validate(files, flags, context)));
}

async function validate(files: readonly string[], flags: Flags, context: CliContext): Promise<ExitCode> {
  const { loadPipeline } = await import('../pipeline/config/load.ts');
  const { ConfigError } = await import('../pipeline/config/issues.ts');
  const colors = colorsFor(context.stderr, context.env);
  const results: FileResult[] = [];
  for (const file of files) {
    try {
      const { env, cwd, registry } = context;
      const pipeline = await loadPipeline(file, { set: flags.set ?? [], env, cwd, ...(registry && { registry }) });
      const warnings = await warningsOf(pipeline);
      results.push({ file, valid: true, issues: [], warnings });
      if (flags.json !== true)
        await print(
          context.stdout,
          `${colorsFor(context.stdout, context.env).green('ok')} ${file}: ${outline(pipeline)}\n`,
        );
      for (const warning of warnings) context.stderr.write(`${colors.yellow('warning:')} ${file}: ${warning}\n`);
    } catch (error) {
      if (!isCorpusmillError(error)) throw error;
      const { code, message, hint } = error;
      const issues = error instanceof ConfigError ? error.issues : [];
      results.push({ file, valid: false, issues, error: { code, message, hint }, warnings: [] });
      context.stderr.write(`${colors.red('corpusmill:')} ${message}\n`);
    }
  }
  const valid = results.every((result) => result.valid);
  if (flags.json === true) await printJson(context, { valid, files: results });
  return valid ? EXIT.ok : EXIT.usage;
}

function outline(pipeline: Pipeline): string {
  const stages = pipeline.stages.map((stage) => stage.name).join(' → ');
  const train = pipeline.train === undefined ? '' : ', then a model is trained';
  const aligned = (pipeline.alignment?.stages ?? []).map(({ name }) => name).join(' → ');
  if (pipeline.inputs.length === 0) return `alignment: ${aligned}`;
  const align = aligned === '' ? '' : `, then alignment: ${aligned}`;
  return `${plural(pipeline.inputs.length, 'input')}, ${plural(pipeline.stages.length, 'stage')}: ${stages}${train}${align}`;
}

/** Whether among the artifacts of a stage is one for which alone the pipeline may be run. */
function makesForUse(roles: readonly string[]): boolean {
  return roles.includes('tokenizer') || roles.includes('model');
}

/** What is allowed but hardly meant. Missing files are no mistake of the pipeline: it may be checked elsewhere. */
export async function warningsOf(pipeline: Pipeline, look = { files: true }): Promise<string[]> {
  const warnings: string[] = [];
  const isForUse = ({ definition }: Pipeline['stages'][number]): boolean =>
    definition.kind === 'sink' || (definition.kind === 'barrier' && makesForUse(definition.makes ?? []));
  if (pipeline.alignment === undefined && !pipeline.stages.some(isForUse)) {
    warnings.push('no stage writes documents or shards: a run leaves only its reports');
  }
  if (!look.files) return warnings;
  try {
    const { expandInputs } = await import('../io/files.ts');
    await expandInputs(pipeline.inputs, {
      runDirectory: pipeline.output,
      onWarning: (message) => warnings.push(message),
    });
    const { alignmentFiles } = await import('../pipeline/alignment-files.ts');
    await alignmentFiles(pipeline);
  } catch (error) {
    if (!isCorpusmillError(error)) throw error;
    warnings.push(error.message);
  }
  return warnings;
}
