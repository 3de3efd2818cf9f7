/**
 * All pairs of fingerprints within a Hamming distance, exactly (Manku, Jain & Das Sarma 2007): of d + 1 blocks of bits, two
 * fingerprints that differ in d bits or fewer have at least one in common. So those with a block in common are compared; equal
 * fingerprints are one to begin with.
 *
 * A bucket that is large is not compared pair by pair but cut again: within it the same holds of the bits in which its
 * members are not all alike, in d + 1 smaller blocks. What is found stays exact, and fingerprints that happen to share bits do
 * not cost the square of their number. Where a cut would not halve the comparisons, all pairs are compared: that is a
 * family of which most are neighbours of each other.
 *
 * Memory: 8 bytes a document for fingerprints, and what matching takes within `memoryBytes`. Time for random ones at distance 3: 4
 * passes of matching and n²/2^17 comparisons of 2 ns, cut again above 128 in a bucket.
 */
import type { RowSet } from '../../core/feature-reader.ts';
import { mix32 } from '../../core/random.ts';
import { eachGroup, type KeyRecords } from '../key-groups.ts';
import { hammingDistance } from './fingerprint.ts';

export interface Fingerprints {
  /** Words by ordinal. */
  high: Int32Array;
  low: Int32Array;
  /** Whether a document has one; documents without are not looked at. */
  has(ordinal: number): boolean;
}

export interface NeighbourOptions {
  /** Largest number of differing bits. */
  distance: number;
  memoryBytes: number;
  /** Buckets up to this size are compared pair by pair. */
  maxBucket?: number;
  /** Told before each pass of how many. */
  progress?(pass: number, passes: number): void;
}

export interface NeighbourCounts {
  /** Different fingerprints, and comparisons made. */
  distinct: number;
  compared: number;
}

const MAX_BUCKET = 128;
/** Documents whose keys are made at a time: 64 KiB of them. */
const ROWS_PER_BLOCK = 1 << 13;

/**
 * Calls `visit(first, second, distance)` for pairs that join all documents within the distance: for equal fingerprints the first of
 * them with each other; for different ones, held by the first document of each, every pair, some more than once.
 */
