import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quantileBins, sampleStrata } from '../../../src/quality/review/strata.ts';

describe('sampleStrata', () => {
  it('takes as many of each stratum as of any other, as far as it has them', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -1, max: 4 }), { maxLength: 200 }),
        fc.integer({ min: 1, max: 60 }),
        (strata, count) => {
          const draws = Uint32Array.from(strata, (_, i) => (i * 2654435761) >>> 0);
          const chosen = sampleStrata({ stratumOf: Int32Array.from(strata), strata: 5, draws }, count);
          const available = [0, 1, 2, 3, 4].map((s) => strata.filter((one) => one === s).length);
          const taken = [0, 1, 2, 3, 4].map((s) => chosen.filter((place) => strata[place] === s).length);
          expect(new Set(chosen).size).toBe(chosen.length);
          expect(chosen.every((place) => strata[place] >= 0)).toBe(true);
          expect(chosen).toHaveLength(
            Math.min(
              count,
              available.reduce((sum, n) => sum + n, 0),
            ),
          );
          const most = Math.max(...taken);
          // A stratum with fewer than the most has given all it has, but for the last round.
          for (let s = 0; s < 5; s++) expect(taken[s] >= Math.min(available[s], most - 1)).toBe(true);
        },
      ),
    );
  });

  it('takes the lowest draws of a stratum', () => {
    const stratumOf = new Int32Array(6);
    const draws = Uint32Array.of(50, 10, 40, 20, 60, 30);
    expect(sampleStrata({ stratumOf, strata: 1, draws }, 3)).toEqual([1, 3, 5]);
  });
});

describe('quantileBins', () => {
  it('puts equally many different values into each bin, and NaN behind the last', () => {
    const bins = quantileBins(Float64Array.of(5, 1, Number.NaN, 3, 4, 2, 6), 3);
    expect([...bins]).toEqual([2, 0, 3, 1, 1, 0, 2]);
  });

  it('keeps equal values together', () => {
    expect(new Set(quantileBins(new Float64Array(10).fill(7), 4)).size).toBe(1);
  });
});
