import { describe, expect, it } from 'vitest';
import { bandKeys, catchingBands, catchProbability, curveThreshold, optimalBands } from '../../src/dedup/lsh.ts';

describe('the catch probability 1 - (1 - J^rows)^bands', () => {
  // datatrove's own table for FineWeb's 14 × 8.
  it.each([
    [0.5, 0.053],
    [0.6, 0.211],
    [0.7, 0.565],
    [0.75, 0.772],
    [0.8, 0.924],
    [0.85, 0.988],
    [0.9, 0.9996],
  ])('of 14 × 8 at J = %d is %d', (jaccard, expected) => {
    expect(catchProbability(jaccard, { bands: 14, rows: 8 })).toBeCloseTo(expected, 3);
  });

  it('turns around (1/bands)^(1/rows)', () => {
    expect(curveThreshold({ bands: 14, rows: 8 })).toBeCloseTo(0.719, 3);
  });
});

describe('optimal bands', () => {
  // Shapes that datasketch's integral gives; RedPajama-V2 publishes those of 128 permutations.
  it.each([
    [0.5, 64, 14, 4],
    [0.5, 128, 25, 5],
    [0.5, 200, 33, 6],
    [0.5, 256, 42, 6],
    [0.45, 256, 47, 5],
    [0.4, 128, 32, 4],
    [0.7, 64, 8, 8],
    [0.7, 128, 14, 9],
    [0.7, 240, 24, 10],
    [0.7, 256, 25, 10],
    [0.8, 128, 9, 13],
    [0.8, 256, 17, 15],
    [0.85, 128, 8, 16],
    [0.9, 128, 5, 25],
    [0.9, 256, 9, 28],
    [1.0, 128, 1, 128],
  ])('for threshold %d of %d functions are %d × %d', (threshold, permutations, bands, rows) => {
    expect(optimalBands(threshold, permutations)).toEqual({ bands, rows });
  });

  it.each([
    [0.9, 0.5, 16, 8],
    [0.9, 0.7, 9, 14],
    [0.9, 0.8, 6, 21],
    [0.1, 0.5, 32, 4],
    [0.1, 0.7, 20, 6],
    [0.1, 0.8, 14, 9],
  ])('with weight %d on false positives and threshold %d are %d × %d', (weight, threshold, bands, rows) => {
    expect(optimalBands(threshold, 128, weight)).toEqual({ bands, rows });
  });
});

describe('band keys', () => {
  const shape = { bands: 3, rows: 2 };
  const keysOf = (signature: number[]): string[] => {
    const keys = new Uint32Array(6);
    bandKeys(Uint32Array.from(signature), shape, keys);
    return [0, 1, 2].map((band) => `${keys[2 * band]}:${keys[2 * band + 1]}`);
  };

  it('are equal where all rows of a band are, and only there', () => {
    const [a, b, c] = keysOf([1, 2, 3, 4, 5, 6]);
    expect(keysOf([1, 2, 3, 9, 5, 6])).toEqual([a, expect.not.stringMatching(`^${b}$`), c]);
  });

  it('keep the order of rows', () => {
    expect(keysOf([1, 2, 3, 4, 5, 6])[0]).not.toBe(keysOf([2, 1, 3, 4, 5, 6])[0]);
  });

  it('differ in both halves', () => {
    const highs = new Set<number>();
    const lows = new Set<number>();
    const keys = new Uint32Array(6);
    for (let i = 0; i < 10_000; i++) {
      bandKeys(Uint32Array.of(i, 0, 0, 0, 0, 0), shape, keys);
      highs.add(keys[0]);
      lows.add(keys[1]);
    }
    expect([highs.size, lows.size]).toEqual([10_000, 10_000]);
  });
});

describe('bands for checked candidates', () => {
  // 1 − (1 − t^rows)^bands by hand: .955, .982, .951; one row more would give .70, .90, .92.
  it.each([
    [0.5, 192, 48, 4],
    [0.7, 192, 32, 6],
    [0.8, 192, 21, 9],
    [0.5, 128, 42, 3],
    [0.8, 128, 18, 7],
    [1, 64, 1, 64],
    [0.01, 64, 64, 1],
  ])(
    'for threshold %d of %d functions are %d × %d: the most rows that catch 95 %%',
    (threshold, count, bands, rows) => {
      expect(catchingBands(threshold, count)).toEqual({ bands, rows });
    },
  );
});
