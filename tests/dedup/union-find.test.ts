import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createUnionFind } from '../../src/dedup/union-find.ts';
import { smallestReachable } from './labels.ts';

const graph = fc.integer({ min: 1, max: 60 }).chain((size) => {
  const node = fc.integer({ min: 0, max: size - 1 });
  return fc.tuple(fc.constant(size), fc.array(fc.tuple(node, node), { maxLength: 80 }));
});

it('gives each member the smallest member of its component, whatever the order of unions', () => {
  fc.assert(
    fc.property(graph, fc.boolean(), ([size, edges], reversed) => {
      const sets = createUnionFind(size);
      const before = new Set<number>();
      for (const [x, y] of reversed ? [...edges].reverse() : edges) {
        const joined = sets.union(x, y);
        if (!joined && x !== y) before.add(sets.find(x));
        expect(sets.find(x)).toBe(sets.find(y));
      }
      expect([...sets.roots()]).toEqual(smallestReachable(size, edges));
    }),
  );
});

it('says whether a union changed anything', () => {
  const sets = createUnionFind(3);
  expect([sets.union(2, 1), sets.union(1, 2), sets.union(0, 2), sets.union(0, 1)]).toEqual([true, false, true, false]);
});

it('stays fast on a chain joined from its far end', () => {
  const size = 200_000;
  const sets = createUnionFind(size);
  for (let i = size - 2; i >= 0; i--) sets.union(i, i + 1);
  expect(sets.find(size - 1)).toBe(0);
  expect(sets.roots().every((root) => root === 0)).toBe(true);
});
