import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Document } from '../../src/core/document.ts';
import { compress } from '../../src/io/codecs.ts';
import { inspectFile, readRows } from '../../src/io/inspect.ts';
import { openDocumentWriter } from '../../src/io/writers.ts';
import { documentColumns } from '../document-columns.ts';
import { temporaryFolder } from '../temporary-folder.ts';

async function rowsOf(path: string, limit: number, offset: number): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = [];
  for await (const row of readRows(path, { limit, offset })) rows.push(row);
  return rows;
}

const documents: Document[] = Array.from({ length: 2500 }, (_, i) => ({
  id: `d${i}`,
  text: `t${i}`,
  meta: { source: 's' },
}));

describe('inspect', () => {
  it.each([
    ['jsonl', 'zstd', '.jsonl.zst', undefined],
    ['parquet', 'zstd', '.parquet', 2500],
    ['parquet', 'none', '.parquet', 2500],
    ['arrow', 'zstd', '.arrow', 2500],
    ['arrow', 'none', '.arrow', 2500],
  ] as const)('tells %s with %s and shows any window of it', async (format, compression, extension, rows) => {
    const path = join(temporaryFolder(), `a${extension}`);
    const writer = await openDocumentWriter(path, { format, compression });
    await writer.write(documentColumns(documents));
    const { bytes } = await writer.close();
    const summary = await inspectFile(path);
    expect(summary).toMatchObject({ format, compression, rows, fileBytes: bytes, problem: undefined });
    expect(summary.columns.map((c) => c.name)).toEqual(
      format === 'jsonl' ? ['id', 'text', 'source'] : ['id', 'text', 'source', 'meta'],
    );
    expect((await rowsOf(path, 3, 0)).map((r) => r['id'])).toEqual(['d0', 'd1', 'd2']);
    expect((await rowsOf(path, 1200, 999)).map((r) => r['id'])).toEqual(documents.slice(999, 2199).map((d) => d.id));
    expect((await rowsOf(path, 10, 2498)).map((r) => r['text'])).toEqual(['t2498', 't2499']);
    expect(await rowsOf(path, 10, 5000)).toEqual([]);
  });

  it('shows CSV rows by their header, and text files', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'a.csv'), await compress(Buffer.from('id,text\n1,"a\nb"\n2,c,d\n'), 'gzip'));
    expect(await rowsOf(join(folder, 'a.csv'), 5, 0)).toEqual([
      { id: '1', text: 'a\nb' },
      { id: '2', text: 'c', '<1 more>': 'd' },
    ]);
    expect(await inspectFile(join(folder, 'a.csv'))).toMatchObject({ format: 'csv', compression: 'gzip' });
    writeFileSync(join(folder, 'b.txt'), 'words');
    expect(await rowsOf(join(folder, 'b.txt'), 5, 0)).toEqual([{ text: 'words' }]);
  });

  it('shows bad lines as such', async () => {
    const path = join(temporaryFolder(), 'a.jsonl');
    writeFileSync(path, '{"text":"a"}\noops\n[1]\n');
    expect(await rowsOf(path, 5, 1)).toEqual([
      { '<bad>': expect.any(String), '<raw>': 'oops' },
      { '<bad>': 'not a JSON object', '<raw>': '[1]' },
    ]);
  });

  it('says INPUT_UNREADABLE for a broken file and INPUT_NOT_FOUND for a missing one', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'a.parquet'), 'PAR1');
    await expect(inspectFile(join(folder, 'a.parquet'))).rejects.toMatchObject({ code: 'INPUT_UNREADABLE' });
    await expect(inspectFile(join(folder, 'b.parquet'))).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' });
  });
});
