import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mix32 } from '../../src/core/random.ts';
import type { BarrierContext } from '../../src/core/stage.ts';
import { createColumnWriter, readColumns } from '../../src/dedup/columns.ts';
import { createFeatureReader, eachRepeat } from '../../src/dedup/key-groups.ts';

describe('feature columns', () => {
  it('come back as they were pushed, also beyond the first allocation and from an odd offset', () => {
    const writer = createColumnWriter(3);
    for (let row = 0; row < 1000; row++) writer.push(Uint32Array.of(row, row * 2, 0xffffffff - row));
    const columns = readColumns(Buffer.concat([Buffer.alloc(1), writer.finish()]).subarray(1));
    expect(columns.map((column) => column.length)).toEqual([1000, 1000, 1000]);
    expect(columns.map((column) => column[999])).toEqual([999, 1998, 0xffffffff - 999]);
  });

  it('of an empty part are empty', () => {
    expect(readColumns(createColumnWriter(2).finish()).map((column) => column.length)).toEqual([0, 0]);
  });

  it('that were cut short are refused', () => {
    const writer = createColumnWriter(2);
    writer.push(Uint32Array.of(1, 2));
    expect(() => readColumns(writer.finish().subarray(0, 12))).toThrow('1 rows of 2 columns');
  });
});

/** A context with one key word, one filler word and a presence column, from small numbers hashed. */
function contextOf(values: readonly number[], partRows: number, alive: (i: number) => boolean): BarrierContext {
  const parts = [];
  for (let first = 0; first < values.length; first += partRows) {
    const own = values.slice(first, first + partRows);
    const writer = createColumnWriter(3);
    for (const value of own) writer.push(Uint32Array.of(mix32(value), value, value === 0 ? 0 : 1));
    const blob = writer.finish();
    parts.push({
      part: parts.length,
      rows: own.length,
      firstOrdinal: first,
      alive: Uint8Array.from(own, (_, row) => (alive(first + row) ? 1 : 0)),
      features: async () => blob,
    });
  }
  return {
    parts: parts.reverse(),
    rows: values.length,
    signal: new AbortController().signal,
  } as unknown as BarrierContext;
}

describe('eachRepeat', () => {
  it('ties every row to the first surviving row of its key: as a Map would, for any parts and passes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 120 }),
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 200 }),
        fc.boolean(),
        async (values, partRows, maxKeysPerPass, cached) => {
          const alive = (i: number): boolean => i % 5 !== 2;
          const firsts = new Map<number, number>();
          const expected = new Map<number, number>();
          values.forEach((value, i) => {
            if (!alive(i) || value === 0) return;
            if (firsts.has(value)) expected.set(i, firsts.get(value)!);
            else firsts.set(value, i);
          });
          const reader = createFeatureReader(contextOf(values, partRows, alive), cached ? 1 << 20 : 0);
          const found = new Map<number, number>();
          await eachRepeat(reader, { firstColumn: 0, words: 2, presentColumn: 2, maxKeysPerPass }, (first, ordinal) => {
            expect(found.has(ordinal)).toBe(false);
            found.set(ordinal, first);
          });
          expect([...found].sort((a, b) => a[0] - b[0])).toEqual([...expected]);
        },
      ),
    );
  });

  it('does not read a small corpus twice', async () => {
    const context = contextOf([1, 2, 1], 1, () => true);
    let reads = 0;
    for (const part of context.parts) {
      const { features } = part;
      part.features = () => {
        reads++;
        return features();
      };
    }
    const reader = createFeatureReader(context);
    for (let i = 0; i < 3; i++) await eachRepeat(reader, { firstColumn: 0, words: 1 }, () => {});
    expect(reads).toBe(3);
  });
});
