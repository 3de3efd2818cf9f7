import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readColumns } from '../../src/core/columns.ts';
import { xxh64 } from '../../src/core/hash.ts';
import { createExactObserver, exact } from '../../src/dedup/exact.ts';
import { normalizeLoosely } from '../../src/dedup/loose-key.ts';
import { describeWithShared, shared } from '../shared.ts';
import { documentsFrom, readJsonlGz, runBarrier } from './context.ts';

const run = (texts: readonly string[], options = {}, settings = {}) =>
  runBarrier(exact, options, documentsFrom(texts), settings);

describe('dedup.exact', () => {
  it('keeps the first of each text, as a Map would, whatever the parts', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('', 'a', 'A', 'a ', 'ä', 'a\u0308', '中文', '😀', 'x'.repeat(30_000)), {
          maxLength: 40,
        }),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
        async (texts, partRows) => {
          const first = new Map<string, number>();
          texts.forEach((text, i) => void (first.has(text) || first.set(text, i)));
          const { keptAs, details } = await run(texts, {}, { partRows });
          expect(keptAs).toEqual(texts.map((text) => first.get(text)));
          expect(details.duplicates).toBe(texts.length - first.size);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('takes 128 bits of key: xxHash64 of the UTF-8 bytes under two seeds', () => {
    const observer = createExactObserver({ by: 'text', normalize: 'raw', keep: 'first' });
    observer.observe({ id: 'a', text: 'née 中', meta: {} });
    const columns = readColumns(observer.finish());
    const bytes = Buffer.from('née 中', 'utf8');
    const words = (hash: bigint) => [Number(hash & 0xffffffffn), Number(hash >> 32n)];
    expect(columns.map(([value]) => value)).toEqual([
      ...words(xxh64(bytes)),
      ...words(xxh64(bytes, 0x9e3779b97f4a7c15n)),
      'née 中'.length,
      2,
      1,
    ]);
  });

  it('looks past documents that earlier stages dropped', async () => {
    const { keptAs, details } = await run(['a', 'a', 'b', 'a'], {}, { alive: (i: number) => i !== 0 });
    expect(keptAs).toEqual([0, 1, 2, 1]);
    expect(details).toMatchObject({ documents: 3, duplicates: 1, clusters: 1 });
  });

  it('compares loosely when asked: NFKC, case and white space', async () => {
    const texts = ['Ｈｅｌｌｏ\u00a0 WORLD\n', 'hello world', 'hello, world', ' Hello\tWorld', 'ﬁne', 'FINE'];
    expect((await run(texts)).keptAs).toEqual([0, 1, 2, 3, 4, 5]);
    expect((await run(texts, { normalize: 'loose' })).keptAs).toEqual([0, 0, 2, 0, 4, 4]);
    expect(normalizeLoosely('\u3000Ａ \n b')).toBe('a b');
  });

  it('keeps the longest when asked, the first of equally long ones', async () => {
    const texts = ['a  b', 'x', 'a b', 'a   b', 'A   B', 'x'];
    const { keptAs, details } = await run(texts, { normalize: 'loose', keep: 'longest' });
    expect(keptAs).toEqual([3, 1, 3, 3, 3, 1]);
    expect(details.largest[0].members.map(({ id, kept }) => [id, kept])).toEqual([
      ['d3', true],
      ['d0', false],
      ['d2', false],
      ['d4', false],
    ]);
  });

  it('reports cluster sizes and the largest clusters with five members at most', async () => {
    const texts = [
      ...Array(7).fill('seven'),
      'one',
      'two',
      'two',
      'deux',
      'deux',
      `${'x'.repeat(999)}😀`,
      `${'x'.repeat(999)}😀`,
    ];
    const { details, reads } = await run(texts);
    expect(details).toMatchObject({
      kind: 'duplicates',
      method: 'exact',
      documents: 14,
      duplicates: 9,
      clusters: 4,
      clusterSizes: { '2': 3, '7': 1 },
    });
    expect(details.largest.map(({ size, members }) => [size, members.map(({ id }) => id).join()])).toEqual([
      [7, 'd0,d1,d2,d3,d4'],
      [2, 'd8,d9'],
      [2, 'd10,d11'],
      [2, 'd12,d13'],
    ]);
    expect(details.largest[3].members[0]).toEqual({
      id: 'd12',
      source: 'test',
      kept: true,
      excerpt: `${'x'.repeat(999)}\ufffd`,
      bytes: 1003,
      fingerprint: expect.stringMatching(/^[\da-f]{16}$/),
    });
    for (const asked of reads) expect(asked).toEqual([...asked].sort((a, b) => a - b));
  });

  it('takes an empty corpus', async () => {
    const { keptAs, details } = await run([]);
    expect(keptAs).toEqual([]);
    expect(details).toMatchObject({ documents: 0, duplicates: 0, clusters: 0, largest: [] });
  });
});

describeWithShared('dedup.exact on web-mix', () => {
  it('finds its 1,133 byte-identical extras', async () => {
    const documents = readJsonlGz<{ id: string; text: string }>(shared('data/web-mix.jsonl.gz'));
    const { details } = await runBarrier(
      exact,
      {},
      documents.map(({ id, text }) => ({ id, text, meta: {} })),
      { partRows: [1500] },
    );
    expect(details).toMatchObject({ documents: 20_781, duplicates: 1133 });
  });
});
