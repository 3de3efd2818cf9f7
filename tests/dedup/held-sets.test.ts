import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createHeldSets } from '../../src/dedup/held-sets.ts';
import type { Held } from '../../src/dedup/likeness.ts';

/** Thousands of values: `toEqual` would take seconds. */
const sameValues = (a: Uint32Array | undefined, b: Uint32Array | undefined): boolean =>
  a?.length === b?.length && (a === undefined || a.every((value, i) => value === b![i]));
const sameSet = (a: Held | undefined, b: Held | undefined): boolean =>
  (a === undefined) === (b === undefined) && sameValues(a?.shingles, b?.shingles) && sameValues(a?.tokens, b?.tokens);

describe('held sets', () => {
  it('come back as they were put until they are released, however many come and go', () => {
    const step = fc.record({
      size: fc.integer({ min: 0, max: 3000 }),
      tokens: fc.boolean(),
      release: fc.nat({ max: 50 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.constantFrom(1, 30_000, 200_000), (steps, mostValues) => {
        const held = createHeldSets(mostValues);
        const expected = new Map<number, Held>();
        steps.forEach(({ size, tokens, release }, ordinal) => {
          const set = {
            shingles: Uint32Array.from({ length: size }, (_, i) => ordinal * 10_000 + i),
            tokens: tokens ? Uint32Array.from({ length: size >> 1 }, (_, i) => ordinal * 10_000 + 9999 - i) : undefined,
          };
          held.put(ordinal, {
            shingles: set.shingles.length,
            tokens: set.tokens?.length ?? -1,
            write(target, at) {
              target.set(set.shingles, at);
              if (set.tokens !== undefined) target.set(set.tokens, at + set.shingles.length);
            },
          });
          expected.set(ordinal, set);
          if (release < ordinal) {
            held.release(release);
            expected.delete(release);
          }
        });
        expect(held.sets).toBe(expected.size);
        const values = [...expected.values()].map((set) => set.shingles.length + (set.tokens?.length ?? 0));
        expect(held.values).toBe(values.reduce((a, b) => a + b, 0));
        for (let ordinal = 0; ordinal < steps.length; ordinal++)
          expect(sameSet(held.get(ordinal), expected.get(ordinal))).toBe(true);
      }),
    );
  });
});
