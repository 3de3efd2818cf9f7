import { describe, expect, it } from 'vitest';
import type { Document } from '../../src/core/document.ts';
import { repeat } from '../../src/mix/repeat.ts';

const documents = (count: number, source: string): Document[] =>
  Array.from({ length: count }, (_, i) => ({ id: `${source}-${i}`, text: `text ${i}`, meta: { source, n: [i] } }));

/** What is left of documents, copies included. */
function run(times: Record<string, number>, given: Document[], seed = 1): Document[] {
  const stage = repeat.create(repeat.options.parse({ times }), { name: 'repeat', seed, baseDir: '' });
  return given.flatMap((document) => {
    const verdict = stage.process(document);
    return verdict.action === 'split' ? verdict.documents : verdict.action === 'keep' ? [document] : [];
  });
}

describe('repeat', () => {
  it('2.5 is every document twice and about half of them a third time', () => {
    const out = run({ books: 2.5 }, documents(2000, 'books'));
    expect(out.filter(({ id }) => !id.includes('#'))).toHaveLength(2000);
    expect(out.filter(({ id }) => id.endsWith('#2'))).toHaveLength(2000);
    // Binomial(2000, ½): five standard deviations are 112.
    const third = out.filter(({ id }) => id.endsWith('#3')).length;
    expect(Math.abs(third - 1000)).toBeLessThan(112);
    expect(new Set(out.map(({ id }) => id)).size).toBe(out.length);
  });

  it('0.25 keeps about a quarter, and says by which draw the others went', () => {
    const given = documents(2000, 'web');
    expect(Math.abs(run({ web: 0.25 }, given).length - 500)).toBeLessThan(97);
    const stage = repeat.create(repeat.options.parse({ times: { web: 0.25 } }), { name: 'r', seed: 1, baseDir: '' });
    for (const document of given) {
      const verdict = stage.process(document);
      if (verdict.action !== 'drop') continue;
      expect(verdict).toMatchObject({ reason: 'thinned_out', threshold: 0.25 });
      expect(verdict.value).toBeGreaterThanOrEqual(0.25);
    }
  });

  it('leaves other inputs as they are, and copies share no meta with their original', () => {
    const [a, b, c] = [documents(1, 'books'), documents(1, 'web'), run({ books: 2 }, documents(1, 'books'))];
    expect(run({ books: 2 }, b)).toEqual(b);
    expect(c.map(({ id, meta }) => [id, meta['repeat']])).toEqual([
      ['books-0', undefined],
      ['books-0#2', 2],
    ]);
    expect(c[0].meta['n']).not.toBe(c[1].meta['n']);
    expect(c[0]).toEqual(a[0]);
  });

  it('chooses by id and seed, whatever stands around', () => {
    const given = documents(500, 'web');
    const ids = (out: Document[]): string[] => out.map(({ id }) => id).sort();
    expect(ids(run({ web: 0.5 }, [...given].reverse()))).toEqual(ids(run({ web: 0.5 }, given)));
    expect(ids(run({ web: 0.5 }, given, 2))).not.toEqual(ids(run({ web: 0.5 }, given, 1)));
  });

  it('finds names that are no inputs', () => {
    const options = repeat.options.parse({ times: { web: 2, boks: 3 } });
    expect(repeat.checkInputs!(options, ['web', 'books'])).toMatchObject([{ path: ['times', 'boks'], name: 'boks' }]);
  });
});