export async function eachNeighbour(
  { high, low, has }: Fingerprints,
  { distance, memoryBytes, maxBucket = MAX_BUCKET, progress }: NeighbourOptions,
  visit: (first: number, second: number, distance: number) => void,
): Promise<NeighbourCounts> {
  const rows = high.length;
  const blocks = cutBits({ high: -1, low: -1 }, distance + 1);
  /** Documents with a fingerprint, but for those whose fingerprint an earlier one was found to have. */
  const compared: RowSet = new Uint32Array(Math.ceil(rows / 32));
  const counts: NeighbourCounts = { distinct: 0, compared: 0 };
  for (let ordinal = 0; ordinal < rows; ordinal++) {
    if (!has(ordinal)) continue;
    compared[ordinal >>> 5] |= 1 << (ordinal & 31);
    counts.distinct++;
  }

  /** Documents by the bits of `mask`, mixed: the same bits give the same key, others another, and keys are spread. */
  const columns = [new Uint32Array(ROWS_PER_BLOCK), new Uint32Array(ROWS_PER_BLOCK)];
  const records = (mask: Bits): KeyRecords => ({
    count: counts.distinct,
    async scan(visit) {
      for (let from = 0; from < rows; from += ROWS_PER_BLOCK) {
        const size = Math.min(rows - from, ROWS_PER_BLOCK);
        for (let row = 0, ordinal = from; row < size; row++, ordinal++) {
          const first = low[ordinal] & mask.low;
          const key = mix32((high[ordinal] & mask.high) ^ mix32(first));
          columns[0][row] = key;
          columns[1][row] = mix32(first ^ key);
        }
        visit({ columns: columns.map((words) => words.subarray(0, size)), firstId: from, rows: compared });
      }
    },
  });
  progress?.(0, blocks.length + 1);
  await eachGroup(records({ high: -1, low: -1 }), { memoryBytes }, (ids) => {
    for (let i = 1; i < ids.length; i++) {
      compared[ids[i] >>> 5] &= ~(1 << (ids[i] & 31));
      visit(ids[0], ids[i], 0);
    }
    counts.distinct -= ids.length - 1;
  });
  if (distance === 0) return counts;

  const compareAll = (ids: Uint32Array | number[]): void => {
    for (let i = 1; i < ids.length; i++) {
      const h = high[ids[i]];
      const l = low[ids[i]];
      for (let j = 0; j < i; j++) {
        const found = hammingDistance(high[ids[j]], low[ids[j]], h, l);
        if (found <= distance) visit(ids[j], ids[i], found);
      }
    }
    counts.compared += (ids.length * (ids.length - 1)) / 2;
  };
  const compare = (ids: Uint32Array | number[], rest: Bits): void => {
    if (ids.length <= maxBucket) {
      compareAll(ids);
      return;
    }
    const varying = varyingBits(ids, high, low, rest);
    if (countBits(varying) <= distance) {
      compareAll(ids);
      return;
    }
    const cuts = cutBits(varying, distance + 1).map((block) => ({ block, buckets: bucketsOf(ids, high, low, block) }));
    const cost = cuts.reduce((sum, { buckets }) => sum + buckets.reduce((all, { length }) => all + length ** 2, 0), 0);
    // A dense family: its members agree in most blocks, and cutting it would compare the same pairs over and over.
    if (cost > ids.length ** 2 / 2) {
      compareAll(ids);
      return;
    }
    for (const { block, buckets } of cuts) {
      const outside = { high: varying.high & ~block.high, low: varying.low & ~block.low };
      for (const bucket of buckets) compare(bucket, outside);
    }
  };
  for (const [pass, block] of blocks.entries()) {
    progress?.(pass + 1, blocks.length + 1);
    const rest = { high: ~block.high, low: ~block.low };
    // The groups' array is reused: a bucket that is cut is read before the next comes.
    await eachGroup(records(block), { memoryBytes }, (ids) => compare(ids, rest));
  }
  return counts;
}

/** A set of the 64 bits of a fingerprint. */
interface Bits {
  high: number;
  low: number;
}

/** Those of `bits` in which not all documents are the same. */
function varyingBits(ids: Uint32Array | number[], high: Int32Array, low: Int32Array, bits: Bits): Bits {
  const varying = { high: 0, low: 0 };
  for (let i = 1; i < ids.length; i++) {
    varying.high |= high[ids[i]] ^ high[ids[0]];
    varying.low |= low[ids[i]] ^ low[ids[0]];
  }
  return { high: varying.high & bits.high, low: varying.low & bits.low };
}

/** Documents with the same bits in a block, two or more; unlike bits that share a hash only cost comparisons. */
function bucketsOf(ids: Uint32Array | number[], high: Int32Array, low: Int32Array, block: Bits): number[][] {
  const buckets = new Map<number, number[]>();
  for (const id of ids) {
    const key = mix32((high[id] & block.high) ^ mix32(low[id] & block.low));
    const bucket = buckets.get(key);
    if (bucket === undefined) buckets.set(key, [id]);
    else bucket.push(id);
  }
  return [...buckets.values()].filter(({ length }) => length > 1);
}

/** Divides a set of bits into `count` sets of neighbouring ones, of sizes that differ by one at most. */
function cutBits(bits: Bits, count: number): Bits[] {
  const places: number[] = [];
  for (let bit = 0; bit < 64; bit++) {
    const word = bit < 32 ? bits.low : bits.high;
    if ((word & (1 << (bit & 31))) !== 0) places.push(bit);
  }
  return Array.from({ length: count }, (_, i) => {
    const block = { high: 0, low: 0 };
    const end = Math.floor(((i + 1) * places.length) / count);
    for (let at = Math.floor((i * places.length) / count); at < end; at++) {
      if (places[at] < 32) block.low |= 1 << places[at];
      else block.high |= 1 << (places[at] & 31);
    }
    return block;
  });
}

function countBits({ high, low }: Bits): number {
  return hammingDistance(high, low, 0, 0);
}
