import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFeatureReader, rowsWith } from '../../src/core/feature-reader.ts';
import { native } from '../../src/core/native.ts';
import { createRandom, mix32 } from '../../src/core/random.ts';
import { eachGroup, eachRepeat, type KeyRecords, visitAlive } from '../../src/dedup/key-groups.ts';
import {
  createKeyMatcher,
  createKeyMatcherTwin,
  type KeyBlock,
  type KeyMatcher,
  type KeyWords,
} from '../../src/dedup/key-matcher.ts';
import { partsOf } from './parts.ts';

type Key = readonly number[];

const kernels: [string, (words: KeyWords) => KeyMatcher][] = [['twin', createKeyMatcherTwin]];
if (native !== undefined) kernels.push(['kernel', createKeyMatcher]);

/** Columns of keys; they begin anywhere in their memory. */
function columnsOf(keys: readonly Key[], words: KeyWords): Uint32Array[] {
  const memory = new Uint32Array(3 + words * keys.length);
  return Array.from({ length: words }, (_, k) => {
    const column = memory.subarray(3 + k * keys.length, 3 + (k + 1) * keys.length);
    for (const [i, key] of keys.entries()) column[i] = key[k] ?? 0;
    return column;
  });
}

/** Records by id, in blocks of `blockRows`; `has` tells which ids there are. */
function recordsOf(
  keys: readonly Key[],
  words: KeyWords,
  {
    scans = { count: 0 },
    blockRows = 1000,
    has,
  }: { scans?: { count: number }; blockRows?: number; has?: boolean[] } = {},
): KeyRecords {
  const columns = columnsOf(keys, words);
  const rows = has && new Uint32Array(Math.ceil(keys.length / 32));
  has?.forEach((is, id) => {
    if (is) rows![id >>> 5] |= 1 << (id & 31);
  });
  return {
    // More than there are: `count` is an upper bound.
    count: keys.length + 3,
    words,
    async scan(visit) {
      scans.count++;
      for (let firstId = 0; firstId < keys.length; firstId += blockRows) {
        visit({ columns: columns.map((column) => column.subarray(firstId, firstId + blockRows)), firstId, rows });
      }
    },
  };
}

function byMap(keys: readonly Key[], words: number, has: (id: number) => boolean = () => true): number[][] {
  const groups = new Map<string, number[]>();
  for (const [id, key] of keys.entries()) {
    if (!has(id)) continue;
    const name = key.slice(0, words).join();
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [id]);
    else group.push(id);
  }
  return [...groups.values()].filter((ids) => ids.length > 1);
}

async function groupsOf(records: KeyRecords, memoryBytes: number, matcher?: KeyMatcher): Promise<number[][]> {
  const groups: number[][] = [];
  await eachGroup(records, { memoryBytes, matcher }, (ids) => groups.push([...ids]));
  return groups;
}

const byFirst = (groups: number[][]): number[][] => groups.toSorted((a, b) => a[0] - b[0]);

/** Enough for many partitions; half of the keys repeat, one of them thousands of times. */
function manyKeys(count: number): Key[] {
  const random = createRandom(11);
  return Array.from({ length: count }, (_, i): Key => {
    const name = i % 10 === 0 ? 0 : i % 2 === 0 ? random.below(40_000) : i;
    return [mix32(name), mix32(name ^ 0x5bd1e995), i % 3, 0];
  });
}

