import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Document } from '../../src/core/document.ts';
import { borrowBytes, returnBytes } from '../../src/core/reused-bytes.ts';
import {
  countDocuments,
  decodeDocuments,
  encodeDocuments,
  readDocumentRows,
  readDocumentStarts,
} from '../../src/io/document-batch.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { describeWithPeers, python } from './fixture.ts';

const wellFormed = fc.oneof(
  fc.string({ unit: 'binary' }).map((text) => text.toWellFormed()),
  fc.string(),
  fc.constantFrom('\ufeffx', '\0', '😀', '', '\u2028', 'ÿ'),
);
const anyDocument: fc.Arbitrary<Document> = fc.record({
  id: wellFormed,
  text: wellFormed,
  meta: fc.dictionary(wellFormed, fc.jsonValue()).map((meta) => JSON.parse(JSON.stringify(meta))),
});

describe('document batches', () => {
  it('give the starts of texts, long enough and the same, with the bytes of the whole', () => {
    fc.assert(
      fc.property(fc.array(anyDocument, { minLength: 1 }), fc.integer({ min: 0, max: 5 }), (documents, units) => {
        const rows = documents.map((_, row) => row).reverse();
        const starts = readDocumentStarts(encodeDocuments(documents), rows, units);
        for (const [i, { document, bytes }] of starts.entries()) {
          const whole = documents[rows[i]];
          expect(bytes).toBe(Buffer.byteLength(whole.text));
          expect(document.text.slice(0, units)).toBe(whole.text.slice(0, units));
          expect(Buffer.byteLength(document.text)).toBeLessThanOrEqual(3 * units + 3 + 6);
          expect({ ...document, text: whole.text }).toEqual(whole);
        }
        expect(readDocumentStarts(encodeDocuments(documents), rows, Number.POSITIVE_INFINITY)).toEqual(
          rows.map((row) => ({ document: documents[row], bytes: Buffer.byteLength(documents[row].text) })),
        );
      }),
    );
  });

  it('round-trip any well-formed text and JSON meta', () => {
    fc.assert(
      fc.property(fc.array(anyDocument), (documents) => {
        expect(decodeDocuments(encodeDocuments(documents))).toEqual(documents);
      }),
    );
  });

  it('hold own members named __proto__ as data', () => {
    const meta = JSON.parse('{"source":"s","__proto__":{"admin":true}}');
    const [document] = decodeDocuments(encodeDocuments([{ id: 'a', text: 't', meta }]));
    expect(Object.keys(document.meta)).toEqual(['source', '__proto__']);
    expect((document.meta as { admin?: boolean }).admin).toBeUndefined();
  });

  it('give single rows in the order asked, and their count', () => {
    const documents = Array.from({ length: 100 }, (_, i) => ({ id: `${i}`, text: `é${i}`, meta: { i } }));
    const bytes = encodeDocuments(documents);
    expect(countDocuments(bytes)).toBe(100);
    expect(readDocumentRows(bytes, Int32Array.of(99, 0, 50, 50))).toEqual([99, 0, 50, 50].map((i) => documents[i]));
    expect(() => readDocumentRows(bytes, [100])).toThrow(RangeError);
  });

  it('can be empty', () => {
    expect(decodeDocuments(encodeDocuments([]))).toEqual([]);
    expect(countDocuments(encodeDocuments([]))).toBe(0);
  });

  it('are the same bytes for the same documents, and apache-arrow reads them', () => {
    const documents = [{ id: 'a', text: 'plain', meta: { source: 's' } }];
    expect(encodeDocuments(documents)).toEqual(encodeDocuments(documents));
    const rows = tableFromIPC(encodeDocuments(documents)).toArray();
    expect(rows.map((row) => row.toJSON())).toEqual([{ id: 'a', text: 'plain', meta: '{"source":"s"}' }]);
  });

  it.each([
    Buffer.from('no arrow at all'),
    Buffer.alloc(0),
    encodeDocuments([{ id: 'a', text: 'b', meta: {} }]).subarray(0, 300),
  ])('say INPUT_CORRUPT for damaged bytes', (bytes) => {
    expect(() => decodeDocuments(bytes)).toThrow(expect.objectContaining({ code: 'INPUT_CORRUPT' }));
  });

  it('refuse a column that would pass the end of the format', () => {
    const most = 8 * 1024 * 1024;
    // Memory of others that is larger than the format allows.
    returnBytes(borrowBytes(2 * most));
    // In bytes: of UTF-16 units there are a third.
    const documents = Array.from({ length: 4 }, (_, i) => ({ id: `${i}`, text: '文'.repeat(most / 12), meta: {} }));
    expect(decodeDocuments(encodeDocuments(documents, most))).toEqual(documents);
    expect(() => encodeDocuments([...documents, { id: '4', text: '!'.repeat(10), meta: {} }], most)).toThrow(
      expect.objectContaining({
        code: 'OUTPUT_FAILED',
        message: expect.stringMatching(
          /^Writing 5 documents.*column text has 8388610 bytes and the format ends at 8388608$/,
        ),
      }),
    );
  });
});

describeWithPeers('document batches in other tools', () => {
  it('open in pyarrow and polars with the same text', () => {
    const path = join(temporaryFolder(), 'part.arrow');
    const documents = Array.from({ length: 50 }, (_, i) => ({ id: `${i}`, text: `\ufeff\0中文 😀 ${i}`, meta: { i } }));
    writeFileSync(path, encodeDocuments(documents));
    const program = `
import sys, json, pyarrow as pa, polars as pl
table = pa.ipc.open_file(sys.argv[1]).read_all()
table.validate(full=True)
stream = pa.ipc.open_stream(pa.py_buffer(open(sys.argv[1], "rb").read()[8:])).read_all()
assert stream.equals(table)
assert pl.read_ipc(sys.argv[1])["text"].to_list() == table["text"].to_pylist()
print(json.dumps([[str(f.type) for f in table.schema], table["text"].to_pylist(), table["meta"].to_pylist()]))
`;
    expect(JSON.parse(python(program, path))).toEqual([
      ['string', 'string', 'string'],
      documents.map((d) => d.text),
      documents.map((d) => JSON.stringify(d.meta)),
    ]);
  });
});
