/** Bounded concurrency, and what an aborted run says. */
import { CorpusmillError } from '../core/errors.ts';

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
