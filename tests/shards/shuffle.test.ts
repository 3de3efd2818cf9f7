import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { readManifest, type ShardManifest } from '../../src/shards/manifest.ts';
import { readPieces } from '../../src/shards/pieces-table.ts';
import { verifyShards } from '../../src/shards/verify.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { runShards, someParts, writeByteTokenizer } from './context.ts';

// A machine of no memory to speak of: tokens travel along with their pieces wherever a corpus is larger than the option.
const memory = vi.hoisted(() => ({ bytes: 0 }));
vi.mock('node:os', async (original) => ({
  ...(await original<typeof import('node:os')>()),
  totalmem: () => memory.bytes,
}));

const PARTS = 12;
const parts = someParts(31, Array<number>(PARTS).fill(260), 300);
let tokenizer: string;
beforeAll(async () => {
  tokenizer = await writeByteTokenizer(temporaryFolder());
});

async function shards(
  options: object,
  { seed = 1, onDisk = false } = {},
): Promise<{ dir: string; manifest: ShardManifest }> {
  const { outputDir } = await runShards({
    dir: temporaryFolder(),
    parts,
    tokenizer,
    seed,
    onDisk,
    options: { contextLength: 512, windowDocuments: 1000, targetShardBytes: 1 << 18, ...options },
  });
  return readManifest(outputDir);
}

/** For each row of the set the parts of its documents. */
async function partsOfRows({ dir, manifest }: { dir: string; manifest: ShardManifest }): Promise<number[][]> {
  const rows = Array.from({ length: manifest.rows }, (): number[] => []);
  for (const { pieces } of manifest.shards) {
    const { row, documentId } = await readPieces(join(dir, pieces!.file));
    row.forEach((r, i) => {
      rows[r].push(Math.floor(Number(documentId[i].split('-')[1]) / 260));
    });
  }
  return rows;
}

describe('shards of a shuffled corpus', () => {
  it.each([1 << 20, 300_000, 1 << 18, 200_000, 1 << 17])(
    'of %d bytes are one or an even number of equal ones',
    async (target) => {
      memory.bytes = 2 ** 40;
      const { manifest } = await shards({ targetShardBytes: target, provenance: false });
      const { length } = manifest.shards;
      expect(length === 1 || length % 2 === 0).toBe(true);
      const rows = manifest.shards.map((shard) => shard.rows);
      expect(Math.max(...rows) - Math.min(...rows)).toBeLessThanOrEqual(1);
      // Two fewer would be too large.
      const bytes = manifest.shards.reduce((sum, shard) => sum + shard.bytes, 0);
      expect(bytes / length).toBeLessThan(1.1 * target);
      if (length > 2) expect(bytes / (length - 2)).toBeGreaterThan(0.9 * target);
    },
  );

  it('are the same however little memory there is', async () => {
    memory.bytes = 2 ** 40;
    const inMemory = await shards({ shuffleMemoryMiB: 256 });
    memory.bytes = 0;
    const outOfCore = await shards({ shuffleMemoryMiB: 1 });
    expect(outOfCore.manifest).toEqual(inMemory.manifest);
    expect(inMemory.manifest.packing).toEqual({ strategy: 'best-fit', windows: 3, shuffled: true });
    expect(await verifyShards(outOfCore.dir)).toMatchObject({ ok: true });
    const { file } = outOfCore.manifest.shards[0];
    const expected = await readFile(join(inMemory.dir, file));
    expect(await readFile(join(outOfCore.dir, file))).toEqual(expected);
    // Encoded parts in files and not in memory.
    for (const bytes of [0, 2 ** 40]) {
      memory.bytes = bytes;
      const fromDisk = await shards({ shuffleMemoryMiB: 1 }, { onDisk: true });
      expect(fromDisk.manifest).toEqual(inMemory.manifest);
      expect(await readFile(join(fromDisk.dir, file))).toEqual(expected);
    }
  });

  it('draw their rows from the whole corpus', async () => {
    const rows = await partsOfRows(await shards({}));
    const quarter = Math.floor(rows.length / 4);
    for (let q = 0; q < 4; q++) {
      const seen = rows.slice(q * quarter, (q + 1) * quarter).flat();
      const counts = Array.from({ length: PARTS }, (_, part) => seen.filter((other) => other === part).length);
      const mean = seen.length / PARTS;
      // Each part's count is binomial: five standard deviations.
      for (const count of counts) expect(Math.abs(count - mean)).toBeLessThan(5 * Math.sqrt(mean));
    }
    // Rows do not lie by how they were filled: those of several documents are everywhere.
    const several = rows.map((row) => Number(row.length > 3));
    const share = (numbers: number[]) => numbers.reduce((sum, n) => sum + n, 0) / numbers.length;
    expect(Math.abs(share(several.slice(0, quarter)) - share(several))).toBeLessThan(0.12);
  });

  it('pack documents together that lie far apart', async () => {
    const pairs = (await partsOfRows(await shards({}))).filter((row) => row.length > 1);
    const apart = pairs.filter(([one, other]) => Math.abs(one - other) > PARTS / 2).length;
    // Two of twelve parts drawn at random are more than six apart in 30 of 144 cases.
    const expected = (pairs.length * 30) / 144;
    expect(Math.abs(apart - expected)).toBeLessThan(5 * Math.sqrt(expected));
  });

  it('lie otherwise for another seed', async () => {
    const first = await shards({});
    const second = await shards({}, { seed: 2 });
    expect(second.manifest.shards.map(({ sha256 }) => sha256)).not.toEqual(
      first.manifest.shards.map(({ sha256 }) => sha256),
    );
  });
});

describe('shards of a corpus that is not shuffled', () => {
  it('keep the order of documents, with any memory', async () => {
    const whole = await shards({ shuffle: false, packing: 'greedy' });
    const order = (await partsOfRows(whole)).flat();
    expect(order).toEqual([...order].sort((a, b) => a - b));
    const little = await shards({ shuffle: false, packing: 'greedy', shuffleMemoryMiB: 1 });
    expect(little.manifest).toEqual(whole.manifest);
  });
});
