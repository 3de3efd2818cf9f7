import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRecord, recordEnd } from '../../src/io/csv.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { describeWithPeers, inputSpec, python, readInput } from './fixture.ts';

function csvFile(content: string | Uint8Array, name = 'in.csv'): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, content);
  return path;
}

/** All rows of a text, by our two halves: borders and fields. */
function rowsOf(text: string, delimiter = ','): string[][] {
  const bytes = Buffer.from(text);
  const rows: string[][] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = recordEnd(bytes, at, bytes.length, delimiter.charCodeAt(0));
    rows.push(parseRecord(bytes, at, end, delimiter.charCodeAt(0)));
    at = end;
  }
  return rows;
}

const shortField = fc.string({
  unit: fc.constantFrom('a', 'é', '中', '😀', '"', ',', '\n', '\r\n', '\t', ' '),
  maxLength: 8,
});

/** Long ones too: past 64 bytes inside quotes the scanner leaps. */
const field = fc.oneof(
  { weight: 3, arbitrary: shortField },
  shortField.map((text) => text.repeat(60)),
);

/** RFC 4180 as a writer has it. */
function write(rows: string[][], delimiter: string): string {
  const quote = (text: string): string =>
    /["\n\r]/.test(text) || text.includes(delimiter) || text === '' ? `"${text.replaceAll('"', '""')}"` : text;
  return rows.map((row) => `${row.map(quote).join(delimiter)}\n`).join('');
}

describe('CSV records', () => {
  it('agree with csv-parse on any well-formed file', () => {
    const rows = fc
      .integer({ min: 1, max: 5 })
      .chain((width) =>
        fc.array(fc.array(field, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 12 }),
      );
    fc.assert(
      fc.property(rows, fc.constantFrom(',', '\t'), (table, delimiter) => {
        const text = write(table, delimiter);
        expect(rowsOf(text, delimiter)).toEqual(table);
        expect(rowsOf(text, delimiter)).toEqual(parse(text, { delimiter, relax_column_count: true }));
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['a,b', [['a', 'b']]],
    ['a,', [['a', '']]],
    [',', [['', '']]],
    ['"a""b",c', [['a"b', 'c']]],
    [
      '"a\nb",c\r\nd,e',
      [
        ['a\nb', 'c'],
        ['d', 'e'],
      ],
    ],
    ['5" disk,x', [['5" disk', 'x']]],
    ['"a" b,c', [['a b', 'c']]],
    ['"a,b', [['a,b']]],
  ])('%j', (text, rows) => {
    expect(rowsOf(text)).toEqual(rows);
  });
});

describeWithPeers('CSV that strays from the RFC', () => {
  it('is read as Python’s csv module reads it', () => {
    const texts = [
      '5" disk,x\n',
      '"a" b,c\n',
      '"a"b"c",d\ne,f\n',
      'a"b"c,"d ""e"" f"\n',
      '"x"y,"z\nw"\n',
      'a,"b""",c\n',
    ];
    const program =
      'import csv,io,json,sys; print(json.dumps([list(csv.reader(io.StringIO(t, newline=""))) for t in json.loads(sys.argv[1])]))';
    expect(texts.map((text) => rowsOf(text))).toEqual(JSON.parse(python(program, JSON.stringify(texts))));
  });
});

describe('CSV and TSV files', () => {
  it('name columns by the header, with a byte order mark, CRLF, quoted newlines and no newline at the end', async () => {
    const path = csvFile('\ufeffid,text,note\r\n1,"line one\nline two",n\r\n\r\n2,"said ""hi""",');
    for (const chunkBytes of [1, 20, 1000]) {
      const { documents, bad } = await readInput(inputSpec(path), chunkBytes);
      expect(bad).toEqual([]);
      expect(documents).toEqual([
        { id: '1', text: 'line one\nline two', meta: { source: 'web', note: 'n' } },
        { id: '2', text: 'said "hi"', meta: { source: 'web', note: '' } },
      ]);
    }
  });

  it('quarantine rows with another number of fields, with their offset', async () => {
    const path = csvFile('id,text\n1,a\n2,b,c\n3\n4,d\n');
    const { documents, bad } = await readInput(inputSpec(path));
    expect(documents.map((d) => d.id)).toEqual(['1', '4']);
    expect(bad.map((b) => [b.reason, b.offset, b.length, b.excerpt])).toEqual([
      ['wrong number of fields', 12, 5, '2,b,c'],
      ['wrong number of fields', 18, 1, '3'],
    ]);
  });

  it('separate TSV by tabs', async () => {
    const { documents } = await readInput(inputSpec(csvFile('text\tid\nhello, world\tx\n', 'in.tsv')));
    expect(documents).toEqual([{ id: 'x', text: 'hello, world', meta: { source: 'web' } }]);
  });

  it('keep columns named __proto__ harmless', async () => {
    const { documents } = await readInput(inputSpec(csvFile('text,__proto__\na,b\n')));
    expect(Object.keys(documents[0].meta)).toEqual(['source', '__proto__']);
  });

  it('replace invalid UTF-8 and count it', async () => {
    const path = csvFile(Buffer.concat([Buffer.from('text\na\nb'), Buffer.from([0xff]), Buffer.from('\n')]));
    const { documents, counters } = await readInput(inputSpec(path));
    expect(documents.map((d) => d.text)).toEqual(['a', 'b\ufffd']);
    expect(counters.invalidUtf8).toBe(1);
  });

  it.each(['', 'text,id\n', '\n\n'])('without rows (%j) give nothing', async (content) => {
    const { documents, bad } = await readInput(inputSpec(csvFile(content)));
    expect([documents, bad]).toEqual([[], []]);
  });

  it('count rows exactly for limit', async () => {
    const path = csvFile(`text\n${Array.from({ length: 50 }, (_, i) => `"row\n${i}"\n`).join('')}`);
    for (const chunkBytes of [16, 4096]) {
      const { documents } = await readInput(inputSpec(path, { limit: 17 }), chunkBytes);
      expect(documents.map((d) => d.text)).toEqual(Array.from({ length: 17 }, (_, i) => `row\n${i}`));
    }
  });

  it('give every row once for any chunk size', async () => {
    const table = fc.array(fc.tuple(field, field), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(table, fc.integer({ min: 1, max: 900 }), async (rows, chunkBytes) => {
        const path = csvFile(write([['text', 'other'], ...rows], ','));
        const { documents, bad } = await readInput(inputSpec(path), chunkBytes);
        expect(bad).toEqual([]);
        expect(documents.map((d) => [d.text, d.meta['other']])).toEqual(rows);
      }),
      { numRuns: 100 },
    );
  });
});
