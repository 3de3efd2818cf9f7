import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutRange } from '../../src/core/columns.ts';
import type { Document } from '../../src/core/document.ts';
import type { MixDetails } from '../../src/core/run-summary.ts';
import { NOBODY } from '../../src/core/stage.ts';
import { mix } from '../../src/mix/mix.ts';
import { runBarrier, type Settings } from '../dedup/context.ts';

function documentsOf(counts: Record<string, number>, length = (i: number) => 50 + ((i * 37) % 100)): Document[] {
  return Object.entries(counts).flatMap(([source, count]) =>
    Array.from({ length: count }, (_, i) => ({ id: `${source}-${i}`, text: 'x'.repeat(length(i)), meta: { source } })),
  );
}

async function run(options: Record<string, unknown>, documents: Document[], settings: Settings = {}) {
  const { keptAs, details } = await runBarrier(mix, options, documents, settings);
  const kept = documents.filter((_, i) => keptAs[i] === i);
  expect(keptAs.every((entry, i) => entry === i || entry === NOBODY)).toBe(true);
  const bytesOf = (source: string): number =>
    kept.filter(({ meta }) => meta['source'] === source).reduce((sum, { text }) => sum + text.length, 0);
  return { kept: kept.map(({ id }) => id), bytesOf, details: details as unknown as MixDetails };
}

