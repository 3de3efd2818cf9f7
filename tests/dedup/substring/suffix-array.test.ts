import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  sharedPrefixes,
  sharedPrefixesTwin,
  suffixArray,
  suffixArrayTwin,
} from '../../../src/dedup/substring/suffix-array.ts';

const lettersOf = (text: string): Int32Array => Int32Array.from(text, (letter) => letter.charCodeAt(0));

function bySorting(text: Int32Array): Int32Array {
  const suffix = (i: number): number[] => [...text.subarray(i)];
  const compare = (a: number, b: number): number => {
    const [x, y] = [suffix(a), suffix(b)];
    for (let i = 0; i < Math.min(x.length, y.length); i++) if (x[i] !== y[i]) return x[i] - y[i];
    return x.length - y.length;
  };
  return Int32Array.from(Array.from(text, (_, i) => i).sort(compare));
}

function sharedByComparing(text: Int32Array, order: Int32Array): Int32Array {
  const shared = new Int32Array(text.length);
  for (let i = 1; i < order.length; i++) {
    const [a, b] = [order[i - 1], order[i]];
    while (Math.max(a, b) + shared[b] < text.length && text[a + shared[b]] === text[b + shared[b]]) shared[b]++;
  }
  return shared;
}

describe.each([
  ['the kernel in use', suffixArray, sharedPrefixes],
  ['the TypeScript twin', suffixArrayTwin, sharedPrefixesTwin],
])('suffix arrays: %s', (_, sort, share) => {
  const orderOf = (text: Int32Array, alphabet = 256): Int32Array => {
    const order = new Int32Array(text.length).fill(77);
    sort(text, alphabet, order);
    return order;
  };

  // From the literature: banana in most textbooks; mississippi with its LCP in Manber & Myers' successors (Kasai et al.
  // 2001 and Puglisi, Smyth & Turpin 2007); mmiissiissiippii is the running example of SA-IS (Nong, Zhang & Chan 2009).
  it.each([
    ['banana', [5, 3, 1, 0, 4, 2], [0, 1, 3, 0, 0, 2]],
    ['mississippi', [10, 7, 4, 1, 0, 9, 8, 6, 3, 5, 2], [0, 1, 1, 4, 0, 0, 1, 0, 2, 1, 3]],
    ['abracadabra', [10, 7, 0, 3, 5, 8, 1, 4, 6, 9, 2], [0, 1, 4, 1, 1, 0, 3, 0, 0, 0, 2]],
    [
      'mmiissiissiippii',
      [15, 14, 10, 6, 2, 11, 7, 3, 1, 0, 13, 12, 9, 5, 8, 4],
      [0, 1, 2, 2, 6, 1, 1, 5, 0, 1, 0, 1, 0, 3, 1, 4],
    ],
  ])('sorts the suffixes of %s', (word, expected, lcp) => {
    const text = lettersOf(word);
    const order = orderOf(text);
    expect([...order]).toEqual(expected);
    const shared = new Int32Array(text.length);
    share(text, order, shared);
    expect([...order].map((start) => shared[start])).toEqual(lcp);
  });

  it('handles the empty text, one letter, runs and the smallest alphabet', () => {
    expect([...orderOf(new Int32Array(0))]).toEqual([]);
    expect([...orderOf(Int32Array.of(3))]).toEqual([0]);
    expect([...orderOf(new Int32Array(6), 1)]).toEqual([5, 4, 3, 2, 1, 0]);
    expect([...orderOf(Int32Array.of(0, 1, 2, 3), 4)]).toEqual([0, 1, 2, 3]);
    expect([...orderOf(Int32Array.of(3, 2, 1, 0), 4)]).toEqual([3, 2, 1, 0]);
  });

  it('is what sorting gives, for alphabets of any size', () => {
    const text = fc
      .integer({ min: 1, max: 6 })
      .chain((alphabet) =>
        fc.tuple(
          fc.constant(alphabet),
          fc.array(fc.integer({ min: 0, max: alphabet - 1 }), { minLength: 1, maxLength: 120 }),
        ),
      );
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 8 }), ([alphabet, letters], times) => {
        // Repeated, so that several levels of recursion are needed.
        const repeated = Int32Array.from(Array.from({ length: times }, () => letters).flat());
        const order = orderOf(repeated, alphabet);
        expect(order).toEqual(bySorting(repeated));
        const shared = new Int32Array(repeated.length);
        share(repeated, order, shared);
        expect(shared).toEqual(sharedByComparing(repeated, order));
      }),
      { numRuns: 150 },
    );
  });

  it('sorts Fibonacci words, which repeat at every scale', () => {
    let [a, b] = ['b', 'a'];
    while (b.length < 500) [a, b] = [b, b + a];
    const text = lettersOf(b);
    expect(orderOf(text)).toEqual(bySorting(text));
  });
});
