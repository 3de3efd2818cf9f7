import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { bloomFalsePositiveRate, createBloomFilter } from '../../src/dedup/bloom.ts';

describe('a Bloom filter', () => {
  it.each([
    // Bits a key and probes: −ln p / (ln 2)² and (m / n)·ln 2.
    [0.01, 1.2, 7],
    [0.001, 1.8, 10],
    [1e-6, 3.6, 20],
  ])('for a rate of %d takes %d bytes and %d probes a key', (rate, bytes, probes) => {
    const filter = createBloomFilter(1_000_000, rate);
    expect(filter.bytes / 1e6).toBeCloseTo(bytes, 1);
    expect(filter.probes).toBe(probes);
  });

  it.each([0.1, 0.01, 0.001])('when full takes a share of %d of new keys for old ones, as theory has it', (rate) => {
    const keys = 200_000;
    const filter = createBloomFilter(keys, rate);
    const random = createRandom(7);
    const added: [number, number][] = Array.from({ length: keys }, () => [random.uint32(), random.uint32()]);
    for (const [high, low] of added) filter.add(high, low);
    for (const [high, low] of added) expect(filter.has(high, low)).toBe(true);

    const asked = 1_000_000;
    let wrong = 0;
    for (let i = 0; i < asked; i++) if (filter.has(random.uint32(), random.uint32())) wrong++;
    const theory = bloomFalsePositiveRate(keys, filter.bytes * 8, filter.probes);
    expect(theory / rate).toBeGreaterThan(0.95);
    expect(theory / rate).toBeLessThan(1.05);
    // Four standard deviations of a count.
    expect(Math.abs(wrong - theory * asked)).toBeLessThan(4 * Math.sqrt(theory * asked) + 0.02 * theory * asked);
  });

  it('needs no keys that are spread: numbers in a row do as well', () => {
    const filter = createBloomFilter(100_000, 0.01);
    for (let i = 0; i < 100_000; i++) filter.add(0, i);
    let wrong = 0;
    for (let i = 100_000; i < 300_000; i++) if (filter.has(0, i)) wrong++;
    expect(wrong / 200_000).toBeGreaterThan(0.009);
    expect(wrong / 200_000).toBeLessThan(0.011);
  });

  it('says whether a key was new', () => {
    const filter = createBloomFilter(10, 1e-6);
    expect([filter.add(1, 2), filter.add(1, 2), filter.add(2, 1), filter.has(1, 1)]).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });

  it('takes no keys at all', () => {
    const filter = createBloomFilter(0, 0.5);
    expect(filter.has(1, 2)).toBe(false);
  });
});
