import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HEADER_BYTES } from '../../src/core/columns.ts';
import { createFeatureReader, rowsWith } from '../../src/core/feature-reader.ts';
import { readLengths } from '../../src/dedup/lengths.ts';
import { partsOf, type Read } from '../dedup/parts.ts';

const COLUMNS = 6;
/** The value says where it stands: 1000 × row + column. */
const table = (rows: number): number[][] =>
  Array.from({ length: rows }, (_, row) => Array.from({ length: COLUMNS }, (__, column) => 1000 * row + column));
const contextOf = (parts: ReturnType<typeof partsOf>) => ({
  parts,
  memoryBytes: 1 << 30,
  signal: new AbortController().signal,
});

describe('a feature reader', () => {
  it('gives the columns asked for, in any order of asking and with any window', async () => {
    const asked = fc.record({
      part: fc.nat({ max: 100 }),
      first: fc.integer({ min: 0, max: COLUMNS - 1 }),
      count: fc.integer({ min: 1, max: COLUMNS }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 15 }),
        fc.integer({ min: 0, max: 1200 }),
        fc.array(asked, { maxLength: 12 }),
        async (rows, partRows, windowBytes, questions) => {
          const reader = createFeatureReader(contextOf(partsOf(table(rows), partRows, {})), windowBytes);
          expect(reader.rows).toBe(rows);
          for (const question of questions) {
            const part = reader.parts[question.part % reader.parts.length];
            const count = Math.min(question.count, COLUMNS - question.first);
            const columns = await reader.columns(part, question.first, count);
            expect(columns.map((column) => [...column])).toEqual(
              Array.from({ length: count }, (_, i) =>
                Array.from({ length: part.rows }, (__, row) => 1000 * (part.firstOrdinal + row) + question.first + i),
              ),
            );
          }
          expect(await reader.columns(reader.parts[0])).toHaveLength(COLUMNS);
        },
      ),
    );
  });

  it('reads a small corpus once, however often it is asked', async () => {
    const reads: Read[] = [];
    const reader = createFeatureReader(contextOf(partsOf(table(10), 4, { reads })));
    for (let first = 0; first < COLUMNS; first += 2) {
      for (const part of reader.parts) await reader.columns(part, first, 2);
    }
    const beyondHeader = reads.filter(({ offset }) => offset >= HEADER_BYTES);
    expect(beyondHeader.map(({ part }) => part)).toEqual([0, 1, 2]);
  });

  it('reads of a large corpus only the columns in question, never the whole', async () => {
    for (const windowBytes of [0, 2 * 4 * 10]) {
      const reads: Read[] = [];
      const reader = createFeatureReader(contextOf(partsOf(table(10), 10, { reads })), windowBytes);
      await reader.columns(reader.parts[0], 2, 2);
      expect(reads.at(-1)).toEqual({ part: 0, offset: HEADER_BYTES + 2 * 40, length: 2 * 40 });
    }
  });

  it('does not read all parts again for columns that take turns at each part', async () => {
    const reads: Read[] = [];
    const reader = createFeatureReader(contextOf(partsOf(table(12), 3, { reads })), 2 * 4 * 12);
    for (const part of reader.parts) {
      for (const first of [0, 4]) {
        const [column] = await reader.columns(part, first, 2);
        expect(column[0]).toBe(1000 * part.firstOrdinal + first);
      }
    }
    const words = reads.filter(({ offset }) => offset >= HEADER_BYTES).reduce((sum, { length }) => sum + length / 4, 0);
    // Two windows of two columns, and of the one that was given up what the other three parts have.
    expect(words).toBe(2 * (2 * 12) + 2 * 9);
  });

  it('refuses features that are not those of the part', async () => {
    const parts = partsOf(table(10), 10, {});
    const reader = createFeatureReader(contextOf([{ ...parts[0], rows: 9 }]));
    await expect(reader.columns(reader.parts[0])).rejects.toThrow('part 0 has 9 rows, its features 10');
    const short = createFeatureReader(
      contextOf([{ ...parts[0], features: async (range) => (await parts[0].features(range)).subarray(0, 39) }]),
    );
    await expect(short.columns(short.parts[0])).rejects.toThrow('39 bytes at 16, expected 240');
  });

  it('gives the trailer of each part', async () => {
    const reader = createFeatureReader(contextOf(partsOf(table(5), 2, { trailer: (part) => [`part ${part}`] })));
    const trailers: unknown[] = [];
    for (const part of reader.parts) {
      trailers.push(JSON.parse(new TextDecoder().decode(await reader.trailer(part))));
    }
    expect(trailers).toEqual([['part 0'], ['part 1'], ['part 2']]);
  });

  it('gives one column of all parts by ordinal', async () => {
    const reader = createFeatureReader(contextOf(partsOf(table(5), 2, {})));
    expect([...(await readLengths(reader, 5, 3))]).toEqual([3, 1003, 2003, 3003, 4003]);
  });
});

describe('rowsWith', () => {
  it('is the rows that are alive and not 0 in the column; nothing where that is all', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 80 }),
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 2, max: 7 }),
        async (values, partRows, every) => {
          const alive = (i: number): boolean => i % every !== 1;
          const rows = values.map((value) => [9, value]);
          const reader = createFeatureReader(contextOf(partsOf(rows, partRows, { alive })));
          const set = (await rowsWith(reader, 1))!;
          const members = values.flatMap((_, i) => ((set[i >>> 5] >>> (i & 31)) & 1 ? [i] : []));
          expect(members).toEqual(values.flatMap((value, i) => (alive(i) && value !== 0 ? [i] : [])));
        },
      ),
    );
    const all = createFeatureReader(contextOf(partsOf([[1], [2]], 1, {})));
    expect(await rowsWith(all)).toBeUndefined();
  });
});
