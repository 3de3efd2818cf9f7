import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { native } from '../../src/core/native.ts';
import { createPermutations, minhashSignatureTwin } from '../../src/dedup/minhash-kernel.ts';

describe.skipIf(native === undefined)('native minhashSignature', () => {
  const addon = native!;
  const paths = addon?.minhashPaths() ?? [];

  it('names the instruction sets of this processor, portable code first', () => {
    expect(paths[0]).toBe('portable');
    for (const path of paths) expect(['portable', 'avx2', 'avx512']).toContain(path);
  });

  it.each(paths.map((name, path) => ({ name, path })))('gives the bits of its twin: $name', ({ path }) => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 10_000 }),
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 0, max: 0xffffffff }),
        (count, permutations, seed) => {
          const { multipliers, increments } = createPermutations(permutations, seed);
          const hashes = createPermutations(count, seed + 1).increments;
          const expected = new Uint32Array(permutations);
          const found = new Uint32Array(permutations);
          minhashSignatureTwin(hashes, count, multipliers, increments, expected);
          addon.minhashSignature(hashes, count, multipliers, increments, found, path);
          expect(found).toEqual(expected);
        },
      ),
      {
        numRuns: 40,
        examples: [
          [0, 112, 1],
          [1, 1, 1],
          [10_000, 128, 2],
          [10_000, 129, 3],
        ],
      },
    );
  });

  it('works on views into the middle of a buffer and writes nothing beside them', () => {
    const { multipliers, increments } = createPermutations(37, 1);
    const store = new Uint32Array(50).fill(5);
    addon.minhashSignature(Uint32Array.of(1, 2, 3).subarray(1), 2, multipliers, increments, store.subarray(3, 40));
    expect([...store.subarray(0, 3), ...store.subarray(40)]).toEqual(Array(13).fill(5));
  });

  const words = (length: number): Uint32Array => new Uint32Array(length);
  type Call = readonly [what: string, error: typeof TypeError | typeof RangeError, args: readonly unknown[]];
  const wrong: readonly Call[] = [
    ['no arguments', TypeError, []],
    ['null for the hashes', TypeError, [null, 0, words(4), words(4), words(4)]],
    ['an array in place of a Uint32Array', TypeError, [[1, 2], 2, words(4), words(4), words(4)]],
    ['a Float64Array', TypeError, [new Float64Array(2), 2, words(4), words(4), words(4)]],
    ['an Int32Array', TypeError, [new Int32Array(2), 2, words(4), words(4), words(4)]],
    ['a DataView', TypeError, [new DataView(new ArrayBuffer(8)), 2, words(4), words(4), words(4)]],
    ['a count that is no number', TypeError, [words(2), '2', words(4), words(4), words(4)]],
    ['a BigInt count', TypeError, [words(2), 2n, words(4), words(4), words(4)]],
    ['a count beyond the hashes', RangeError, [words(2), 3, words(4), words(4), words(4)]],
    ['a negative count', RangeError, [words(2), -1, words(4), words(4), words(4)]],
    ['a fractional count', RangeError, [words(2), 1.5, words(4), words(4), words(4)]],
    ['NaN for the count', RangeError, [words(2), Number.NaN, words(4), words(4), words(4)]],
    ['an infinite count', RangeError, [words(2), Number.POSITIVE_INFINITY, words(4), words(4), words(4)]],
    ['fewer multipliers than entries', RangeError, [words(2), 2, words(3), words(4), words(4)]],
    ['fewer increments than entries', RangeError, [words(2), 2, words(4), words(3), words(4)]],
    ['a string for the signature', TypeError, [words(2), 2, words(4), words(4), 'signature']],
    ['a path this processor lacks', RangeError, [words(2), 2, words(4), words(4), words(4), 99]],
    ['a path that is no number', TypeError, [words(2), 2, words(4), words(4), words(4), 'avx2']],
  ];
  it.each(wrong)('throws for %s', (_, error, args) => {
    const call = addon.minhashSignature as (...args: readonly unknown[]) => void;
    expect(() => call(...args)).toThrow(error);
  });

  it('throws for the view of a buffer that was transferred away', () => {
    const buffer = new ArrayBuffer(32);
    const hashes = new Uint32Array(buffer);
    structuredClone(buffer, { transfer: [buffer] });
    expect(() => addon.minhashSignature(hashes, 8, words(4), words(4), words(4))).toThrow(RangeError);
  });
});
