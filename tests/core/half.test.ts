import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bfloat16Bits,
  bfloat16Value,
  float16Bits,
  float16Value,
  fromBfloat16,
  fromFloat16,
  toBfloat16,
  toFloat16,
} from '../../src/core/half.ts';

/** All 65,536 patterns of 16 bits. */
const ALL = Uint16Array.from({ length: 0x10000 }, (_, i) => i);

describe('bfloat16', () => {
  // Source: torch 2.13, `torch.tensor(x).bfloat16().float()`.
  it.each([
    [1.00390625, 1],
    [1.0078125, 1.0078125],
    [Math.PI, 3.140625],
    [65504, 65536],
    [1e-8, 1.0011717677116394e-8],
    [0.1, 0.10009765625],
    [-0, -0],
    [3.4e38, Number.POSITIVE_INFINITY],
    [Number.NaN, Number.NaN],
  ])('rounds %d to %d', (value, expected) => {
    expect(bfloat16Value(bfloat16Bits(value))).toBe(expected);
  });

  it('keeps a NaN whose payload lies in the dropped bits', () => {
    const signalling = new Float32Array(new Uint32Array([0x7f800001]).buffer);
    expect(bfloat16Value(toBfloat16(signalling)[0])).toBeNaN();
  });

  it('gives back every bfloat16', () => {
    const again = toBfloat16(fromBfloat16(ALL));
    for (const bits of ALL) {
      if (Number.isNaN(bfloat16Value(bits))) expect(bfloat16Value(again[bits])).toBeNaN();
      else expect(again[bits]).toBe(bits);
    }
  });
});

describe('float16', () => {
  // Source: torch 2.13, `torch.tensor(x).half().float()`; the borders from IEEE 754.
  it.each([
    [65520, Number.POSITIVE_INFINITY],
    [65519, 65504],
    [1e-8, 0],
    [6e-8, 2 ** -24],
    [0.1, 0.0999755859375],
    [2 ** -24, 2 ** -24],
    [2 ** -25, 0],
    [2 ** -25 * 1.0001, 2 ** -24],
    [2 ** -14, 2 ** -14],
    [2 ** -14 - 2 ** -26, 2 ** -14],
    [2049, 2048],
    [2051, 2052],
    [-0.1, -0.0999755859375],
    [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
    [Number.NaN, Number.NaN],
  ])('rounds %d to %d', (value, expected) => {
    expect(float16Value(float16Bits(value))).toBe(expected);
  });

  it('gives back every float16', () => {
    const again = toFloat16(fromFloat16(ALL));
    for (const bits of ALL) {
      if (Number.isNaN(float16Value(bits))) expect(float16Value(again[bits])).toBeNaN();
      else expect(again[bits]).toBe(bits);
    }
  });
});

describe('rounding', () => {
  it.each([
    ['bfloat16', bfloat16Bits, bfloat16Value, 0x7f80],
    ['float16', float16Bits, float16Value, 0x7c00],
  ] as const)('to %s takes the nearest, of two equally near the even one', (_, narrow, widen, infinity) => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: infinity - 2 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (bits, part) => {
          const low = widen(bits);
          const high = widen(bits + 1);
          const value = Math.fround(low + (high - low) * part);
          const nearest = value - low < high - value ? bits : value - low > high - value ? bits + 1 : bits + (bits & 1);
          expect(narrow(value)).toBe(nearest);
          expect(narrow(-value)).toBe(nearest | 0x8000);
        },
      ),
    );
  });
});
