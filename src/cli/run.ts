/**
 * `corpusmill run`: runs a pipeline, shows its progress, and ends with the funnel, where each output lies and what to
 * try next. Progress goes to standard error, the result to standard output.
 */
import { join } from 'node:path';
import { Command } from 'commander';
import { EXIT } from '../core/errors.ts';
import { shownPath } from '../pipeline/config/issues.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { PhaseSummary } from '../pipeline/run.ts';
import type { CliContext, Engine, ExitCode } from './context.ts';
import { collect, wholeNumber } from './flags.ts';
import { runInterruptibly } from './interruptible.ts';
import { colorsFor, columns, plural, print, printJson, shellPath, wantsColor, widthOf } from './print.ts';
import { warningsOf } from './validate.ts';

const EXAMPLES = `
The output is the same for any number of workers. Finished phases are kept: after Ctrl-C or a crash the same command
goes on where it stopped, and after a change only what it touches runs again.

Examples:
  $ corpusmill run pipelines/quickstart.yaml
  $ corpusmill run web.yaml --set inputs=a.jsonl.gz,b.parquet --output runs/try
  $ corpusmill run web.yaml --set inputs.0.limit=1000 --set stages.filter.gopher-quality.minWords=30
  $ corpusmill run web.yaml --dry-run            what would run, and what is finished already
  $ corpusmill run web.yaml --from shards        run a phase and all behind it again
  $ corpusmill run web.yaml --json > run.json

A relative path in --set is relative to the current directory; names in --set are those of inputs and stages. Values in a
pipeline may hold environment variables: \${NAME} or \${NAME:-default}.`;

interface Flags {
  set?: string[];
  workers?: number;
  from?: string;
  dryRun?: boolean;
  json?: boolean;
  output?: string;
  force?: boolean;
}

export function runCommand(context: CliContext, setExitCode: (code: ExitCode) => void): Command {
  return new Command('run')
    .description('run a pipeline')
    .argument('<pipeline>', 'pipeline file (YAML)')
    .option('--set <path=value>', 'override a value of the pipeline (repeatable)', collect)
    .option('-w, --workers <n>', 'worker threads; 0: one for each core', wholeNumber(0))
    .option('-o, --output <dir>', 'run directory, in place of the one in the pipeline')
    .option('--from <phase>', 'run this phase (or the one of this stage) and all behind it again')
    .option('--dry-run', 'say what would run and run nothing')
    .option(
      '--force',
      'use an output folder that holds something else: a run of another pipeline is removed, other files stay',
    )
    .option('--json', 'print one JSON object on standard output')
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, flags: Flags) => setExitCode(await run(file, flags, context)));
}

async function run(file: string, flags: Flags, context: CliContext): Promise<ExitCode> {
  const { loadPipeline } = await import('../pipeline/config/load.ts');
  const set = [...(flags.set ?? [])];
  if (flags.workers !== undefined) set.push(`run.workers=${flags.workers}`);
  // JSON strings are YAML strings: a folder named `12` or `a: b` stays what it is.
  if (flags.output !== undefined) set.push(`output=${JSON.stringify(flags.output)}`);
  const { env, cwd, registry } = context;
  const pipeline = await loadPipeline(file, { set, env, cwd, ...(registry && { registry }) });
  const engine: Engine = context.engine ?? (await import('../pipeline/run.ts'));
  if (flags.dryRun === true) {
    await printPlan(pipeline, await engine.planPipeline(pipeline), flags.json === true, context);
    return EXIT.ok;
  }
  const colors = colorsFor(context.stderr, env);
  for (const warning of await warningsOf(pipeline, { files: false })) {
    context.stderr.write(`${colors.yellow('warning:')} ${warning}\n`);
  }
  const result = await runInterruptibly(pipeline, engine, { ...flags, meanwhile: reportCode }, context).catch(
    async (error: unknown) => {
      // What was trained so far can be looked at.
      if (pipeline.train !== undefined) await reportTraining(pipeline.train.config.output);
      for (const { config } of pipeline.alignment?.stages ?? []) await reportTraining(config.output);
      throw error;
    },
  );
  const { writeReports } = await import('../report/index.ts');
  const { describeReason } = await import('../pipeline/stage-loaders.ts');
  const stages = new Map(pipeline.stages.map(({ definition }) => [definition.name, definition]));
  const reports = await writeReports(result.summary, result.runDir, {
    describeReason: (stage, reason) => describeReason(stages, stage, reason),
  });
  if (flags.json === true) {
    await printJson(context, { ...result, reports });
    return EXIT.ok;
  }
  const { renderFunnel } = await import('../report/terminal.ts');
  const { afterword } = await import('./afterword.ts');
  const color = wantsColor(context.stdout, env);
  const width = widthOf(context.stdout);
  const { training, alignment, inputs } = result.summary;
  const funnel = inputs.length === 0 ? '' : renderFunnel(result.summary, { color, width, surroundings: false });
  let end = funnel.trimEnd();
  if (training !== undefined) {
    const { renderTrainingEnd } = await import('../report/train-terminal.ts');
    end += `\n\n${renderTrainingEnd(training, { color, width }).trimEnd()}`;
  }
  if (alignment !== undefined) {
    const { renderAlignmentEnd } = await import('../report/align-terminal.ts');
    end += `\n\n${renderAlignmentEnd(alignment, { color, width }).trimEnd()}`;
  }
  await print(
    context.stdout,
    `\n${end.trimStart()}\n\n${afterword(sameCommand(file, flags), result, reports, context)}\n`,
  );
  return EXIT.ok;
}

/** What is needed when the run has ended. */
function reportCode(): Promise<unknown> {
  return Promise.all([import('../report/index.ts'), import('../report/terminal.ts'), import('./afterword.ts')]);
}

async function reportTraining(folder: string): Promise<void> {
  const { existsSync } = await import('node:fs');
  const { LOG_NAME } = await import('../training/log.ts');
  if (!existsSync(join(folder, LOG_NAME))) return;
  const { writeTrainingReport } = await import('../report/training/index.ts');
  // The error that ended the run is the one to be told.
  await writeTrainingReport(folder).catch(() => {});
}

/** The file and the flags that decide what is run and where, as they are typed again. */
function sameCommand(file: string, flags: Flags): string {
  const output = flags.output === undefined ? [] : ['--output', flags.output];
  return [file, ...(flags.set ?? []).flatMap((assignment) => ['--set', assignment]), ...output]
    .map(shellPath)
    .join(' ');
}

async function printPlan(
  pipeline: Pipeline,
  phases: readonly PhaseSummary[],
  json: boolean,
  context: CliContext,
): Promise<void> {
  if (json) {
    await printJson(context, { pipeline: pipeline.name, output: pipeline.output, phases });
    return;
  }
  const colors = colorsFor(context.stdout, context.env);
  const rows = phases.map(({ id, title, reused }) => [id, reused ? 'finished' : 'to run', title]);
  const paint = (cell: string, column: number): string =>
    column === 1 ? (cell.startsWith('finished') ? colors.dim(cell) : colors.green(cell)) : cell;
  const where = shownPath(pipeline.output, context.cwd);
  const head = `${pipeline.name}: ${plural(phases.length, 'phase')} in ${where}; nothing was run`;
  await print(context.stdout, `${head}\n${columns(rows, widthOf(context.stdout), paint)}\n`);
}
