import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/core/package-root.ts';
import { readManifest } from '../../src/shards/manifest.ts';
import { shardName } from '../../src/shards/write-step.ts';
import { runShards, someParts, writeByteTokenizer } from '../shards/context.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { cli, type Outcome } from './cli.ts';

let good: string;
let split: string;
let count: number;
let dir: string;
const shards = (...args: string[]): Promise<Outcome> => cli(['shards', ...args], { cwd: dir });

beforeAll(async () => {
  const root = temporaryFolder();
  const tokenizer = await writeByteTokenizer(root);
  const parts = someParts(5, [60, 40]);
  const options = { contextLength: 64, targetShardBytes: 1 << 13 };
  good = (await runShards({ dir: root, parts, tokenizer, options })).outputDir;
  count = (await readManifest(good)).manifest.shards.length;
  const validation = { ...options, validationDocuments: 10 };
  split = (await runShards({ dir: temporaryFolder(), parts, tokenizer, options: validation })).outputDir;
});
beforeEach(async () => {
  dir = temporaryFolder();
  await cp(good, join(dir, 'copy'), { recursive: true });
});

describe('shards verify', () => {
  it('says ok and ends with 0 where all is well', async () => {
    const { code, stdout, stderr } = await shards('verify', 'copy');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^ok {2}copy: \d+ shards, \d+ rows, [\d,]+ tokens, [\d.]+ kB\n$/);
  });

  it('names file, check and what was found of every problem, and ends with 4', async () => {
    const second = shardName(1, count);
    await rm(join(dir, 'copy', second));
    await writeFile(join(dir, 'copy', 'shard-00000-of-00009.arrow'), '');
    const { code, stdout } = await shards('verify', 'copy');
    expect(code).toBe(4);
    expect(stdout).toMatch(new RegExp(`^2 problems {2}copy: ${count} shards`));
    expect(stdout).toMatch(new RegExp(`^${second} {2}file +expected a file, found nothing$`, 'm'));
    expect(stdout).toMatch(/shard-00000-of-00009\.arrow {2}listing +expected no shard beside those/);
  });

  it('prints JSON', async () => {
    await rm(join(dir, 'copy', 'tokenizer.json'));
    const { code, stdout } = await shards('verify', 'copy', '--json');
    expect(code).toBe(4);
    expect(JSON.parse(stdout)).toMatchObject({
      path: 'copy',
      ok: false,
      shards: count,
      problems: [{ file: 'tokenizer.json', check: 'file', expected: 'a file', found: 'nothing' }],
    });
  });

  it('ends with 3 where there are no shards', async () => {
    const { code, stderr } = await shards('verify', 'none');
    expect(code).toBe(3);
    expect(stderr).toContain('/none cannot be read (ENOENT)');
  });

  it('checks both sides of a split', async () => {
    await cp(split, join(dir, 'split'), { recursive: true });
    expect((await shards('verify', 'split')).code).toBe(0);
    await writeFile(join(dir, 'split', 'validation', 'tokenizer.json'), '{}');
    const { code, stdout } = await shards('verify', 'split');
    expect(code).toBe(4);
    expect(stdout).toMatch(/^validation\/tokenizer\.json {2}sha256/m);
  });
});

describe('shards info', () => {
  it('shows what the manifest says', async () => {
    const manifest = JSON.parse(await readFile(join(dir, 'copy', 'manifest.json'), 'utf8'));
    const { code, stdout } = await shards('info', 'copy');
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^rows +${manifest.rows} of 64 uint16$`, 'm'));
    expect(stdout).toMatch(/^packing +best-fit, 1 window, shuffled with seed 1$/m);
    expect(stdout).toMatch(/^special +bos none, eos <\|endoftext\|> \(256\), pad <\|endoftext\|> \(256\)$/m);
    const tokens = manifest.tokens.toLocaleString('en-US');
    expect(stdout).toMatch(new RegExp(`^sources +docs: ${tokens} tokens \\(100.00 %\\) of 100 documents$`, 'm'));
  });

  it('shows both sides of a split', async () => {
    await cp(split, join(dir, 'split'), { recursive: true });
    const { stdout } = await shards('info', 'split');
    expect(stdout).toMatch(/^split\/train$/m);
    expect(stdout).toMatch(/^split\/validation$/m);
    expect(stdout).toMatch(/^split +train; texts that hash below 0\.\d+ are held out, 0 left out for their id$/m);
    const { sets } = JSON.parse((await shards('info', 'split', '--json')).stdout);
    expect(sets.map((set: { manifest: { documents: number } }) => set.manifest.documents)).toEqual([90, 10]);
  });
});

describe('inspect of shards', () => {
  it('shows the first side of a split', async () => {
    await cp(split, join(dir, 'split'), { recursive: true });
    const { code, stdout } = await cli(['inspect', 'split', '--limit', '1'], { cwd: dir });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^split\/train: [\d,]+ rows of 64 tokens/);
  });
});

describe('shards schema', () => {
  it('prints the schema that configs/ publishes', async () => {
    const { stdout } = await shards('schema');
    const published = await readFile(join(packageRoot(), 'configs', 'shards-manifest.schema.json'), 'utf8');
    expect(JSON.parse(stdout)).toEqual(JSON.parse(published));
  });
});
