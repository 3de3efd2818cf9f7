import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Document } from '../../src/core/document.ts';
import { exact } from '../../src/dedup/exact.ts';
import { minhash } from '../../src/dedup/minhash/stage.ts';
import { documentsFrom, runBarrier } from './context.ts';

/** `[text, site]` → a document. */
const documentsOf = (pairs: readonly (readonly [string, string | undefined])[]): Document[] =>
  pairs.map(([text, site], i) => ({
    id: `d${i}`,
    text,
    meta: { source: 'test', ...(site !== undefined && { page: { site } }) },
  }));

describe('what deduplication saves', () => {
  it('counts UTF-8 bytes and tokens of the documents dropped, not of those kept', async () => {
    const { details } = await runBarrier(
      exact,
      {},
      documentsFrom(['née le 中文', 'née le 中文', 'x y', 'née le 中文']),
    );
    expect(Buffer.byteLength('née le 中文')).toBe(14);
    expect(details.saved).toEqual({ bytes: 28, tokens: 8 });
  });

  it('counts nothing of documents that earlier stages dropped', async () => {
    const { details } = await runBarrier(exact, {}, documentsFrom(['a', 'a', 'a']), { alive: (i) => i !== 1 });
    expect(details).toMatchObject({ documents: 2, duplicates: 1, saved: { bytes: 1, tokens: 1 } });
  });
});

describe('duplicates by source', () => {
  it('are by input unless a field is named', async () => {
    const { details } = await runBarrier(exact, {}, documentsFrom(['a', 'a', 'b']));
    expect(details.sources).toEqual({
      by: 'source',
      names: ['test'],
      documents: [3],
      duplicates: [1],
      bytesSaved: [1],
      matrix: [[0, 0, 1]],
    });
  });

  it('are by a field of meta, with a matrix of who copies from whom', async () => {
    const documents = documentsOf([
      ['one', 'b'],
      ['one', 'a'],
      ['one', 'a'],
      ['two', 'a'],
      ['two', undefined],
      ['three', 'b'],
    ]);
    const { details } = await runBarrier(exact, { sourceField: 'page.site' }, documents, { partRows: [2, 1] });
    expect(details.sources).toEqual({
      by: 'page.site',
      // Three of a, two of b, one without.
      names: ['a', 'b', '(none)'],
      documents: [3, 2, 1],
      duplicates: [2, 0, 1],
      bytesSaved: [6, 0, 3],
      matrix: [
        [0, 1, 2],
        [2, 0, 1],
      ],
    });
    expect(details.largest[0].members.map(({ source }) => source)).toEqual(['b', 'a', 'a']);
  });

  it('are those of a brute-force count, whatever the parts', async () => {
    const documents = fc.array(fc.tuple(fc.constantFrom('x', 'yy', 'zzz'), fc.constantFrom('a', 'b', 'c')), {
      minLength: 1,
      maxLength: 30,
    });
    await fc.assert(
      fc.asyncProperty(documents, fc.integer({ min: 1, max: 8 }), async (pairs, rows) => {
        const settings = { partRows: [rows] };
        const { details } = await runBarrier(exact, { sourceField: 'page.site' }, documentsOf(pairs), settings);
        const { names, matrix, bytesSaved } = details.sources;
        const expected: Record<string, number> = {};
        const bytes: Record<string, number> = {};
        pairs.forEach(([text, site], i) => {
          const first = pairs.findIndex((pair) => pair[0] === text);
          if (first === i) return;
          expected[`${site}<${pairs[first][1]}`] = (expected[`${site}<${pairs[first][1]}`] ?? 0) + 1;
          bytes[site] = (bytes[site] ?? 0) + text.length;
        });
        expect(Object.fromEntries(matrix.map(([row, column, n]) => [`${names[row]}<${names[column]}`, n]))).toEqual(
          expected,
        );
        names.forEach((name, i) => void expect(bytesSaved[i]).toBe(bytes[name] ?? 0));
      }),
      { numRuns: 40 },
    );
  });

  it('sums up the sources past the two hundred with most documents', async () => {
    const documents = documentsOf(
      Array.from({ length: 503 }, (_, i) => (i < 3 ? ['same', 'first'] : [`text ${i >> 1}`, `site ${i % 250}`])),
    );
    const { sources } = (await runBarrier(exact, { sourceField: 'page.site' }, documents)).details;
    expect(sources.names).toHaveLength(201);
    expect([sources.names[0], sources.names[200]]).toEqual(['first', '(others)']);
    expect(sources.documents.reduce((a, b) => a + b)).toBe(503);
    expect(sources.matrix.reduce((sum, [, , n]) => sum + n, 0)).toBe(sources.duplicates.reduce((a, b) => a + b));
  });
});

