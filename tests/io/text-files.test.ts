import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readChunks } from '../../src/io/chunks.ts';
import { compress } from '../../src/io/codecs.ts';
import { expandInputs } from '../../src/io/files.ts';
import type { BadRecord } from '../../src/io/input.ts';
import { parseChunk } from '../../src/io/parse.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { inputSpec, readInput } from './fixture.ts';

describe('text files', () => {
  it('are one document each, named by their path; a byte order mark and compression are taken off', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'deep'));
    writeFileSync(join(folder, 'a.txt'), '\ufeffone\r\ntwo\n');
    writeFileSync(join(folder, 'deep/b.txt.gz'), await compress(Buffer.from('three'), 'gzip'));
    writeFileSync(join(folder, 'empty.txt'), '');
    const { documents, bad } = await readInput(inputSpec(folder));
    expect(bad).toEqual([]);
    expect(documents).toEqual([
      { id: 'web/a.txt', text: 'one\r\ntwo\n', meta: { source: 'web' } },
      { id: 'web/deep/b.txt.gz', text: 'three', meta: { source: 'web' } },
    ]);
  });

  it('are grouped up to chunkBytes and 1,000 files', async () => {
    const folder = temporaryFolder();
    for (let i = 0; i < 1203; i++) writeFileSync(join(folder, `${String(i).padStart(4, '0')}.txt`), 'x'.repeat(10));
    const sizes = async (chunkBytes: number): Promise<number[]> => {
      const { chunks, documents } = await readInput(inputSpec(folder), chunkBytes);
      expect(documents).toHaveLength(1203);
      return chunks.map((chunk) => (chunk.kind === 'files' ? chunk.files.length : 0));
    };
    expect(await sizes(1 << 20)).toEqual([1000, 203]);
    expect(await sizes(5000)).toEqual([500, 500, 203]);
    const { documents } = await readInput(inputSpec(folder, { limit: 42 }));
    expect(documents).toHaveLength(42);
  });

  it('too long, truncated or vanished are bad records that name the file; the others are read', async () => {
    const folder = temporaryFolder();
    const whole = await compress(Buffer.from(Array.from({ length: 5000 }, (_, i) => `${i}`).join(' ')), 'gzip');
    writeFileSync(join(folder, 'a.txt'), whole.subarray(0, 2000));
    writeFileSync(join(folder, 'b.txt'), 'y'.repeat(50_000));
    writeFileSync(join(folder, 'c.txt'), 'gone');
    writeFileSync(join(folder, 'd.txt'), 'fine');
    const spec = inputSpec(folder, { maxRecordBytes: 40_000 });
    const files = await expandInputs([spec]);
    rmSync(join(folder, 'c.txt'));
    const texts: string[] = [];
    const bad: BadRecord[] = [];
    for await (const chunk of readChunks(files, [spec], { chunkBytes: 1 << 20 })) {
      await parseChunk(
        chunk,
        [spec],
        (d) => texts.push(d.text),
        (b) => bad.push(b),
      );
    }
    expect(texts).toEqual(['fine']);
    expect(bad.map((b) => [b.file.slice(-5), b.reason, b.unit])).toEqual([
      ['a.txt', 'truncated gzip', 'file'],
      ['b.txt', 'record too long', 'file'],
      ['c.txt', 'unreadable file', 'file'],
    ]);
  });

  it('with invalid UTF-8 are mended and counted', async () => {
    const path = join(temporaryFolder(), 'a.txt');
    writeFileSync(path, Buffer.from([0x61, 0x80, 0x62]));
    const { documents, counters } = await readInput(inputSpec(path));
    expect(documents[0].text).toBe('a\ufffdb');
    expect(counters.invalidUtf8).toBe(1);
  });
});
