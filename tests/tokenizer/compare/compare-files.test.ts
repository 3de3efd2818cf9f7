import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InputSpec } from '../../../src/io/input.ts';
import { type CompareFilesOptions, compareFiles } from '../../../src/tokenizer/compare/compare-files.ts';
import type { ComparedDocument, Comparison } from '../../../src/tokenizer/compare/comparison.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'corpusmill-compare-'));
  const rows = [
    { id: 'a', text: 'one', lang: 'en', site: { host: 'x.org' } },
    { id: 'b', text: '二', lang: 'zh', site: { host: 'y.cn' } },
    { id: 'c', text: 'three', lang: null },
  ];
  writeFileSync(join(folder, 'rows.jsonl.gz'), gzipSync(rows.map((row) => `${JSON.stringify(row)}\n`).join('')));
  mkdirSync(join(folder, 'texts'));
  writeFileSync(join(folder, 'texts', 'book.txt'), 'a whole book\n');
  writeFileSync(join(folder, 'bad.jsonl'), '{"id":"a","text":7}\n{"id":"b"}\n{"id":"c","text":"good"}\n');
  writeFileSync(join(folder, 'none.jsonl'), '{"id":"a","content":"x"}\n');
  writeFileSync(join(folder, 'empty.jsonl'), '');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function specs(...paths: string[]): InputSpec[] {
  return paths.map((path) => ({
    name: path.replace(/\..*/, ''),
    paths: [join(folder, path)],
    format: 'auto',
    textField: 'text',
    idField: 'id',
    metaFields: 'all',
    limit: undefined,
    sample: undefined,
    seed: 0,
    maxRecordBytes: 1 << 20,
    maxExpansionRatio: 1000,
  }));
}

async function read(inputs: InputSpec[], given: Partial<CompareFilesOptions> = {}) {
  const documents: ComparedDocument[] = [];
  const comparison = { add: (document: ComparedDocument) => documents.push(document) } as unknown as Comparison;
  const done = await compareFiles(inputs, comparison, {
    limit: undefined,
    maxBadRecords: 100,
    sourceField: undefined,
    languageOf: ({ meta }) => (meta['lang'] as string | undefined) ?? null,
    ...given,
  });
  return { documents, done };
}

describe('documents of files for a comparison', () => {
  it('are those of every input, in order, with language and source', async () => {
    const { documents, done } = await read(specs('rows.jsonl.gz', 'texts'));
    expect(documents.map(({ text, language, source }) => [text, language, source])).toEqual([
      ['one', 'en', 'rows'],
      ['二', 'zh', 'rows'],
      ['three', null, 'rows'],
      ['a whole book\n', null, 'texts'],
    ]);
    expect(done).toEqual({ documents: 4, badRecords: 0, firstBad: undefined });
  });

  it('have a field of theirs as the source where one is named', async () => {
    const { documents } = await read(specs('rows.jsonl.gz'), { sourceField: 'site.host' });
    expect(documents.map(({ source }) => source)).toEqual(['x.org', 'y.cn', null]);
  });

  it('are no more than the limit, over all inputs', async () => {
    const { documents } = await read(specs('rows.jsonl.gz', 'texts'), { limit: 2 });
    expect(documents.map(({ id }) => id)).toEqual(['a', 'b']);
  });

  it('go on past records that cannot be read, which are counted', async () => {
    const { documents, done } = await read(specs('bad.jsonl'));
    expect(documents.map(({ id }) => id)).toEqual(['c']);
    expect(done.badRecords).toBe(2);
    expect(done.firstBad).toMatchObject({ reason: 'text is not a string', offset: 0 });
  });

  it('are refused where more records than allowed, or all, cannot be read, or there are none', async () => {
    await expect(read(specs('bad.jsonl'), { maxBadRecords: 1 })).rejects.toMatchObject({
      code: 'TOO_MANY_BAD_RECORDS',
      message: expect.stringMatching(
        /^2 records could not be read, more than 1; the first, .*bad\.jsonl at byte 0: text is not a string/,
      ),
    });
    await expect(read(specs('none.jsonl'))).rejects.toMatchObject({
      code: 'INPUT_UNREADABLE',
      message: expect.stringMatching(/text field missing/),
      hint: 'is --text-field the field that holds the text?',
    });
    await expect(read(specs('empty.jsonl'))).rejects.toMatchObject({ code: 'INPUT_UNREADABLE' });
  });
});
