/** The native kernels that take rows of documents' columns into other files, beside their twins and wrong arguments. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { native } from '../../src/core/native.ts';
import { columnOf, stringsOf } from '../../src/core/utf8-column.ts';
import { fillPageTwin } from '../../src/io/parquet-text-column.ts';
import { createDocumentGroup } from '../../src/io/write-columns.ts';
import { sourceRunTwin, sourcesOf } from '../../src/pipeline/part-columns.ts';

const describeNative = native === undefined ? describe.skip : describe;

const name = fc.constantFrom('web', 'books', 'ｂ"q', 'a\\b', '', '語料', 'web2');
const rest = fc.dictionary(fc.constantFrom('url', 'n', 'deep', 'é'), fc.jsonValue(), { maxKeys: 3 });
/** Metas as readers write them, `source` first; and as stages and other programs may leave them. */
const meta = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(name, rest).map(([source, others]): object => ({ source, ...others })) },
  { weight: 1, arbitrary: fc.tuple(name, rest).map(([source, others]): object => ({ first: 1, source, ...others })) },
  { weight: 1, arbitrary: rest },
  { weight: 1, arbitrary: fc.constantFrom<object>({ source: 7 }, { source: { x: 1 } }, { source: null, a: 1 }) },
);
const runs = fc
  .array(fc.tuple(meta, fc.integer({ min: 1, max: 6 })), { maxLength: 12 })
  .map((all) => all.flatMap(([each, count]) => Array.from({ length: count }, () => each)));

describeNative('rows of documents', () => {
  it('have the sources that the twin finds', () => {
    fc.assert(
      fc.property(runs, (metas) => {
        const column = columnOf(metas.map((each) => JSON.stringify(each)));
        const { numbers, names } = sourcesOf(column);
        const twin = sourcesOf(column, sourceRunTwin);
        expect({ numbers: [...numbers], names }).toEqual({ ...twin, numbers: [...twin.numbers] });
        const expected = metas.map((each) => ('source' in each && typeof each.source === 'string' ? each.source : ''));
        expect([...numbers].map((number) => names[number])).toEqual(expected);
      }),
    );
  });

  it('are grouped with metas that lack their source, up to the bytes of a group', () => {
    fc.assert(
      fc.property(runs, fc.integer({ min: 1, max: 2000 }), (metas, fullBytes) => {
        const rows = metas.length;
        const ids = metas.map((_, row) => `id ${row}`);
        const texts = metas.map((_, row) => 'é'.repeat((7 * row) % 23));
        const written = metas.map((each) => JSON.stringify(each));
        const columns = { rows, ids: columnOf(ids), texts: columnOf(texts), metas: columnOf(written) };
        const group = createDocumentGroup(fullBytes);
        const expected = metas.map((each) => {
          const { source: _, ...others } = { source: '', ...each };
          return JSON.stringify(others);
        });
        for (let from = 0; from < rows; ) {
          const to = group.add({ ...columns, sources: sourcesOf(columns.metas) }, from);
          // It is full with the row that reaches its bytes.
          let end = from;
          for (let bytes = 0; end < rows && bytes < fullBytes; end++) {
            for (const value of [ids[end], texts[end], expected[end]]) bytes += Buffer.byteLength(value);
          }
          expect(to).toBe(end);
          expect(stringsOf(group.id.column())).toEqual(ids.slice(from, to));
          expect(stringsOf(group.text.column())).toEqual(texts.slice(from, to));
          expect(stringsOf(group.meta.column())).toEqual(expected.slice(from, to));
          expect(group.source).toHaveLength(to - from);
          group.clear();
          from = to;
        }
        group.release();
      }),
    );
  });

  it('fill PLAIN pages as the twin does', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 40 })), fc.nat(20), (strings, skipped) => {
        const column = columnOf(strings);
        const from = Math.min(skipped, strings.length);
        const bytes = column.offsets[strings.length] - column.offsets[from] + 4 * (strings.length - from);
        const [page, twin] = [Buffer.alloc(bytes), Buffer.alloc(bytes)];
        native!.writePlain(column.bytes, column.offsets, from, strings.length, page);
        fillPageTwin(twin, column, from, strings.length);
        expect(page.equals(twin)).toBe(true);
      }),
    );
  });

  it('are refused where arguments do not fit', () => {
    const { bytes, offsets } = columnOf(['{"source":"a","n":1}', '{"source":"a"}']);
    const head = Buffer.from('{"source":"a"');
    const rests =
      (changes: { to?: number; ids?: Int32Array; out?: Uint8Array; ends?: Int32Array; row?: number }) => () => {
        const {
          to = 2,
          ids = Int32Array.of(0, 1, 2),
          out = new Uint8Array(99),
          ends = new Int32Array(3),
          row = 0,
        } = changes;
        return native!.writeRests(bytes, offsets, 0, to, ids, ids, head, 99, out, ends, row);
      };
    expect(rests({})()).toBe(2);
    expect(rests({ out: new Uint8Array(8) })()).toBe(1);
    expect(rests({ to: 3 })).toThrow('no row of the column');
    expect(rests({ ids: Int32Array.of(0, 1) })).toThrow('too short');
    expect(rests({ row: 1 })).toThrow('no room');
    expect(rests({ ends: new Int32Array(2) })).toThrow('no room');
    expect(rests({ ends: Int32Array.of(100, 0, 0) })).toThrow('outside of its column');
    expect(() => native!.sourceRun(bytes, offsets, 1, 1, new Uint32Array(1))).toThrow('no row');
    expect(() => native!.sourceRun(bytes, Int32Array.of(0, 3, 2), 0, 2, new Uint32Array(1))).toThrow('not in order');
    expect(() => native!.writePlain(bytes, offsets, 0, 2, new Uint8Array(bytes.length + 7))).toThrow('too short');
  });
});
