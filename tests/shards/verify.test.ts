import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import fc from 'fast-check';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sha256Hex } from '../../src/core/sha256.ts';
import { openShards, shardLoader } from '../../src/shards/loader.ts';
import type { ShardManifest } from '../../src/shards/manifest.ts';
import type { PieceColumns } from '../../src/shards/piece-records.ts';
import { readPieces, writePieces } from '../../src/shards/pieces-table.ts';
import { verifyShards } from '../../src/shards/verify.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { asRecords, runShards, someParts, writeByteTokenizer } from './context.ts';

let good: string;
let dir: string;
let shard: string;

beforeAll(async () => {
  const root = temporaryFolder();
  const tokenizer = await writeByteTokenizer(root);
  const options = { contextLength: 64, targetShardBytes: 12_288 };
  good = (await runShards({ dir: root, parts: someParts(2, [80]), tokenizer, options })).outputDir;
});
beforeEach(async () => {
  dir = join(temporaryFolder(), 'shards');
  await cp(good, dir, { recursive: true });
  shard = 'shard-00001-of-00004.arrow';
});

/** Changes a file of the folder. */
async function damage(name: string, change: (bytes: Buffer) => Buffer): Promise<void> {
  await writeFile(join(dir, name), change(await readFile(join(dir, name))));
}

/** Changes the manifest. */
async function edit(change: (manifest: ShardManifest) => void): Promise<void> {
  await damage('manifest.json', (bytes) => {
    const manifest = JSON.parse(bytes.toString()) as ShardManifest;
    change(manifest);
    return Buffer.from(JSON.stringify(manifest));
  });
}

/** Changes bytes of a shard and the checksum in the manifest with them: what only a look at the rows can find. */
async function change(
  name: string,
  apply: (
    bytes: Buffer,
    columns: {
      tokensAt: number;
      seqLengthsAt: number;
      seqLengths: Int32Array;
      paddingAt: number;
      padding: Int32Array;
    },
  ) => void,
): Promise<void> {
  await damage(name, (bytes) => {
    const table = tableFromIPC(bytes);
    const column = (field: string) => table.batches[0].getChild(field)!.data[0];
    const at = (values: ArrayBufferView) => values.byteOffset - bytes.byteOffset;
    const tokens = column('input_ids').children[0].values as Uint16Array;
    const seqLengths = column('seq_lengths').children[0].values as Int32Array;
    const padding = column('padding').values as Int32Array;
    apply(bytes, {
      tokensAt: at(tokens),
      seqLengthsAt: at(seqLengths),
      seqLengths,
      paddingAt: at(padding),
      padding,
    });
    return bytes;
  });
  const sha256 = sha256Hex(await readFile(join(dir, name)));
  await edit((manifest) => Object.assign(manifest.shards.find(({ file }) => file === name)!, { sha256 }));
}

const found = async () => checksOf((await verifyShards(dir)).problems);
const checksOf = (problems: { file: string; check: string }[]) => problems.map(({ file, check }) => `${file} ${check}`);

