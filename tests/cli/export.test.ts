import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EXIT } from '../../src/core/errors.ts';
import { runShards, someParts, writeByteTokenizer } from '../shards/context.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { cli } from './cli.ts';

let shards: string;
let cwd: string;
beforeAll(async () => {
  const dir = temporaryFolder();
  const tokenizer = await writeByteTokenizer(dir);
  shards = (await runShards({ dir, parts: someParts(1, [40]), tokenizer, options: { contextLength: 64 } })).outputDir;
});
beforeEach(async () => {
  cwd = temporaryFolder();
});

describe('corpusmill export', () => {
  it('writes the files and says what is in them', async () => {
    const { code, stdout, stderr } = await cli(['export', shards, '--to', 'megatron', '--out', 'bin'], { cwd });
    const { documents, tokens } = JSON.parse(await readFile(join(shards, 'manifest.json'), 'utf8'));
    expect(stderr).toBe('');
    expect(code).toBe(EXIT.ok);
    expect(stdout).toMatch(
      new RegExp(
        `^tokens +${documents} documents, ${tokens.toLocaleString('en-US')} tokens \\(uint16\\)\nmegatron in bin: 3 files, .* kB\n$`,
      ),
    );
    expect((await readdir(join(cwd, 'bin'))).sort()).toEqual([
      'export.json',
      'tokenizer.json',
      'tokens.bin',
      'tokens.idx',
    ]);
  });

  it('prints one JSON object with --json, and takes sizes and shares with units', async () => {
    const flags = ['--to', 'mds', '--out', 'mds', '--size-limit', '8KiB', '--zstd', '3', '--hashes', 'sha1,xxh64'];
    const { code, stdout } = await cli(['export', shards, ...flags, '--json'], { cwd });
    expect(code).toBe(EXIT.ok);
    const { to, files } = JSON.parse(stdout);
    expect(to).toBe('mds');
    expect(files[1].file).toBe('shard.00001.mds.zstd');
    const index = JSON.parse(await readFile(join(cwd, 'mds', 'index.json'), 'utf8'));
    expect(index.shards[0]).toMatchObject({ size_limit: 8192, hashes: ['sha1', 'xxh64'] });
    const nano = ['--to', 'nanogpt', '--out', 'nano', '--validation-share', '50%'];
    const { stdout: said } = await cli(['export', shards, ...nano, '--json'], { cwd });
    expect(JSON.parse(said).sets[1].documents).toBeGreaterThan(8);
  });

  it('needs --force to write where something lies', async () => {
    const args = ['export', shards, '--to', 'npy', '--out', 'npy'];
    await cli(args, { cwd });
    const { code, stderr } = await cli(args, { cwd });
    expect(code).toBe(EXIT.output);
    expect(stderr).toContain('is not empty');
    expect(stderr).toContain('--force');
    expect((await cli([...args, '--force'], { cwd })).code).toBe(EXIT.ok);
  });

  it.each([
    [['export', '--to', 'mds', '--out', 'x'], "missing required argument 'shards'"],
    [['export', '.', '--out', 'x'], "required option '--to <format>'"],
    [['export', '.', '--to', 'parquet', '--out', 'x'], 'Allowed choices are megatron, mds, nanogpt, npy'],
    [['export', '.', '--to', 'mds', '--out', 'x', '--size-limit', 'big'], 'expected bytes, such as 64MiB'],
    [['export', '.', '--to', 'nanogpt', '--out', 'x', '--validation-share', '2'], 'expected a share'],
  ])('says what is wrong with %j', async (args, message) => {
    const { code, stderr } = await cli(args, { cwd });
    expect(code).toBe(EXIT.usage);
    expect(stderr).toContain(message);
  });

  it('says that a folder without a manifest holds no shards', async () => {
    const { code, stderr } = await cli(['export', cwd, '--to', 'npy', '--out', 'x'], { cwd });
    expect(code).toBe(EXIT.input);
    expect(stderr).toContain('manifest.json cannot be read');
  });
});
