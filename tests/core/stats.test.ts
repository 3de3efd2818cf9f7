import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addSize,
  type DropSample,
  mergeSamples,
  mergeSizes,
  mergeStageStats,
  type StageStats,
  sizeHistogram,
  stageStats,
} from '../../src/core/stats.ts';

describe('size histogram', () => {
  it('puts 0 and 1 in bucket 0, and 2^k to 2^(k+1)-1 in bucket k', () => {
    const histogram = sizeHistogram();
    for (const size of [0, 1, 2, 3, 4, 7, 8, 1024]) addSize(histogram, size);
    expect(histogram.buckets).toEqual([2, 2, 2, 1, 0, 0, 0, 0, 0, 0, 1]);
    expect([histogram.count, histogram.sum, histogram.min, histogram.max]).toEqual([8, 1049, 0, 1024]);
  });

  it('gives the same totals however the sizes are split over workers', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1e9)), fc.nat(50), (sizes, cut) => {
        const whole = sizeHistogram();
        for (const size of sizes) addSize(whole, size);
        const left = sizeHistogram();
        const right = sizeHistogram();
        sizes.forEach((size, i) => addSize(i < cut ? left : right, size));
        mergeSizes(right, left);
        expect(right).toEqual(whole);
      }),
    );
  });
});

const sample = (key: number): DropSample => ({ key, id: `d${key}`, source: 's', reason: 'r', excerpt: '', bytes: 1 });

describe('drop samples', () => {
  it('keeps the smallest keys, whatever the order and grouping of arrival', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(), { maxLength: 40 }), fc.nat(40), (keys, cut) => {
        const expected = [...keys].sort((a, b) => a - b).slice(0, 5);
        const first: DropSample[] = [];
        const second: DropSample[] = [];
        for (const key of keys.slice(0, cut)) mergeSamples(first, [sample(key)]);
        mergeSamples(second, keys.slice(cut).map(sample));
        mergeSamples(second, first);
        expect(second.map((each) => each.key)).toEqual(expected);
      }),
    );
  });
});

describe('drop samples of documents that share an id', () => {
  it('are the same set in the same order, whatever the order of arrival', () => {
    const text = fc.string({ maxLength: 3 });
    const twin = fc.record({ excerpt: text, bytes: fc.nat(3), source: fc.constantFrom('a', 'b') });
    fc.assert(
      fc.property(fc.array(twin, { maxLength: 12 }), fc.nat(12), (twins, cut) => {
        const samples = twins.map((each) => ({ ...sample(7), ...each }));
        const forward: DropSample[] = [];
        mergeSamples(forward, samples);
        const parted: DropSample[] = [];
        mergeSamples(parted, samples.slice(cut).reverse());
        mergeSamples(parted, samples.slice(0, cut).reverse());
        expect(parted).toEqual(forward);
      }),
    );
  });
});

describe('stage statistics', () => {
  it('adds volumes and drop reasons', () => {
    const a: StageStats = {
      ...stageStats('n', 's'),
      input: { documents: 3, bytes: 30 },
      dropped: { short: { documents: 1, bytes: 4 } },
    };
    const b: StageStats = {
      ...stageStats('n', 's'),
      input: { documents: 2, bytes: 20 },
      dropped: { short: { documents: 1, bytes: 6 }, long: { documents: 1, bytes: 9 } },
    };
    mergeStageStats(a, b);
    expect(a.input).toEqual({ documents: 5, bytes: 50 });
    expect(a.dropped).toEqual({ short: { documents: 2, bytes: 10 }, long: { documents: 1, bytes: 9 } });
  });
});
