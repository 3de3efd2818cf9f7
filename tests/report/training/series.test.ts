import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatTokens } from '../../../src/report/training/chart.ts';
import { median, niceTicks, type Point, smooth, thin } from '../../../src/report/training/series.ts';

const line = (n: number, of: (i: number) => number): Point[] => Array.from({ length: n }, (_, i) => [i, of(i)]);

describe('smooth', () => {
  it('leaves a straight line as it is, its ends too: it does not trail behind', () => {
    const points = line(1000, (i) => 5 - i / 300);
    for (const [i, [, y]] of smooth(points).entries()) expect(y).toBeCloseTo(points[i][1], 9);
  });

  it('takes noise out: a value that jumps up and down comes near its mean', () => {
    const middle = smooth(line(1000, (i) => 3 + (i % 2 === 0 ? 1 : -1))).slice(100, 900);
    for (const [, y] of middle) expect(Math.abs(y - 3)).toBeLessThan(0.06);
  });

  it('leaves a few points alone', () => {
    const points = line(40, (i) => i * i);
    expect(smooth(points)).toEqual(points);
  });
});

describe('thin', () => {
  it('keeps the mean of all values, whatever their number', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 20 }), (most, times) => {
        const points = line(most * times, (i) => Math.sin(i));
        const mean = (of: readonly Point[]) => of.reduce((sum, [, y]) => sum + y, 0) / of.length;
        const thinned = thin(points, most);
        expect(thinned).toHaveLength(Math.min(most, points.length));
        expect(mean(thinned)).toBeCloseTo(mean(points), 9);
      }),
    );
  });
});

describe('niceTicks', () => {
  it.each([
    [0, 10, 5, [0, 2, 4, 6, 8, 10]],
    [1.9, 4.2, 5, [2, 2.5, 3, 3.5, 4]],
    [0, 307_200, 4, [0, 100_000, 200_000, 300_000]],
    [0, 0.003, 3, [0, 0.001, 0.002, 0.003]],
    [7, 7, 4, [7]],
  ])('from %d to %d, about %d', (low, high, count, ticks) => {
    expect(niceTicks(low, high, count)).toEqual(ticks);
  });

  it('stays within its ends', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1e6, max: 1e6, noNaN: true }),
        fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
        (low, span) => {
          const ticks = niceTicks(low, low + span, 4);
          const slack = 1e-6 * span + 1e-6 * Math.abs(low);
          for (const tick of ticks) {
            expect(tick).toBeGreaterThanOrEqual(low - slack);
            expect(tick).toBeLessThanOrEqual(low + span + slack);
          }
        },
      ),
    );
  });
});

describe('median and tokens', () => {
  it('are as they are written', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([])).toBeNaN();
    expect([0, 250, 1500, 2.5e6, 3e9].map(formatTokens)).toEqual(['0', '250', '1.5 k', '2.5 M', '3 B']);
  });
});
