import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { probeIndex } from '../../../src/dedup/index/probe.ts';
import type { KeyRecords } from '../../../src/dedup/key-groups.ts';

type Key = readonly number[];

/** Few keys, so that they meet; some alike in one half alone. */
const key = (words: 2 | 4): fc.Arbitrary<Key> => fc.tuple(...Array.from({ length: words }, () => fc.nat({ max: 2 })));

function recordsOf(keys: readonly Key[], words: 2 | 4): KeyRecords {
  return {
    count: keys.length,
    words,
    async scan(visit) {
      keys.forEach((key, i) => {
        visit({ columns: key.map((word) => Uint32Array.of(word)), firstId: 10 * i, rows: undefined });
      });
    },
  };
}

/** Keys in stretches of at most `step` documents. */
async function* stretches(keys: readonly Key[], step: number): AsyncGenerator<Uint32Array> {
  for (let at = 0; at < keys.length; at += step) yield Uint32Array.from(keys.slice(at, at + step).flat());
}

async function pairs(
  records: readonly Key[],
  index: readonly Key[],
  words: 2 | 4,
  options: { perKey: number; memoryBytes: number; step: number },
): Promise<string[]> {
  const found: string[] = [];
  await probeIndex(
    recordsOf(records, words),
    () => stretches(index, options.step),
    options,
    (ordinal, row) => {
      found.push(`${ordinal} ${row}`);
    },
  );
  return found.sort();
}

describe('matching with an index', () => {
  it.each([2, 4] as const)('finds every pair with an equal key of %i words, in any memory', async (words) => {
    const keys = fc.array(key(words), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(keys, keys, fc.integer({ min: 1, max: 255 }), async (records, index, perKey) => {
        const expected: string[] = [];
        records.forEach((own, i) => {
          const rows = index.flatMap((other, row) => (String(other) === String(own) ? [row] : []));
          for (const row of rows.slice(0, perKey)) expected.push(`${10 * i} ${row}`);
        });
        for (const memoryBytes of [1, 200, 1 << 20]) {
          expect(await pairs(records, index, words, { perKey, memoryBytes, step: 7 })).toEqual(expected.sort());
        }
      }),
    );
  });
});
