import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../src/core/random.ts';
import {
  createSketcher,
  createSketchLikeness,
  readSketch,
  type Sketch,
  scaleFor,
} from '../../../src/dedup/index/sketch.ts';
import { createLikeness, type LikenessRule } from '../../../src/dedup/likeness.ts';

const containment: LikenessRule = {
  kind: 'containment',
  shingleTokens: 3,
  minShingles: 0.7,
  minTokens: 0.9,
  maxReordered: 0.1,
  fragment: 0.7,
  exactBelow: 4,
  orderedBelow: 12,
};
const jaccard: LikenessRule = { kind: 'jaccard', shingleTokens: 2, threshold: 0.5 };

function sketchOf(text: string, rule: LikenessRule, maxValues: number): Sketch {
  return readSketch(createSketcher(rule, maxValues).sketch(text).slice())!;
}

/** Texts over a small vocabulary, so that any two share something. */
const text = fc.array(fc.constantFrom(...'abcdefghij'), { maxLength: 40 }).map((words) => words.join(' '));
const pair = fc.oneof(
  fc.tuple(text, text),
  fc.tuple(text, text, text).map(([a, b, c]) => [`${a} ${b}`, `${b} ${c}`] as const),
);

describe('a sketch', () => {
  it.each([containment, jaccard])('of a short document says what the document would: $kind', (rule) => {
    fc.assert(
      fc.property(pair, ([earlier, later]) => {
        const whole = createLikeness(rule);
        whole.open(earlier);
        const held = whole.hold();
        whole.open(later);
        const sketched = createSketchLikeness(rule);
        sketched.open(later);
        expect(sketched.compare(sketchOf(earlier, rule, 256))).toBe(whole.compare(held));
        expect(sketched.measured).toBe(whole.similarity);
      }),
      { numRuns: 300 },
    );
  });

  const words = (from: number, to: number): string =>
    Array.from({ length: to - from }, (_, i) => `w${from + i}`).join(' ');

  it('holds at most the asked number of hashes, at least half of it, and the true sizes', () => {
    const long = sketchOf(words(0, 5000), containment, 256);
    for (const set of [long.shingles, long.tokens]) {
      expect(set.values.length).toBeLessThanOrEqual(256);
      // Half, less four standard deviations.
      expect(set.values.length).toBeGreaterThan(128 - 4 * Math.sqrt(128));
      for (const value of set.values) expect(value).toBeLessThan(2 ** (32 - set.scale));
    }
    expect([long.shingles.size, long.tokens.size]).toEqual([4998, 5000]);
    const short = sketchOf(words(0, 256), jaccard, 256);
    expect([short.shingles.scale, short.shingles.values.length, short.tokens.size]).toEqual([0, 255, 0]);
  });

  it('is scaled by the least power of two that leaves few enough', () => {
    // Two values in the lower half of the range, one of them in the lowest quarter.
    const values = Uint32Array.from([1, 2 ** 30 + 1, 2 ** 31 + 1, 2 ** 32 - 1]);
    expect([4, 3, 2, 1].map((most) => scaleFor(values, most))).toEqual([0, 1, 1, 2]);
    expect(scaleFor(Uint32Array.from([0, 1]), 1)).toBe(32);
  });

  it.each([
    { shared: 0.7, ofEarlier: 4000, ofLater: 4000 },
    { shared: 0.9, ofEarlier: 4000, ofLater: 8000 },
    { shared: 0.7, ofEarlier: 8000, ofLater: 4000 },
  ])('estimates a containment of $shared without bias and with the error of its sample', (given) => {
    // Shingles of one token: the shares of tokens and shingles are what a test plants.
    const rule: LikenessRule = { ...containment, shingleTokens: 1 };
    const sketcher = createSketcher(rule, 256);
    const likeness = createSketchLikeness(rule);
    const random = createRandom(5);
    const trials = 120;
    let sum = 0;
    let squares = 0;
    let variance = 0;
    for (let trial = 0; trial < trials; trial++) {
      const start = random.below(2 ** 30);
      const common = Math.round(given.shared * Math.min(given.ofEarlier, given.ofLater));
      const earlier = words(start, start + given.ofEarlier);
      const later = words(start + given.ofEarlier - common, start + given.ofEarlier - common + given.ofLater);
      const sketch = readSketch(sketcher.sketch(earlier))!;
      likeness.open(later);
      likeness.compare(sketch);
      const error = likeness.measured - given.shared;
      sum += error;
      squares += error * error;
      // Of a share c in n sampled hashes of the smaller document: c(1 - c)/n.
      const smaller = sketch.shingles.values.length * Math.min(1, given.ofLater / given.ofEarlier);
      variance += (given.shared * (1 - given.shared)) / smaller;
    }
    expect(Math.abs(sum / trials)).toBeLessThan(4 * Math.sqrt(variance / trials / trials));
    // A variance over 120 trials is within a factor of 1.6 of the true one.
    expect(squares / variance).toBeGreaterThan(1 / 1.6);
    expect(squares / variance).toBeLessThan(1.6);
  });

  it('is refused when its record is cut', () => {
    const record = createSketcher(containment, 64).sketch('one two three four five');
    expect(readSketch(record.subarray(0, 3))).toBeUndefined();
    expect(readSketch(record.subarray(0, 5))).toBeUndefined();
  });
});
