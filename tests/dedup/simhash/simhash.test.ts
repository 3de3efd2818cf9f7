import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom, mix32 } from '../../../src/core/random.ts';
import { createSimhasher, hammingDistance } from '../../../src/dedup/simhash/fingerprint.ts';
import { eachNeighbour } from '../../../src/dedup/simhash/neighbours.ts';
import { simhash } from '../../../src/dedup/simhash/stage.ts';
import { createUnionFind } from '../../../src/dedup/union-find.ts';
import { describeWithShared, shared } from '../../shared.ts';
import { documentsFrom, readJsonlGz, runBarrier } from '../context.ts';

/** The definition: 64 counters, one step up or down for each bit of each hash. */
function byCounters(hashes: readonly number[], seed: number): [high: number, low: number] {
  const words = [mix32(seed ^ 0x5bd1e995), mix32(seed ^ 0x27d4eb2f)].map((key) => {
    const counters = new Array<number>(32).fill(0);
    for (const hash of hashes) {
      const bits = mix32(hash ^ key);
      for (let bit = 0; bit < 32; bit++) counters[bit] += (bits >>> bit) & 1 ? 1 : -1;
    }
    return counters.reduce((word, counter, bit) => word | (counter > 0 ? 1 << bit : 0), 0);
  });
  return [words[0], words[1]];
}

describe('SimHash fingerprints', () => {
  it('are the signs of 64 counters', () => {
    const simhasher = createSimhasher(5);
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.integer({ min: 0, max: 3 }), fc.nat(0xffffffff)), { minLength: 1, maxLength: 100 }),
        (hashes) => {
          simhasher.sign(Uint32Array.from(hashes), hashes.length);
          expect([simhasher.high, simhasher.low]).toEqual(byCounters(hashes, 5));
        },
      ),
    );
  });

  it('are so for a long text too', () => {
    const random = createRandom(3);
    const hashes = Array.from({ length: 70_001 }, () => random.uint32() % 20_000);
    const simhasher = createSimhasher(1);
    simhasher.sign(Uint32Array.from(hashes), hashes.length);
    expect([simhasher.high, simhasher.low]).toEqual(byCounters(hashes, 1));
  });

  it.each([0.99, 0.95, 0.8, 0.5, 0])(
    'differ in 64·θ/π bits on average where the cosine of the angle θ is %d',
    (cosine) => {
      // Two lists of 400 different shingles that share that part of them: the cosine of their 0/1 vectors.
      const random = createRandom(11);
      const size = 400;
      const common = Math.round(size * cosine);
      const [a, b] = [createSimhasher(2), createSimhasher(2)];
      const trials = 600;
      let sum = 0;
      for (let trial = 0; trial < trials; trial++) {
        const all = Uint32Array.from({ length: 2 * size - common }, () => random.uint32());
        a.sign(all.subarray(0, size), size);
        b.sign(all.subarray(size - common), size);
        sum += hammingDistance(a.high, a.low, b.high, b.low);
      }
      const rate = Math.acos(common / size) / Math.PI;
      // Five standard deviations of the mean, and half a bit for ties of even counts, which all give 0.
      const tolerance = 5 * Math.sqrt((64 * rate * (1 - rate)) / trials) + 0.5;
      expect(Math.abs(sum / trials - 64 * rate)).toBeLessThan(tolerance);
    },
  );

  it('know how many bits differ', () => {
    expect(hammingDistance(0, 0, -1, -1)).toBe(64);
    expect(hammingDistance(0x80000000 | 0, 5, 0, 4)).toBe(2);
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (a, b) => {
        const word = (value: bigint, shift: bigint) => Number(BigInt.asIntN(32, value >> shift));
        const ones = [...(a ^ b).toString(2)].filter((digit) => digit === '1').length;
        expect(hammingDistance(word(a, 32n), word(a, 0n), word(b, 32n), word(b, 0n))).toBe(ones);
      }),
    );
  });
});

/** Clusters by `eachNeighbour`, as smallest members. */
async function cluster(
  fingerprints: readonly [number, number][],
  distance: number,
  options: { maxBucket?: number; without?: Set<number> } = {},
) {
  const high = Int32Array.from(fingerprints, ([word]) => word);
  const low = Int32Array.from(fingerprints, ([, word]) => word);
  const sets = createUnionFind(fingerprints.length);
  const has = (ordinal: number) => options.without?.has(ordinal) !== true;
  const { maxBucket } = options;
  let wrong = 0;
  const counts = await eachNeighbour(
    { high, low, has },
    { distance, memoryBytes: 1 << 22, ...(maxBucket !== undefined && { maxBucket }) },
    (first, second, bits) => {
      // Not by `expect`, which costs 10 µs.
      const isRight =
        bits <= distance && first < second && !options.without?.has(first) && !options.without?.has(second);
      if (!isRight || bits !== hammingDistance(high[first], low[first], high[second], low[second])) wrong++;
      sets.union(first, second);
    },
  );
  expect(wrong).toBe(0);
  return { roots: [...sets.roots()], counts };
}

function byAllPairs(
  fingerprints: readonly [number, number][],
  distance: number,
  without = new Set<number>(),
): number[] {
  const sets = createUnionFind(fingerprints.length);
  for (let i = 0; i < fingerprints.length; i++) {
    for (let j = 0; j < i; j++) {
      if (without.has(i) || without.has(j)) continue;
      if (hammingDistance(...fingerprints[i], ...fingerprints[j]) <= distance) sets.union(i, j);
    }
  }
  return [...sets.roots()];
}

