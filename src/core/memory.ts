/**
 * Garbage collection at the right moment. Workers run without V8's incremental marking (why: src/pipeline/pool.ts), and
 * without it V8 leaves dead objects and buffers lying until a limit of several hundred MB is near: the peak of a run
 * then grows with its length (450 MiB over 500 MB of input, 645 MiB over 2 GB; with this, 369 and 383). A full collection of what a task leaves takes
 * 10–40 ms, so one runs whenever enough may have gathered.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Growth of this thread's heap and buffers, in bytes, that is worth a collection. */
const WORTH_COLLECTING = 24 * 1024 * 1024;

let collect: (() => void) | undefined;
let afterLast = 0;

/** Collects this thread's garbage if much may have gathered since the last time; a few microseconds otherwise. */
export function collectGarbage(): void {
  const now = used();
  if (now < afterLast) afterLast = now;
  if (now - afterLast < WORTH_COLLECTING) return;
  collector()();
  afterLast = used();
}

/**
 * Ends incremental marking for the whole process; for the thread that starts workers, before there are any. A thread must not
 * be marking when the flag changes: its next scavenge no longer pauses the marking threads, moves objects under them, and V8
 * 11 (Node 20) aborts, "unreachable code" or a segmentation fault, in one of some thirty runs. A full collection finishes
 * what was begun; nothing begins again before the flag is set.
 */
export function stopIncrementalMarking(): void {
  if (isStopped) return;
  isStopped = true;
  collector()();
  setFlagsFromString('--no-incremental-marking');
}

let isStopped = false;

function collector(): () => void {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  return collect;
}

function used(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
