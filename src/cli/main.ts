#!/usr/bin/env node
/**
 * The command line: `corpusmill <command>`. Each command is a file of its own that parses its flags, calls one function
 * of a room below and prints. The file is loaded when the command is named, and what the command needs when it runs, so
 * that no run waits for what it does not use and `--help` stays quick.
 */
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { EXIT } from '../core/errors.ts';
import { corpusmillVersion } from '../core/version.ts';
import type { CliContext, ExitCode } from './context.ts';
import { reportFailure } from './failure.ts';
import { widthOf } from './print.ts';

type CreateCommand = (
  context: CliContext,
  setExitCode: (code: ExitCode) => void,
  configure: (command: Command) => void,
) => Command;

/**
 * Where each command is declared, in the order of the help. Those that run pipelines are loaded alone; the others, whose
 * declarations are small and which the help lists all, from one file.
 */
const COMMANDS: Record<string, () => Promise<CreateCommand>> = {
  run: async () => (await import('./run.ts')).runCommand,
  dedup: async () => (await import('./dedup.ts')).dedupCommand,
  diff: async () => (await import('./commands.ts')).diffCommand,
  quality: async () => (await import('./commands.ts')).qualityCommand,
  tokenizer: async () => (await import('./commands.ts')).tokenizerCommand,
  model: async () => (await import('./commands.ts')).modelCommand,
  validate: async () => (await import('./commands.ts')).validateCommand,
  explain: async () => (await import('./commands.ts')).explainCommand,
  stages: async () => (await import('./commands.ts')).stagesCommand,
  inspect: async () => (await import('./commands.ts')).inspectCommand,
  shards: async () => (await import('./commands.ts')).shardsCommand,
  export: async () => (await import('./commands.ts')).exportCommand,
  train: async () => (await import('./commands.ts')).trainCommand,
  align: async () => (await import('./commands.ts')).alignCommand,
  generate: async () => (await import('./commands.ts')).generateCommand,
  eval: async () => (await import('./commands.ts')).evalCommand,
  init: async () => (await import('./commands.ts')).initCommand,
  doctor: async () => (await import('./commands.ts')).doctorCommand,
  schema: async () => (await import('./commands.ts')).schemaCommand,
};

const OVERVIEW = `
Examples:
  $ corpusmill init --input 'data/*.jsonl'     write pipeline.yaml for your files
  $ corpusmill validate pipeline.yaml          every mistake in it, with line and column
  $ corpusmill run pipeline.yaml               run it; run it again and only what changed runs
  $ corpusmill explain pipeline.yaml doc-17    what every stage says of one document, and why
  $ corpusmill dedup data/ --fail-over 2%      duplicates in files: a report, and exit code 4 above 2 %
  $ corpusmill diff old.jsonl new.jsonl        what is new, removed, changed between two corpora
  $ corpusmill quality train --positive good.jsonl --negative crawl.jsonl   a classifier of texts
  $ corpusmill tokenizer compare a.json b.json --on data/   which tokenizer suits the texts better
  $ corpusmill model info qwen2-0.5b           what a model costs: parameters, arithmetic, memory
  $ corpusmill stages filter.c4                every option of a stage, its default and where it comes from
  $ corpusmill inspect runs/web/output/shards  packed rows as text, document borders shown
  $ corpusmill shards verify runs/web/output/shards   checksums, lengths, labels, provenance
  $ corpusmill export runs/web/output/shards --to megatron --out bin/   for other trainers
  $ corpusmill train small.yaml                train a model on the shards; run it again and it goes on
  $ corpusmill generate checkpoint --prompt 'Once upon a time'   let a model go on
  $ corpusmill eval checkpoint held-out.jsonl   perplexity of texts, accuracy on questions
  $ corpusmill doctor                          what computes here: native kernels, a GPU, or neither and why

Exit codes:
  0 done   1 a defect in corpusmill   2 the command line or the pipeline is wrong, nothing was run
  3 input is missing, broken, or has too many bad records   4 a check failed
  5 output cannot be written   130 interrupted; the same command resumes

Environment:
  CORPUSMILL_WORKERS  number of workers (as --set run.workers)   CORPUSMILL_NATIVE=0  no native add-on
  CORPUSMILL_DEBUG=1  stack traces                               NO_COLOR             no colours`;

/**
 * Runs one command line.
 *
 * @param argv arguments without node and script
 * @returns the exit code; never throws
 */
export async function main(argv: readonly string[], given: Partial<CliContext> = {}): Promise<ExitCode> {
  const context: CliContext = {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    signals: process,
    exit: (code) => process.exit(code),
    registry: undefined,
    engine: undefined,
    ...given,
  };
  let exitCode: ExitCode = EXIT.ok;
  try {
    const program = await createProgram(context, argv[0], (code) => {
      exitCode = code;
    });
    if (argv.length === 0) {
      context.stderr.write(program.helpInformation() + OVERVIEW.trimEnd().concat('\n'));
      return EXIT.usage;
    }
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    const end = argv.indexOf('--');
    return reportFailure(error, context, argv.slice(0, end === -1 ? undefined : end).includes('--json'));
  }
}

/** The program with the command that is `named`, or with all where that is none: the help lists them, an error suggests one. */
async function createProgram(
  context: CliContext,
  named: string | undefined,
  setExitCode: (code: ExitCode) => void,
): Promise<Command> {
  const program = new Command('corpusmill')
    .description(
      'Raw text in, clean deduplicated documents, a tokenizer and packed token shards out, from one YAML file.',
    )
    .version(corpusmillVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
    .showSuggestionAfterError(true)
    // `train report` has options of the same names as `train`.
    .enablePositionalOptions()
    .addHelpText('after', OVERVIEW);
  configure(program, context);
  const configureOwn = (command: Command): void => configure(command, context);
  const isCommand = named !== undefined && Object.hasOwn(COMMANDS, named);
  const loaders = isCommand ? [COMMANDS[named]] : Object.values(COMMANDS);
  for (const create of await Promise.all(loaders.map((load) => load()))) {
    const command = create(context, setExitCode, configureOwn);
    configure(command, context);
    program.addCommand(command);
  }
  return program;
}

/** Commands made apart from their program inherit nothing, so each gets the same manners. */
function configure(command: Command, context: CliContext): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => context.stdout.write(text),
    // Errors are thrown and printed by reportFailure, in our own form.
    writeErr: () => {},
    getOutHelpWidth: () => Math.min(120, widthOf(context.stdout)),
  });
}

/** Node's exit code for an `await` of the main module that can never be over. */
const UNSETTLED = 13;

/** True when node was started with this file, also through npm's symbolic link. */
function isEntryPoint(): boolean {
  const script = process.argv[1];
  if (script === undefined) return false;
  try {
    return realpathSync(script) === fileURLToPath(import.meta.url);
  } catch {
    return false;
  }
}

if (isEntryPoint()) {
  // A reader that has seen enough (`inspect … | head`) is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.ok);
    process.stderr.write(`corpusmill: cannot write to standard output: ${error.message}\n`);
    process.exit(EXIT.output);
  });
  // Nobody reads the progress any more: the run itself goes on.
  process.stderr.on('error', () => {});
  // Node ends, with a code of its own and without a word, when nothing is left that could finish what is awaited.
  process.on('exit', () => {
    if (process.exitCode !== UNSETTLED) return;
    process.stderr.write('corpusmill: unforeseen failure: the command stopped before it was done\n');
    process.exitCode = EXIT.internal;
  });
  process.exitCode = await main(process.argv.slice(2));
}
