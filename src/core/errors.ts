/**
 * The error family. Every message says what was being done, to what (path, line, document id), what was found and what
 * to do about it; `code` is stable and machine-readable, `exitCode` is what the command line returns.
 */

/** Exit codes of the command line; documented in `corpusmill --help` and README. */
export const EXIT = {
  ok: 0,
  /** A defect in corpusmill itself, or an unforeseen failure. */
  internal: 1,
  /** The command line or the pipeline file is wrong; nothing was run. */
  usage: 2,
  /** Input could not be read, or held more bad records than `maxBadRecords`. */
  input: 3,
  /** A check that the user asked for failed (for example a duplicate rate above its limit). */
  check: 4,
  /** Output could not be written (disk full, permission, another pipeline's run in the way). */
  output: 5,
  /** Interrupted by Ctrl-C or SIGTERM; the same command resumes. */
  interrupted: 130,
} as const;

export type ErrorCode =
  | 'USAGE'
  | 'CONFIG_INVALID'
  | 'INPUT_NOT_FOUND'
  | 'INPUT_UNREADABLE'
  | 'INPUT_CORRUPT'
  | 'EXPANSION_LIMIT'
  | 'TOO_MANY_BAD_RECORDS'
  | 'OUTPUT_FAILED'
  | 'RUN_CONFLICT'
  | 'WORKER_FAILED'
  /** The device that computes is gone. */
  | 'BACKEND_LOST'
  /** It has no room for what is asked. */
  | 'BACKEND_MEMORY'
  /** Its driver does not compile a kernel, or refuses a command: a defect in corpusmill or in the driver. */
  | 'BACKEND_FAILED'
  | 'INTERRUPTED'
  | 'CHECK_FAILED';

const EXIT_OF: Record<ErrorCode, number> = {
  USAGE: EXIT.usage,
  CONFIG_INVALID: EXIT.usage,
  INPUT_NOT_FOUND: EXIT.input,
  INPUT_UNREADABLE: EXIT.input,
  INPUT_CORRUPT: EXIT.input,
  EXPANSION_LIMIT: EXIT.input,
  TOO_MANY_BAD_RECORDS: EXIT.input,
  OUTPUT_FAILED: EXIT.output,
  RUN_CONFLICT: EXIT.output,
  WORKER_FAILED: EXIT.internal,
  BACKEND_LOST: EXIT.internal,
  BACKEND_MEMORY: EXIT.usage,
  BACKEND_FAILED: EXIT.internal,
  INTERRUPTED: EXIT.interrupted,
  CHECK_FAILED: EXIT.check,
};

/** An error whose message is meant for the user; printed without a stack trace. */
export class CorpusmillError extends Error {
  override readonly name = 'CorpusmillError';
  readonly code: ErrorCode;
  /** What the user can do, one sentence. */
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }

  get exitCode(): number {
    return EXIT_OF[this.code];
  }
}

/** True for the user-facing errors of this family, also when one arrived from a worker as a plain copy. */
export function isCorpusmillError(error: unknown): error is CorpusmillError {
  return error instanceof CorpusmillError;
}

/** The `code` of a Node system error (`ENOSPC`, `EACCES` …), if it is one. */
export function systemCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}
