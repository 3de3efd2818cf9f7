import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextSource } from '../../../src/shards/loader/shares.ts';

/** Draws `count` times; returns the sources and, per draw, the largest distance from an exact share. */
function drawn(shares: readonly number[], count: number): { sources: number[]; worst: number } {
  const counts = new Float64Array(shares.length);
  const sources: number[] = [];
  let worst = 0;
  for (let n = 0; n < count; n++) {
    const source = nextSource(Float64Array.from(shares), counts, n);
    counts[source]++;
    sources.push(source);
    shares.forEach((share, i) => {
      worst = Math.max(worst, Math.abs(share * (n + 1) - counts[i]));
    });
  }
  return { sources, worst };
}

describe('nextSource', () => {
  it('alternates between equal shares and spreads unequal ones evenly', () => {
    expect(drawn([0.5, 0.5], 6).sources).toEqual([0, 1, 0, 1, 0, 1]);
    const { sources } = drawn([0.8, 0.2], 10);
    expect(sources.filter((source) => source === 1)).toHaveLength(2);
    expect(Math.abs(sources.indexOf(1) - sources.lastIndexOf(1))).toBe(5);
  });

  it('keeps every source within 1 − 1/(2k − 2) rows of its share at every draw (Tijdeman 1980)', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 2, maxLength: 7 }), (weights) => {
        const sum = weights.reduce((total, weight) => total + weight, 0);
        const bound = 1 - 1 / (2 * weights.length - 2);
        const { worst } = drawn(
          weights.map((weight) => weight / sum),
          1500,
        );
        expect(worst).toBeLessThanOrEqual(bound + 1e-9);
      }),
      { numRuns: 60 },
    );
  });

  it('draws nothing of a source without a share', () => {
    expect(new Set(drawn([0.25, 0, 0.75], 100).sources)).toEqual(new Set([0, 2]));
    expect(nextSource(Float64Array.of(0, 0), new Float64Array(2), 0)).toBe(-1);
  });

  it('holds after a thousand billion draws, where numbers are coarse', () => {
    const shares = Float64Array.of(0.1, 0.2, 0.7);
    const counts = Float64Array.of(1e11, 2e11, 7e11);
    for (let n = 1e12; n < 1e12 + 1000; n++) counts[nextSource(shares, counts, n)]++;
    expect(counts[0] - 1e11).toBeCloseTo(100, -1);
    expect(counts[2] - 7e11).toBeCloseTo(700, -1);
  });
});
