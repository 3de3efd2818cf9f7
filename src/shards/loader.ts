/**
 * Streams the rows of a shard folder in a seeded order, for training.
 *
 * The order is a function of (seed, epoch) alone: position → row by a keyed permutation computed without a table
 * (core/random.ts), so the whole state is one integer, the cursor: how many rows of the epoch all ranks together have
 * taken. A step gives ranks 0 … worldSize − 1 consecutive stretches of `batchSize` positions. Resuming at a cursor is
 * exact, also with another worldSize or batchSize: no row is skipped or seen twice.
 *
 * Nothing is loaded whole: rows are read by byte range (8 kB reads run at 2.9 GB/s from the page cache) and `prefetch`
 * batches are read ahead while the caller computes.
 */

import { CorpusmillError } from '../core/errors.ts';
import { keyedPermutation, mix32 } from '../core/random.ts';
import type { RowPieces, ShardFile } from './shard-file.ts';
import { type TokenArray, tokenArray } from './shard-rows.ts';
import type { ShardSet } from './shard-set.ts';

export { openShards, type ShardSet } from './shard-set.ts';

export interface ShardLoaderOptions {
  seed: number;
  /** Each epoch has its own order; default 0. */
  epoch?: number;
  /** Rows per rank and step. */
  batchSize: number;
  worldSize?: number;
  rank?: number;
  /** Rows of this epoch that are already done, over all ranks: `cursor` of the last batch. */
  cursor?: number;
  /**
   * `global` (default): any row may follow any other; reads single rows. `blocks`: shards in shuffled order, rows
   * shuffled within groups of `blockShards` shards, for disks that seek slowly. `sequential`: as stored.
   */
  order?: 'global' | 'blocks' | 'sequential';
  blockShards?: number;
  /** Leave out the rows at the epoch's end that do not fill a step on every rank; default: share them out evenly. */
  dropLast?: boolean;
  /** Batches read ahead; default 2. */
  prefetch?: number;
}

export interface TokenBatch {
  /** Rows in the batch: `batchSize`, or fewer (never none) at the epoch's end. */
  size: number;
  contextLength: number;
  /** [size · contextLength] */
  inputIds: TokenArray;
  /** Per row: tokens of each piece; padding, where the row has any, is the last entry. They add up to contextLength. */
  seqLengths: Int32Array[];
  /** [size]: tokens of documents in each row; the places from there on are padding. */
  validTokens: Int32Array;
  /** [size]: row numbers within the shard set. */
  rows: number[];
  /** What to resume with after this batch. */
  cursor: number;
}

/** The batches of one rank for the rest of an epoch. Throws CorpusmillError('USAGE') for options that make no sense. */
export async function* shardLoader(set: ShardSet, options: ShardLoaderOptions): AsyncGenerator<TokenBatch, void, void> {
  const settings = {
    worldSize: 1,
    rank: 0,
    cursor: 0,
    epoch: 0,
    dropLast: false,
    prefetch: 2,
    blockShards: 8,
    ...options,
  };
  check(settings, set.rows);
  const rowAt = rowOrder(set, options);
  const pieces = new PieceCache();
  const reading: Promise<TokenBatch>[] = [];
  let { cursor } = settings;
  for (;;) {
    while (reading.length <= settings.prefetch && cursor < set.rows) {
      const step = stepAt(cursor, set.rows, settings);
      cursor = step.next;
      if (step.from === step.to) continue;
      const rows = Array.from({ length: step.to - step.from }, (_, i) => rowAt(step.from + i));
      const batch = readBatch(set, rows, step.next, pieces);
      // Reported when its turn comes; a caller that stops early must not leave an unhandled rejection.
      batch.catch(() => undefined);
      reading.push(batch);
    }
    const next = reading.shift();
    if (next === undefined) return;
    yield await next;
  }
}

/** Cumulative lengths over a batch laid end to end, as attention over variable lengths takes them: [sequences + 1]. */
export function cuSeqlens(batch: Pick<TokenBatch, 'seqLengths'>): Int32Array {
  const sequences = batch.seqLengths.reduce((sum, lengths) => sum + lengths.length, 0);
  const cumulative = new Int32Array(sequences + 1);
  let i = 0;
  for (const lengths of batch.seqLengths) for (const length of lengths) cumulative[i + 1] = cumulative[i++] + length;
  return cumulative;
}

/** Positions that restart with every piece (and with the padding): [size · contextLength]. */
export function positionIds(batch: Pick<TokenBatch, 'seqLengths' | 'size' | 'contextLength'>): Int32Array {
  const positions = new Int32Array(batch.size * batch.contextLength);
  let at = 0;
  for (const lengths of batch.seqLengths) {
    for (const length of lengths) for (let i = 0; i < length; i++) positions[at++] = i;
  }
  return positions;
}

/** Positions [from, to) of the epoch that this rank takes in the step at `cursor`, and where the next step begins. */
function stepAt(
  cursor: number,
  rows: number,
  { batchSize, worldSize, rank, dropLast }: { batchSize: number; worldSize: number; rank: number; dropLast: boolean },
): { from: number; to: number; next: number } {
  const left = rows - cursor;
  if (left >= batchSize * worldSize) {
    const from = cursor + rank * batchSize;
    return { from, to: from + batchSize, next: cursor + batchSize * worldSize };
  }
  if (dropLast) return { from: rows, to: rows, next: rows };
  const share = (r: number) => cursor + Math.floor((left * r) / worldSize);
  return { from: share(rank), to: share(rank + 1), next: rows };
}

