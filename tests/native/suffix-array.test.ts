/** The native suffix-array kernels beside their twins, and what they say of wrong arguments. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { native } from '../../src/core/native.ts';
import { createRandom } from '../../src/core/random.ts';
import { sharedPrefixesTwin, suffixArrayTwin } from '../../src/dedup/substring/suffix-array.ts';

describe.skipIf(native === undefined)('native suffixArray and sharedPrefixes', () => {
  const addon = native!;
  const letters = (length: number): Int32Array => new Int32Array(length);

  it.each([1, 2, 26, 5000])('give what their twins give over 50,000 letters of an alphabet of %i', (alphabet) => {
    const random = createRandom(alphabet);
    const text = Int32Array.from({ length: 50_000 }, () => random.below(alphabet));
    // A second half like the first, so that long prefixes are shared.
    text.copyWithin(25_000, 0, 25_000);
    const [order, expected] = [letters(text.length), letters(text.length)];
    addon.suffixArray(text, alphabet, order);
    suffixArrayTwin(text, alphabet, expected);
    expect(order).toEqual(expected);
    const [shared, expectedShared] = [letters(text.length), letters(text.length)];
    addon.sharedPrefixes(text, order, shared);
    sharedPrefixesTwin(text, order, expectedShared);
    expect(shared).toEqual(expectedShared);
  });

  it('work on views into one buffer and write nothing beside them', () => {
    const store = new Int32Array(20).fill(9);
    store.set([1, 0, 1, 0], 2);
    addon.suffixArray(store.subarray(2, 6), 2, store.subarray(8, 12));
    expect([...store.subarray(8, 12)]).toEqual([3, 1, 2, 0]);
    addon.sharedPrefixes(store.subarray(2, 6), store.subarray(8, 12), store.subarray(14, 18));
    expect([...store.subarray(14, 18)]).toEqual([2, 1, 0, 0]);
    for (const i of [0, 1, 6, 7, 12, 13, 18, 19]) expect(store[i]).toBe(9);
  });

  const shared = new Int32Array(new SharedArrayBuffer(16));
  const one = letters(8);
  const wrong: readonly [string, readonly unknown[]][] = [
    ['no arguments', []],
    ['an array for the text', [[1], 2, letters(1)]],
    ['a Uint32Array for the text', [new Uint32Array(1), 2, letters(1)]],
    ['a text that another thread could write to', [shared, 2, letters(4)]],
    ['an order that another thread could write to', [letters(4), 2, shared]],
    ['an alphabet that is no number', [letters(4), '2', letters(4)]],
    ['an empty alphabet', [letters(4), 0, letters(4)]],
    ['a fraction of an alphabet', [letters(4), 1.5, letters(4)]],
    ['an alphabet past 31 bits', [letters(4), 2 ** 31, letters(4)]],
    ['an order of another length', [letters(4), 2, letters(3)]],
    ['a letter beyond the alphabet', [Int32Array.of(0, 2), 2, letters(2)]],
    ['a negative letter', [Int32Array.of(0, -1), 2, letters(2)]],
    ['text and order in one place', [one, 2, one]],
    ['text and order that overlap', [one.subarray(0, 4), 2, one.subarray(3, 7)]],
  ];
  it.each(wrong)('suffixArray throws for %s', (_, args) => {
    const call = addon.suffixArray as (...args: readonly unknown[]) => void;
    expect(() => call(...args)).toThrow(TypeError);
  });

  it.each([
    ['no arguments', []],
    ['arrays of different lengths', [letters(4), letters(4), letters(3)]],
    ['an order that points past the text', [letters(2), Int32Array.of(0, 2), letters(2)]],
    ['an order that points before it', [letters(2), Int32Array.of(0, -1), letters(2)]],
    ['a result in the place of the order', [letters(8), one, one]],
    ['a shared result', [letters(4), letters(4), shared]],
  ] as const)('sharedPrefixes throws for %s', (_, args) => {
    const call = addon.sharedPrefixes as (...args: readonly unknown[]) => void;
    expect(() => call(...args)).toThrow(TypeError);
  });

  it('throws for the view of a buffer that was transferred away', () => {
    const buffer = new ArrayBuffer(16);
    const text = new Int32Array(buffer);
    structuredClone(buffer, { transfer: [buffer] });
    expect(() => addon.suffixArray(text, 2, letters(4))).toThrow(TypeError);
  });

  it('sharedPrefixes neither crashes nor hangs on an order that is no suffix array', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 2 }), fc.nat(29)), { maxLength: 30 }), (pairs) => {
        const text = Int32Array.from(pairs, ([letter]) => letter);
        const order = Int32Array.from(pairs, ([, place]) => place % pairs.length);
        const result = letters(pairs.length);
        addon.sharedPrefixes(text, order, result);
        for (const length of result) expect(length).toBeLessThanOrEqual(pairs.length);
      }),
    );
  });
});
