import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/core/native.ts';
import { groupByComponent, groupByComponentTwin } from '../../src/dedup/component-groups.ts';
import { createPairSet, type PairSet } from '../../src/dedup/pair-set.ts';
import { createUnionFind } from '../../src/dedup/union-find.ts';

let workDir: string;
beforeAll(() => {
  workDir = mkdtempSync(join(tmpdir(), 'corpusmill-components-'));
});
afterAll(() => rmSync(workDir, { recursive: true }));

type Pair = [major: number, minor: number];

function pairsOf(set: PairSet): Pair[] {
  const pairs: Pair[] = [];
  const cursor = set.read();
  while (cursor.next()) pairs.push([cursor.major, cursor.minor]);
  return pairs;
}

function grouped(
  group: typeof groupByComponent,
  pairs: Pair[],
  joined: Pair[],
  rows: number,
  maxBytes: number,
): Pair[][] {
  const sets = createUnionFind(rows);
  for (const [x, y] of joined) sets.union(x, y);
  const [candidates, ...groups] = Array.from({ length: 6 }, (_, i) =>
    createPairSet({ workDir, name: `set-${i}`, maxBytes }),
  );
  for (const [major, minor] of pairs) candidates.add(major, minor);
  candidates.close();
  group(candidates, sets, groups);
  const found = groups.map(pairsOf);
  for (const set of [candidates, ...groups]) set.remove();
  return found;
}

describe.each([
  ['in use', groupByComponent],
  ['the twin', groupByComponentTwin],
])('groups of components, %s', (_, group) => {
  it('have every candidate once, and nothing in common that pairs or earlier unions tie together', () => {
    const rows = 60;
    const pair = fc
      .tuple(fc.nat(rows - 1), fc.nat(rows - 1))
      .filter(([x, y]) => x !== y)
      .map(([x, y]): Pair => [Math.max(x, y), Math.min(x, y)]);
    fc.assert(
      fc.property(
        fc.array(pair, { maxLength: 50 }),
        fc.array(pair, { maxLength: 15 }),
        fc.constantFrom(64, 1 << 20),
        (pairs, joined, maxBytes) => {
          const groups = grouped(group, pairs, joined, rows, maxBytes);
          expect(new Set(groups.flat().map(String))).toEqual(new Set(pairs.map(String)));
          expect(groups.flat()).toHaveLength(new Set(pairs.map(String)).size);
          const groupOf = new Map<number, number>();
          // A document that was joined with another stands for it.
          const sets = createUnionFind(rows);
          for (const [x, y] of joined) sets.union(x, y);
          for (const [place, members] of groups.entries()) {
            for (const ordinal of members.flat().map(sets.find)) {
              expect(groupOf.get(ordinal) ?? place).toBe(place);
              groupOf.set(ordinal, place);
            }
          }
          expect(groups).toEqual(grouped(groupByComponentTwin, pairs, joined, rows, maxBytes));
          expect(readdirSync(workDir)).toEqual([]);
        },
      ),
    );
  });
});

describe.skipIf(native === undefined)('native components', () => {
  it('say what is wrong with their arguments', () => {
    const addon = native!;
    expect(() => new addon.Components(Uint32Array.of(0, 2, 2))).toThrow('parent above its child');
    const components = new addon.Components(Uint32Array.of(0, 1, 2));
    const [grouped, ends] = [new Uint32Array(4), new Uint32Array(2)];
    expect(() => components.join(Uint32Array.of(0, 3))).toThrow('no document');
    expect(() => components.group(Uint32Array.of(0, 1), 0, grouped, ends)).toThrow('1 or more');
    expect(() => components.group(Uint32Array.of(0, 1), 3, grouped, ends)).toThrow('argument 4');
    expect(() => components.group(Uint32Array.of(0, 1, 0, 2, 1, 2), 2, grouped, ends)).toThrow('argument 3');
  });
});
