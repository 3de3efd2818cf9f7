/**
 * Finds records with equal keys, in linear time and bounded memory. Keys are hashes already, so their upper bits divide
 * them evenly: records are counted by prefix, then brought together prefix by prefix, and each partition of about 8,000
 * records is matched in a probe table that stays in the processor's L2 cache (key-matcher.ts). Where the records of all
 * prefixes do not fit the memory, ranges of prefixes take turns: more passes over the records, the same groups in the same
 * order.
 *
 * Memory: 12 bytes a record for 64-bit keys, 20 for 128-bit ones, or what `memoryBytes` allows; never less than one
 * partition and its table, which the largest group can make large. Time: two scans of the records, in all 4–10 ns a record
 * of 64 bits with the native kernel, 45–60 with its twin, the same for one million and for ten.
 */
import type { FeatureReader, RowSet } from '../core/feature-reader.ts';
import type { FeaturePart } from '../core/stage.ts';
import { createKeyMatcher, type KeyBlock, type KeyMatcher, type KeyWords } from './key-matcher.ts';

/** Records that a partition has on average: 96 KiB of them, 128 KiB of table and chains. */
const RECORDS_PER_PARTITION = 1 << 13;
const MAX_PREFIX_BITS = 20;
/** Table and chains of a partition, per record at worst. */
const TABLE_BYTES_PER_RECORD = 24;
/** Keeps every place in the twin's store below 2^31, which V8 holds without boxing. */
const MAX_STORE_BYTES = 2 ** 32;

export interface KeyRecords {
  /** At most this many records. */
  count: number;
  /** 2 by default. */
  words?: KeyWords;
  /**
   * Calls `visit` for all records, ids ascending; the same records at each call. Keys are evenly spread hashes, but for
   * repeats. A block is good during the call.
   */
  scan(visit: (block: KeyBlock) => void): Promise<void>;
}

export interface MatchOptions {
  /** Memory for records and tables; the groups do not depend on it. */
  memoryBytes: number;
  /** Whose memory is used, and stays for the next; by default one that is made and freed for this call. */
  matcher?: KeyMatcher | undefined;
}

/**
 * Calls `visit` for each key that two or more records have, with their ids, ascending; the array is good during the call.
 * Groups come by key prefix, then by first id: the same order for any memory.
 */
export function eachGroup(
  records: KeyRecords,
  options: MatchOptions,
  visit: (ids: Uint32Array) => void,
): Promise<void> {
  return eachRange(records, options, (matcher) => matcher.eachGroup(visit));
}

/** Has a matcher filled with the records of one range of prefixes after the other. */
async function eachRange(
  records: KeyRecords,
  { memoryBytes, matcher: given }: MatchOptions,
  visit: (matcher: KeyMatcher) => void,
): Promise<void> {
  if (records.count < 2) return;
  const words = records.words ?? 2;
  if (given !== undefined && given.words !== words)
    throw new Error(`a matcher of ${given.words} words, keys of ${words}`);
  const bits = Math.min(MAX_PREFIX_BITS, Math.max(1, Math.ceil(Math.log2(records.count / RECORDS_PER_PARTITION))));
  const shift = 32 - bits;
  const sizes = new Uint32Array(2 ** bits);
  const matcher = given ?? createKeyMatcher(words);
  try {
    await records.scan((block) => matcher.count(block, shift, sizes));
    for (const { from, to } of planPasses(sizes, 4 * (1 + words), Math.min(memoryBytes, MAX_STORE_BYTES))) {
      matcher.begin(sizes, from, to, shift);
      await records.scan((block) => matcher.add(block));
      visit(matcher);
    }
  } finally {
    if (given === undefined) matcher.free();
  }
}

interface Pass {
  /** Prefixes from (included) and to (excluded). */
  from: number;
  to: number;
}

/** Ranges of prefixes whose records and largest table fit; at least one prefix in each. */
function planPasses(sizes: Uint32Array, recordBytes: number, memoryBytes: number): Pass[] {
  const passes: Pass[] = [];
  let from = 0;
  let records = 0;
  let largest = 0;
  for (let prefix = 0; prefix < sizes.length; prefix++) {
    const size = sizes[prefix];
    const bytes = (records + size) * recordBytes + Math.max(largest, size) * TABLE_BYTES_PER_RECORD;
    if (bytes > memoryBytes && records > 0) {
      passes.push({ from, to: prefix });
      [from, records, largest] = [prefix, 0, 0];
    }
    records += size;
    largest = Math.max(largest, size);
  }
  passes.push({ from, to: sizes.length });
  return passes;
}

/** Visits the keys of a part whose rows have several each, one behind the other, but not those of rows that were dropped. */
export function visitAlive(
  { columns, firstId }: Omit<KeyBlock, 'rows'>,
  { rows, alive }: Pick<FeaturePart, 'rows' | 'alive'>,
  keysOf: (row: number) => number,
  visit: (block: KeyBlock) => void,
): void {
  let from = 0;
  let to = 0;
  const flush = (): void => {
    if (to === from) return;
    visit({ columns: columns.map((words) => words.subarray(from, to)), firstId: firstId + from, rows: undefined });
  };
  for (let row = 0; row < rows; row++) {
    const keys = keysOf(row);
    if (alive === undefined || alive[row] !== 0) {
      to += keys;
    } else {
      flush();
      from = to = to + keys;
    }
  }
  flush();
}

/** A key that lies in columns of features. */
export interface KeyColumns {
  firstColumn: number;
  words: KeyWords;
  /** The rows that have a key (`rowsWith`); undefined: all. */
  rows: RowSet | undefined;
}

/** The keys of documents, by ordinal, out of their features. */
export function keyRecords(reader: FeatureReader, { firstColumn, words, rows }: KeyColumns): KeyRecords {
  return {
    count: reader.rows,
    words,
    async scan(visit) {
      for (const part of reader.parts) {
        if (part.rows === 0) continue;
        const columns = await reader.columns(part, firstColumn, words);
        visit({ columns, firstId: part.firstOrdinal, rows });
      }
    },
  };
}

/**
 * Calls `visit` with pairs (first, ordinal), one behind the other: one for each row whose key an earlier row has; `first` is
 * the first of that key, so the rows of one key form a star around it. In the order of `eachGroup`; the array is good
 * during the call.
 */
export function eachRepeat(
  reader: FeatureReader,
  columns: KeyColumns,
  options: MatchOptions,
  visit: (pairs: Uint32Array) => void,
): Promise<void> {
  return eachRange(keyRecords(reader, columns), options, (matcher) => matcher.eachPairs(visit));
}
