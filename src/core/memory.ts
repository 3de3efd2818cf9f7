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
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
  afterLast = used();
}

function used(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
