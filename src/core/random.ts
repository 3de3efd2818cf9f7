/**
 * Seeded randomness. Nothing in corpusmill calls Math.random or reads the clock into an output: every draw comes from
 * an explicit seed, and a draw about a document comes from the document's id, so it does not depend on order.
 */

/** 32-bit finalizer of MurmurHash3 (Appleby): a bijection on uint32 with full avalanche. */
export function mix32(h: number): number {
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** 32-bit hash of a string's UTF-16 units under a seed; for sampling, not for identity. */
export function hashString32(text: string, seed: number): number {
  let h = mix32(seed ^ 0x9e3779b9);
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return mix32(h ^ text.length);
}

/** A number in [0, 1) that depends on `seed` and `id` alone: `sampleFraction(seed, id) < 0.01` keeps 1 %. */
export function sampleFraction(seed: number, id: string): number {
  const high = hashString32(id, seed);
  const low = hashString32(id, seed ^ 0x5bd1e995);
  return (high * 0x200000 + (low >>> 11)) / 0x20000000000000;
}

/** sfc32 generator (Doty-Humphrey, PractRand): 128-bit state, passes BigCrush; returns uint32 draws. */
export function createRandom(seed: number): { uint32(): number; below(bound: number): number; float(): number } {
  let a = mix32(seed);
  let b = mix32(a ^ 0x9e3779b9);
  let c = mix32(b ^ 0x85ebca6b);
  let counter = 1;
  const uint32 = (): number => {
    const t = (a + b + counter) >>> 0;
    counter = (counter + 1) >>> 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) >>> 0;
    c = ((c << 21) | (c >>> 11)) >>> 0;
    c = (c + t) >>> 0;
    return t;
  };
  for (let i = 0; i < 12; i++) uint32();
  const float = (): number => ((uint32() >>> 5) * 0x4000000 + (uint32() >>> 6)) / 0x20000000000000;
  return { uint32, float, below: (bound) => Math.floor(float() * bound) };
}

/** Fisher–Yates shuffle in place. */
export function shuffle<T extends unknown[] | Uint32Array | Float64Array>(items: T, seed: number): T {
  const random = createRandom(seed);
  for (let i = items.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    const held = items[i];
    items[i] = items[j];
    items[j] = held;
  }
  return items;
}

/** Largest permutation whose numbers, walked over ones included, stay below 2^30. */
const SMALL = 2 ** 30;

/**
 * A keyed permutation of [0, size): position → item, computed without a table by a 4-round Feistel network with cycle
 * walking (Black & Rogaway 2002), so a loader's state is one integer. `size` up to 2^52.
 */
export function keyedPermutation(size: number, seed: number): (position: number) => number {
  let halfBits = 1;
  while (2 ** (2 * halfBits) < size) halfBits++;
  const half = 2 ** halfBits;
  const mask = half - 1;
  const [key0, key1, key2, key3] = [0, 1, 2, 3].map((round) => {
    return mix32(mix32(seed) + Math.imul(round + 1, 0x9e3779b9));
  });
  // Written out: a shuffle calls it for every document and row.
  const step = (x: number): number => {
    // Halves have 26 bits at most, numbers of less than a billion need no division.
    let left = size <= SMALL ? x >>> halfBits : Math.floor(x / half);
    let right = size <= SMALL ? x & mask : x % half;
    left = (left ^ mix32(right ^ key0)) & mask;
    right = (right ^ mix32(left ^ key1)) & mask;
    left = (left ^ mix32(right ^ key2)) & mask;
    right = (right ^ mix32(left ^ key3)) & mask;
    return size <= SMALL ? (left << halfBits) | right : left * half + right;
  };
  return (position) => {
    let x = step(position);
    while (x >= size) x = step(x);
    return x;
  };
}
