import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnOf } from '../../src/core/utf8-column.ts';
import { aliveRanges, type ColumnObserver, observeColumn } from '../../src/pipeline/pass-columns.ts';

const flags = fc.array(fc.constantFrom(0, 1), { maxLength: 40 });

/** An observer that notes the blocks it is shown, each as its rows. */
function noting(): { observer: ColumnObserver; blocks: number[][] } {
  const blocks: number[][] = [];
  const observer: ColumnObserver = {
    observe() {},
    observeTexts: ({ from, to }) => void blocks.push(Array.from({ length: to - from }, (_, i) => from + i)),
    finish: () => new Uint8Array(0),
  };
  return { observer, blocks };
}

describe('rows that are alive', () => {
  it('come in ranges, with a dead row between any two', () => {
    fc.assert(
      fc.property(flags, (alive) => {
        const ranges = [...aliveRanges(Uint8Array.from(alive))];
        const rows = ranges.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, i) => from + i));
        expect(rows).toEqual(alive.flatMap((flag, row) => (flag === 1 ? [row] : [])));
        for (let i = 1; i < ranges.length; i++) expect(ranges[i].from).toBeGreaterThan(ranges[i - 1].to);
      }),
    );
  });

  it('are those that observers see, in order', () => {
    fc.assert(
      fc.property(flags, (alive) => {
        const { observer, blocks } = noting();
        observeColumn(columnOf(alive.map(() => 'text')), [observer], aliveRanges(Uint8Array.from(alive)));
        expect(blocks.flat()).toEqual(alive.flatMap((flag, row) => (flag === 1 ? [row] : [])));
      }),
    );
  });
});

describe('a column', () => {
  it('is shown to all observers block by block, a large text in a block of its own', () => {
    const texts = [
      ...new Array<string>(3000).fill('short'),
      'x'.repeat(1e6),
      ...new Array<string>(10).fill('y'.repeat(1e5)),
    ];
    const [one, other] = [noting(), noting()];
    observeColumn(columnOf(texts), [one.observer, other.observer]);
    expect(one.blocks.flat()).toEqual(texts.map((_, row) => row));
    expect(other.blocks).toEqual(one.blocks);
    expect(one.blocks.find((rows) => rows.includes(3000))).toEqual([3000]);
    for (const rows of one.blocks) {
      const bytes = rows.reduce((sum, row) => sum + texts[row].length, 0);
      expect(rows.length === 1 || bytes <= 256 * 1024).toBe(true);
      expect(rows.length).toBeLessThanOrEqual(1024);
    }
  });
});
