import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tableFromIPC, type Vector } from 'apache-arrow';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRowReader } from '../../src/shards/loader/read-batch.ts';
import {
  cuSeqlens,
  openShards,
  positionIds,
  type ShardLoaderOptions,
  type ShardSet,
  shardLoader,
  type TokenBatch,
} from '../../src/shards/loader.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { EOS, runShards, someParts, writeByteTokenizer } from './context.ts';

const LENGTH = 64;
let set: ShardSet;
/** Tokens of every row in shard order, read by apache-arrow. */
let stored: number[][];

beforeAll(async () => {
  const dir = temporaryFolder();
  const { outputDir } = await runShards({
    dir,
    parts: someParts(11, [60, 80, 70], 90),
    tokenizer: await writeByteTokenizer(dir),
    options: { contextLength: LENGTH, packing: 'greedy', targetShardBytes: 1 << 13 },
  });
  set = await openShards(outputDir);
  stored = [];
  for (const name of (await readdir(outputDir)).filter((file) => file.endsWith('.arrow')).sort()) {
    const column = tableFromIPC(await readFile(join(outputDir, name))).getChild('input_ids') as Vector;
    for (let r = 0; r < column.length; r++) stored.push(Array.from(column.get(r).toArray() as Uint16Array));
  }
});
afterAll(() => set.close());

async function all(options: ShardLoaderOptions): Promise<TokenBatch[]> {
  const batches: TokenBatch[] = [];
  for await (const batch of shardLoader(set, options)) batches.push(batch);
  return batches;
}

const rowsOf = (batches: TokenBatch[]) => batches.flatMap(({ rows }) => rows);
const ascending = (numbers: number[]) => [...numbers].sort((a, b) => a - b);
const everyRow = () => Array.from({ length: set.rows }, (_, row) => row);

describe('openShards', () => {
  it('opens a folder or its manifest and knows its rows', async () => {
    expect(set.rows).toBe(stored.length);
    expect(set.manifest.shards.length).toBeGreaterThan(3);
    const same = await openShards(join(set.dir, 'manifest.json'));
    expect(same.rows).toBe(set.rows);
    await same.close();
  });

  it('says what it found instead of shards', async () => {
    await expect(openShards(join(set.dir, 'nothing'))).rejects.toMatchObject({
      code: 'INPUT_NOT_FOUND',
      message: expect.stringContaining('cannot be read (ENOENT)'),
    });
    await expect(openShards(join(set.dir, 'tokenizer.json'))).rejects.toMatchObject({
      code: 'INPUT_CORRUPT',
      message: expect.stringMatching(/tokenizer\.json is not a shard manifest; at /),
    });
  });
});

describe.each(['global', 'blocks', 'sequential'] as const)('shardLoader, order %s', (order) => {
  it('gives every row exactly once per epoch over all ranks, with the tokens that are stored', async () => {
    for (const [worldSize, batchSize] of [
      [1, 7],
      [3, 4],
      [4, 1],
      [2, 1000],
    ]) {
      const rows: number[] = [];
      for (let rank = 0; rank < worldSize; rank++) {
        for (const batch of await all({ seed: 3, order, batchSize, worldSize, rank, blockShards: 2 })) {
          expect(batch.size).toBe(batch.rows.length);
          batch.rows.forEach((row, i) => {
            expect(Array.from(batch.inputIds.subarray(i * LENGTH, (i + 1) * LENGTH))).toEqual(stored[row]);
          });
          rows.push(...batch.rows);
        }
      }
      expect(ascending(rows)).toEqual(everyRow());
    }
  });

  it('goes on from any cursor exactly as if it had not stopped', async () => {
    const options = { seed: 5, order, batchSize: 6, worldSize: 2, rank: 1, blockShards: 3 };
    const whole = await all(options);
    for (const i of [0, 1, 7, whole.length - 2, whole.length - 1]) {
      const batch = whole[i];
      const rest = await all({ ...options, cursor: batch.cursor });
      expect(rest).toEqual(whole.slice(i + 1));
    }
  });

  it('misses and repeats nothing when the number of ranks changes at a cursor', async () => {
    const before = [0, 1, 2].map((rank) => ({ seed: 9, order, batchSize: 5, worldSize: 3, rank }));
    const seen: number[] = [];
    let cursor = '';
    for (const options of before) {
      const [first, second] = await all(options);
      seen.push(...first.rows, ...second.rows);
      cursor = second.cursor;
    }
    expect(cursor).toMatch(/:30$/);
    for (const rank of [0, 1])
      seen.push(...rowsOf(await all({ seed: 9, order, batchSize: 8, worldSize: 2, rank, cursor })));
    expect(ascending(seen)).toEqual(everyRow());
  });
});