function flip([high, low]: readonly [number, number], bits: readonly number[]): [number, number] {
  let [h, l] = [high, low];
  for (const bit of bits) {
    if (bit < 32) l ^= 1 << bit;
    else h ^= 1 << (bit & 31);
  }
  return [h | 0, l | 0];
}

describe('neighbours of fingerprints', () => {
  it('are those of a comparison of all pairs, for any distance and size of bucket', async () => {
    const bits = fc.array(fc.integer({ min: 0, max: 63 }), { maxLength: 9 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), bits), { maxLength: 60 }),
        fc.integer({ min: 0, max: 8 }),
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.nat(59), { maxLength: 5 }),
        async (members, distance, maxBucket, absent) => {
          // A few families, their members some bits away from the first.
          const fingerprints = members.map(([family, flips]) =>
            flip([mix32(family) | 0, mix32(family + 99) | 0], flips),
          );
          const without = new Set(absent);
          const { roots } = await cluster(fingerprints, distance, { maxBucket, without });
          expect(roots).toEqual(byAllPairs(fingerprints, distance, without));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('are all found among 200,000 others', async () => {
    const random = createRandom(9);
    const fingerprints: [number, number][] = Array.from({ length: 200_000 }, () => [
      random.uint32() | 0,
      random.uint32() | 0,
    ]);
    const planted: [number, number][] = [];
    for (let i = 0; i < 5000; i++) {
      const original = random.below(200_000);
      const bits = Array.from({ length: 1 + random.below(3) }, () => random.below(64));
      planted.push([original, fingerprints.length]);
      fingerprints.push(flip(fingerprints[original], bits));
    }
    const { roots, counts } = await cluster(fingerprints, 3);
    expect(planted.filter(([original, copy]) => roots[copy] !== roots[original])).toEqual([]);
    // Chance pairs: n²/2 · Σ C(64, ≤3) / 2^64 = 5e-5.
    expect(new Set(roots).size).toBe(200_000);
    // n²/2 pairs in 2^16 buckets, four times: 1.3 million.
    expect(counts.compared).toBeLessThan(2_000_000);
  });

  it('cost no square where very many agree in a block', async () => {
    // 30,000 fingerprints with 40 bits in common: pair by pair 450 million comparisons for each block among those 40.
    const random = createRandom(4);
    const count = 30_000;
    const fingerprints: [number, number][] = Array.from({ length: count }, () => [
      0x12345678,
      0x9a000000 | (random.uint32() >>> 8),
    ]);
    const copies = Array.from({ length: 200 }, (_, i) => flip(fingerprints[i * 7], [3, 9, 20]));
    const { roots, counts } = await cluster([...fingerprints, ...copies], 3);
    copies.forEach((_, i) => void expect(roots[count + i]).toBe(roots[i * 7]));
    expect(counts.compared).toBeLessThan(60_000_000);
  });
});

describe('dedup.simhash', () => {
  const words = (from: number, count: number) => Array.from({ length: count }, (_, i) => `word${from + i}`).join(' ');

  it('drops texts that differ in a word of many, and keeps the longest', async () => {
    const texts = [words(0, 400), words(1000, 400), `${words(0, 400)} more`, words(0, 200)];
    const { keptAs, details } = await runBarrier(simhash, {}, documentsFrom(texts), { partRows: [1, 2] });
    expect(keptAs).toEqual([2, 1, 2, 3]);
    expect(details).toMatchObject({ kind: 'duplicates', method: 'simhash', duplicates: 1, clusters: 1 });
    expect((await runBarrier(simhash, { keep: 'first' }, documentsFrom(texts))).keptAs).toEqual([0, 1, 0, 3]);
  });

  it('takes short texts for copies only when the fingerprint is the very same, and texts without a token never', async () => {
    const texts = ['a b c d', 'A, b; c: d!', 'a b c e', '...', '...', '', 'a b c'];
    const { keptAs } = await runBarrier(simhash, { keep: 'first', distance: 16 }, documentsFrom(texts));
    expect(keptAs).toEqual([0, 0, 2, 3, 4, 5, 6]);
  });

  it('looks past documents that earlier stages dropped, and takes an empty corpus', async () => {
    const texts = [words(0, 50), words(0, 50), words(0, 50)];
    const { keptAs } = await runBarrier(simhash, {}, documentsFrom(texts), { alive: (i) => i !== 0 });
    expect(keptAs).toEqual([0, 1, 1]);
    expect((await runBarrier(simhash, {}, [])).keptAs).toEqual([]);
  });
});

describeWithShared('dedup.simhash on web-mix', () => {
  it('finds every one of its 1,133 byte-identical extras, and joins no strangers', async () => {
    const documents = readJsonlGz<{ id: string; text: string }>(shared('data/web-mix.jsonl.gz'));
    const plain = documents.map(({ id, text }) => ({ id, text, meta: {} }));
    const { keptAs, details } = await runBarrier(simhash, { keep: 'first' }, plain, { partRows: [1500] });
    const first = new Map<string, number>();
    let extras = 0;
    let found = 0;
    documents.forEach(({ text }, i) => {
      const earlier = first.get(text);
      if (earlier === undefined) first.set(text, i);
      else extras++;
      if (earlier !== undefined && keptAs[i] === keptAs[earlier]) found++;
    });
    expect({ extras, found }).toEqual({ extras: 1133, found: 1133 });
    // Exact comparison at a Jaccard similarity of .8 (5-token shingles) leaves 19,192: no fewer may be left here.
    expect(20_781 - details.duplicates).toBeGreaterThan(19_192);
    expect(20_781 - details.duplicates).toBeLessThan(20_781 - 1133);
  });
});
