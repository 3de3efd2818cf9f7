/**
 * Which keys are repeats to be taken out: by an exact table of keys (key-groups.ts), or by a Bloom filter.
 *
 * Exact: all keys that stand in `minDocuments` documents or more, but for their first occurrence with `keep: first`; 12 bytes a key
 * or what `memoryBytes` allows, in more passes. Bloom: one pass in input order, each document against all before it, so the
 * result does not depend on workers or parts; new keys are taken for repeats at the stated rate at most, since the filter is
 * made for the number of keys that there are.
 */
import type { BarrierContext } from '../../core/stage.ts';
import { createBloomFilter } from '../bloom.ts';
import { eachGroup } from '../key-groups.ts';
import { eachRecord } from '../key-matcher.ts';
import type { PieceOptions } from './options.ts';
import type { PieceTable } from './piece-table.ts';

/** A set of keys by number, one bit each. */
export type KeySet = Uint32Array;

export interface Repeats {
  /** Occurrences that are to go. */
  marked: KeySet;
  /** Different keys; with a Bloom filter as it saw them. */
  distinct: number;
  /** Different keys that are repeats by the options; not known with a Bloom filter. */
  repeated?: number;
  /** The keys that stand in most documents; none with a Bloom filter, which cannot count. */
  top: Repeat[];
  bloom?: { bytes: number; probes: number };
}

export interface Repeat {
  /** Number of the first occurrence. */
  key: number;
  documents: number;
  occurrences: number;
}

export function isMarked(set: KeySet, key: number): boolean {
  return (set[key >>> 5] & (1 << (key & 31))) !== 0;
}

export async function findRepeats(
  { minDocuments, keep }: Pick<PieceOptions, 'minDocuments' | 'keep'>,
  table: PieceTable,
  memoryBytes: number,
): Promise<Repeats> {
  const marked = createKeySet(table.keys);
  const top = createTop();
  const records = { count: table.aliveKeys, scan: table.scan };
  let distinct = table.aliveKeys;
  let repeated = 0;
  await eachGroup(records, { memoryBytes }, (ids) => {
    distinct -= ids.length - 1;
    const documents = countDocuments(ids, table);
    if (documents < minDocuments) return;
    repeated++;
    top.add(ids[0], documents, ids.length);
    for (let i = keep === 'first' ? 1 : 0; i < ids.length; i++) marked[ids[i] >>> 5] |= 1 << (ids[i] & 31);
  });
  return { marked, distinct, repeated, top: top.finish() };
}

function countDocuments(ids: Uint32Array, { firstKey, rowOf }: PieceTable): number {
  let documents = 0;
  let row = 0;
  let end = 0;
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] < end) continue;
    row = rowOf(ids[i], row);
    end = firstKey[row + 1];
    documents++;
  }
  return documents;
}

export async function findRepeatsByBloom(
  { minDocuments, falsePositiveRate }: Pick<PieceOptions, 'minDocuments' | 'falsePositiveRate'>,
  table: PieceTable,
  { signal }: Pick<BarrierContext, 'signal'>,
): Promise<Repeats> {
  const marked = createKeySet(table.keys);
  const filter = createBloomFilter(table.aliveKeys, falsePositiveRate);
  let distinct = 0;
  // Keys of the document at hand: added when it ends, so that repeats within it do not count.
  let held = new Int32Array(256);
  let holds = 0;
  let end = 0;
  let row = 0;
  const addHeld = (): void => {
    for (let i = 0; i < holds; i += 2) if (filter.add(held[i], held[i + 1])) distinct++;
    holds = 0;
  };
  signal.throwIfAborted();
  const look = (high: number, low: number, key: number): void => {
    if (minDocuments === 1) {
      if (filter.add(high, low)) distinct++;
      else marked[key >>> 5] |= 1 << (key & 31);
      return;
    }
    if (key >= end) {
      addHeld();
      row = table.rowOf(key, row);
      end = table.firstKey[row + 1];
    }
    if (filter.has(high, low)) {
      marked[key >>> 5] |= 1 << (key & 31);
      return;
    }
    if (holds === held.length) {
      const grown = new Int32Array(2 * holds);
      grown.set(held);
      held = grown;
    }
    held[holds++] = high;
    held[holds++] = low;
  };
  await table.scan((block) => eachRecord(block, look));
  addHeld();
  return { marked, distinct, top: [], bloom: { bytes: filter.bytes, probes: filter.probes } };
}

function createKeySet(keys: number): KeySet {
  return new Uint32Array(Math.ceil(keys / 32));
}

/** Kept of the most repeated keys: more than are shown, since neighbouring runs of one long repeat are shown as one. */
const TOP = 1000;

/** The most repeated keys, whatever the order that they are given in. */
function createTop() {
  const held: Repeat[] = [];
  let least = 0;
  const sort = (): void => {
    held.sort((a, b) => b.documents - a.documents || b.occurrences - a.occurrences || a.key - b.key);
    if (held.length <= TOP) return;
    held.length = TOP;
    least = held[TOP - 1].documents;
  };
  return {
    add(key: number, documents: number, occurrences: number): void {
      if (documents < least) return;
      held.push({ key, documents, occurrences });
      if (held.length >= 4 * TOP) sort();
    },
    finish(): Repeat[] {
      sort();
      return held;
    },
  };
}