describe('mix', () => {
  const documents = documentsOf({ web: 3000, books: 300, code: 600 });

  it('brings bytes to the shares asked for, to within a document, and keeps all of the scarcest source', async () => {
    const shares = { web: { share: 6 }, books: { share: 3 }, code: { share: 1 } };
    const { kept, bytesOf, details } = await run({ sources: shares }, documents);
    const total = bytesOf('web') + bytesOf('books') + bytesOf('code');
    expect(kept.filter((id) => id.startsWith('books'))).toHaveLength(300);
    // The largest document has 149 bytes: half of it is the most that each source can be off.
    expect(Math.abs(bytesOf('web') - 2 * bytesOf('books'))).toBeLessThanOrEqual(75);
    expect(Math.abs(bytesOf('code') - bytesOf('books') / 3)).toBeLessThanOrEqual(75);
    expect(details.sources['web']).toMatchObject({ kept: bytesOf('web'), target: 0.6 });
    expect(bytesOf('web') / total).toBeCloseTo(0.6, 2);
  });

  it('counts documents where that is the unit', async () => {
    const { kept } = await run(
      { unit: 'documents', sources: { web: { share: 1 }, books: { share: 1 }, code: { share: 1 } } },
      documents,
    );
    expect(kept).toHaveLength(900);
  });

  it('holds a source to its caps, and to its share of what the caps leave', async () => {
    const caps = { web: { maxDocuments: 100 }, books: { maxBytes: 5000 } };
    const { kept, bytesOf, details } = await run({ sources: caps }, documents);
    expect(kept.filter((id) => id.startsWith('web'))).toHaveLength(100);
    expect(bytesOf('books')).toBeLessThanOrEqual(5000);
    expect(bytesOf('books')).toBeGreaterThan(5000 - 150);
    expect(kept.filter((id) => id.startsWith('code'))).toHaveLength(600);
    expect(details.sources['other inputs']).toMatchObject({ documents: 600 });
    const both = await run(
      {
        unit: 'documents',
        sources: { web: { share: 1, maxDocuments: 50 }, books: { share: 1 }, code: { share: 2 } },
      },
      documents,
    );
    expect(both.kept).toHaveLength(200);
  });

  it('does not depend on order or parts, and takes another choice under another seed', async () => {
    const options = { sources: { web: { share: 1 }, books: { share: 1 }, code: { share: 1 } } };
    const { kept } = await run(options, documents);
    const parts = await run(options, documents, { partRows: [1, 700, 33] });
    expect(parts.kept).toEqual(kept);
    const reversed = await run(options, [...documents].reverse());
    expect(reversed.kept.sort()).toEqual([...kept].sort());
    expect((await run(options, documents, { seed: 2 })).kept).not.toEqual(kept);
  });

  it('neither counts nor drops what earlier stages dropped', async () => {
    const alive = (ordinal: number): boolean => ordinal % 2 === 0;
    const options = { unit: 'documents', sources: { web: { share: 1 }, books: { share: 1 }, code: { share: 1 } } };
    const { details } = await run(options, documents, { alive });
    expect(Object.values(details.sources).map(({ documents }) => documents)).toEqual([150, 150, 150]);
    expect(details.sources['web'].available).toBe(1500);
  });

  it('keeps more of a source that has grown, and nothing less', () =>
    fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 0, max: 200 }), async (cap, more) => {
        const options = (maxDocuments: number) => ({ sources: { web: { maxDocuments } } });
        const some = documentsOf({ web: 300 });
        const fewer = await run(options(cap), some);
        const wider = await run(options(cap + more), some);
        expect(fewer.kept.filter((id) => !wider.kept.includes(id))).toEqual([]);
        expect(fewer.kept).toHaveLength(Math.min(cap, 300));
      }),
      { numRuns: 20 },
    ));

  it('says why each document went: its draw beside the lowest one left out', async () => {
    const options = mix.options.parse({ sources: { web: { maxDocuments: 10 } } });
    const stage = { name: 'mix', seed: 1, baseDir: '.' };
    const observer = mix.createObserver(options, stage);
    const some = documentsOf({ web: 100 });
    for (const document of some) observer.observe(document);
    const blob = observer.finish();
    const result = await mix.decide(options, {
      ...stage,
      parts: [
        {
          part: 0,
          rows: 100,
          firstOrdinal: 0,
          alive: undefined,
          features: async (range) => cutRange(blob, range),
          rowInfo: async () => new Uint32Array(200),
        },
      ],
      rows: 100,
      inputs: ['web'],
      outputDir: '.',
      workDir: '.',
      memoryBytes: 2 ** 30,
      readDocuments: async () => [],
      readTexts: async () => [],
      withTexts: async () => {},
      progress: () => {},
      signal: new AbortController().signal,
    });
    const dropped = some.flatMap((_, i) => (result.keptAs![i] === i ? [] : [result.reasonOf!(i)]));
    expect(dropped).toHaveLength(90);
    for (const { reason, value, threshold } of dropped) {
      expect(reason).toBe('over_cap');
      expect(value).toBeGreaterThanOrEqual(threshold!);
    }
    expect(Math.min(...dropped.map(({ value }) => value!))).toBe(dropped[0].threshold);
  });

  it('refuses a share of a source of which nothing is left', async () => {
    await expect(run({ sources: { web: { share: 1 }, gone: { share: 1 } } }, documentsOf({ web: 10 }))).rejects.toThrow(
      /no text of the source gone is left/,
    );
  });

  it.each([
    [{ sources: {} }, /name the sources/],
    [{ unit: 'tokens', sources: { web: { share: 1 } } }, /needs a `tokenizer`/],
    [{ tokenizer: 'x.json', sources: { web: { share: 1 } } }, /only `unit: tokens`/],
    [{ sources: { web: { share: 1 }, books: {} } }, /needs one/],
  ])('options %j are refused', (options, message) => {
    expect(mix.options.safeParse(options).error?.message).toMatch(message);
  });

  it('wants a share for every input, and inputs that exist', () => {
    const check = (sources: object) => mix.checkInputs!(mix.options.parse({ sources }), ['web', 'books']);
    expect(check({ web: { share: 1 }, books: { share: 1 } })).toEqual([]);
    expect(check({ web: { maxDocuments: 1 } })).toEqual([]);
    expect(check({ web: { share: 1 } })).toMatchObject([{ path: ['sources'], name: expect.stringMatching(/books/) }]);
    expect(check({ wbe: { maxDocuments: 1 } })).toMatchObject([{ path: ['sources', 'wbe'], name: 'wbe' }]);
  });
});
