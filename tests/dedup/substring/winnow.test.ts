import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mix32 } from '../../../src/core/random.ts';
import { createWinnower, winnowShape } from '../../../src/dedup/substring/winnow.ts';

const symbolsOf = (letters: readonly number[]): Int32Array => Int32Array.from(letters, (letter) => mix32(letter + 1));

function fingerprintsOf(symbols: Int32Array, minLength: number): { key: string; place: number }[] {
  const winnower = createWinnower(winnowShape(minLength));
  const count = winnower.winnow(symbols, symbols.length);
  return Array.from({ length: count }, (_, i) => {
    const place = winnower.selected[i];
    return { key: `${winnower.high[place]}:${winnower.low[place]}`, place };
  });
}

describe('winnowing', () => {
  it('divides the minimum into grams and windows of about half of it', () => {
    expect(winnowShape(50)).toEqual({ gram: 26, window: 25 });
    for (let minLength = 2; minLength < 200; minLength++) {
      const { gram, window } = winnowShape(minLength);
      // Schleimer et al.: a match of window + gram − 1 is always found.
      expect(gram + window - 1).toBe(minLength);
    }
  });

  it('selects nothing in what is shorter than the minimum, and something in all that is not', () => {
    expect(fingerprintsOf(symbolsOf([1, 2, 3]), 4)).toEqual([]);
    expect(fingerprintsOf(symbolsOf([1, 2, 3, 4]), 4)).not.toEqual([]);
  });

  it('selects 2 of window + 1 places of a random text (Schleimer et al. 2003, §3.2)', () => {
    const symbols = Int32Array.from({ length: 200_000 }, (_, i) => mix32(i + 1));
    const share = fingerprintsOf(symbols, 50).length / symbols.length;
    expect(share).toBeCloseTo(2 / 26, 2);
  });

  it('selects few places of a run of one symbol', () => {
    expect(fingerprintsOf(symbolsOf(Array(10_000).fill(7)), 100).length).toBeLessThan(300);
  });

  it('gives every passage with two places a key that is selected in both, twice at least', () => {
    const letters = fc
      .integer({ min: 1, max: 4 })
      .chain((alphabet) => fc.array(fc.integer({ min: 1, max: alphabet }), { maxLength: 60 }));
    fc.assert(
      fc.property(letters, letters, fc.integer({ min: 2, max: 12 }), (a, b, minLength) => {
        const { gram } = winnowShape(minLength);
        const places = [a, b].flatMap((text, document) =>
          fingerprintsOf(symbolsOf(text), minLength).map((found) => ({ ...found, document })),
        );
        const windows = [a, b].flatMap((text, document) =>
          text
            .slice(minLength - 1)
            .map((_, start) => ({ document, start, passage: text.slice(start, start + minLength).join() })),
        );
        for (const { document, start, passage } of windows) {
          if (windows.filter((other) => other.passage === passage).length < 2) continue;
          const within = places.filter(
            ({ document: d, place }) => d === document && place >= start && place + gram <= start + minLength,
          );
          expect(within.some(({ key }) => places.filter((other) => other.key === key).length >= 2)).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });
});
