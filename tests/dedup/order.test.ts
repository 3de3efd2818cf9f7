import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { movedValues } from '../../src/dedup/order.ts';
import { createShingleSet, createShingleSetTwin } from '../../src/dedup/shingle-set.ts';

/** Length of the longest common subsequence, by the textbook's table. */
function commonLength(a: readonly number[], b: readonly number[]): number {
  const table = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      table[i][j] = a[i - 1] === b[j - 1] ? table[i - 1][j - 1] + 1 : Math.max(table[i - 1][j], table[i][j - 1]);
    }
  }
  return table[a.length][b.length];
}

const values = (most: number) => fc.uniqueArray(fc.integer({ min: 0, max: 150 }), { maxLength: most });

describe('moved values', () => {
  it('are the common ones outside the longest common subsequence', () => {
    fc.assert(
      fc.property(values(128), values(150), (a, b) => {
        const common = a.filter((value) => b.includes(value)).length;
        const [first, second] = [Uint32Array.from(a), Uint32Array.from(b)];
        expect(movedValues(first, second)).toBe(common - commonLength(a, b));
        expect(movedValues(second, first)).toBe(common - commonLength(a, b));
      }),
    );
  });

  it('are none of what was changed, added or left out', () => {
    expect(movedValues(Uint32Array.of(1, 2, 3, 4, 5), Uint32Array.of(9, 1, 3, 8, 4, 7, 5))).toBe(0);
    expect(movedValues(Uint32Array.of(), Uint32Array.of(1))).toBe(0);
  });

  it('are one for a block of one that went elsewhere, and the lesser of two that changed places', () => {
    expect(movedValues(Uint32Array.of(1, 2, 3, 4, 5), Uint32Array.of(5, 1, 2, 3, 4))).toBe(1);
    expect(movedValues(Uint32Array.of(1, 2, 3, 4, 5), Uint32Array.of(4, 5, 1, 2, 3))).toBe(2);
  });
});

describe.each([
  ['in use', createShingleSet],
  ['the twin', createShingleSetTwin],
])("a set's values, %s", (_, create) => {
  it('come in the order in which they first stand in the text', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 0xffffffff }), { maxLength: 300 }), (list) => {
        const set = create();
        set.open(Uint32Array.from(list), list.length);
        expect([...set.values()]).toEqual([...new Set(list)]);
      }),
    );
  });
});
