/**
 * The worker pool: Piscina behind back-pressure, with the error family carried across and dead workers survived.
 *
 * A worker that dies (out of memory, crash) takes its tasks with it. Each is tried once more, alone in a worker of its
 * own, so that a task which only shared a worker with the guilty one is not blamed; a second death is reported as
 * WORKER_FAILED, and the caller decides what to do about that task.
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import type { MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { CorpusmillError, type ErrorCode } from '../core/errors.ts';
import { stopIncrementalMarking } from '../core/memory.ts';
// Says where the native add-on is missing: workers do not.
import '../core/native.ts';
import { packageRoot } from '../core/package-root.ts';
import { interrupted } from './for-each-limited.ts';

/** What the worker entry returns: a value, or a user-facing error as plain data. */
export type TaskReply = { value: unknown } | { error: { code: ErrorCode; message: string; hint: string | undefined } };

/** What the worker entry says once its modules are loaded. */
export interface LoadedMessage {
  loadedThread: number;
}

interface RunOptions {
  transfer?: MessagePort[];
  abort?: AbortSignal;
  tries?: 1 | 2;
}

export interface WorkerPool {
  workers: number;
  /** How many tasks to keep under way: enough to keep every core busy, few enough to bound memory. */
  limit: number;
  /** Starts the workers where there are none yet: they load their modules while the first task is made. */
  start(): void;
  /** Runs a task; `abort` ends the worker that runs it, `tries: 1` leaves out the second try. */
  run<R>(task: object, options?: RunOptions): Promise<R>;
  /** Ends the workers; resolves when they have ended. A second call waits for the same. */
  close(): Promise<void>;
}

/** Worker threads that `workers` stands for: 0 means every core this process may use. */
export function workerCount(workers: number): number {
  return workers > 0 ? workers : availableParallelism();
}

export interface PoolOptions {
  workers: number;
  /** Limit of each worker's old space; undefined leaves Node's default. */
  memoryMiB: number | undefined;
  /** Names of registered stages that workers load before they take tasks. */
  stages: readonly string[];
  /** When it is aborted nothing is tried a second time. */
  signal?: AbortSignal;
}

/** A pool whose workers start with the first task, or before it by `start`: a run that finds all finished has none. */
export function createPool({ workers, memoryMiB, stages, signal }: PoolOptions): WorkerPool {
  let shared: Workers | undefined;
  let solitary: Workers | undefined;
  let closed: Promise<unknown> | undefined;

  function started(): Workers {
    if (closed !== undefined) throw interrupted();
    // While one task waits for its part to reach the disk, the worker's core goes on with the next.
    shared ??= startWorkers({ threads: workers, concurrentTasksPerWorker: 2, memoryMiB, stages });
    return shared;
  }

  async function run<R>(task: object, { transfer, abort, tries = 2 }: RunOptions = {}): Promise<R> {
    const piscinaOptions = {
      ...(transfer === undefined ? {} : { transferList: transfer }),
      ...(abort === undefined ? {} : { signal: abort }),
    };
    const { piscina, loaded } = started();
    let reply: TaskReply;
    // An abort ends a worker, which may be done only to one that is loaded.
    if (abort !== undefined) await loaded();
    try {
      reply = (await piscina.run(task, piscinaOptions)) as TaskReply;
    } catch (first) {
      if (signal?.aborted) throw interrupted();
      if (abort?.aborted) throw first;
      // A transferred port is gone with its worker, so such a task has no second try.
      if (transfer !== undefined || tries === 1) throw workerFailed('a worker failed', first, memoryMiB);
      solitary ??= startWorkers({ threads: 1, concurrentTasksPerWorker: 1, memoryMiB, stages });
      try {
        reply = (await solitary.piscina.run(task, piscinaOptions)) as TaskReply;
      } catch (second) {
        if (abort?.aborted) throw second;
        throw workerFailed('a worker failed twice on the same task', second, memoryMiB);
      }
    }
    if ('error' in reply) {
      throw new CorpusmillError(reply.error.code, reply.error.message, { hint: reply.error.hint });
    }
    return reply.value as R;
  }
  return {
    workers,
    limit: 3 * workers,
    start: () => void started(),
    run,
    async close() {
      closed ??= Promise.all([shared?.end(), solitary?.end()]);
      await closed;
    },
  };
}

