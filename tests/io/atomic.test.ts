import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { native } from '../../src/core/native.ts';
import { openAtomic, outputFailed, writeFileAtomic, writeFilesAtomic } from '../../src/io/atomic.ts';
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

// Large ones are written step by step, as all are where there is no add-on.
describe.each([
  ['small', 3],
  ['large', 8 * 1024 * 1024],
])('writeFilesAtomic, of %s files', (_, size) => {
  it('writes all of them, each in its folder, and leaves no temporary file', async () => {
    const root = temporaryFolder();
    const random = Buffer.from(Array.from({ length: size }, (_, i) => (i * 2654435761) >>> 24));
    await writeFilesAtomic([
      { path: join(root, 'new', 'a'), content: [random.subarray(0, 2), new Uint8Array(), random.subarray(2)] },
      { path: join(root, 'other', 'new', 'empty'), content: [] },
      { path: join(root, 'new', 'b.json'), content: '"é"' },
    ]);
    expect(readFileSync(join(root, 'new', 'a')).equals(random)).toBe(true);
    expect(readFileSync(join(root, 'other', 'new', 'empty')).length).toBe(0);
    expect(readFileSync(join(root, 'new', 'b.json'), 'utf8')).toBe('"é"');
    expect(readdirSync(root, { recursive: true }).sort()).toEqual(
      ['new', 'new/a', 'new/b.json', 'other', 'other/new', 'other/new/empty'].map((path) => join(path)),
    );
    writeFileSync(join(root, 'plain'), '');
    expect(statSync(join(root, 'new', 'a')).mode).toBe(statSync(join(root, 'plain')).mode);
  });

  it('writes no last one where another cannot be written, and says which', async () => {
    const root = temporaryFolder();
    mkdirSync(join(root, 'taken'));
    writeFileSync(join(root, 'last'), 'old');
    const content = Buffer.alloc(size, 7);
    const writing = writeFilesAtomic([
      { path: join(root, 'first'), content },
      { path: join(root, 'taken'), content },
      { path: join(root, 'last'), content },
    ]);
    await expect(writing).rejects.toMatchObject({
      code: 'OUTPUT_FAILED',
      message: expect.stringMatching(/^Cannot finish .*taken: E\w+: .*, rename/),
    });
    expect(readFileSync(join(root, 'last'), 'utf8')).toBe('old');
    expect(readdirSync(root).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('says OUTPUT_FAILED where a folder cannot be made', async () => {
    const root = temporaryFolder();
    writeFileSync(join(root, 'file'), '');
    const files = ['a', 'file/b', 'c'].map((name) => ({ path: join(root, name), content: Buffer.alloc(size) }));
    await expect(writeFilesAtomic(files)).rejects.toMatchObject({
      code: 'OUTPUT_FAILED',
      message: expect.stringMatching(/^Cannot create .*b: (?:ENOTDIR|EEXIST)/),
    });
    expect(existsSync(join(root, 'c'))).toBe(false);
    expect(readdirSync(root).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});

it('writes nothing where there is nothing to write', async () => {
  expect(await writeFilesAtomic([])).toBeUndefined();
});

const writeWholeFiles = native?.writeWholeFiles;

describe.skipIf(writeWholeFiles === undefined)('the native writer', () => {
  const names = ['/tmp/a', '/tmp/.a', '/tmp'];
  const piece = Uint8Array.of(1);
  it.each([
    ['names that are no list', ['a', [piece], Uint32Array.of(1)], /argument 1 is not a list/],
    ['a name that is no string', [[1, 'b', 'c'], [piece], Uint32Array.of(1)], /argument 1 holds what is no path/],
    ['an empty name', [['', 'b', 'c'], [piece], Uint32Array.of(1)], /argument 1 holds what is no path/],
    ['a NUL in a name', [['a\0b', 'b', 'c'], [piece], Uint32Array.of(1)], /argument 1 holds what is no path/],
    [
      'a piece that is no array of bytes',
      [names, [Uint16Array.of(1)], Uint32Array.of(1)],
      /argument 2 is not the typed/,
    ],
    ['pieces that are no list', [names, piece, Uint32Array.of(1)], /argument 2 is not a list/],
    ['more pieces than there are', [names, [piece], Uint32Array.of(2)], /argument 3 counts more/],
    ['files without names', [names, [piece], Uint32Array.of(1, 0)], /argument 3 must have one entry/],
    ['counts that are no array', [names, [piece], [1]], /argument 3 is not the typed/],
  ])('refuses %s', (_, given, message) => {
    expect(() => writeWholeFiles?.(...(given as unknown as Parameters<NonNullable<typeof writeWholeFiles>>))).toThrow(
      message,
    );
  });
});

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
