/** A folder of shards, opened: which row lies in which shard, and each shard's file, opened when first asked for. */
import { join } from 'node:path';
import { CorpusmillError } from '../core/errors.ts';
import { readManifest, type ShardManifest } from './manifest.ts';
import { openShardFile, type ShardFile } from './shard-file.ts';

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
