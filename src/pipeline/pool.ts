/**
 * The worker pool: Piscina behind back-pressure, with the error family carried across and dead workers survived.
 *
 * A worker that dies (out of memory, crash) takes its task with it. The task is tried once more in a fresh worker; a
 * second death is reported as WORKER_FAILED, and the caller decides what to do about that task.
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { CorpusmillError, type ErrorCode } from '../core/errors.ts';
import { packageRoot } from '../core/native.ts';

/** What the worker entry returns: a value, or a user-facing error as plain data. */
export type TaskReply = { value: unknown } | { error: { code: ErrorCode; message: string; hint: string | undefined } };

export interface WorkerPool {
  workers: number;
  /** How many tasks to keep under way: enough to keep every core busy, few enough to bound memory. */
  limit: number;
  /** Runs a task; `abort` ends the worker that runs it. */
  run<R>(task: object, options?: { transfer?: MessagePort[]; abort?: AbortSignal }): Promise<R>;
  close(): Promise<void>;
}

/** Worker threads that `workers` stands for: 0 means every core this process may use. */
export function workerCount(workers: number): number {
  return workers > 0 ? workers : availableParallelism();
}

/** `memoryMiB` limits each worker's old space; undefined leaves Node's default. */
export function createPool(workers: number, memoryMiB: number | undefined): WorkerPool {
  const piscina = new Piscina({
    filename: join(packageRoot(), 'dist', 'workers', 'task.js'),
    minThreads: workers,
    maxThreads: workers,
    // While one task waits for its part to reach the disk, the worker's core goes on with the next.
    concurrentTasksPerWorker: 2,
    idleTimeout: Number.POSITIVE_INFINITY,
    recordTiming: false,
    ...(memoryMiB === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: memoryMiB } }),
  });
  // A worker that dies between tasks is replaced by Piscina; its last words are the task's rejection.
  piscina.on('error', () => {});

  async function run<R>(task: object, options: { transfer?: MessagePort[]; abort?: AbortSignal } = {}): Promise<R> {
    for (let attempt = 0; ; attempt++) {
      let reply: TaskReply;
      try {
        reply = (await piscina.run(task, {
          ...(options.transfer === undefined ? {} : { transferList: options.transfer }),
          ...(options.abort === undefined ? {} : { signal: options.abort }),
        })) as TaskReply;
      } catch (error) {
        if (options.abort?.aborted) throw error;
        // A transferred port is gone with its worker, so such a task has no second try.
        if (attempt === 0 && options.transfer === undefined) continue;
        const reason = error instanceof Error ? error.message : String(error);
        throw new CorpusmillError('WORKER_FAILED', `a worker failed twice on the same task: ${reason}`, {
          hint: 'if memory ran out, raise run.workerMemoryMiB or lower run.chunkBytes',
          cause: error,
        });
      }
      if ('error' in reply) {
        throw new CorpusmillError(reply.error.code, reply.error.message, { hint: reply.error.hint });
      }
      return reply.value as R;
    }
  }
  return { workers, limit: 3 * workers, run, close: () => piscina.destroy() };
}

/**
 * Runs `work` for every item of a stream with at most `limit` under way, which bounds memory. Stops taking items at
 * the first failure or abort, waits for those under way, then throws the first failure.
 */
export async function forEachLimited<T>(
  items: AsyncIterable<T> | Iterable<T>,
  limit: number,
  signal: AbortSignal,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const underWay = new Set<Promise<void>>();
  let failure: { error: unknown } | undefined;
  try {
    for await (const item of items) {
      if (failure !== undefined || signal.aborted) break;
      const task: Promise<void> = work(item)
        .catch((error: unknown) => {
          failure ??= { error };
        })
        .finally(() => underWay.delete(task));
      underWay.add(task);
      if (underWay.size >= limit) await Promise.race(underWay);
    }
  } catch (error) {
    failure ??= { error };
  }
  await Promise.all(underWay);
  if (failure !== undefined) throw failure.error;
  if (signal.aborted) throw interrupted();
}

export function interrupted(): CorpusmillError {
  return new CorpusmillError('INTERRUPTED', 'interrupted', {
    hint: 'finished parts are kept: give the same command again to go on',
  });
}
