import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mix32 } from '../../src/core/random.ts';
import { createDatatroveSigner, createFoldedSigner } from '../../src/dedup/minhash/signers.ts';
import { createPermutations, minhashSignature, minhashSignatureTwin } from '../../src/dedup/minhash-kernel.ts';
import { createWasmSignature } from '../../src/dedup/minhash-wasm.ts';

/** The definition, in arithmetic that cannot overflow. */
function signatureByDefinition(hashes: readonly number[], multipliers: Uint32Array, increments: Uint32Array): number[] {
  return [...multipliers].map((a, k) => {
    let lowest = 0xffffffffn;
    for (const h of hashes) {
      const value = (BigInt(a) * BigInt(h) + BigInt(increments[k])) % 2n ** 32n;
      if (value < lowest) lowest = value;
    }
    return Number(lowest);
  });
}

const uint32 = fc.integer({ min: 0, max: 0xffffffff });

const wasm = createWasmSignature()!;

describe.each([
  ['twin', minhashSignatureTwin],
  ['WebAssembly', wasm],
  ['the one in use', minhashSignature],
])('minhash signature: %s', (_, signatureOf) => {
  it('is the minimum of (a·h + b) mod 2^32 for each function', () => {
    fc.assert(
      fc.property(
        fc.array(uint32, { maxLength: 40 }),
        fc.integer({ min: 1, max: 40 }),
        uint32,
        (hashes, count, seed) => {
          const { multipliers, increments } = createPermutations(count, seed);
          const signature = new Uint32Array(count);
          signatureOf(Uint32Array.from(hashes), hashes.length, multipliers, increments, signature);
          expect([...signature]).toEqual(signatureByDefinition(hashes, multipliers, increments));
        },
      ),
    );
  });

  it('looks at the first `count` hashes only, and at none gives 2^32 - 1', () => {
    const { multipliers, increments } = createPermutations(10, 3);
    const signature = new Uint32Array(10);
    const hashes = Uint32Array.of(7, 11, 13);
    signatureOf(hashes, 2, multipliers, increments, signature);
    expect([...signature]).toEqual(signatureByDefinition([7, 11], multipliers, increments));
    signatureOf(hashes, 0, multipliers, increments, signature);
    expect([...signature]).toEqual(Array(10).fill(0xffffffff));
  });
});

describe('the WebAssembly kernel', () => {
  it('gives the bits of the twin, also over several pieces', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 100_000 }),
        fc.integer({ min: 1, max: 150 }),
        uint32,
        (count, permutations, seed) => {
          const { multipliers, increments } = createPermutations(permutations, seed);
          const hashes = createPermutations(count, seed + 1).increments;
          const expected = new Uint32Array(permutations);
          const found = new Uint32Array(permutations);
          minhashSignatureTwin(hashes, count, multipliers, increments, expected);
          wasm(hashes, count, multipliers, increments, found);
          expect(found).toEqual(expected);
        },
      ),
      {
        numRuns: 30,
        examples: [
          [32768, 16, 1],
          [32769, 17, 2],
          [65536, 112, 3],
        ],
      },
    );
  });
});

