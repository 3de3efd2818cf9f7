import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Document } from '../../src/core/document.ts';
import { stringsOf } from '../../src/core/utf8-column.ts';
import { encodeDocuments } from '../../src/io/document-batch.ts';
import { withPartColumns } from '../../src/pipeline/part-columns.ts';
import { decisionFile, editsFile, type PartRef, partFile, readPartDocuments } from '../../src/pipeline/parts.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'corpusmill-columns-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

let made = 0;
const put = (path: string, content: Uint8Array | Uint32Array): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, new Uint8Array(content.buffer, content.byteOffset, content.byteLength));
};

/** A part on disk. `keep`: which rows a barrier kept; `spans`: what barriers cut or marked, one after another. */
function partOf(
  documents: readonly Document[],
  { keep, spans = [] }: { keep?: boolean[]; spans?: { action: 'remove' | 'mark'; triples: number[] }[] } = {},
): PartRef {
  const root = join(dir, String(made++));
  put(partFile(root, 0, 'arrow'), encodeDocuments(documents));
  const decisions: string[] = [];
  if (keep !== undefined) {
    decisions.push(join(root, 'decided'));
    put(
      decisionFile(decisions[0], 0),
      Uint32Array.from(keep, (isKept, row) => (isKept ? 7 + row : 0)),
    );
  }
  const edits = spans.map(({ action, triples }, i) => {
    const folder = join(root, `edits-${i}`);
    put(editsFile(folder, 0), Uint32Array.from(triples));
    return { dir: folder, name: `cutter-${i}`, action };
  });
  return { part: 0, dir: root, rows: documents.length, firstOrdinal: 7, decisions, edits };
}

/** What the columns say, as documents; their sources are those of `meta`, '' where it has none. */
function readColumns(ref: PartRef): Promise<Document[]> {
  return withPartColumns(ref, ({ rows, ids, texts, metas, sources: { numbers, names } }) => {
    const [idStrings, textStrings, metaStrings] = [ids, texts, metas].map(stringsOf);
    expect([idStrings.length, textStrings.length, numbers.length]).toEqual([rows, rows, rows]);
    const documents = metaStrings.map((meta, row) => ({
      id: idStrings[row],
      text: textStrings[row],
      meta: JSON.parse(meta),
    }));
    const sources = documents.map(({ meta: { source } }) => (typeof source === 'string' ? source : ''));
    expect(Array.from(numbers, (number) => names[number])).toEqual(sources);
    return documents;
  });
}

const documentsOf = (...texts: string[]): Document[] =>
  texts.map((text, row) => ({ id: `d${row} 文`, text, meta: { source: row % 3 === 0 ? 'web' : 'books' } }));

describe('columns of a part', () => {
  it('are its documents, a byte order mark and an empty text among them', async () => {
    const documents = documentsOf('one', '', '\ufeff三 😀', 'é');
    expect(await readColumns(partOf(documents))).toEqual(documents);
  });

  it('of a part without rows are empty', async () => {
    expect(await readColumns({ ...partOf([]), rows: 0 })).toEqual([]);
  });

  it('are closed up over rows that a barrier dropped', async () => {
    const documents = documentsOf('zero', 'eins', '二', '', 'quatre', 'пять');
    const ref = partOf(documents, { keep: [false, true, true, false, false, true] });
    expect(await readColumns(ref)).toEqual([1, 2, 5].map((row) => documents[row]));
    expect(await readColumns(partOf(documents, { keep: documents.map(() => false) }))).toEqual([]);
  });

  it('have texts without the spans that were cut, by UTF-16 units, one barrier after another', async () => {
    const documents = documentsOf('abcdef', '語料庫 text', '😀 stays', 'gone', 'last');
    const ref = partOf(documents, {
      keep: [true, true, false, true, true],
      spans: [
        { action: 'remove', triples: [0, 1, 3, 0, 4, 5, 1, 0, 2, 3, 0, 4] },
        { action: 'mark', triples: [4, 0, 2] },
        { action: 'remove', triples: [0, 0, 1] },
      ],
    });
    expect((await readColumns(ref)).map(({ text }) => text)).toEqual(['df', '庫 text', '', 'last']);
    expect(await readColumns(ref)).toEqual(await readPartDocuments(ref));
    expect((await readColumns(ref)).at(-1)!.meta).toEqual({ source: 'books', 'cutter-1': { spans: [[0, 2]] } });
  });

  it.each([
    ['behind a text', [0, 2, 9]],
    ['of a row that is not there', [3, 0, 1]],
  ])('refuse a span %s', async (_, triples) => {
    const ref = partOf(documentsOf('abc', 'def'), { spans: [{ action: 'remove', triples }] });
    await expect(readColumns(ref)).rejects.toThrow('cutter-0: a span of row');
    await expect(readPartDocuments(ref)).rejects.toThrow('cutter-0: a span of row');
  });

  it('find the source wherever it stands in `meta`', async () => {
    const metas = [
      { source: 'web' },
      { source: 'web', more: [1] },
      { source: 'we' },
      { other: { source: 'no' }, source: 'books' },
      { source: 'quo"te\\' },
      { 1: 'first', source: 'web' },
      { source: 3 },
      {},
      { source: '' },
      { source: '文' },
    ];
    const ref = partOf(metas.map((meta, row) => ({ id: `${row}`, text: 't', meta })));
    expect((await readColumns(ref)).map(({ meta }) => meta)).toEqual(metas);
  });

  it('say what the documents say, for any documents, decisions and spans', async () => {
    const word = fc.constantFrom('a', 'é', '語', '😀', 'long word ', '\n');
    const row = fc.record({
      text: fc.array(word, { maxLength: 30 }).map((words) => words.join('')),
      isKept: fc.boolean(),
      cuts: fc.uniqueArray(fc.nat(40), { maxLength: 6 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 12 }), async (rows) => {
        const documents = documentsOf(...rows.map(({ text }) => text));
        const triples = rows.flatMap(({ text, cuts, isKept }, number) => {
          const ends = [...new Set(cuts.map((cut) => Math.min(cut, text.length)))].sort((a, b) => a - b);
          const spans: number[] = [];
          for (let i = 0; isKept && i + 1 < ends.length; i += 2) spans.push(number, ends[i], ends[i + 1]);
          return spans;
        });
        const ref = partOf(documents, {
          keep: rows.map(({ isKept }) => isKept),
          spans: [{ action: 'remove', triples }],
        });
        const wanted = (await readPartDocuments(ref)).map((document) => ({
          ...document,
          text: document.text.toWellFormed(),
        }));
        expect(await readColumns(ref)).toEqual(wanted);
      }),
      { numRuns: 60 },
    );
  });

  it('name the file that is no such part', async () => {
    const ref = partOf(documentsOf('a', 'b'));
    const path = partFile(ref.dir, 0, 'arrow');
    await expect(readColumns({ ...ref, rows: 3 })).rejects.toMatchObject({
      code: 'INPUT_CORRUPT',
      message: `${path} is not as an earlier phase left it: it holds 2 documents, not 3`,
    });
    writeFileSync(path, 'no arrow');
    await expect(readColumns(ref)).rejects.toMatchObject({
      code: 'INPUT_CORRUPT',
      message: expect.stringContaining(path),
    });
  });
});
