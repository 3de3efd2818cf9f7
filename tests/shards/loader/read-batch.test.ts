import { cp, open } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createRowReader } from '../../../src/shards/loader/read-batch.ts';
import { openShards } from '../../../src/shards/loader.ts';
import type { BatchPlace } from '../../../src/shards/shard-file.ts';
import { temporaryFolder } from '../../temporary-folder.ts';
import { runShards, someParts, writeByteTokenizer } from '../context.ts';

const LENGTH = 64;
let good: string;
let dir: string;

beforeAll(async () => {
  const root = temporaryFolder();
  const tokenizer = await writeByteTokenizer(root);
  const options = { contextLength: LENGTH, packing: 'greedy' } as const;
  good = (await runShards({ dir: root, parts: someParts(2, [80]), tokenizer, options })).outputDir;
});
beforeEach(async () => {
  dir = join(temporaryFolder(), 'shards');
  await cp(good, dir, { recursive: true });
});

/** Puts an int32 into the first shard, then reads its first rows. */
async function readDamaged(at: (place: Readonly<BatchPlace>) => number, value: number, mostHeldBytes: number) {
  const set = await openShards(dir);
  try {
    const file = await set.file(0);
    const writer = await open(file.path, 'r+');
    await writer.write(Int32Array.of(value), 0, 4, at(file.place(0)));
    await writer.close();
    const rows = [0, 1, 2, 3, 4].map((row) => ({ set, row }));
    return await createRowReader([set], set.manifest, mostHeldBytes)(rows, rows.length);
  } finally {
    await set.close();
  }
}

describe.each([
  ['held lengths', 2 ** 26],
  ['lengths read row by row', 0],
])('a shard with wrong numbers, %s', (_, mostHeldBytes) => {
  it.each<[string, (place: Readonly<BatchPlace>) => number, number, RegExp]>([
    ['a length', ({ seqLengths }) => seqLengths, 3, /row 0 has lengths that add up to \d+ instead of 64/],
    ['padding below 0', ({ padding }) => padding + 8, -5, /row 2 has -5 places of padding/],
    ['padding beyond the row', ({ padding }) => padding + 4, 65, /row 1 has 65 places of padding/],
    ['an offset', ({ seqOffsets }) => seqOffsets + 8, 2 ** 30, /row 1 has|row \d has lengths that add up to/],
    [
      'the last offset',
      ({ seqOffsets, rows }) => seqOffsets + 4 * rows,
      2 ** 30,
      /rows of \d+ tokens have 1073741824 lengths/,
    ],
  ])('says so of %s', async (what, at, value, message) => {
    // Row by row, the last row's offset is not read for others.
    if (what === 'the last offset' && mostHeldBytes === 0) {
      expect((await readDamaged(at, value, mostHeldBytes)).seqLengths).toHaveLength(5);
      return;
    }
    await expect(readDamaged(at, value, mostHeldBytes)).rejects.toMatchObject({
      code: 'INPUT_CORRUPT',
      message: expect.stringMatching(message),
    });
  });
});