describe('the family of hash functions', () => {
  it('has odd multipliers, so that each function is a permutation', () => {
    expect([...createPermutations(500, 9).multipliers].every((a) => a % 2 === 1)).toBe(true);
  });

  it('gives the same first functions whatever the number asked for', () => {
    expect(createPermutations(50, 4).multipliers).toEqual(createPermutations(80, 4).multipliers.slice(0, 50));
  });

  // Pairs of sets with a known Jaccard similarity, hashed as shingles are: counters through a finalizer.
  it.each([
    { shared: 10, own: 45, jaccard: 0.1 },
    { shared: 100, own: 50, jaccard: 0.5 },
    { shared: 400, own: 50, jaccard: 0.8 },
    { shared: 950, own: 25, jaccard: 0.95 },
  ])('estimates J = $jaccard without bias and with variance J(1-J)/K', ({ shared, own, jaccard }) => {
    const permutations = 128;
    const trials = 1500;
    const { multipliers, increments } = createPermutations(permutations, 20);
    const size = shared + own;
    const left = new Uint32Array(size);
    const right = new Uint32Array(size);
    const signatures = [new Uint32Array(permutations), new Uint32Array(permutations)];
    let sum = 0;
    let squares = 0;
    for (let trial = 0; trial < trials; trial++) {
      let counter = trial * 5000;
      for (let i = 0; i < shared; i++) left[i] = right[i] = mix32(counter++);
      for (let i = shared; i < size; i++) left[i] = mix32(counter++);
      for (let i = shared; i < size; i++) right[i] = mix32(counter++);
      minhashSignature(left, size, multipliers, increments, signatures[0]);
      minhashSignature(right, size, multipliers, increments, signatures[1]);
      let equal = 0;
      for (let k = 0; k < permutations; k++) if (signatures[0][k] === signatures[1][k]) equal++;
      sum += equal / permutations;
      squares += (equal / permutations) ** 2;
    }
    const mean = sum / trials;
    const variance = squares / trials - mean ** 2;
    const expected = (jaccard * (1 - jaccard)) / permutations;
    // Four standard errors of the mean; a variance estimated from 1,500 trials has a relative error of 3.7 %.
    expect(Math.abs(mean - jaccard)).toBeLessThan(4 * Math.sqrt(expected / trials));
    expect(variance / expected).toBeGreaterThan(0.85);
    expect(variance / expected).toBeLessThan(1.15);
  });
});

const SHAPE = { bands: 16, rows: 4 };

/** `count` different words in the order of the alphabet: a, b, …, z, ba, bb … */
function run(from: number, count: number): string {
  return Array.from({ length: count }, (_, i) =>
    (from + i).toString(26).replace(/./g, (digit) => String.fromCharCode(97 + Number.parseInt(digit, 26))),
  ).join(' ');
}

// The sets on which weak families fail (Dahlgaard, Knudsen & Thorup 2017) are runs: here as texts, through the shingles that
// are hashed in earnest. The pair stays the same and the functions change, so that what is measured is theirs alone.
describe.each(['our own functions', "datatrove's functions"])('the estimate by %s', (family) => {
  const signerOf = (seed: number) =>
    family === 'our own functions'
      ? createFoldedSigner(SHAPE, 5, seed)
      : createDatatroveSigner(SHAPE, 5, { function: 'xxhash', bits: 64 }, seed);

  it.each([
    { what: 'a run and the run shifted by a tenth', a: run(0, 104), b: run(10, 104), jaccard: 90 / 110 },
    { what: 'a run and the run shifted by half', a: run(0, 104), b: run(50, 104), jaccard: 50 / 150 },
    { what: 'a run and its first quarter', a: run(0, 104), b: run(0, 29), jaccard: 25 / 100 },
    {
      what: 'a periodic text and one more word',
      a: 'a b c d e f g '.repeat(20),
      b: `${'a b c d e f g '.repeat(20)}h`,
      jaccard: 7 / 8,
    },
  ])('of $what is unbiased with variance J(1-J)/K', ({ a, b, jaccard }) => {
    const functions = SHAPE.bands * SHAPE.rows;
    const trials = 800;
    let sum = 0;
    let squares = 0;
    for (let seed = 0; seed < trials; seed++) {
      const signer = signerOf(seed);
      signer.sign(a);
      const first = signer.signature.slice();
      signer.sign(b);
      const words = signer.wordsPerBand / SHAPE.rows;
      let equal = 0;
      for (let k = 0; k < functions; k++) {
        let same = true;
        for (let w = k * words; w < (k + 1) * words; w++) same &&= first[w] === signer.signature[w];
        if (same) equal++;
      }
      sum += equal / functions;
      squares += (equal / functions) ** 2;
    }
    const mean = sum / trials;
    const variance = squares / trials - mean ** 2;
    const expected = (jaccard * (1 - jaccard)) / functions;
    // Four standard errors: of the mean, and of a variance from 800 trials (5 %).
    expect(Math.abs(mean - jaccard)).toBeLessThan(4 * Math.sqrt(expected / trials));
    expect(Math.abs(variance / expected - 1)).toBeLessThan(0.2);
  });
});
