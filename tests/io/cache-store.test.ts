/** Texts in the user's cache folder. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { cacheFolder, cacheStore } from '../../src/io/cache-store.ts';

it('the folder follows XDG_CACHE_HOME where it is an absolute path, as its specification says', () => {
  expect(cacheFolder({ XDG_CACHE_HOME: '/var/cache/me' })).toBe('/var/cache/me/corpusmill');
  expect(cacheFolder({ XDG_CACHE_HOME: 'relative' })).toBe(join(homedir(), '.cache', 'corpusmill'));
  expect(cacheFolder({})).toBe(join(homedir(), '.cache', 'corpusmill'));
});

it('keeps texts as files, and knows none before', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'corpusmill-cache-'));
  const store = cacheStore(join(folder, 'made', 'when needed'));
  expect(await store.read('tiles')).toBeUndefined();
  await store.write('tiles', '{"a": 1}\n');
  expect(await store.read('tiles')).toBe('{"a": 1}\n');
  expect(await readFile(join(folder, 'made', 'when needed', 'tiles.json'), 'utf8')).toBe('{"a": 1}\n');
  await writeFile(join(folder, 'file'), '');
  await expect(cacheStore(join(folder, 'file')).write('tiles', '')).rejects.toMatchObject({ code: 'OUTPUT_FAILED' });
  await rm(folder, { recursive: true });
});
