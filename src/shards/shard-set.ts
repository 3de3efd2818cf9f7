/** A folder of shards, opened: which row lies in which shard, and each shard's file, opened when first asked for. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CorpusmillError } from '../core/errors.ts';
import { MANIFEST_NAME, readManifest, type ShardManifest } from './manifest.ts';
import { openShardFile, type ShardFile } from './shard-file.ts';
import { SPLIT_NAMES, type SplitName } from './split.ts';

export interface ShardSet {
  dir: string;
  manifest: ShardManifest;
  rows: number;
  /** Shard that holds a row of the set. */
  shardOf(row: number): number;
  /** Number within the set of a shard's first row. */
  firstRow(shard: number): number;
  /** The shard's file; stays open until `close`. */
  file(shard: number): Promise<ShardFile>;
  close(): Promise<void>;
}

/** Opens the shards of a folder, given the folder or its manifest. Throws CorpusmillError as `readManifest` does. */
export async function openShards(path: string): Promise<ShardSet> {
  const { dir, manifest } = await readManifest(path);
  const { shards } = manifest;
  const firstRows = [0];
  for (const { rows } of shards) firstRows.push(firstRows[firstRows.length - 1] + rows);
  const files = new Map<number, Promise<ShardFile>>();
  return {
    dir,
    manifest,
    rows: firstRows[shards.length],
    firstRow: (shard) => firstRows[shard],
    shardOf(row) {
      let low = 0;
      let high = shards.length - 1;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (firstRows[middle] <= row) low = middle;
        else high = middle - 1;
      }
      return low;
    },
    file(shard) {
      let file = files.get(shard);
      if (file === undefined) {
        file = openListed(join(dir, shards[shard].file), manifest, shards[shard].rows);
        files.set(shard, file);
      }
      return file;
    },
    async close() {
      const opened = await Promise.allSettled(files.values());
      files.clear();
      for (const file of opened) if (file.status === 'fulfilled') await file.value.close();
    },
  };
}

/**
 * The shard sets at a path: the one of a folder or manifest, or the two sides of a split in the folders below it, of
 * which `name` is the folder's. Throws CorpusmillError('INPUT_NOT_FOUND') when there are none.
 */
export async function shardFolders(path: string): Promise<{ folder: string; name: SplitName | '' }[]> {
  const sides = SPLIT_NAMES.map((name) => ({ folder: join(path, name), name }));
  const there = await Promise.all(sides.map(({ folder }) => isFile(join(folder, MANIFEST_NAME))));
  if (there.some(Boolean) && !(await isFile(join(path, MANIFEST_NAME)))) return sides.filter((_, i) => there[i]);
  return [{ folder: path, name: '' }];
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

async function openListed(path: string, manifest: ShardManifest, rows: number): Promise<ShardFile> {
  const file = await openShardFile(path);
  const found = `${file.rows} rows of ${file.contextLength} ${file.type}`;
  const expected = `${rows} rows of ${manifest.contextLength} ${manifest.dtype}`;
  if (found !== expected) {
    await file.close();
    throw new CorpusmillError(
      'INPUT_CORRUPT',
      `opening ${path}: the manifest says ${expected}, the file has ${found}`,
      {
        hint: 'The shard and the manifest are from different runs; copy the folder again as a whole.',
      },
    );
  }
  return file;
}