/** Position in the epoch → row of the set. */
function rowOrder(set: ShardSet, options: ShardLoaderOptions): (position: number) => number {
  const { order = 'global', blockShards = 8, epoch = 0 } = options;
  const seed = mix32(mix32(options.seed) + epoch);
  if (order === 'sequential') return (position) => position;
  if (order === 'global') return keyedPermutation(set.rows, seed);

  const shards = set.manifest.shards;
  const shardAt = keyedPermutation(shards.length, seed);
  /** Per block: first position, and its shards with the first position of each within the block. */
  const blocks: { first: number; shards: number[]; firsts: number[]; permute: (position: number) => number }[] = [];
  let first = 0;
  for (let i = 0; i < shards.length; i += blockShards) {
    const members = Array.from({ length: Math.min(blockShards, shards.length - i) }, (_, k) => shardAt(i + k));
    let size = 0;
    const firsts = members.map((shard) => {
      size += shards[shard].rows;
      return size - shards[shard].rows;
    });
    blocks.push({ first, shards: members, firsts, permute: keyedPermutation(size, mix32(seed + 1 + i)) });
    first += size;
  }
  return (position) => {
    const block = blocks[lastAtMost(blocks.length, (b) => blocks[b].first, position)];
    const inBlock = block.permute(position - block.first);
    const member = lastAtMost(block.firsts.length, (m) => block.firsts[m], inBlock);
    return set.firstRow(block.shards[member]) + inBlock - block.firsts[member];
  };
}

/** The last index whose value is at most `value`; values ascend, the first is 0. */
function lastAtMost(count: number, valueAt: (index: number) => number, value: number): number {
  let low = 0;
  let high = count - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (valueAt(middle) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

async function readBatch(set: ShardSet, rows: number[], cursor: number, cache: PieceCache): Promise<TokenBatch> {
  const { contextLength, dtype } = set.manifest;
  const inputIds = tokenArray(dtype, rows.length * contextLength);
  const seqLengths: Int32Array[] = new Array(rows.length);
  const validTokens = new Int32Array(rows.length);
  const reads: Promise<void>[] = [];
  for (let i = 0; i < rows.length; ) {
    const shard = set.shardOf(rows[i]);
    const row = rows[i] - set.firstRow(shard);
    let count = 1;
    const inShard = set.manifest.shards[shard].rows - row;
    while (i + count < rows.length && rows[i + count] === rows[i] + count && count < inShard) count++;
    reads.push(readRows(i, shard, row, count));
    i += count;
  }
  await Promise.all(reads);
  return { size: rows.length, contextLength, inputIds, seqLengths, validTokens, rows, cursor };

  async function readRows(at: number, shard: number, row: number, count: number): Promise<void> {
    const file = await set.file(shard);
    const tokens = file.readTokens(row, count, inputIds, at * contextLength);
    tokens.catch(() => undefined);
    for (let k = 0; k < count; k++) {
      const batch = await cache.get(shard, file, file.batchOf(row + k));
      const inBatch = row + k - batch.firstRow;
      const lengths = batch.seqLengths.slice(batch.seqOffsets[inBatch], batch.seqOffsets[inBatch + 1]);
      const documents = batch.documentOffsets[inBatch + 1] - batch.documentOffsets[inBatch];
      const padding = documents < lengths.length ? lengths[lengths.length - 1] : 0;
      seqLengths[at + k] = lengths;
      validTokens[at + k] = contextLength - padding;
    }
    await tokens;
  }
}

/** Piece lengths of the batches used last: about 12 kB each at 2,048 tokens. */
class PieceCache {
  private readonly capacity = 2048;
  private readonly held = new Map<string, Promise<RowPieces>>();

  get(shard: number, file: ShardFile, batch: number): Promise<RowPieces> {
    const key = `${shard}:${batch}`;
    const found = this.held.get(key);
    if (found !== undefined) {
      this.held.delete(key);
      this.held.set(key, found);
      return found;
    }
    const reading = file.readPieces(batch);
    this.held.set(key, reading);
    if (this.held.size > this.capacity) this.held.delete(this.held.keys().next().value as string);
    return reading;
  }
}

function check(
  settings: Record<'batchSize' | 'worldSize' | 'rank' | 'cursor' | 'prefetch' | 'blockShards', number>,
  rows: number,
): void {
  const whole = (name: keyof typeof settings, min: number, max: number) => {
    const value = settings[name];
    if (Number.isInteger(value) && value >= min && value <= max) return;
    throw new CorpusmillError('USAGE', `shard loader: ${name} is ${value}, expected a whole number ${min} … ${max}`);
  };
  whole('batchSize', 1, 2 ** 24);
  whole('worldSize', 1, 2 ** 24);
  whole('rank', 0, settings.worldSize - 1);
  whole('cursor', 0, rows);
  whole('prefetch', 0, 1024);
  whole('blockShards', 1, 2 ** 24);
}
