/** The Piscina entry point: one task of any phase. User-facing errors are returned, since a thrown one loses its class. */
import { isCorpusmillError } from '../src/core/errors.ts';
import { type BarrierTask, runBarrierTask } from '../src/pipeline/barrier-task.ts';
import { type ObserveTask, type PassTask, runObserveTask, runPassTask } from '../src/pipeline/pass-task.ts';
import type { TaskReply } from '../src/pipeline/pool.ts';
import { runSinkTask, type SinkTask } from '../src/pipeline/sink-task.ts';

export type Task = PassTask | ObserveTask | BarrierTask | SinkTask;

export default async function run(task: Task): Promise<TaskReply> {
  try {
    return { value: await perform(task) };
  } catch (error) {
    if (!isCorpusmillError(error)) throw error;
    return { error: { code: error.code, message: error.message, hint: error.hint } };
  }
}

function perform(task: Task): Promise<unknown> {
  switch (task.kind) {
    case 'pass':
      return runPassTask(task);
    case 'observe':
      return runObserveTask(task);
    case 'barrier':
      return runBarrierTask(task);
    case 'sink':
      return runSinkTask(task);
  }
}