interface Workers {
  piscina: Piscina;
  /** Resolves when no worker is loading its modules. */
  loaded(): Promise<void>;
  /** Ends the workers, whatever they are doing. */
  end(): Promise<void>;
}

interface WorkersOptions {
  threads: number;
  concurrentTasksPerWorker: number;
  memoryMiB: number | undefined;
  stages: readonly string[];
}

function startWorkers({ threads, concurrentTasksPerWorker, memoryMiB, stages }: WorkersOptions): Workers {
  // A worker that passes its limit while V8 is marking incrementally can take the whole process down: the marking is
  // finished while the worker is torn down, with no limit left to raise (3 aborts in 8 such deaths on Node 20, none in 8
  // without; cleaning a 30 MB corpus takes the same time and memory either way). The flag holds for the whole process.
  stopIncrementalMarking();
  optimizeLater();
  const piscina = new Piscina({
    filename: join(packageRoot(), 'dist', 'workers', 'task.js'),
    minThreads: threads,
    maxThreads: threads,
    concurrentTasksPerWorker,
    loadBalancer: leastBusy(concurrentTasksPerWorker),
    idleTimeout: Number.POSITIVE_INFINITY,
    recordTiming: false,
    argv: [...stages],
    ...(memoryMiB === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: memoryMiB } }),
  });
  // A worker that dies between tasks is replaced by Piscina; its last words are the task's rejection.
  piscina.on('error', () => {});
  const loadedThreads = new Set<number>();
  piscina.on('message', ({ loadedThread }: LoadedMessage) => loadedThreads.add(loadedThread));

  // A worker that died while loading has left `threads`, or has a thread id of -1.
  async function loaded(): Promise<void> {
    while (piscina.threads.some(({ threadId }) => threadId !== -1 && !loadedThreads.has(threadId))) await setTimeout(5);
  }
  return {
    piscina,
    loaded,
    async end() {
      // Node (20.20) ends the whole process when a worker is ended in the middle of loading an ES module: "IsGraphAsync
      // must be used on an instantiated module". The one that stands in for a dead worker is often that young.
      await loaded();
      await piscina.destroy();
    },
  };
}

/**
 * V8 hands a function to its optimizing compiler after `--interrupt-budget` bytes of bytecode (132 KiB in V8 11), and again
 * when it guessed wrong; every worker does so for itself, on threads that take the workers' cores. In a run of four seconds
 * that was a fifth of all processor time. Six times later: dedup of 60 MB 22 % less processor time, filters 8 %. V8 12 has
 * another compiler in between and other budgets, and is left alone.
 */
function optimizeLater(): void {
  if (process.versions.v8.startsWith('11.')) setFlagsFromString('--interrupt-budget=811008');
}

/**
 * The worker with the fewest tasks; of equals the one whose task can be aborted, which is a barrier's account and soon over.
 * Piscina's own rule passes such a worker by, so that one worker wrote two files beside an idle one.
 */
function leastBusy(mostTasks: number): NonNullable<ConstructorParameters<typeof Piscina>[0]>['loadBalancer'] {
  return (task, workers) => {
    let found = null;
    let fewest = Number.POSITIVE_INFINITY;
    for (const worker of workers) {
      const { isRunningAbortableTask } = worker;
      const tasks = isRunningAbortableTask ? 1 : worker.currentUsage;
      // What is aborted takes its worker with it, and so gets one that has nothing else.
      if (tasks >= (task.isAbortable ? 1 : mostTasks)) continue;
      const rank = isRunningAbortableTask ? tasks - 0.5 : tasks;
      if (rank < fewest) [found, fewest] = [worker, rank];
    }
    return found;
  };
}

function workerFailed(what: string, error: unknown, memoryMiB: number | undefined): CorpusmillError {
  const reason = error instanceof Error ? error.message : String(error);
  const hint =
    memoryMiB === undefined
      ? 'if memory ran out, this step needs a machine with more of it, or fewer documents'
      : 'if memory ran out, raise run.workerMemoryMiB or lower run.chunkBytes';
  return new CorpusmillError('WORKER_FAILED', `${what}: ${reason}`, { hint, cause: error });
}
