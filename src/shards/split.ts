/**
 * Which documents are held out for validation: those whose text hashes below a threshold. A text's side depends on the
 * text alone, not on its place, the seed or the other documents, so it stays when documents are added, and copies of a
 * text lie on one side. Where ids repeat, a training document with the id of a held-out one is left out and counted.
 *
 * Near copies have other hashes: run `dedup.minhash` before, or they leak as in any random split.
 */
import { xxh64 } from '../core/hash.ts';

/** The sides of a split, each a shard set in a folder of that name. */
export const SPLIT_NAMES = ['train', 'validation'] as const;
export type SplitName = (typeof SPLIT_NAMES)[number];

const utf8 = new TextEncoder();

/** xxHash64 of the text (or its UTF-8) as a number in [0, 1): a document is held out when its key is below the threshold. */
export function splitKey(text: string | Uint8Array): number {
  return Number(xxh64(typeof text === 'string' ? utf8.encode(text) : text) >> 11n) / 2 ** 53;
}

/** A fraction given as a number or as `0.5%`. */
export function asFraction(value: number | string): number {
  return typeof value === 'number' ? value : Number(value.slice(0, -1)) / 100;
}

/**
 * The largest threshold below which at most `count` of the keys lie; 1 when there are no more than that. Fewer than
 * `count` lie below where copies of a text, whose keys are equal, stand at the border. Holds `count` and one part's keys.
 */
export async function thresholdFor(count: number, parts: AsyncIterable<Float64Array>): Promise<number> {
  let smallest = new Float64Array(0);
  let seen = 0;
  for await (const keys of parts) {
    seen += keys.length;
    const both = new Float64Array(smallest.length + keys.length);
    both.set(smallest);
    both.set(keys, smallest.length);
    // One more than asked for: the first key that stays in training.
    smallest = both.sort().slice(0, count + 1);
  }
  return seen <= count ? 1 : smallest[count];
}

/** A set of document ids as 64-bit hashes, by open addressing: 16 bytes an id. */
export class IdSet {
  private readonly slots: BigUint64Array;
  private readonly mask: number;

  constructor(hashes: BigUint64Array) {
    let size = 16;
    while (size < 2 * hashes.length) size *= 2;
    this.slots = new BigUint64Array(size);
    this.mask = size - 1;
    for (const hash of hashes) this.slots[this.find(hash)] = nonZero(hash);
  }

  has(hash: bigint): boolean {
    return this.slots[this.find(hash)] !== 0n;
  }

  private find(hash: bigint): number {
    const wanted = nonZero(hash);
    let slot = Number(hash & 0x7fffffffn) & this.mask;
    while (this.slots[slot] !== 0n && this.slots[slot] !== wanted) slot = (slot + 1) & this.mask;
    return slot;
  }
}

/** 0 marks an empty slot. */
function nonZero(hash: bigint): bigint {
  return hash === 0n ? 1n : hash;
}
