/**
 * A Bloom filter over 64-bit keys (Bloom 1970): says of a key that it was never added, or that it probably was.
 *
 * Size: with n keys and a false-positive rate p, m = −n·ln p / (ln 2)² bits and k = (m / n)·ln 2 probes: 1.8 bytes and 10
 * probes a key at .001, 1.2 bytes and 7 at .01. All k probes come from two hashes, as h₁ + i·h₂ (Kirsch & Mitzenmacher 2008
 * show that the rate stays what it is with k independent ones), with a step that grows, without which the rate is a little
 * higher in small filters (Dillinger & Manolios 2004, enhanced double hashing).
 */
import { mix32 } from '../core/random.ts';

export interface BloomFilter {
  /** Size in bytes, and bits set and tested for a key. */
  readonly bytes: number;
  readonly probes: number;
  has(high: number, low: number): boolean;
  /** Adds a key; false when it, or others that together look like it, had been added before. */
  add(high: number, low: number): boolean;
}

/** Bits of a segment: places in it are 32-bit numbers. */
const SEGMENT_BITS = 2 ** 31;
const MAX_PROBES = 64;

/**
 * A filter for up to `keys` different keys, at most a share of `falsePositiveRate` (0 … 1) of which is taken for one of the others.
 * Larger ones are made of segments of 256 MiB, each of which has the keys that their hash gives it.
 */
export function createBloomFilter(keys: number, falsePositiveRate: number): BloomFilter {
  const bits = Math.max(64, Math.ceil((-keys * Math.log(falsePositiveRate)) / Math.LN2 ** 2));
  const probes = Math.min(MAX_PROBES, Math.max(1, Math.round((bits / Math.max(1, keys)) * Math.LN2)));
  const segments = Math.ceil(bits / SEGMENT_BITS);
  const segmentBits = Math.ceil(bits / segments);
  const words = Array.from({ length: segments }, () => new Uint32Array(Math.ceil(segmentBits / 32)));
  const places = new Uint32Array(probes);

  /** Fills `places`, and returns the segment. */
  const probe = (high: number, low: number): Uint32Array => {
    // Keys' own bits may choose partitions elsewhere: all that is used here is mixed anew.
    let first = mix32(low ^ 0x9e3779b9);
    let step = mix32(high ^ first) | 1;
    for (let i = 0; i < places.length; i++) {
      places[i] = ((first >>> 0) / 2 ** 32) * segmentBits;
      first = (first + step) | 0;
      step = (step + i) | 0;
    }
    return words[segments === 1 ? 0 : Math.floor((mix32(high ^ 0x6a09e667) / 2 ** 32) * segments)];
  };
  return {
    bytes: words.reduce((sum, segment) => sum + segment.byteLength, 0),
    probes,
    has(high, low) {
      const segment = probe(high, low);
      for (const place of places) if ((segment[place >>> 5] & (1 << (place & 31))) === 0) return false;
      return true;
    },
    add(high, low) {
      const segment = probe(high, low);
      let isNew = false;
      for (const place of places) {
        const bit = 1 << (place & 31);
        if ((segment[place >>> 5] & bit) === 0) {
          segment[place >>> 5] |= bit;
          isNew = true;
        }
      }
      return isNew;
    },
  };
}

/** The rate that theory gives for `added` different keys in a filter of so many bits: (1 − e^(−k·n/m))^k. */
export function bloomFalsePositiveRate(added: number, bits: number, probes: number): number {
  return (1 - Math.exp((-probes * added) / bits)) ** probes;
}
