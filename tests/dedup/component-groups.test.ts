import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/core/native.ts';
import { createRandom } from '../../src/core/random.ts';
import { divideByComponent, dividePairsTwin } from '../../src/dedup/component-groups.ts';
import { createPairSet, type PairSet } from '../../src/dedup/pair-set.ts';
import { createUnionFind } from '../../src/dedup/union-find.ts';
import { smallestReachable } from './labels.ts';

let workDir: string;
beforeAll(() => {
  workDir = mkdtempSync(join(tmpdir(), 'corpusmill-groups-'));
});
afterAll(() => rmSync(workDir, { recursive: true }));

function pairsOf(set: PairSet): string[] {
  const pairs: string[] = [];
  for (const words of set.blocks()) {
    for (let i = 0; i < words.length; i += 2) pairs.push(`${words[i + 1]} ${words[i]}`);
  }
  return pairs;
}

/** `toEqual` takes a second for 100,000 words. */
function isSame(a: Uint32Array, b: Uint32Array): boolean {
  return a.length === b.length && a.every((word, i) => word === b[i]);
}

describe('groups of components', () => {
  const input = fc.integer({ min: 2, max: 80 }).chain((size) => {
    const edge = fc
      .tuple(fc.nat({ max: size - 1 }), fc.nat({ max: size - 1 }))
      .filter(([a, b]) => a !== b)
      .map(([a, b]) => [Math.max(a, b), Math.min(a, b)] as const);
    return fc.record({
      size: fc.constant(size),
      candidates: fc.array(edge, { maxLength: 60 }),
      joined: fc.array(edge, { maxLength: 5 }),
      maxBytes: fc.constantFrom(40, 1 << 20),
    });
  });

  it('have each candidate once, and in one group all that hangs together by candidates and by what was joined before', () => {
    fc.assert(
      fc.property(input, ({ size, candidates, joined, maxBytes }) => {
        const set = (name: string): PairSet => createPairSet({ workDir, name, maxBytes });
        const all = set('all');
        for (const [major, minor] of candidates) all.add(major, minor);
        all.close();
        const sets = createUnionFind(size);
        for (const [a, b] of joined) sets.union(a, b);
        const groups = [set('a'), set('b'), set('c')];
        divideByComponent(all, groups, { sets, rows: size });

        const label = smallestReachable(size, [...candidates, ...joined]);
        const groupOf = new Map<number, number>();
        const found: string[] = [];
        for (const [i, group] of groups.entries()) {
          for (const pair of pairsOf(group)) {
            found.push(pair);
            const component = label[Number(pair.split(' ')[0])];
            expect(groupOf.get(component) ?? i).toBe(i);
            groupOf.set(component, i);
          }
        }
        expect(found.sort()).toEqual(pairsOf(all).sort());
        for (const group of [...groups, all]) group.remove();
        expect(readdirSync(workDir)).toEqual([]);
      }),
    );
  });
});

describe.skipIf(native === undefined)('the native kernels for pairs', () => {
  it('join and divide as their twins do', () => {
    for (const [size, count] of [
      [1, 3],
      [50, 20],
      [3000, 2000],
      [20_000, 60_000],
    ]) {
      const random = createRandom(size);
      const pairs = Uint32Array.from({ length: 2 * count }, () => random.below(size));
      const [sets, twin] = [createUnionFind(size), createUnionFind(size)];
      native!.unionPairs(sets.parents, pairs);
      for (let i = 0; i < pairs.length; i += 2) twin.union(pairs[i], pairs[i + 1]);
      for (const groups of [1, 8, 256]) {
        const [out, twinOut] = [new Uint32Array(2 * count), new Uint32Array(2 * count)];
        const [sizes, twinSizes] = [new Uint32Array(groups).fill(7), new Uint32Array(groups)];
        native!.dividePairs(sets.parents, pairs, out, sizes);
        dividePairsTwin(twin.parents, pairs, twinOut, twinSizes);
        expect(isSame(out, twinOut)).toBe(true);
        expect(sizes).toEqual(twinSizes);
      }
      expect(isSame(sets.roots(), twin.roots())).toBe(true);
    }
  });

  it('refuse members of no set, and go nowhere where parents are none', () => {
    const words = (...values: number[]): Uint32Array => Uint32Array.from(values);
    const { parents } = createUnionFind(3);
    expect(() => native!.unionPairs(parents, words(0, 1, 3, 0))).toThrow('member');
    expect(() => native!.unionPairs(words(), words(0, 0))).toThrow('member');
    expect(() => native!.dividePairs(parents, words(0, 3), words(0, 0), words(0))).toThrow('member');
    expect(() => native!.dividePairs(parents, words(0, 1), words(0), words(0))).toThrow('too short');
    expect(() => native!.dividePairs(parents, words(0, 1), words(0, 0), words())).toThrow('too short');
    expect(() => native!.dividePairs(parents, words(0, 1), words(0, 0), new Uint32Array(257))).toThrow('256');
    const wrong = words(9, 2 ** 32 - 1, 1, 7, 0);
    expect(() => native!.unionPairs(wrong, words(4, 3, 2, 1, 0, 1))).not.toThrow();
  });
});
