import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openShards, shardLoader } from '../../src/shards/loader.ts';
import { verifyShards } from '../../src/shards/verify.ts';
import { runShards, scratch, someParts, writeByteTokenizer } from './context.ts';

let good: string;
let dir: string;
let shard: string;

beforeAll(async () => {
  const root = await scratch();
  const tokenizer = await writeByteTokenizer(root);
  const options = { contextLength: 64, targetShardBytes: 1 << 13 };
  good = (await runShards({ dir: root, parts: someParts(2, [80]), tokenizer, options })).outputDir;
});
beforeEach(async () => {
  dir = join(await scratch(), 'shards');
  await cp(good, dir, { recursive: true });
  shard = 'shard-00001-of-00004.arrow';
});

/** Changes a file of the folder. */
async function damage(name: string, change: (bytes: Buffer) => Buffer): Promise<void> {
  await writeFile(join(dir, name), change(await readFile(join(dir, name))));
}

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
