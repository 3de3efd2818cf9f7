/** Accuracy of the elementary functions of native/tensor/vector_math.inl, beside float64, at every instruction set. */
import { describe, expect, it } from 'vitest';
import { native } from '../../src/core/native.ts';

const FUNCTIONS = [
  { name: 'exp', of: Math.exp, from: -87, to: 88.7, ulps: 1.5 },
  { name: '2^x, x <= 0', of: (x: number) => 2 ** x, from: -126, to: 0, ulps: 2 },
  { name: 'log', of: Math.log, from: 1e-37, to: 1e38, ulps: 1.5, logarithmic: true },
  { name: 'sigmoid', of: (x: number) => 1 / (1 + Math.exp(-x)), from: -80, to: 80, ulps: 2.5 },
  { name: 'tanh', of: Math.tanh, from: -20, to: 20, ulps: 2 },
] as const;

const describeNative = native === undefined ? describe.skip : describe;

/** Distance in units in the last place of the float32 nearest to `exact`. */
function ulps(found: number, exact: number): number {
  const size = Math.max(Math.abs(exact), 2 ** -126);
  return Math.abs(found - exact) / 2 ** (Math.floor(Math.log2(size)) - 23);
}

/** Evenly spaced numbers, or their powers of e, and odd so that the last vector is cut. */
function points(from: number, to: number, isLogarithmic: boolean): Float32Array {
  const count = 200_003;
  const [a, b] = isLogarithmic ? [Math.log(from), Math.log(to)] : [from, to];
  return Float32Array.from({ length: count }, (_, i) => {
    const x = a + ((b - a) * i) / (count - 1);
    return isLogarithmic ? Math.exp(x) : x;
  });
}

describeNative('vector mathematics', () => {
  const addon = native as NonNullable<typeof native>;
  describe.each(addon.attentionLevels().map((level, index) => ({ level, index })))('$level', ({ index }) => {
    for (const [which, f] of FUNCTIONS.entries()) {
      const map = (x: Float32Array): Float32Array => {
        const out = new Float32Array(x.length);
        addon.vectorMath(index, which as 0 | 1 | 2 | 3 | 4, x, out);
        return out;
      };

      it(`${f.name} within ${f.ulps} ulp`, () => {
        const sets = [points(f.from, f.to, 'logarithmic' in f)];
        // Where the function is near a zero of itself or of its argument.
        if (f.name === 'log') sets.push(points(0.5, 2, false));
        else sets.push(points(Math.max(f.from, -1), Math.min(f.to, 1), false));
        let worst = 0;
        for (const x of sets) {
          const out = map(x);
          for (let i = 0; i < x.length; i++) worst = Math.max(worst, ulps(out[i], f.of(x[i])));
        }
        expect(worst).toBeLessThan(f.ulps);
      });

      it(`${f.name} keeps not-a-number`, () => {
        expect(map(Float32Array.of(1, Number.NaN, 1))[1]).toBeNaN();
      });
    }

    it('ends of the range', () => {
      const map = (which: 0 | 1 | 3 | 4, x: number): number => {
        const out = new Float32Array(1);
        addon.vectorMath(index, which, Float32Array.of(x), out);
        return out[0];
      };
      expect(map(0, 89)).toBe(Number.POSITIVE_INFINITY);
      expect(map(0, Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
      expect(map(0, Number.NEGATIVE_INFINITY)).toBe(0);
      expect(map(0, 0)).toBe(1);
      expect(map(1, 0)).toBe(1);
      expect(map(1, -1e30)).toBe(0);
      expect(map(3, -1000)).toBe(0);
      expect(map(3, 1000)).toBe(1);
      expect(map(4, 1000)).toBe(1);
      expect(map(4, -1000)).toBe(-1);
      expect(map(4, 0)).toBe(0);
    });
  });
});
