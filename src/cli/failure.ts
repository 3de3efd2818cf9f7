/**
 * What a user sees when something goes wrong: `corpusmill: <message>` and a hint, no stack trace; and the exit code.
 * CORPUSMILL_DEBUG=1 adds the stack. With `--json` the same goes to standard output as `{"error": {...}}`.
 */
import { CommanderError } from 'commander';
import { EXIT, isCorpusmillError, systemCode } from '../core/errors.ts';
import { ConfigError } from '../pipeline/config/issues.ts';
import type { CliContext, ExitCode } from './context.ts';
import { colorsFor, printJson } from './print.ts';

interface Failure {
  code: string;
  message: string;
  hint: string | undefined;
  exitCode: ExitCode;
}

/** Prints an error and gives the exit code it stands for. */
export async function reportFailure(error: unknown, context: CliContext, json: boolean): Promise<ExitCode> {
  // Help and version come as exceptions from commander; they were printed already.
  if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
  const failure = describeFailure(error);
  const colors = colorsFor(context.stderr, context.env);
  context.stderr.write(`${colors.red('corpusmill:')} ${failure.message}\n`);
  if (failure.hint !== undefined) context.stderr.write(`${colors.dim('hint:')} ${failure.hint}\n`);
  if (isDebug(context.env) && error instanceof Error) context.stderr.write(`${error.stack}\n`);
  if (json) {
    const { code, message, hint } = failure;
    const issues = error instanceof ConfigError ? error.issues : undefined;
    await printJson(context, { error: { code, message, hint, issues } });
  }
  return failure.exitCode;
}

function isDebug(env: NodeJS.ProcessEnv): boolean {
  return env['CORPUSMILL_DEBUG'] !== undefined && !['', '0'].includes(env['CORPUSMILL_DEBUG']);
}

function describeFailure(error: unknown): Failure {
  if (isCorpusmillError(error)) {
    const resume = error.code === 'INTERRUPTED' ? 'finished parts are kept: the same command goes on' : undefined;
    return { code: error.code, message: error.message, hint: error.hint ?? resume, exitCode: error.exitCode };
  }
  if (error instanceof CommanderError) return { code: 'USAGE', ...usageFailure(error), exitCode: EXIT.usage };
  const message = error instanceof Error ? error.message : String(error);
  const system = systemCode(error);
  if (system !== undefined && /^E[A-Z]+$/.test(system)) {
    const exitCode = ['ENOSPC', 'EROFS', 'EDQUOT'].includes(system) ? EXIT.output : EXIT.input;
    return { code: system, message, hint: undefined, exitCode };
  }
  return {
    code: 'INTERNAL',
    message: `unforeseen failure: ${message}`,
    hint: 'this is a defect in corpusmill: please report it with the output of the same command under CORPUSMILL_DEBUG=1',
    exitCode: EXIT.internal,
  };
}

/** commander says `error: unknown command 'rnu'` and, on a line of its own, `(Did you mean run?)`. */
function usageFailure(error: CommanderError): { message: string; hint: string } {
  const [first, ...rest] = error.message.replace(/^error: /, '').split('\n');
  const suggestion = /\(Did you mean (.*)\?\)/.exec(rest.join(' '))?.[1];
  const hint =
    suggestion === undefined ? '`corpusmill --help` shows every command and option' : `did you mean ${suggestion}?`;
  return { message: first, hint };
}
