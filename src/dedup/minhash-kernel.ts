/**
 * MinHash signatures (Broder 1997): for each of K hash functions the minimum over a document's shingles. Two documents
 * agree in an entry with probability J, the Jaccard similarity of their shingle sets, so the share of equal entries
 * estimates J without bias and with variance J(1-J)/K.
 *
 * Family: h_k(x) = (a_k·x + b_k) mod 2^32, a_k odd, on shingle hashes x that already have full avalanche. Each h_k is a
 * permutation of the 32-bit values, so two minima are equal exactly when the smallest shingle hash is shared. Linear
 * permutations are near min-wise independent (Bohman, Cooper & Frieze 2000, "Min-wise independent linear
 * permutations"); plain multiply-shift is biased on structured sets such as runs of integers (Dahlgaard, Knudsen &
 * Thorup 2017, "Practical hash functions for similarity estimation and dimensionality reduction"), which cannot occur
 * here, because x comes out of a finalizer: on inputs with enough entropy simple families behave as random ones
 * (Mitzenmacher & Vadhan 2008, "Why simple hash functions work"). tests/dedup holds the estimator's bias and variance
 * to theory. A prime modulus (2^61-1, as in datatrove) needs 64-bit products: 7 times slower in C++, 80 times in
 * TypeScript, for no measurable gain.
 *
 * Width: 32 bits make two unrelated documents of n shingles share one entry by chance with probability about
 * n/2^33, and one band of r entries with that to the r-th power: nothing at any document length that occurs.
 *
 * Cost: K multiply-add-min per shingle. 112 functions: 3.6 ns with AVX-512, 4.2 with AVX2, 6 to 12 in
 * WebAssembly (minhash-wasm.ts), 49 in the twin below.
 */
import { native } from '../core/native.ts';
import { createRandom } from '../core/random.ts';
import { createWasmSignature } from './minhash-wasm.ts';

/** K hash functions; all three arrays have K entries. */
export interface Permutations {
  /** Odd multipliers a_k. */
  multipliers: Uint32Array;
  /** Increments b_k. */
  increments: Uint32Array;
}

/** `count` seeded hash functions: the same seed gives the same first functions whatever the count. */
export function createPermutations(count: number, seed: number): Permutations {
  const random = createRandom(seed ^ 0x6d696e68);
  const multipliers = new Uint32Array(count);
  const increments = new Uint32Array(count);
  for (let k = 0; k < count; k++) {
    multipliers[k] = random.uint32() | 1;
    increments[k] = random.uint32();
  }
  return { multipliers, increments };
}

/**
 * Writes signature[k] = min over i < `count` of (multipliers[k]·hashes[i] + increments[k]) mod 2^32; 2^32-1 everywhere
 * when `count` is 0. Native where the add-on is built, else WebAssembly SIMD, else the twin: same bits.
 */
export const minhashSignature: (
  hashes: Uint32Array,
  count: number,
  multipliers: Uint32Array,
  increments: Uint32Array,
  signature: Uint32Array,
) => void = native?.minhashSignature ?? createWasmSignature() ?? minhashSignatureTwin;

/** The TypeScript twin of the native kernel. */
export function minhashSignatureTwin(
  hashes: Uint32Array,
  count: number,
  multipliers: Uint32Array,
  increments: Uint32Array,
  signature: Uint32Array,
): void {
  const permutations = signature.length;
  // Signed comparison is what V8 does in registers (a uint32 above 2^31 would become a double), so the increments are
  // shifted by 2^31, which maps unsigned order to signed order, and the minimum is shifted back. Four functions by two
  // hashes at a time was the fastest of the unrollings tried (49 ns per shingle at K = 112 against 65 for four by one).
  const even = count & ~1;
  let k = 0;
  for (; k + 4 <= permutations; k += 4) {
    const a0 = multipliers[k] | 0;
    const a1 = multipliers[k + 1] | 0;
    const a2 = multipliers[k + 2] | 0;
    const a3 = multipliers[k + 3] | 0;
    const b0 = increments[k] ^ 0x80000000;
    const b1 = increments[k + 1] ^ 0x80000000;
    const b2 = increments[k + 2] ^ 0x80000000;
    const b3 = increments[k + 3] ^ 0x80000000;
    // An odd last hash starts the minima; with no hashes at all they start, and stay, at the top.
    const odd = even < count ? hashes[even] | 0 : 0;
    let m0 = even < count ? (Math.imul(a0, odd) + b0) | 0 : 0x7fffffff;
    let m1 = even < count ? (Math.imul(a1, odd) + b1) | 0 : 0x7fffffff;
    let m2 = even < count ? (Math.imul(a2, odd) + b2) | 0 : 0x7fffffff;
    let m3 = even < count ? (Math.imul(a3, odd) + b3) | 0 : 0x7fffffff;
    for (let i = 0; i < even; i += 2) {
      const x = hashes[i] | 0;
      const y = hashes[i + 1] | 0;
      let value = (Math.imul(a0, x) + b0) | 0;
      if (value < m0) m0 = value;
      value = (Math.imul(a0, y) + b0) | 0;
      if (value < m0) m0 = value;
      value = (Math.imul(a1, x) + b1) | 0;
      if (value < m1) m1 = value;
      value = (Math.imul(a1, y) + b1) | 0;
      if (value < m1) m1 = value;
      value = (Math.imul(a2, x) + b2) | 0;
      if (value < m2) m2 = value;
      value = (Math.imul(a2, y) + b2) | 0;
      if (value < m2) m2 = value;
      value = (Math.imul(a3, x) + b3) | 0;
      if (value < m3) m3 = value;
      value = (Math.imul(a3, y) + b3) | 0;
      if (value < m3) m3 = value;
    }
    signature[k] = m0 ^ 0x80000000;
    signature[k + 1] = m1 ^ 0x80000000;
    signature[k + 2] = m2 ^ 0x80000000;
    signature[k + 3] = m3 ^ 0x80000000;
  }
  for (; k < permutations; k++) {
    const a = multipliers[k] | 0;
    const b = increments[k] ^ 0x80000000;
    let m = 0x7fffffff;
    for (let i = 0; i < count; i++) {
      const v = (Math.imul(a, hashes[i] | 0) + b) | 0;
      if (v < m) m = v;
    }
    signature[k] = m ^ 0x80000000;
  }
}