describe.each(kernels)('eachGroup, %s', (_, createMatcher) => {
  // Words from a few values, so that keys agree in some words and not in others.
  const word = fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff);
  it.each([2, 4] as const)('finds what a Map finds, with keys of %i words, of all rows or a set', async (words) => {
    const matcher = createMatcher(words);
    const rows = fc.array(fc.tuple(fc.tuple(word, word, word, word), fc.boolean()), { maxLength: 150 });
    await fc.assert(
      fc.asyncProperty(rows, fc.integer({ min: 1, max: 150 }), fc.boolean(), async (rows, blockRows, isSet) => {
        const keys = rows.map(([key]) => key);
        const has = rows.map(([, has]) => has);
        const records = recordsOf(keys, words, isSet ? { blockRows, has } : { blockRows });
        const expected = byMap(keys, words, (id) => !isSet || has[id]);
        expect(byFirst(await groupsOf(records, 1 << 20, matcher))).toEqual(expected);
      }),
    );
  });

  const keys = manyKeys(70_000);
  it.each([2, 4] as const)(
    'gives the same groups in the same order in one pass and in many (%i words)',
    async (words) => {
      const expected = byMap(keys, words);
      const scans = { count: 0 };
      const whole = await groupsOf(recordsOf(keys, words, { scans }), 1 << 30, createMatcher(words));
      expect(byFirst(whole)).toEqual(expected);
      // One scan to count, one to bring together.
      expect(scans.count).toBe(2);
      let before = 1;
      for (const memoryBytes of [1_000_000, 400_000, 0]) {
        const more = { count: 0 };
        const records = recordsOf(keys, words, { scans: more });
        expect(await groupsOf(records, memoryBytes, createMatcher(words))).toEqual(whole);
        expect(more.count).toBeGreaterThan(before);
        before = more.count;
      }
      // 70,000 records in partitions of about 8,192: 16 of them, each a pass of its own when memory is scarce.
      expect(before).toBe(1 + 16);
    },
  );

  it('finds a key that all records have, more of them than it gives at a time', async () => {
    const keys = Array.from({ length: 50_000 }, (): Key => [7, 9]);
    const matcher = createMatcher(2);
    const all = keys.map((_, id) => id);
    expect(await groupsOf(recordsOf(keys, 2), 1 << 30, matcher)).toEqual([all]);
    // And what comes after it in the same memory.
    expect(await groupsOf(recordsOf(keys.slice(0, 3), 2), 1 << 30, matcher)).toEqual([[0, 1, 2]]);
    matcher.free();
    expect(await groupsOf(recordsOf(keys, 2), 0, matcher)).toEqual([all]);
  });

  it('finds nothing among none and one', async () => {
    expect(await groupsOf(recordsOf([], 2), 1 << 20, createMatcher(2))).toEqual([]);
    expect(await groupsOf(recordsOf([[1, 2]], 2), 1 << 20, createMatcher(2))).toEqual([]);
  });

  it.each([-1, 1])('does not go on with records that changed between scans (%i a scan)', async (step) => {
    const keys = Array.from({ length: 20 }, (_, i): Key => [mix32(i), i]);
    const columns = columnsOf(keys, 2);
    let rows = 10;
    const records: KeyRecords = {
      count: 20,
      async scan(visit) {
        visit({ columns: columns.map((column) => column.subarray(0, rows)), firstId: 0, rows: undefined });
        rows += step;
      },
    };
    await expect(groupsOf(records, 1 << 20, createMatcher(2))).rejects.toThrow('changed');
  });

  it('wants a matcher for keys of as many words', async () => {
    await expect(groupsOf(recordsOf([[1], [1]], 2), 0, createMatcher(4))).rejects.toThrow('4 words');
  });
});

