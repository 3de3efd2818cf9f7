import { describe, expect, it } from 'vitest';
import { dropoutBits, philox } from '../../../src/tensor/reference/dropout.ts';

describe('philox', () => {
  // kat_vectors of Random123, the authors' library.
  it.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ])('gives the published numbers for counter %j and key %j', (counter, key, expected) => {
    expect(philox(counter, key)).toEqual(expected);
  });
});

describe('dropoutBits', () => {
  it('takes the numbers of 16 counters in turn for 64 entries', () => {
    const seed = [7, -1];
    const first = philox([0, 0, 3, 0], [7, 0xffffffff]);
    expect([0, 16, 32, 48].map((index) => dropoutBits(index, seed, 3))).toEqual(first);
    expect(dropoutBits(64 + 5 + 32, seed, 3)).toBe(philox([21, 0, 3, 0], [7, 0xffffffff])[2]);
  });

  it('goes on beyond 2^32 counters', () => {
    expect(dropoutBits(2 ** 34 + 1, [1, 2], 0)).toBe(philox([1, 1, 0, 0], [1, 2])[0]);
  });

  it('is spread evenly', () => {
    let mean = 0;
    const counts = new Array<number>(16).fill(0);
    const draws = 20_000;
    for (let i = 0; i < draws; i++) {
      const bits = dropoutBits(i, [5, 6], 1);
      mean += bits / 2 ** 32 / draws;
      counts[bits >>> 28]++;
    }
    // Five standard deviations of a uniform mean; the χ² of 15 degrees of freedom at 1e-6 is 58.
    expect(Math.abs(mean - 0.5)).toBeLessThan(5 / Math.sqrt(12 * draws));
    const chi2 = counts.reduce((sum, count) => sum + (count - draws / 16) ** 2 / (draws / 16), 0);
    expect(chi2).toBeLessThan(58);
  });
});