describe('verifyShards', () => {
  it('finds nothing wrong with shards as they were written', async () => {
    expect(await verifyShards(dir)).toMatchObject({ ok: true, shards: 4, problems: [] });
  });

  it('detects one changed bit, and says which checksum was expected and found', async () => {
    await damage(shard, (bytes) => {
      bytes[bytes.length >> 1] ^= 1;
      return bytes;
    });
    const { ok, problems } = await verifyShards(dir);
    expect(ok).toBe(false);
    expect(problems[0]).toMatchObject({ file: shard, check: 'sha256' });
    expect(problems[0].expected).toMatch(/^[0-9a-f]{64}$/);
    expect(problems[0].found).not.toBe(problems[0].expected);
  });

  it('detects a shard that was cut short', async () => {
    await damage(shard, (bytes) => bytes.subarray(0, 5000));
    const { problems } = await verifyShards(dir);
    expect(checksOf(problems)).toEqual([`${shard} bytes`, `${shard} sha256`, `${shard} format`]);
    expect(problems[2].found).toMatch(/at byte \d+: a batch reaches to byte \d+, the file ends at 5000/);
  });

  it('detects a shard that is missing, one too many, and another tokenizer', async () => {
    await rm(join(dir, shard));
    await writeFile(join(dir, 'shard-00000-of-00009.arrow'), 'x');
    await damage('tokenizer.json', (bytes) => Buffer.concat([bytes, Buffer.from('\n')]));
    const { problems } = await verifyShards(dir);
    expect(checksOf(problems)).toEqual([
      `${shard} file`,
      'tokenizer.json sha256',
      'shard-00000-of-00009.arrow listing',
    ]);
  });

  it('detects that rows and tokens are not those of the manifest', async () => {
    await damage('manifest.json', (bytes) => {
      const manifest = JSON.parse(bytes.toString());
      manifest.shards[0].rows += 1;
      manifest.shards[2].tokens -= 5;
      return Buffer.from(JSON.stringify(manifest));
    });
    const { problems } = await verifyShards(dir);
    expect(checksOf(problems)).toEqual([
      'shard-00000-of-00004.arrow rows',
      'shard-00002-of-00004.arrow tokens',
      'manifest.json totals',
      'manifest.json totals',
    ]);
  });

  it('detects a text file in a shard’s place', async () => {
    await writeFile(join(dir, shard), 'this is no Arrow stream');
    expect(checksOf((await verifyShards(dir)).problems)).toContain(`${shard} format`);
  });

  it('detects a row whose padding is not what its last length says', async () => {
    await change(shard, (bytes, columns) => bytes.writeInt32LE(columns.padding[0] + 1, columns.paddingAt));
    expect(await found()).toEqual([`${shard} row lengths`]);
  });

  it('detects a row whose lengths do not add up', async () => {
    await change(shard, (bytes, columns) => bytes.writeInt32LE(columns.seqLengths[0] + 1, columns.seqLengthsAt));
    expect(await found()).toEqual([`${shard} row lengths`]);
  });

  it('detects a token that the vocabulary lacks', async () => {
    await change(shard, (bytes, columns) => bytes.writeUInt16LE(300, columns.tokensAt));
    const { problems } = await verifyShards(dir);
    expect(problems).toEqual([
      { file: shard, check: 'token ids', expected: 'ids below 259 in row 0', found: '300 at place 0' },
    ]);
  });

  it('detects padding that is none', async () => {
    await change(shard, (bytes, columns) => {
      const row = columns.padding.findIndex((padding) => padding > 0);
      bytes.writeUInt16LE(1, columns.tokensAt + 2 * (64 * (row + 1) - 1));
    });
    expect(await found()).toEqual([`${shard} token ids`]);
  });

  it('detects a table of pieces that is missing, cut short or another shard’s', async () => {
    const [one, two, three] = [0, 1, 2].map((i) => `pieces-0000${i}-of-00004.parquet`);
    await rm(join(dir, one));
    await damage(two, (bytes) => bytes.subarray(0, 50));
    await cp(join(good, two), join(dir, three));
    const checks = await found();
    expect(checks).toContain(`${one} file`);
    for (const check of ['bytes', 'sha256']) expect(checks).toContain(`${two} ${check}`);
    expect(checks).toContain(`${three} sha256`);
  });

  it('detects another shard’s table', async () => {
    const [one, other] = [1, 2].map((i) => `pieces-0000${i}-of-00004.parquet`);
    await cp(join(good, other), join(dir, one));
    await edit((manifest) => {
      const { pieces } = manifest.shards[2];
      Object.assign(manifest.shards[1].pieces!, { bytes: pieces?.bytes, sha256: pieces?.sha256 });
    });
    expect(await found()).toEqual([`${one} pieces`]);
  });

  it('reports damage anywhere in a shard, and does not fail of it', async () => {
    const whole = await readFile(join(dir, shard));
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, bits) => {
        const damaged = Buffer.from(whole);
        damaged[at] ^= bits;
        await writeFile(join(dir, shard), damaged);
        expect(await found()).toContain(`${shard} sha256`);
      }),
      { numRuns: 60, examples: [...Array(40).keys()].map((i) => [i * 16 + 7, 255]) },
    );
  });

  it('detects a table that lacks the last pieces', async () => {
    const table = 'pieces-00001-of-00004.parquet';
    const pieces = await readPieces(join(dir, table));
    const shorter = Object.fromEntries(Object.entries(pieces).map(([name, column]) => [name, column.slice(0, -1)]));
    const written = await writePieces(join(dir, table), asRecords(shorter as unknown as PieceColumns));
    await edit((manifest) => Object.assign(manifest.shards[1].pieces!, written));
    expect(await found()).toEqual([`${table} pieces`]);
  });

  it('detects sources and padding that do not add up', async () => {
    await edit((manifest) => {
      manifest.sources[0].documents++;
      manifest.padding.tokens++;
    });
    expect(await found()).toEqual(['manifest.json totals', 'manifest.json totals']);
  });

  it('detects a document on both sides of a split', async () => {
    const split = join(temporaryFolder(), 'split');
    for (const side of ['train', 'validation']) await cp(good, join(split, side), { recursive: true });
    const { ok, shards, problems } = await verifyShards(split);
    expect([ok, shards]).toEqual([false, 8]);
    expect(problems).toEqual([
      {
        file: 'train/manifest.json',
        check: 'split',
        expected: 'documents of one side alone',
        found: expect.stringMatching(/^docs\/文-\d+ in both$/),
      },
    ]);
  });

  it('rejects a manifest that points outside its folder', async () => {
    await damage('manifest.json', (bytes) => Buffer.from(bytes.toString().replace(shard, `../${shard}`)));
    await expect(verifyShards(dir)).rejects.toMatchObject({ code: 'INPUT_CORRUPT' });
  });
});

describe('shardLoader on damaged shards', () => {
  const read = async () => {
    const set = await openShards(dir);
    try {
      for await (const _ of shardLoader(set, { seed: 1, batchSize: 4 }));
    } finally {
      await set.close();
    }
  };

  it('names the file that was cut short', async () => {
    await damage(shard, (bytes) => bytes.subarray(0, 5000));
    await expect(read()).rejects.toMatchObject({ code: 'INPUT_CORRUPT', message: expect.stringContaining(shard) });
  });

  it('names the file that is missing', async () => {
    await rm(join(dir, shard));
    await expect(read()).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND', message: expect.stringContaining(shard) });
  });

  it('names the shard that has other rows than the manifest says', async () => {
    await damage('shard-00000-of-00004.arrow', () => Buffer.alloc(0));
    await cp(join(dir, shard), join(dir, 'shard-00000-of-00004.arrow'));
    await damage('manifest.json', (bytes) => {
      const manifest = JSON.parse(bytes.toString());
      manifest.shards[0].rows += 7;
      return Buffer.from(JSON.stringify(manifest));
    });
    await expect(read()).rejects.toThrow(/the manifest says \d+ rows of 64 uint16, the file has \d+ rows/);
  });
});
