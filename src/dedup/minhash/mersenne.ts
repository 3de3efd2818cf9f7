/**
 * MinHash as datatrove computes it (src/datatrove/pipeline/dedup/minhash.py), value for value: each run of `window`
 * words, joined by one space, is hashed as UTF-8 (xxHash64 or xxHash32, or the first 8 or 4 bytes of SHA-1 as a
 * little-endian number), and function k gives the least ((a_k·h + b_k) mod 2^64) mod (2^61 − 1) over all of them, for
 * 32 bits the least of its low halves.
 *
 * The sum overflows 64 bits before the prime sees it, so this is not the 2-independent family that the prime suggests;
 * it serves as well on hashes with full avalanche (minhash-kernel.ts has a cheaper one for our own signatures).
 *
 * Cost at 112 functions, with words and simplified text: 9 MB of English a second and core with xxHash, 6 with SHA-1 (on a
 * busy machine; datatrove itself .4 to .5), most of it for the words; the twin, whose numbers are BigInt, is 100 times slower.
 */
import xxhash from 'xxhash-wasm';
import { lazyPackage } from '../../core/lazy.ts';
import { native } from '../../core/native.ts';
import { createNumpyRandom } from '../../core/numpy-random.ts';

const { h32Raw, h64Raw } = await xxhash();

export interface WordHash {
  function: 'xxhash' | 'sha1';
  bits: 32 | 64;
}

const PRIME = (1n << 61n) - 1n;
const NONE = 0xffffffffffffffffn;

export interface MersennePermutations {
  multipliers: BigUint64Array;
  increments: BigUint64Array;
}

/** datatrove's constants: all multipliers in [1, 2^61 − 1), then all increments in [0, 2^61 − 1). */
export function createMersennePermutations(count: number, seed: number): MersennePermutations {
  const random = createNumpyRandom(seed);
  return {
    multipliers: BigUint64Array.from({ length: count }, () => random.randint(1n, PRIME)),
    increments: BigUint64Array.from({ length: count }, () => random.randint(0n, PRIME)),
  };
}

/**
 * Fills `signature` from the first `length` bytes of `bytes`, UTF-8 words with one space between each two. Returns the number of
 * windows; with none every entry is 2^64 − 1. Native where the add-on is built, else the twin: same bits.
 */
export function mersenneSignature(
  bytes: Uint8Array,
  length: number,
  window: number,
  hash: WordHash,
  { multipliers, increments }: MersennePermutations,
  signature: BigUint64Array,
): number {
  const run = native?.minhash61 ?? mersenneSignatureTwin;
  return run(bytes, length, window, hash.function === 'sha1' ? 1 : 0, hash.bits, multipliers, increments, signature);
}

/** The TypeScript twin of the native kernel. */
export function mersenneSignatureTwin(
  bytes: Uint8Array,
  length: number,
  window: number,
  hashFunction: 0 | 1,
  bits: 32 | 64,
  multipliers: BigUint64Array,
  increments: BigUint64Array,
  signature: BigUint64Array,
): number {
  const words = bytes.subarray(0, length);
  const starts: number[] = [];
  for (let start = 0; start < length; ) {
    starts.push(start);
    const space = words.indexOf(0x20, start);
    start = space === -1 ? length : space + 1;
  }
  signature.fill(NONE);
  const windows = Math.max(0, starts.length - window + 1);
  for (let first = 0; first < windows; first++) {
    const next = first + window;
    const stretch = words.subarray(starts[first], next < starts.length ? starts[next] - 1 : length);
    const hash = hashFunction === 1 ? sha1(stretch, bits) : bits === 32 ? BigInt(h32Raw(stretch)) : h64Raw(stretch);
    for (let k = 0; k < signature.length; k++) {
      const value = BigInt.asUintN(bits, BigInt.asUintN(64, multipliers[k] * hash + increments[k]) % PRIME);
      if (value < signature[k]) signature[k] = value;
    }
  }
  return windows;
}

/** 5 ms of every worker's start where nobody asks for SHA-1. */
const crypto = lazyPackage<typeof import('node:crypto')>('node:crypto');

function sha1(bytes: Uint8Array, bits: 32 | 64): bigint {
  const digest = crypto().createHash('sha1').update(bytes).digest();
  return bits === 32 ? BigInt(digest.readUInt32LE(0)) : digest.readBigUInt64LE(0);
}
