import { describe, expect, it } from 'vitest';
import { type TokenDataOptions, tokenData } from '../../../src/training/data/token-data.ts';
import type { MicroBatch } from '../../../src/training/data/training-data.ts';

const ids = Uint16Array.from({ length: 100 }, (_, i) => i);
const options: TokenDataOptions = { rows: 2, time: 5, order: 'random', seed: 9, name: 'a test' };

async function take(source: AsyncGenerator<MicroBatch, void, void>, count: number): Promise<MicroBatch[]> {
  const taken: MicroBatch[] = [];
  for await (const batch of source) {
    taken.push(batch);
    if (taken.length === count) break;
  }
  return taken;
}

const idsOf = (batch: MicroBatch): number[] => [...batch.inputs(1)['ids']];

describe('one array of tokens', () => {
  it('goes on from a cursor with the very rows that follow', async () => {
    const all = await take(tokenData(ids, options).batches(), 6);
    const rest = await take(tokenData(ids, options).batches(all[2].cursor), 3);
    expect(rest.map(idsOf)).toEqual(all.slice(3).map(idsOf));
    expect(rest.map(({ cursor }) => cursor)).toEqual(all.slice(3).map(({ cursor }) => cursor));
  });

  it('draws every beginning, the last one included', async () => {
    const starts = new Set<number>();
    for (const batch of await take(tokenData(ids, options).batches(), 2000)) {
      const row = idsOf(batch);
      starts.add(row[0]).add(row[5]);
      expect(row[1]).toBe(row[0] + 1);
    }
    expect([Math.min(...starts), Math.max(...starts), starts.size]).toEqual([0, 94, 95]);
  });

  it('read in order gives each token but the first as a label, once an epoch', async () => {
    const batches = await take(tokenData(ids, { ...options, order: 'sequential' }).batches(), 1000);
    const labels = batches.flatMap((batch) => [...batch.inputs(1)['labels']].filter((label) => label >= 0));
    expect(labels).toEqual(Array.from({ length: 99 }, (_, i) => i + 1));
    expect(batches.reduce((sum, { weight }) => sum + weight, 0)).toBe(99);
  });

  it('refuses a cursor of other tokens or another seed', async () => {
    const [{ cursor }] = await take(tokenData(ids, options).batches(), 1);
    await expect(take(tokenData(ids, { ...options, seed: 10 }).batches(cursor), 1)).rejects.toThrow(/another seed/);
    await expect(take(tokenData(ids.slice(1), options).batches(cursor), 1)).rejects.toThrow(/other tokens/);
    await expect(take(tokenData(ids, options).batches('rubbish'), 1)).rejects.toThrow(/no cursor/);
  });

  it('says when there is less than a row', () => {
    expect(() => tokenData(ids.subarray(0, 5), options)).toThrow('a test has 5 tokens, rows of 5 need 6');
  });
});