describe.skipIf(native === undefined)('the native key matcher', () => {
  /** Groups and pairs, one pass, in the order that they come in. */
  async function found(records: KeyRecords, matcher: KeyMatcher) {
    const sizes = new Uint32Array(2 ** 3);
    await records.scan((block) => matcher.count(block, 29, sizes));
    const fill = async (from: number, to: number): Promise<void> => {
      matcher.begin(sizes, from, to, 29);
      await records.scan((block) => matcher.add(block));
    };
    const groups: number[][] = [];
    const pairs: number[] = [];
    for (const [from, to] of [
      [0, 3],
      [3, 8],
    ]) {
      await fill(from, to);
      matcher.eachGroup((ids) => groups.push([...ids]));
      await fill(from, to);
      matcher.eachPairs((words) => pairs.push(...words));
    }
    return { sizes: [...sizes], groups, pairs };
  }

  it.each([2, 4] as const)('does what its twin does, in the same order (%i words)', async (words) => {
    const [kernel, twin] = [createKeyMatcher(words), createKeyMatcherTwin(words)];
    const input = fc.record({
      count: fc.integer({ min: 2, max: 4000 }),
      names: fc.integer({ min: 1, max: 8000 }),
      seed: fc.integer(),
      blockRows: fc.integer({ min: 1, max: 500 }),
      alive: fc.constantFrom(0, 0.1, 0.9, 1),
    });
    await fc.assert(
      fc.asyncProperty(input, async ({ count, names, seed, blockRows, alive }) => {
        const random = createRandom(seed);
        const keys = Array.from({ length: count }, (): Key => {
          const name = random.below(names);
          // Words that many keys share: slots, bits of the sets and chains meet.
          return [mix32(name), mix32(name % 50), mix32(name >>> 3), name % 2];
        });
        const has = alive === 1 ? undefined : keys.map(() => random.float() < alive);
        const records = recordsOf(keys, words, has === undefined ? { blockRows } : { blockRows, has });
        const expected = await found(records, twin);
        expect(await found(records, kernel)).toEqual(expected);
        expect(byFirst(expected.groups)).toEqual(byMap(keys, words, (id) => has?.[id] ?? true));
      }),
    );
  });

  it('refuses what does not fit together', () => {
    const column = new Uint32Array(40);
    const block = (change: Partial<KeyBlock>): KeyBlock => ({
      columns: [column, column],
      firstId: 0,
      rows: undefined,
      ...change,
    });
    const matcher = createKeyMatcher(2);
    const sizes = new Uint32Array(2);
    expect(() => matcher.count(block({}), 30, sizes)).toThrow('too short');
    expect(() => matcher.count(block({}), 5, sizes)).toThrow('too many prefixes');
    expect(() => matcher.begin(sizes, 1, 0, 31)).toThrow('less than');
    expect(() => matcher.begin(sizes, 0, 3, 31)).toThrow('range');
    expect(() => matcher.begin(new Uint32Array([2 ** 31, 2 ** 31]), 0, 2, 31)).toThrow('records');
    expect(() => matcher.add(block({ columns: [column] }))).toThrow(TypeError);
    expect(() => matcher.add(block({ columns: [column, column.subarray(1)] }))).toThrow('different lengths');
    expect(() => matcher.add(block({ columns: [column, new Float32Array(40) as never] }))).toThrow(TypeError);
    expect(() => matcher.add(block({ rows: new Uint32Array(1) }))).toThrow('set of rows');
    expect(() => matcher.add(block({ firstId: 2 ** 32 - 39 }))).toThrow('32-bit id');
    expect(() => createKeyMatcher(3 as never)).toThrow('neither');
    // As many as were announced, and no more.
    matcher.begin(new Uint32Array([39, 0]), 0, 2, 31);
    expect(() => matcher.add(block({}))).toThrow('changed');
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
        fc.constantFrom(...kernels),
        async (values, partRows, memoryBytes, windowBytes, [, createMatcher]) => {
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
          const options = { memoryBytes, matcher: createMatcher(2) };
          await eachRepeat(reader, { firstColumn: 1, words: 2, rows }, options, (pairs) => {
            for (let i = 0; i < pairs.length; i += 2) {
              expect(found.has(pairs[i + 1])).toBe(false);
              found.set(pairs[i + 1], pairs[i]);
            }
          });
          expect([...found].sort((a, b) => a[0] - b[0])).toEqual([...expected]);
        },
      ),
    );
  });
});

describe('visitAlive', () => {
  it('gives the keys of rows that were not dropped, with their numbers', () => {
    const input = fc.array(fc.tuple(fc.nat({ max: 3 }), fc.boolean()), { maxLength: 30 });
    fc.assert(
      fc.property(input, fc.boolean(), (rows, isWhole) => {
        const expected: number[] = [];
        let keys = 0;
        for (const [count, isAlive] of rows) {
          for (let i = 0; i < count; i++, keys++) if (isAlive || isWhole) expected.push(keys);
        }
        const alive = isWhole ? undefined : Uint8Array.from(rows, ([, isAlive]) => (isAlive ? 1 : 0));
        const columns = [0, 1].map((word) => Uint32Array.from({ length: keys }, (_, i) => 2 * i + word));
        const found: number[] = [];
        visitAlive(
          { columns, firstId: 500 },
          { rows: rows.length, alive },
          (row) => rows[row][0],
          (block) => {
            expect(block.rows).toBeUndefined();
            block.columns[0].forEach((word, i) => {
              expect([word, block.columns[1][i]]).toEqual([2 * (block.firstId - 500 + i), word + 1]);
              found.push(block.firstId - 500 + i);
            });
          },
        );
        expect(found).toEqual(expected);
      }),
    );
  });
});
