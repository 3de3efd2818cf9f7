import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { openAtomic, outputFailed, writeFileAtomic } from '../../src/io/atomic.ts';
import { temporaryFolder } from '../temporary-folder.ts';

describe('writeFileAtomic', () => {
  it('writes text and bytes, makes the folder, replaces what was there, and leaves no temporary file', async () => {
    const folder = join(temporaryFolder(), 'new', 'folder');
    const path = join(folder, 'a.json');
    await writeFileAtomic(path, 'é');
    await writeFileAtomic(path, Uint8Array.of(1, 2, 3));
    expect([...readFileSync(path)]).toEqual([1, 2, 3]);
    expect(readdirSync(folder)).toEqual(['a.json']);
  });

  it('says OUTPUT_FAILED with path and hint where the name is a folder, and leaves nothing', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'a');
    mkdirSync(path);
    await expect(writeFileAtomic(path, 'x')).rejects.toMatchObject({
      code: 'OUTPUT_FAILED',
      message: expect.stringContaining(path),
      hint: expect.stringContaining('folder'),
    });
    expect(readdirSync(folder)).toEqual(['a']);
  });

  it('says OUTPUT_FAILED where a part of the path is a file', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'file'), '');
    await expect(writeFileAtomic(join(folder, 'file', 'a'), 'x')).rejects.toMatchObject({ code: 'OUTPUT_FAILED' });
  });

  it('says OUTPUT_FAILED where the disk is full', async () => {
    if (!existsSync('/dev/full')) return;
    // /dev/full fails every write with ENOSPC; it cannot be written atomically, so its error is made by hand.
    const full = await writeTo('/dev/full');
    expect(outputFailed('write', '/out/a', full)).toMatchObject({
      code: 'OUTPUT_FAILED',
      message: expect.stringContaining('ENOSPC'),
      hint: expect.stringContaining('disk is full'),
    });
  });
});

async function writeTo(path: string): Promise<unknown> {
  try {
    writeFileSync(path, 'x');
    return undefined;
  } catch (error) {
    return error;
  }
}

describe('openAtomic', () => {
  it.each([true, false])('writes a large file whole, whether its pages stay cached (%s) or not', async (cached) => {
    const path = join(temporaryFolder(), 'large');
    const file = await openAtomic(path, { cached });
    const hash = createHash('sha256');
    for (let i = 0; i < 9; i++) {
      const chunk = Buffer.alloc(3 * 1024 * 1024 + i, i + 1);
      hash.update(chunk);
      await file.write(chunk);
    }
    await file.commit();
    expect(createHash('sha256').update(readFileSync(path)).digest('hex')).toBe(hash.digest('hex'));
  });

  it('tells of a disk that failed before all was written, and leaves nothing', async () => {
    const folder = temporaryFolder();
    const file = await openAtomic(join(folder, 'large'));
    // Linux tells of such a failure once: the sync at the end knows nothing of it.
    const failed = Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' });
    const handle = await open(folder, 'r');
    const datasync = vi.spyOn(Object.getPrototypeOf(handle) as FileHandle, 'datasync').mockRejectedValueOnce(failed);
    try {
      await file.write(Buffer.alloc(16 * 1024 * 1024));
      await expect(file.commit()).rejects.toMatchObject({
        code: 'OUTPUT_FAILED',
        message: expect.stringContaining('EIO'),
      });
      expect(datasync).toHaveBeenCalledTimes(1);
    } finally {
      datasync.mockRestore();
      await handle.close();
      await file.abort();
    }
    expect(readdirSync(folder)).toEqual([]);
  });

  it('shows the file only after commit', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'a');
    const file = await openAtomic(path);
    await file.write(Buffer.from('one '));
    await file.write(Buffer.from('two'));
    expect(existsSync(path)).toBe(false);
    expect(file.bytes).toBe(7);
    await file.commit();
    expect(readFileSync(path, 'utf8')).toBe('one two');
    expect(readdirSync(folder)).toEqual(['a']);
  });

  it('leaves what was there, and nothing else, after abort', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'a');
    writeFileSync(path, 'old');
    const file = await openAtomic(path);
    await file.write(Buffer.from('new'));
    await file.abort();
    await file.abort();
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['a']);
  });
});
