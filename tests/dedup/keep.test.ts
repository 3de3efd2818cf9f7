import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Document } from '../../src/core/document.ts';
import { exact } from '../../src/dedup/exact.ts';
import { keepBest, keepMistakes, timeOf } from '../../src/dedup/keep.ts';
import { minhash } from '../../src/dedup/minhash/stage.ts';
import { runBarrier } from './context.ts';

const copies = (...metas: Document['meta'][]): Document[] =>
  metas.map((meta, i) => ({ id: `d${i}`, text: 'the very same words in every copy', meta }));

describe.each([
  ['dedup.exact', exact],
  ['dedup.minhash', minhash],
] as const)('%s keeps', (_, stage) => {
  const keptOf = async (keep: unknown, documents: Document[]): Promise<number> =>
    (await runBarrier(stage, { keep }, documents, { partRows: [2] })).keptAs[0];

  it('the best score, wherever in meta it lies; a copy without one is worth least', async () => {
    const scores = [-3.5, undefined, 0.25, 0.125, 'high', -0].map((score) => ({ quality: { score } }));
    expect(await keptOf({ best: 'quality.score' }, copies(...scores))).toBe(2);
    expect(await keptOf({ best: 'nowhere' }, copies(...scores))).toBe(0);
  });

  it('the newest date', async () => {
    const dates = ['2019-12-31', '2020-01-01T00:30:00+02:00', '2020-01-01', '20191231235959', 'soon'].map((date) => ({
      date,
    }));
    expect(await keptOf({ newest: 'date' }, copies(...dates))).toBe(2);
  });

  it('the most preferred source, others after all named ones', async () => {
    const sources = ['forum', 'crawl', 'books', 'wiki', 'books'].map((source) => ({ source }));
    expect(await keptOf({ sources: ['wiki', 'books'] }, copies(...sources))).toBe(3);
    expect(await keptOf({ sources: ['none', 'books'] }, copies(...sources))).toBe(2);
    expect(await keptOf({ sources: ['none'] }, copies(...sources))).toBe(0);
  });
});

describe('the rule for what is kept', () => {
  it('gives every cluster to one of its members that no other beats by rank, then length, then order', () => {
    const row = fc.record({ cluster: fc.nat(4), rank: fc.nat(2), length: fc.nat(2) });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 30 }), (rows) => {
        const first = (cluster: number) => rows.findIndex((other) => other.cluster === cluster);
        const roots = Uint32Array.from(rows, ({ cluster }) => first(cluster));
        const lengths = Uint32Array.from(rows, ({ length }) => length);
        keepBest(
          roots,
          lengths,
          Float64Array.from(rows, ({ rank }) => rank),
        );
        for (const [i, { cluster }] of rows.entries()) {
          const members = rows.flatMap((other, j) => (other.cluster === cluster ? [{ ...other, j }] : []));
          members.sort((a, b) => b.rank - a.rank || b.length - a.length || a.j - b.j);
          expect(roots[i]).toBe(members[0].j);
        }
      }),
    );
  });

  it('names preferred sources that are no inputs', () => {
    expect(keepMistakes({ sources: ['web', 'wbe'] }, ['web', 'books'])).toEqual([
      { path: ['keep', 'sources', '1'], name: 'wbe', expected: 'the name of an input' },
    ]);
    expect(keepMistakes('longest', [])).toEqual([]);
  });

  it.each([
    ['2020-02-29', Date.UTC(2020, 1, 29)],
    ['2020', Date.UTC(2020, 0, 1)],
    ['20200229T101112Z', Date.UTC(2020, 1, 29, 10, 11, 12)],
    ['20200229101112', Date.UTC(2020, 1, 29, 10, 11, 12)],
    ['2020-02-29 10:11', Date.UTC(2020, 1, 29, 10, 11)],
    ['2020-02-29T10:11:12.5-05:30', Date.UTC(2020, 1, 29, 15, 41, 12, 500)],
    [1_582_970_000, 1_582_970_000_000],
    [1_582_970_000_000, 1_582_970_000_000],
    ['yesterday', Number.NEGATIVE_INFINITY],
    [null, Number.NEGATIVE_INFINITY],
  ])("reads the date %s without the machine's time zone", (given, time) => {
    expect(timeOf(given)).toBe(time);
  });
});
