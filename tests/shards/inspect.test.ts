import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readShardRows } from '../../src/shards/inspect.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { runShards, writeByteTokenizer } from './context.ts';

let dir: string;

beforeAll(async () => {
  const root = temporaryFolder();
  const text = (id: string, content: string) => ({ id, text: content, meta: {} });
  const parts = [[text('a', 'one two'), text('b', '麥田'), text('long', 'twenty-three characters')]];
  const tokenizer = await writeByteTokenizer(root);
  const options = { contextLength: 16, packing: 'greedy', shuffle: false } as const;
  dir = (await runShards({ dir: root, parts, tokenizer, options })).outputDir;
});

describe('readShardRows', () => {
  it('shows the documents of each row as text, where they end, and the padding', async () => {
    const { rows, ...about } = await readShardRows(dir);
    expect(about).toMatchObject({ contextLength: 16, dtype: 'uint16', totalRows: 3 });
    expect(
      rows.map(({ row, pieces, padding }) => ({
        row,
        padding,
        pieces: pieces.map(({ documentId, start, length, text, ended }) => [documentId, start, length, text, ended]),
      })),
    ).toEqual([
      {
        row: 0,
        padding: 1,
        pieces: [
          ['a', 0, 8, 'one two', true],
          ['b', 8, 7, '麥田', true],
        ],
      },
      { row: 1, padding: 0, pieces: [['long', 0, 16, 'twenty-three cha', false]] },
      { row: 2, padding: 8, pieces: [['long', 0, 8, 'racters', true]] },
    ]);
  });

  it('reads a stretch of rows of a folder or of one file', async () => {
    const folder = await readShardRows(dir, { offset: 1, limit: 1 });
    expect(folder.rows.map(({ row }) => row)).toEqual([1]);
    const file = await readShardRows(join(dir, 'shard-00000-of-00001.arrow'), { offset: 2 });
    expect(file.rows.map(({ row }) => row)).toEqual([2]);
    expect(file.totalRows).toBe(3);
    expect((await readShardRows(dir, { offset: 3 })).rows).toEqual([]);
  });

  it('shows tokens alone for a shard without its manifest', async () => {
    const alone = join(temporaryFolder(), 'alone');
    await cp(dir, alone, { recursive: true });
    await rm(join(alone, 'manifest.json'));
    const { rows } = await readShardRows(join(alone, 'shard-00000-of-00001.arrow'), { limit: 1 });
    expect(rows[0].pieces[0]).toMatchObject({ documentId: undefined, text: undefined, ended: undefined });
    expect(Buffer.from(rows[0].pieces[0].tokens.subarray(0, 7)).toString()).toBe('one two');
  });

  it('says so when the path holds no shards', async () => {
    await expect(readShardRows(join(dir, 'none'))).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' });
    await expect(readShardRows(join(dir, 'none.arrow'))).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' });
  });
});
