/**
 * Streams rows of one or several shard sets in a seeded order, for training.
 *
 * Which rows come in which order is the mixture's (loader/mixture.ts); a step takes the next `worldSize · batchSize` of
 * them and gives each rank a stretch. So a step's rows, all ranks together, are the same for every world size with the
 * same product, and resuming at a cursor is exact, also with another worldSize or batchSize: no row is skipped or seen
 * twice.
 *
 * Nothing is loaded whole: rows are read by byte range, and while the caller computes the next `prefetch` batches are
 * read by threads of libuv's pool straight into the memory that is handed over.
 */

import { CorpusmillError } from '../core/errors.ts';
import { createMixture, type Mixture, type MixtureOptions, type MixtureSource } from './loader/mixture.ts';
import { createRowReader, hasLabels, type RowData, type RowPlace, type RowReader } from './loader/read-batch.ts';
import { tokenBytes } from './shard-rows.ts';
import type { ShardSet } from './shard-set.ts';

export type { MixtureSource } from './loader/mixture.ts';
export { cuSeqlens, positionIds } from './loader/positions.ts';
export { openShards, type ShardSet } from './shard-set.ts';

export interface ShardLoaderOptions extends MixtureOptions {
  /** Rows per rank and step. */
  batchSize: number;
  worldSize?: number;
  rank?: number;
  /**
   * Rows at the end that do not fill a step on every rank: `share` (default) them out evenly, in a smaller batch, of
   * which a rank may get none; `drop` them; or `pad` the step with rows of padding (`validTokens` 0, `rows` −1).
   */
  tail?: 'share' | 'drop' | 'pad';
  /** Batches read ahead; default 2. */
  prefetch?: number;
  /** Bound on the memory of batches read ahead, in bytes; default 256 MiB. The batch handed over is not counted. */
  prefetchBytes?: number;
  /** Ends the loader: the next batch is an error INTERRUPTED. */
  signal?: AbortSignal;
}

export interface TokenBatch extends RowData {
  /** Rows in the batch: `batchSize`, or fewer (never none) in the last one. */
  size: number;
  contextLength: number;
  /** [size]: the source of each row. */
  sources: number[];
  /** [size]: row numbers within their shard set. */
  rows: number[];
  /** What to resume with after this batch. */
  cursor: string;
}

/**
 * The batches of one rank, from the start or a cursor to the mixture's end. Leaving the loop early ends the reads; the
 * sets stay open. Throws CorpusmillError: USAGE for options that make no sense or a cursor that is not of this mixture,
 * INPUT_CORRUPT or INPUT_UNREADABLE naming the shard.
 */
export async function* shardLoader(
  sources: ShardSet | readonly MixtureSource[],
  options: ShardLoaderOptions,
): AsyncGenerator<TokenBatch, void, void> {
  const settings = { worldSize: 1, rank: 0, prefetch: 2, prefetchBytes: 2 ** 28, blockShards: 8, ...options };
  check(settings);
  const mixture = createMixture('manifest' in sources ? [{ shards: sources }] : sources, options);
  const { contextLength, dtype } = mixture.sets[0].manifest;
  const placeBytes = tokenBytes(dtype) + (hasLabels(mixture.sets[0].manifest) ? 4 : 0);
  const batchBytes = settings.batchSize * contextLength * placeBytes;
  const ahead = Math.min(settings.prefetch, Math.floor(settings.prefetchBytes / batchBytes));
  const read = createRowReader(mixture.sets, mixture.sets[0].manifest);
  const reading: Promise<TokenBatch>[] = [];
  const steps = stepsOf(mixture, settings);
  let isOver = false;
  try {
    for (;;) {
      while (!isOver && reading.length <= ahead) {
        const step = steps.next();
        isOver = step.done === true;
        if (step.done !== true && step.value.rows.length > 0) reading.push(readStep(read, mixture, step.value));
        // Reported when its turn comes; a caller that stops early must not leave an unhandled rejection.
        reading.at(-1)?.catch(() => undefined);
      }
      const next = reading.shift();
      if (next === undefined) return;
      const batch = await next;
      if (options.signal?.aborted === true) {
        throw new CorpusmillError('INTERRUPTED', 'shard loader: stopped by its signal', {
          cause: options.signal.reason,
        });
      }
      yield batch;
    }
  } finally {
    // The caller may close the sets next: no read may be left behind on their files.
    await Promise.allSettled(reading);
  }
}

/** A rank's part of a step. */
interface Step {
  sources: number[];
  /** Row numbers within the sources' sets; -1: padding. */
  rows: number[];
  cursor: string;
}

function* stepsOf(
  mixture: Mixture,
  {
    batchSize,
    worldSize,
    rank,
    tail = 'share',
  }: Required<Pick<ShardLoaderOptions, 'batchSize' | 'worldSize' | 'rank'>> & {
    tail?: ShardLoaderOptions['tail'];
  },
): Generator<Step, void, void> {
  const stepRows = batchSize * worldSize;
  const sources = new Int32Array(stepRows);
  const positions = new Float64Array(stepRows);
  for (;;) {
    let drawn = 0;
    for (; drawn < stepRows; drawn++) {
      const source = mixture.draw();
      if (source === -1) break;
      sources[drawn] = source;
      positions[drawn] = mixture.positionOf(source);
    }
    const isWhole = drawn === stepRows;
    if (drawn === 0 || (!isWhole && tail === 'drop')) return;
    const isShared = !isWhole && tail === 'share';
    const border = (r: number) => (isShared ? Math.floor((drawn * r) / worldSize) : r * batchSize);
    const step: Step = { sources: [], rows: [], cursor: mixture.cursor() };
    for (let i = border(rank); i < border(rank + 1); i++) {
      const isRow = i < drawn;
      step.sources.push(isRow ? sources[i] : 0);
      step.rows.push(isRow ? mixture.rowAt(sources[i], positions[i]) : -1);
    }
    yield step;
    if (!isWhole) return;
  }
}

async function readStep(read: RowReader, { sets }: Mixture, { sources, rows, cursor }: Step): Promise<TokenBatch> {
  const places: RowPlace[] = [];
  for (let i = 0; i < rows.length && rows[i] !== -1; i++) places.push({ set: sets[sources[i]], row: rows[i] });
  const { contextLength } = sets[0].manifest;
  return { size: rows.length, contextLength, ...(await read(places, rows.length)), sources, rows, cursor };
}

function check(
  settings: Record<'seed' | 'batchSize' | 'worldSize' | 'rank' | 'prefetch' | 'prefetchBytes' | 'blockShards', number>,
): void {
  const whole = (name: keyof typeof settings, min: number, max: number) => {
    const value = settings[name];
    if (Number.isInteger(value) && value >= min && value <= max) return;
    throw new CorpusmillError('USAGE', `shard loader: ${name} is ${value}, expected a whole number ${min} … ${max}`);
  };
  whole('seed', Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  whole('batchSize', 1, 2 ** 24);
  whole('worldSize', 1, Math.floor(2 ** 24 / settings.batchSize));
  whole('rank', 0, settings.worldSize - 1);
  whole('prefetch', 0, 1024);
  whole('prefetchBytes', 0, Number.MAX_SAFE_INTEGER);
  whole('blockShards', 1, 2 ** 24);
}
