/**
 * SimHash (Charikar 2002): 64 bits in which each bit is the majority of that bit over the hashes of a text's shingles, counted
 * as often as they stand there. Each bit is the side of a random hyperplane on which the text's vector of shingle counts
 * lies: two texts at the angle θ differ in 64·θ/π bits on average, so few differing bits mean almost the same counts.
 *
 * Counters are held bit by bit (plane p has bit p of all 32 counters of a word), and seven hashes are added up to three
 * planes before they are carried on: some 20 operations a shingle for all 64 counters, against 64 additions.
 */
import { mix32 } from '../../core/random.ts';

export interface Simhasher {
  /** Words of the last fingerprint, as signed numbers. */
  readonly high: number;
  readonly low: number;
  /** Makes the fingerprint of the first `count` hashes, at least one. */
  sign(hashes: Uint32Array, count: number): void;
}

/** The 64-bit hash of a shingle is two finalizers of its 32 bits under different keys. */
export function createSimhasher(seed: number): Simhasher {
  const keyHigh = mix32(seed ^ 0x5bd1e995);
  const keyLow = mix32(seed ^ 0x27d4eb2f);
  const simhasher = {
    high: 0,
    low: 0,
    sign(hashes: Uint32Array, count: number): void {
      simhasher.high = majority(hashes, count, keyHigh);
      simhasher.low = majority(hashes, count, keyLow);
    },
  };
  return simhasher;
}

const PLANES = 32;
const planes = new Int32Array(PLANES);

/** Of each of the 32 bits whether more than half of the hashes have it. */
function majority(hashes: Uint32Array, count: number, key: number): number {
  planes.fill(0);
  let i = 0;
  for (; i + 7 <= count; i += 7) {
    // Full adders: the first word is the sum bit, the second the carry of three words.
    const a = mix32(hashes[i] ^ key);
    const b = mix32(hashes[i + 1] ^ key);
    const c = mix32(hashes[i + 2] ^ key);
    const d = mix32(hashes[i + 3] ^ key);
    const e = mix32(hashes[i + 4] ^ key);
    const f = mix32(hashes[i + 5] ^ key);
    const g = mix32(hashes[i + 6] ^ key);
    const ab = a ^ b;
    const abc = ab ^ c;
    const twos1 = (a & b) | (c & ab);
    const de = d ^ e;
    const def = de ^ f;
    const twos2 = (d & e) | (f & de);
    const both = abc ^ def;
    const sum = both ^ g;
    const twos3 = (abc & def) | (g & both);
    const twos12 = twos1 ^ twos2;
    carry(sum, 0);
    carry(twos12 ^ twos3, 1);
    carry((twos1 & twos2) | (twos3 & twos12), 2);
  }
  for (; i < count; i++) carry(mix32(hashes[i] ^ key), 0);

  // Counters above half of `count`, compared from their highest bit down.
  const half = count >>> 1;
  let greater = 0;
  let equal = -1;
  for (let plane = 31 - Math.clz32(count); plane >= 0; plane--) {
    if (((half >>> plane) & 1) === 1) {
      equal &= planes[plane];
    } else {
      greater |= equal & planes[plane];
      equal &= ~planes[plane];
    }
  }
  return greater;
}

function carry(word: number, plane: number): void {
  while (word !== 0) {
    const held = planes[plane];
    planes[plane++] = held ^ word;
    word &= held;
  }
}

/** Bits in which two fingerprints differ. */
export function hammingDistance(high1: number, low1: number, high2: number, low2: number): number {
  return ones(high1 ^ high2) + ones(low1 ^ low2);
}

/** Number of bits set (Warren, Hacker's Delight, 5-1). */
function ones(word: number): number {
  word -= (word >>> 1) & 0x55555555;
  word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
  return Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
