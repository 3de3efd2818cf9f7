import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFeatureReader, rowsWith } from '../../src/core/feature-reader.ts';
import { createRandom, mix32 } from '../../src/core/random.ts';
import { eachGroup, eachRepeat, type KeyRecords } from '../../src/dedup/key-groups.ts';
import { partsOf } from './parts.ts';

type Key = readonly number[];

/** Records by id; `words` of each key are told. */
function recordsOf(keys: readonly Key[], words: 2 | 4, scans = { count: 0 }): KeyRecords {
  return {
    // More than there are: `count` is an upper bound.
    count: keys.length + 3,
    words,
    async scan(visit) {
      scans.count++;
      for (const [id, [high, low, third = 0, fourth = 0]] of keys.entries()) visit(high, low, id, third, fourth);
    },
  };
}

function byMap(keys: readonly Key[], words: number): number[][] {
  const groups = new Map<string, number[]>();
  for (const [id, key] of keys.entries()) {
    const name = key.slice(0, words).join();
    groups.set(name, [...(groups.get(name) ?? []), id]);
  }
  return [...groups.values()].filter((ids) => ids.length > 1);
}

async function groupsOf(records: KeyRecords, memoryBytes: number): Promise<number[][]> {
  const groups: number[][] = [];
  await eachGroup(records, { memoryBytes }, (ids) => groups.push([...ids]));
  return groups;
}

const byFirst = (groups: number[][]): number[][] => groups.toSorted((a, b) => a[0] - b[0]);

describe('eachGroup', () => {
  // Words from a few values, so that keys agree in some words and not in others.
  const word = fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff);
  it.each([2, 4] as const)('finds what a Map finds, with keys of %i words', async (words) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(word, word, word, word), { maxLength: 100 }), async (keys) => {
        expect(byFirst(await groupsOf(recordsOf(keys, words), 1 << 20))).toEqual(byMap(keys, words));
      }),
    );
  });

  // Enough records for many partitions; half of the keys repeat, one of them thousands of times.
  const random = createRandom(11);
  const keys = Array.from({ length: 70_000 }, (_, i): Key => {
    const name = i % 10 === 0 ? 0 : i % 2 === 0 ? random.below(40_000) : i;
    return [mix32(name), mix32(name ^ 0x5bd1e995), i % 3, 0];
  });

  it.each([2, 4] as const)(
    'gives the same groups in the same order in one pass and in many (%i words)',
    async (words) => {
      const expected = byMap(keys, words);
      const scans = { count: 0 };
      const whole = await groupsOf(recordsOf(keys, words, scans), 1 << 30);
      expect(byFirst(whole)).toEqual(expected);
      // One scan to count, one to bring together.
      expect(scans.count).toBe(2);
      let before = 1;
      for (const memoryBytes of [1_000_000, 400_000, 0]) {
        const more = { count: 0 };
        expect(await groupsOf(recordsOf(keys, words, more), memoryBytes)).toEqual(whole);
        expect(more.count).toBeGreaterThan(before);
        before = more.count;
      }
      // 70,000 records in partitions of about 8,192: 16 of them, each a pass of its own when memory is scarce.
      expect(before).toBe(1 + 16);
    },
  );

  it('takes signed words for the same key as unsigned ones', async () => {
    const keys = [
      [-1, 5],
      [0xffffffff, 5],
      [-1, -5],
    ];
    expect(await groupsOf(recordsOf(keys, 2), 1 << 20)).toEqual([[0, 1]]);
  });

  it('finds nothing among none and one', async () => {
    expect(await groupsOf(recordsOf([], 2), 1 << 20)).toEqual([]);
    expect(await groupsOf(recordsOf([[1, 2]], 2), 1 << 20)).toEqual([]);
  });

  it('does not go on with records that changed between scans', async () => {
    let scans = 0;
    const records: KeyRecords = {
      count: 10,
      async scan(visit) {
        scans++;
        for (let id = 0; id < 10 - scans; id++) visit(mix32(id), id, id, 0, 0);
      },
    };
    await expect(groupsOf(records, 1 << 20)).rejects.toThrow('changed');
  });
});

describe('eachRepeat', () => {
  it('ties every row to the first surviving row of its key: as a Map would, for any parts and memory', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 120 }),
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 0, max: 4000 }),
        fc.integer({ min: 0, max: 2000 }),
        async (values, partRows, memoryBytes, windowBytes) => {
          const alive = (i: number): boolean => i % 5 !== 2;
          const firsts = new Map<number, number>();
          const expected = new Map<number, number>();
          values.forEach((value, i) => {
            if (!alive(i) || value === 0) return;
            if (firsts.has(value)) expected.set(i, firsts.get(value)!);
            else firsts.set(value, i);
          });
          const parts = partsOf(
            values.map((value) => [77, mix32(value), value, value === 0 ? 0 : 1]),
            partRows,
            { alive },
          );
          const context = { parts, memoryBytes: 0, signal: new AbortController().signal };
          const reader = createFeatureReader(context, windowBytes);
          const rows = await rowsWith(reader, 3);
          const found = new Map<number, number>();
          await eachRepeat(reader, { firstColumn: 1, words: 2, rows }, { memoryBytes }, (first, ordinal) => {
            expect(found.has(ordinal)).toBe(false);
            found.set(ordinal, first);
          });
          expect([...found].sort((a, b) => a[0] - b[0])).toEqual([...expected]);
        },
      ),
    );
  });
});
