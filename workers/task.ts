/** The Piscina entry point: one task of any phase. User-facing errors are returned, since a thrown one loses its class. */

import { parentPort, threadId } from 'node:worker_threads';
import { CorpusmillError, isCorpusmillError } from '../src/core/errors.ts';
import { collectGarbage } from '../src/core/memory.ts';
import { type AuditTask, runAuditTask } from '../src/pipeline/audit-file.ts';
import { type HelpTask, runHelpTask } from '../src/pipeline/barrier-help.ts';
import { type BarrierTask, runBarrierTask } from '../src/pipeline/barrier-task.ts';
import type { ObserveTask, PassTask } from '../src/pipeline/pass-spec.ts';
import { runObserveTask, runPassTask } from '../src/pipeline/pass-task.ts';
import type { LoadedMessage, TaskReply } from '../src/pipeline/pool.ts';
import { runSinkTask, type SinkTask } from '../src/pipeline/sink-task.ts';
import { loadStage } from '../src/pipeline/stage-loaders.ts';

export type Task = PassTask | ObserveTask | BarrierTask | HelpTask | SinkTask | AuditTask;

// Now rather than at the first task: a worker may be ended only when it is loading nothing (src/pipeline/pool.ts).
await Promise.all(process.argv.slice(2).map(loadStage));

const loaded: LoadedMessage = { loadedThread: threadId };
parentPort?.postMessage(loaded);

export default async function run(task: Task): Promise<TaskReply> {
  try {
    collectGarbage();
    return { value: await perform(task) };
  } catch (error) {
    const known = isCorpusmillError(error) ? error : ofRunDirectory(error);
    if (known === undefined) throw error;
    return { error: { code: known.code, message: known.message, hint: known.hint } };
  }
}

/** Readers turn what is wrong with an input into bad records, so a system call that fails here was about the run's files. */
function ofRunDirectory(error: unknown): CorpusmillError | undefined {
  if ((error as NodeJS.ErrnoException | null)?.syscall === undefined) return undefined;
  return new CorpusmillError('OUTPUT_FAILED', `cannot use the run directory: ${(error as Error).message}`, {
    hint: 'check the disk and the permissions, then give the same command again: finished parts are kept',
  });
}

function perform(task: Task): Promise<unknown> {
  switch (task.kind) {
    case 'pass':
      return runPassTask(task);
    case 'observe':
      return runObserveTask(task);
    case 'barrier':
      return runBarrierTask(task);
    case 'help':
      return runHelpTask(task);
    case 'sink':
      return runSinkTask(task);
    case 'audit':
      return runAuditTask(task);
  }
}
