/** What `dedup`, `diff` and `quality` share: the flags of commands that take files in place of a pipeline, and how they run. */
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { INPUT_FORMATS, type InputFormat } from '../io/input.ts';
import type { CorpusSettings, RunSettings } from '../pipeline/memory-pipeline.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { RunResult } from '../pipeline/run.ts';
import type { CliContext, Engine } from './context.ts';
import { wholeNumber } from './flags.ts';
import { runInterruptibly } from './interruptible.ts';

export interface CorpusFlags {
  inputFormat: InputFormat | 'auto';
  textField: string;
  idField: string;
}

export interface CorpusRunFlags {
  output: string;
  maxBadRecords?: number;
  workers?: number;
  memory?: number;
  force?: boolean;
  json?: boolean;
}

/** Flags that say how the files are read. */
export function corpusOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--input-format <name>', 'format of the inputs')
        .choices(['auto', ...INPUT_FORMATS])
        .default('auto', 'by file'),
    )
    .option('--text-field <name>', 'field that holds the text', 'text')
    .option('--id-field <name>', 'field with a unique id', 'id');
}

/** Flags of the run, but for its directory, whose default is the command's. */
export function corpusRunOptions(command: Command): Command {
  return command
    .option('--max-bad-records <n>', 'fail when more records than this cannot be read (100)', wholeNumber(0))
    .option('-w, --workers <n>', 'worker threads; 0: one for each core', wholeNumber(0))
    .option('--memory <MiB>', 'memory for the tables of a decision (1024)', wholeNumber(1))
    .option('--force', 'use an output folder that holds something else')
    .option('--json', 'print one JSON object on standard output');
}

/** What the flags say of reading and running, as the makers of pipelines take it. */
export function settingsOf(
  flags: CorpusFlags & CorpusRunFlags,
  { cwd, env }: CliContext,
): CorpusSettings & RunSettings {
  return {
    format: flags.inputFormat,
    textField: flags.textField,
    idField: flags.idField,
    cwd,
    env,
    output: resolve(cwd, flags.output),
    workers: flags.workers,
    memoryMiB: flags.memory,
    maxBadRecords: flags.maxBadRecords,
  };
}

/** Runs a pipeline that was made of files; an input of which nothing could be read is an error. `meanwhile`: interruptible.ts. */
export async function runCorpus(
  pipeline: Pipeline,
  flags: Pick<CorpusRunFlags, 'force'>,
  context: CliContext,
  meanwhile?: () => Promise<unknown>,
): Promise<RunResult> {
  const { withoutPipelineFile } = await import('../pipeline/memory-pipeline.ts');
  const engine: Engine = context.engine ?? (await import('../pipeline/run.ts'));
  const options = { force: flags.force === true, ...(meanwhile && { meanwhile }) };
  const result = await runInterruptibly(pipeline, engine, options, context).catch((error: unknown) => {
    throw withoutPipelineFile(error);
  });
  const { refuseUnread } = await import('../pipeline/dedup/refuse-unread.ts');
  await refuseUnread(result);
  return result;
}
