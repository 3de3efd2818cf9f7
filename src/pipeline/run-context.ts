/** A run in progress, as its phases see it. */
import type { ProgressEvent } from '../core/run-summary.ts';
import type { InputFile } from '../io/input.ts';
import type { LogRecord } from '../training/log.ts';
import type { BarrierDecision } from './barrier-task.ts';
import type { Plan } from './phase.ts';
import type { Pipeline } from './pipeline.ts';
import type { WorkerPool } from './pool.ts';
import type { RunDirectory } from './run-directory.ts';

/** What every phase's execution needs. */
export interface RunContext {
  pipeline: Pipeline;
  plan: Plan;
  files: InputFile[];
  directory: RunDirectory;
  pool: WorkerPool;
  signal: AbortSignal;
  emit(event: ProgressEvent): void;
  onTraining(record: LogRecord): void;
  /** By phase: decisions of barriers that are on disk while their account is not yet. */
  decisions: Map<string, BarrierDecision>;
  /** What is still being done for phases that others have begun to build on. */
  late: Promise<void>[];
}