describe('shardLoader', () => {
  it('orders rows by the seed alone, each epoch anew', async () => {
    const order = async (seed: number, batchSize: number, epochs = 1) => rowsOf(await all({ seed, batchSize, epochs }));
    const base = await order(1, 4);
    expect(await order(1, 9)).toEqual(base);
    expect(await order(2, 4)).not.toEqual(base);
    expect(base).not.toEqual(everyRow());
    const twice = await order(1, 4, 2);
    expect(twice.slice(0, set.rows)).toEqual(base);
    expect(twice.slice(set.rows)).not.toEqual(base);
    expect(ascending(twice.slice(set.rows))).toEqual(everyRow());
  });

  it('keeps a block’s rows together when asked to shuffle by blocks', async () => {
    const rows = rowsOf(await all({ seed: 4, batchSize: 10, order: 'blocks', blockShards: 1 }));
    const shards = rows.map((row) => set.shardOf(row));
    const changes = shards.filter((shard, i) => i > 0 && shard !== shards[i - 1]).length;
    expect(changes).toBe(set.manifest.shards.length - 1);
    expect(shards).not.toEqual([...shards].sort((a, b) => a - b));
  });

  it('drops the incomplete last step when asked', async () => {
    const batchSize = 16;
    const batches = await all({ seed: 1, batchSize, worldSize: 2, rank: 1, tail: 'drop' });
    expect(batches.every(({ size }) => size === batchSize)).toBe(true);
    expect(batches).toHaveLength(Math.floor(set.rows / (2 * batchSize)));
  });

  it('says which places are padding and where pieces begin', async () => {
    let padded = 0;
    for await (const batch of shardLoader(set, { seed: 1, batchSize: 8 })) {
      const positions = positionIds(batch);
      const cumulative = cuSeqlens(batch);
      expect(positions).toHaveLength(batch.size * LENGTH);
      expect(cumulative.at(-1)).toBe(batch.size * LENGTH);
      const starts = new Set(cumulative.subarray(0, -1));
      const expected = new Int32Array(positions.length);
      for (let at = 0; at < expected.length; at++) expected[at] = starts.has(at) ? 0 : expected[at - 1] + 1;
      expect(positions).toEqual(expected);
      batch.seqLengths.forEach((lengths, i) => {
        expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(LENGTH);
        const tail = stored[batch.rows[i]].slice(batch.validTokens[i]);
        expect(tail.every((id) => id === EOS)).toBe(true);
        padded += tail.length;
      });
    }
    expect(padded).toBe(set.manifest.padding.tokens);
    expect(padded).toBeGreaterThan(0);
  });

  it('fills the last step with padding when asked, so that every rank gets as many batches', async () => {
    const batchSize = 16;
    const steps = Math.ceil(set.rows / (4 * batchSize));
    const rows: number[] = [];
    for (let rank = 0; rank < 4; rank++) {
      const batches = await all({ seed: 1, batchSize, worldSize: 4, rank, tail: 'pad' });
      expect(batches.map(({ size }) => size)).toEqual(Array(steps).fill(batchSize));
      for (const { rows: own, validTokens, inputIds, seqLengths } of batches) {
        own.forEach((row, i) => {
          rows.push(row);
          if (row !== -1) return;
          expect(validTokens[i]).toBe(0);
          expect([...seqLengths[i]]).toEqual([LENGTH]);
          expect(new Set(inputIds.subarray(i * LENGTH, (i + 1) * LENGTH))).toEqual(new Set([EOS]));
        });
      }
    }
    expect(ascending(rows.filter((row) => row !== -1))).toEqual(everyRow());
    expect(rows).toHaveLength(steps * 4 * batchSize);
  });

  it('reads piece lengths of sets too large to hold them exactly as of small ones', async () => {
    const places = everyRow().map((row) => ({ set, row: (row * 7) % set.rows }));
    const held = await createRowReader([set], set.manifest)(places, places.length);
    expect(await createRowReader([set], set.manifest, 0)(places, places.length)).toEqual(held);
  });

  it('may be left early, and the set closed at once', async () => {
    const own = await openShards(set.dir);
    for await (const batch of shardLoader(own, { seed: 1, batchSize: 2, prefetch: 50 })) {
      expect(batch.size).toBe(2);
      break;
    }
    await own.close();
  });

  it('ends with its signal', async () => {
    const controller = new AbortController();
    const batches = shardLoader(set, { seed: 1, batchSize: 2, signal: controller.signal });
    expect((await batches.next()).value?.size).toBe(2);
    controller.abort();
    await expect(batches.next()).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(await batches.next()).toEqual({ done: true, value: undefined });
  });

  it('reads no more ahead than it may hold, and without reading ahead gives the same', async () => {
    const options = { seed: 1, batchSize: 3 };
    const expected = await all(options);
    expect(await all({ ...options, prefetch: 0 })).toEqual(expected);
    let opened = 0;
    const counting: ShardSet = {
      ...set,
      file(shard) {
        opened++;
        return set.file(shard);
      },
    };
    const held = 2 * 3 * LENGTH * 2; // two batches of three rows of uint16
    const batches = shardLoader(counting, { ...options, prefetch: 40, prefetchBytes: held });
    expect((await batches.next()).value).toEqual(expected[0]);
    expect(opened).toBeLessThanOrEqual(3 * 3);
    await batches.return();
  });

  it('resumes exactly for any seed, batch size and rank', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          seed: fc.nat(),
          batchSize: fc.integer({ min: 1, max: 40 }),
          worldSize: fc.integer({ min: 1, max: 5 }),
          at: fc.nat(20),
        }),
        async ({ at, ...options }) => {
          const whole = await all({ ...options, rank: options.worldSize - 1 });
          const stop = whole[at % Math.max(1, whole.length)];
          if (stop === undefined) return;
          const rest = await all({ ...options, rank: options.worldSize - 1, cursor: stop.cursor });
          expect(rowsOf(rest)).toEqual(rowsOf(whole.slice(whole.indexOf(stop) + 1)));
        },
      ),
      { numRuns: 25 },
    );
  });

  it('refuses settings that make no sense', async () => {
    const refused = (options: Partial<ShardLoaderOptions>) =>
      expect(all({ seed: 1, batchSize: 1, ...options })).rejects.toMatchObject({ code: 'USAGE' });
    await refused({ batchSize: 0 });
    await refused({ worldSize: 2, rank: 2 });
    await refused({ seed: 0.5 });
    await refused({ epochs: 0 });
    await refused({ cursor: '30' });
  });
});
