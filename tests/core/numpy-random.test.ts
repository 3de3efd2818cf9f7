import { describe, expect, it } from 'vitest';
import { createNumpyRandom } from '../../src/core/numpy-random.ts';

const PRIME = (1n << 61n) - 1n;

/** From numpy 2.4: `RandomState(seed).randint(low, high, dtype=np.uint64, size=count)`, and MT19937's authors. */
describe("numpy's legacy generator", () => {
  it("gives MT19937's published outputs for the seed 5489", () => {
    const random = createNumpyRandom(5489);
    expect([random.uint32(), random.uint32(), random.uint32()]).toEqual([3499211612, 581869302, 3890346734]);
    // The 10,000th output, which the C++ standard prescribes for std::mt19937.
    for (let i = 3; i < 9999; i++) random.uint32();
    expect(random.uint32()).toBe(4123659995);
  });

  it('draws the 112 multipliers and then the 112 increments of datatrove for the seed 1', () => {
    const random = createNumpyRandom(1);
    const a = Array.from({ length: 112 }, () => random.randint(1n, PRIME));
    const b = Array.from({ length: 112 }, () => random.randint(0n, PRIME));
    expect(a.slice(0, 4)).toEqual([775169054918279404n, 1758426461858698313n, 2109959069025162n, 965365488286768774n]);
    expect(a[111]).toBe(223865076026037746n);
    expect(b.slice(0, 4)).toEqual([
      1062448801025099917n,
      1324811268927594100n,
      1217488311597731462n,
      100775521383383736n,
    ]);
    expect(b[111]).toBe(1097409548522419201n);
  });

  it("draws text-dedup's multipliers for the seed 42", () => {
    const random = createNumpyRandom(42);
    expect([0, 1, 2].map(() => random.randint(1n, PRIME))).toEqual([
      2297359619001564596n,
      1396682528897996047n,
      1973689801170867272n,
    ]);
  });

  it('refuses ranges that numpy draws in another way', () => {
    expect(() => createNumpyRandom(1).randint(0n, 100n)).toThrow(RangeError);
  });
});
