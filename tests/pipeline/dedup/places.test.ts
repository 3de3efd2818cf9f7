import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { readChunks } from '../../../src/io/chunks.ts';
import { expandInputs } from '../../../src/io/files.ts';
import { parseChunk } from '../../../src/io/parse.ts';
import { openDocumentWriter } from '../../../src/io/writers.ts';
import { parsePipeline } from '../../../src/pipeline/config/load.ts';
import { placesOf } from '../../../src/pipeline/dedup/places.ts';
import { partRefs } from '../../../src/pipeline/parts.ts';
import { loadStages } from '../../../src/pipeline/stage-loaders.ts';
import { documentColumns } from '../../document-columns.ts';

let folder: string;
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Ids in the order of a run, and where each is said to stand: `file:line`, `file#row` or `file`. */
async function places(
  files: Record<string, string | Uint8Array>,
  input: Record<string, unknown> = {},
  chunkBytes = 4096,
): Promise<Record<string, string>> {
  folder = mkdtempSync(join(tmpdir(), 'corpusmill-places-'));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return placesIn(input, chunkBytes);
}

async function placesIn(input: Record<string, unknown>, chunkBytes: number): Promise<Record<string, string>> {
  const text = JSON.stringify({
    inputs: [{ name: 'in', path: '.', ...input }],
    stages: ['dedup.exact'],
    run: { chunkBytes },
    output: '../nowhere',
  });
  const registry = await loadStages(['dedup.exact']);
  const pipeline = parsePipeline(text, join(folder, 'p.yaml'), { registry, env: {}, cwd: folder });
  const found = await expandInputs(pipeline.inputs);
  const ids: string[] = [];
  const rows: number[] = [];
  for await (const chunk of readChunks([...found], pipeline.inputs, { chunkBytes })) {
    const before = ids.length;
    await parseChunk(
      chunk,
      pipeline.inputs,
      ({ id }) => ids.push(id),
      () => {},
    );
    rows.push(ids.length - before);
  }
  const refs = partRefs('nowhere', rows, []);
  const ordinals = ids.map((_, ordinal) => ordinal);
  const all = await placesOf(pipeline, found, refs, ordinals);
  // Any subset has the same places.
  for (const ordinal of ordinals) {
    expect((await placesOf(pipeline, found, refs, [ordinal])).get(ordinal)).toEqual(all.get(ordinal));
  }
  return Object.fromEntries(
    ids.map((id, ordinal) => {
      const { file, line, row } = all.get(ordinal)!;
      const place = line !== undefined ? `:${line}` : row !== undefined ? `#${row}` : '';
      return [id, `${file.slice(folder.length + 1)}${place}`];
    }),
  );
}

const record = (id: string, words = 3): string => `${JSON.stringify({ id, text: 'word '.repeat(words) })}\n`;

describe('where documents stand', () => {
  it('is a line of a JSONL file, blank and broken lines counted', async () => {
    const text = `${record('a')}\n${record('b')}not json\n\n\n${record('c')}`;
    expect(await places({ 'x.jsonl': text })).toEqual({ a: 'x.jsonl:1', b: 'x.jsonl:3', c: 'x.jsonl:7' });
  });

  it.each([64, 200, 4096])('is the same for chunks of %d bytes', async (chunkBytes) => {
    const ids = Array.from({ length: 40 }, (_, i) => `d${i}`);
    const file = ids.map((id, i) => record(id, i)).join('');
    const expected = Object.fromEntries(
      ['1.jsonl', '2.jsonl'].flatMap((name, n) => ids.map((id, i) => [n === 0 ? id : `${id}x`, `${name}:${i + 1}`])),
    );
    const second = ids.map((id, i) => record(`${id}x`, i)).join('');
    expect(await places({ '1.jsonl': file, '2.jsonl': second }, {}, chunkBytes)).toEqual(expected);
  });

  it('is a line of what a compressed file holds, and behind a byte order mark the first line is 1', async () => {
    const files = {
      'x.jsonl.gz': gzipSync(record('a') + record('b')),
      'y.jsonl': `\ufeff${record('c')}${record('d')}`,
    };
    expect(await places(files)).toEqual({ a: 'x.jsonl.gz:1', b: 'x.jsonl.gz:2', c: 'y.jsonl:1', d: 'y.jsonl:2' });
  });

  it('is the line at which a CSV row begins, its line ends within quotes counted', async () => {
    const csv = 'id,text\na,one\nb,"two\nlines"\nc,"three"\n';
    expect(await places({ 'x.csv': csv })).toEqual({ a: 'x.csv:2', b: 'x.csv:3', c: 'x.csv:5' });
  });

  it('counts a record that is too long to be read as the line that it is', async () => {
    const text = record('a') + record('long', 3000) + record('b') + record('c');
    const found = await places({ 'x.jsonl': text }, { maxRecordBytes: 1000 }, 256);
    expect(found).toEqual({ a: 'x.jsonl:1', b: 'x.jsonl:3', c: 'x.jsonl:4' });
  });

  it('is the file for text files', async () => {
    const files = { 'a/one.txt': 'One.', 'b.txt': 'Two.', 'empty.txt': '' };
    expect(await places(files)).toEqual({ 'in/a/one.txt': 'a/one.txt:1', 'in/b.txt': 'b.txt:1' });
  });

  it('is a row of a Parquet file', async () => {
    folder = mkdtempSync(join(tmpdir(), 'corpusmill-places-'));
    const writer = await openDocumentWriter(join(folder, 'x.parquet'), { format: 'parquet', compression: 'zstd' });
    await writer.write(
      documentColumns(['a', 'b', 'c'].map((id) => ({ id, text: `text of ${id}`, meta: { source: 'in' } }))),
    );
    await writer.close();
    expect(await placesIn({}, 4096)).toEqual({ a: 'x.parquet#0', b: 'x.parquet#1', c: 'x.parquet#2' });
  });
});
