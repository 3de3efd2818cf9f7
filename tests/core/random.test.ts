import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom, keyedPermutation, mix32, sampleFraction, shuffle } from '../../src/core/random.ts';

describe('mix32', () => {
  it('is the finalizer of MurmurHash3', () => {
    // MurmurHash3_x86_32 of the empty string is fmix32(seed): published test values for seeds 1 and 0xffffffff.
    expect(mix32(0)).toBe(0);
    expect(mix32(1)).toBe(0x514e28b7);
    expect(mix32(0xffffffff)).toBe(0x81f16f39);
  });
});

describe('sampleFraction', () => {
  it('keeps a share of ids near the asked one, decided by seed and id alone', () => {
    const ids = Array.from({ length: 20_000 }, (_, i) => `doc-${i}`);
    for (const share of [0.01, 0.25, 0.9]) {
      const kept = ids.filter((id) => sampleFraction(7, id) < share).length;
      // Five standard deviations of a binomial.
      expect(Math.abs(kept - share * ids.length)).toBeLessThan(5 * Math.sqrt(ids.length * share * (1 - share)));
    }
    expect(sampleFraction(7, 'doc-1')).toBe(sampleFraction(7, 'doc-1'));
    expect(sampleFraction(7, 'doc-1')).not.toBe(sampleFraction(8, 'doc-1'));
  });
});

describe('createRandom', () => {
  it('draws evenly below a bound', () => {
    const random = createRandom(1);
    const counts = new Array(10).fill(0);
    for (let i = 0; i < 50_000; i++) counts[random.below(10)]++;
    const chiSquared = counts.reduce((sum, count) => sum + (count - 5000) ** 2 / 5000, 0);
    expect(chiSquared).toBeLessThan(27.9); // 99.9 % point of chi-squared with 9 degrees of freedom
  });
});

describe('shuffle', () => {
  it('permutes', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.integer(), (items, seed) => {
        expect(shuffle([...items], seed).sort()).toEqual([...items].sort());
      }),
    );
  });
});

describe('keyedPermutation', () => {
  it('visits every item exactly once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3000 }), fc.integer(), (size, seed) => {
        const at = keyedPermutation(size, seed);
        const seen = new Set(Array.from({ length: size }, (_, position) => at(position)));
        expect(seen.size).toBe(size);
        expect(Math.max(...seen)).toBe(size - 1);
        expect(Math.min(...seen)).toBe(0);
      }),
      { numRuns: 30 },
    );
  });

  it('differs by seed', () => {
    const a = keyedPermutation(1000, 1);
    const b = keyedPermutation(1000, 2);
    const same = Array.from({ length: 1000 }, (_, i) => a(i) === b(i)).filter(Boolean).length;
    expect(same).toBeLessThan(15); // expected 1
  });
});
