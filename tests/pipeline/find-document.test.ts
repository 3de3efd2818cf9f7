import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expandInputs } from '../../src/io/files.ts';
import type { InputSpec } from '../../src/io/input.ts';
import { findDocument } from '../../src/pipeline/find-document.ts';

let dir: string;
const ids = [...Array.from({ length: 500 }, (_, i) => `doc-${i}`), 'with/slash', '汉字', 'quote"d'];

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'corpusmill-find-'));
  const line = (id: string): string =>
    `${JSON.stringify({ id, text: `Text of ${id}.` }).replace('with/slash"', 'with\\/slash"')}\n`;
  writeFileSync(join(dir, 'a.jsonl.gz'), gzipSync(ids.map(line).join('')));
  writeFileSync(join(dir, 'b.jsonl'), '{"text":"no id here"}\n{"text":"nor here"}\n{"id":77,"text":"a number"}\n');
  writeFileSync(join(dir, 'c.txt'), 'A file of text.');
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function find(id: string, change: Partial<InputSpec> = {}) {
  const input = (name: string, path: string): InputSpec => ({
    name,
    paths: [join(dir, path)],
    format: 'auto',
    textField: 'text',
    idField: 'id',
    metaFields: 'all',
    limit: undefined,
    sample: undefined,
    seed: 1,
    maxRecordBytes: 1e6,
    maxExpansionRatio: 1000,
    ...change,
  });
  const inputs = [input('a', 'a.jsonl.gz'), input('b', 'b.jsonl'), input('c', 'c.txt')];
  return findDocument(inputs, await expandInputs(inputs), id, { chunkBytes: 2000 });
}

describe('findDocument', () => {
  it.each([
    ['doc-417', 'Text of doc-417.'],
    ['汉字', 'Text of 汉字.'],
    ['with/slash', 'Text of with/slash.'],
    ['quote"d', 'Text of quote"d.'],
    ['77', 'a number'],
    ['b/b.jsonl#22', 'nor here'],
    ['c/c.txt', 'A file of text.'],
  ])('finds %s, also where it stands escaped or was made up', async (id, text) => {
    const { found } = await find(id);
    expect(found?.document).toMatchObject({ id, text });
  });

  it('says which ids are near when there is none', async () => {
    const { found, near } = await find('doc-41x');
    expect(found).toBeUndefined();
    expect(near).toHaveLength(3);
    expect(near.every((id) => id.startsWith('doc-4'))).toBe(true);
  });

  it('finds what `limit` and `sample` leave out, and says so', async () => {
    expect((await find('doc-100', { limit: 10 })).found).toMatchObject({
      leftOut: 'limit',
      document: { id: 'doc-100' },
    });
    expect((await find('doc-1', { limit: 10 })).found?.leftOut).toBeUndefined();
    const outcomes = await Promise.all(
      ids.slice(0, 40).map(async (id) => (await find(id, { sample: 0.5 })).found?.leftOut),
    );
    expect(new Set(outcomes)).toEqual(new Set([undefined, 'sample']));
  });
});