describe('the clusters of a report', () => {
  it('are as many as asked for, the largest first', async () => {
    const texts = Array.from({ length: 300 }, (_, i) => `text ${Math.floor(Math.sqrt(i))}`);
    const { details } = await runBarrier(exact, { reportClusters: 3 }, documentsFrom(texts));
    expect(details.largest.map(({ size, members }) => [size, members[0].id])).toEqual([
      // i with the root 16, 15, 14: 2·root + 1 of them; of 17 there are only 11.
      [33, 'd256'],
      [31, 'd225'],
      [29, 'd196'],
    ]);
    expect((await runBarrier(exact, { reportClusters: 0 }, documentsFrom(texts))).details.largest).toEqual([]);
  });

  it('begin their excerpts shortly before the first difference when it is far down', async () => {
    const start = Array.from({ length: 600 }, (_, i) => `word${i}`).join(' ');
    const documents = documentsFrom([`${start} and this end is long`, `${start} and that end`]);
    const { details } = await runBarrier(minhash, {}, documents);
    const [{ skipped, members }] = details.largest;
    expect(skipped).toBe(`${start} and th`.length - 120);
    expect(members.map(({ excerpt }) => excerpt.slice(120))).toEqual(['is end is long', 'at end']);
  });

  it('show equal texts from their beginning', async () => {
    const text = 'long text '.repeat(1000);
    const [{ skipped, members }] = (await runBarrier(exact, {}, documentsFrom([text, text]))).details.largest;
    expect([skipped, members[1].excerpt]).toEqual([0, text.slice(0, 1000)]);
  });
});

describe('fingerprints of duplicates', () => {
  const listOf = async (texts: readonly string[], settings = {}) =>
    (await runBarrier(exact, {}, documentsFrom(texts), settings)).details.fingerprints!;

  it('are the same for the same duplicates, in any order and any parts', async () => {
    const list = await listOf(['a', 'b', 'a', 'b', 'c', 'b']);
    expect(await listOf(['b', 'b', 'a', 'b', 'a', 'd'], { partRows: [2] })).toEqual(list);
    expect(await listOf(['b', 'b', 'a', 'a', 'd'])).not.toEqual(list);
    expect(list.count).toBe(3);
  });

  it('are 64 bits each, ascending; members of clusters carry theirs', async () => {
    const { details } = await runBarrier(exact, {}, documentsFrom(['a', 'b', 'a', 'b', 'a']));
    const bytes = Buffer.from(details.fingerprints!.base64, 'base64');
    const prints = Array.from({ length: 3 }, (_, i) => bytes.subarray(8 * i, 8 * i + 8).toString('hex'));
    expect(bytes).toHaveLength(24);
    expect(prints).toEqual([...prints].sort());
    const members = details.largest.flatMap((cluster) => cluster.members.filter(({ kept }) => !kept));
    expect(members.map(({ fingerprint }) => fingerprint).sort()).toEqual(prints);
  });

  it('of near copies outlive a small edit, mostly', async () => {
    const words = (from: number) => Array.from({ length: 400 }, (_, i) => `w${from + i}`);
    const edited = words(0).with(399, 'another');
    const print = async (copy: string[]) =>
      (await runBarrier(minhash, {}, documentsFrom([`${words(0).join(' ')} end`, copy.join(' ')]))).details
        .fingerprints;
    expect(await print(edited)).toEqual(await print(words(0)));
  });
});

describe('the check of candidates', () => {
  it('is reported by similarity: every pair checked is in one bin', async () => {
    const base = Array.from({ length: 200 }, (_, i) => `w${i}`);
    const copies = [0, 10, 60, 150].map((changed) => base.map((word, i) => (i < changed ? `x${changed}${i}` : word)));
    const documents = documentsFrom(copies.map((words) => words.join(' ')));
    const { details } = await runBarrier(minhash, { threshold: 0.5 }, documents);
    const { measure, accepted, rejected } = details.checked!;
    const sum = (bins: number[]) => bins.reduce((a, b) => a + b);
    expect(measure).toBe('jaccard');
    expect([accepted.length, rejected.length]).toEqual([20, 20]);
    expect(sum(accepted) + sum(rejected)).toBe(details.verification!['checked']);
    expect(sum(rejected)).toBe(details.verification!['rejected']);
    expect(sum(accepted.slice(0, 10))).toBe(0);
    // 190 of 200 words, 5 to a shingle: 186 of 196 shingles stay, J = 186 / 206.
    expect(accepted[18]).toBe(1);
    expect(details.curve).toEqual({ bands: details.settings['numBands'], rows: details.settings['rowsPerBand'] });
  });
});
