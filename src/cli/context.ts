/**
 * What a command may touch of the outside world, as one value: streams, environment, folder, signals and the engine.
 * `main` fills it from the process; tests fill it with their own.
 */

import type { Pipeline } from '../pipeline/pipeline.ts';
import type { PhaseSummary, RunPipelineOptions, RunResult } from '../pipeline/run.ts';
import type { StageRegistry } from '../pipeline/stage-loaders.ts';

/** The part of a stream that commands use. */
export interface CliStream {
  write(text: string): boolean;
  once(event: 'drain', listener: () => void): unknown;
  isTTY?: boolean | undefined;
  columns?: number | undefined;
}

/** Runs pipelines; the real one is src/pipeline/run.ts. */
export interface Engine {
  runPipeline(pipeline: Pipeline, options: RunPipelineOptions): Promise<RunResult>;
  planPipeline(pipeline: Pipeline): Promise<PhaseSummary[]>;
}

export interface CliContext {
  stdout: CliStream;
  stderr: CliStream;
  env: NodeJS.ProcessEnv;
  cwd: string;
  /** Where SIGINT and SIGTERM come from. */
  signals: {
    on(signal: NodeJS.Signals, listener: () => void): unknown;
    off(signal: NodeJS.Signals, listener: () => void): unknown;
  };
  /** Ends the process at once. */
  exit(code: number): void;
  /** Default: every stage of corpusmill. */
  registry: StageRegistry | undefined;
  /** Default: the real one, loaded when a command needs it. */
  engine: Engine | undefined;
}

/** A command's handler sets the exit code by returning it. */
export type ExitCode = number;
