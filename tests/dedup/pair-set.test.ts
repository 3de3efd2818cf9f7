import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/core/native.ts';
import { createRandom } from '../../src/core/random.ts';
import { createPairSet, openPairs, type PairSet, sortPairsTwin } from '../../src/dedup/pair-set.ts';

let workDir: string;
beforeAll(() => {
  workDir = mkdtempSync(join(tmpdir(), 'corpusmill-pairs-'));
});
afterAll(() => rmSync(workDir, { recursive: true }));

function readAll(set: PairSet): [number, number][] {
  const pairs: [number, number][] = [];
  const cursor = set.read();
  while (cursor.next()) pairs.push([cursor.major, cursor.minor]);
  expect(cursor.next()).toBe(false);
  return pairs;
}

function blocksOf(set: PairSet): [number, number][] {
  const words = [...set.blocks()].flatMap((block) => [...block]);
  return words.flatMap((minor, i) => (i % 2 === 0 ? [[words[i + 1], minor]] : []));
}

/** Ordinals up to the largest there are. */
const ordinal = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constantFrom(0x7fffffff, 0x80000000, 0xfffffffe));

describe('a set of pairs', () => {
  it('gives each pair once, in order, as often as it is read, in memory and through scratch files', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(ordinal, ordinal), { maxLength: 300 }),
        fc.integer({ min: 0, max: 3000 }),
        (pairs, maxBytes) => {
          const set = createPairSet({ workDir, name: 'set', maxBytes });
          // One by one, or many at a time.
          const alone = pairs.length % 7;
          for (const [major, minor] of pairs.slice(0, alone)) set.add(major, minor);
          set.addPairs(Uint32Array.from(pairs.slice(alone).flatMap(([major, minor]) => [minor, major])));
          const expected = [...new Map(pairs.map((pair) => [pair.join(), pair])).values()].sort(
            (a, b) => a[0] - b[0] || a[1] - b[1],
          );
          expect(set.close()).toBe(expected.length);
          expect(set.size).toBe(expected.length);
          expect(readAll(set)).toEqual(expected);
          expect(readAll(set)).toEqual(expected);
          expect(blocksOf(set)).toEqual(expected);
          expect(blocksOf(openPairs(set.data()))).toEqual(expected);
          // Room for one pair there always is.
          if (expected.length > Math.max(1, maxBytes / 8)) expect(readdirSync(workDir)).toHaveLength(1);
          set.reset();
          expect(readdirSync(workDir)).toEqual([]);
          set.add(2, 1);
          expect(set.close()).toBe(1);
          expect(readAll(set)).toEqual([[2, 1]]);
          set.remove();
          expect(readdirSync(workDir)).toEqual([]);
        },
      ),
    );
  });

  it('needs no file for pairs that come again and again', () => {
    const set = createPairSet({ workDir, name: 'set', maxBytes: 8 * 1000 });
    for (let round = 0; round < 40; round++) for (let i = 0; i < 400; i++) set.add(i + 1, i);
    expect(set.close()).toBe(400);
    expect(readdirSync(workDir)).toEqual([]);
  });

  it('merges thousands of runs without as many open files', () => {
    const set = createPairSet({ workDir, name: 'set', maxBytes: 8 });
    let most = 0;
    for (let i = 0; i < 1200; i++) {
      set.add((i * 7919) % 800, 1);
      if (i % 100 === 0) most = Math.max(most, readdirSync(workDir).length);
    }
    expect(most).toBeLessThan(3 * 32);
    expect(set.close()).toBe(800);
    expect(readAll(set).map(([major]) => major)).toEqual(Array.from({ length: 800 }, (_, i) => i));
    set.remove();
    expect(readdirSync(workDir)).toEqual([]);
  });

  it('can be left in the middle', () => {
    const set = createPairSet({ workDir, name: 'set', maxBytes: 80 });
    for (let i = 0; i < 100; i++) set.add(i, 0);
    set.close();
    const cursor = set.read();
    cursor.next();
    cursor.end();
    set.remove();
    expect(readdirSync(workDir)).toEqual([]);
  });
});

describe.skipIf(native === undefined)('sorting pairs', () => {
  // Up to one by one, within the scratch, divided first; ordinals of few bits and of all, repeats and none.
  it.each([0, 1, 2, 24, 25, 1000, 32_768, 32_769, 150_000])('does what its twin does with %i of them', (count) => {
    for (const [majors, minors] of [
      [1, 1],
      [1, 3],
      [300, 2],
      [2 ** 17, 2 ** 17],
      [2 ** 32, 1],
      [2 ** 32, 2 ** 32],
    ]) {
      const random = createRandom(count + majors);
      const words = Uint32Array.from({ length: 2 * count + 2 }, (_, i) => random.below(i % 2 === 0 ? minors : majors));
      const twin = words.slice();
      const kept = native!.sortPairs(words, count);
      expect(kept).toBe(sortPairsTwin(twin, count));
      const bytes = (from: Uint32Array<ArrayBuffer>): Buffer => Buffer.from(from.buffer, 0, 8 * kept);
      expect(bytes(words).equals(bytes(twin))).toBe(true);
      const numbers = new BigUint64Array(words.buffer, 0, kept);
      expect(numbers.every((number, i) => i === 0 || numbers[i - 1] < number)).toBe(true);
      // What lies behind them is as it was.
      expect(words.subarray(2 * count)).toEqual(twin.subarray(2 * count));
    }
  });

  it('refuses more pairs than there are, and pairs that begin within one', () => {
    expect(() => native!.sortPairs(new Uint32Array(5), 3)).toThrow('range');
    expect(() => native!.sortPairs(new Uint32Array(8).subarray(1), 1)).toThrow('between pairs');
  });
});
