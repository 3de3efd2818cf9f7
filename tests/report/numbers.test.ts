import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatCount,
  formatCounted,
  formatMeasure,
  formatPowerOfTwo,
  formatRate,
  formatSeconds,
  formatShare,
} from '../../src/report/numbers.ts';

describe('numbers for people', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [1_234, '1,234'],
    [1_234_567_890_123, '1,234,567,890,123'],
    [Number.MAX_SAFE_INTEGER, '9,007,199,254,740,991'],
    [Number.NaN, '–'],
  ])('writes the count %d as %s', (count, text) => expect(formatCount(count)).toBe(text));

  it('gives a count its noun in the right number', () => {
    expect(formatCounted(1, 'file')).toBe('1 file');
    expect(formatCounted(0, 'file')).toBe('0 files');
    expect(formatCounted(2, 'copy', 'copies')).toBe('2 copies');
  });

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1.00 kB'],
    [12_345_678, '12.3 MB'],
    [9_994_999, '9.99 MB'],
    [9_996_000, '10.0 MB'],
    [999_400, '999 kB'],
    [999_500, '1.00 MB'],
    [2_000_000_000, '2.00 GB'],
    [1.5e18, '1.50 EB'],
    [5e21, '5,000 EB'],
    [-1_204_331, '−1.20 MB'],
    [Number.POSITIVE_INFINITY, '–'],
  ])('writes %d bytes as %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it('writes a rate as bytes per second', () => {
    expect(formatRate(9_870_000)).toBe('9.87 MB/s');
    expect(formatRate(Number.NaN)).toBe('–');
  });

  it.each([
    [0, 0, '–'],
    [1, 0, '–'],
    [0, 5, '0 %'],
    [5, 5, '100 %'],
    [1, 3, '33.3 %'],
    [1, 1_000_000, '<0.1 %'],
    [999_999, 1_000_000, '>99.9 %'],
    [3, 2, '150.0 %'],
  ])('writes %d of %d as %s', (part, whole, text) => expect(formatShare(part, whole)).toBe(text));

  it.each([
    [0.42, '0.4 s'],
    [9.96, '10 s'],
    [45.2, '45 s'],
    [59.6, '1 min 00 s'],
    [185, '3 min 05 s'],
    [8_040, '2 h 14 min'],
    [-1, '–'],
  ])('writes %d seconds as %s', (seconds, text) => expect(formatSeconds(seconds)).toBe(text));

  it.each([
    [0.345678, '0.3457'],
    [0.2, '0.2'],
    [12, '12'],
    [1_234, '1,234'],
    [-0.5, '−0.5'],
  ])('writes the measured value %d as %s', (value, text) => expect(formatMeasure(value)).toBe(text));

  it.each([
    [0, '1 B'],
    [5, '32 B'],
    [10, '1 KiB'],
    [25, '32 MiB'],
  ])('names the tick at 2^%d exactly', (exponent, text) => expect(formatPowerOfTwo(exponent)).toBe(text));
});
