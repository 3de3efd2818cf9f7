/**
 * Finds records with equal keys, in linear time and bounded memory. Keys are hashes already, so their upper bits divide
 * them evenly: records are counted by prefix, then brought together prefix by prefix (a radix partition, which keeps
 * their order), and each partition of about 8,000 records is matched in a probe table that stays in the processor's L2
 * cache. Where the records of all prefixes do not fit the memory, ranges of prefixes take turns: more passes over the
 * records, the same groups in the same order.
 *
 * Memory: 12 bytes a record for 64-bit keys, 20 for 128-bit ones, or what `memoryBytes` allows; never less than one
 * partition and its table, which the largest group can make large. Time: two scans of the records, and 45–60 ns a record
 * to partition and match, the same for one million and for ten.
 */
import type { FeatureReader, RowSet } from '../core/feature-reader.ts';

/** Records that a partition has on average: 96 KiB of them, 128 KiB of table and chains. */
const RECORDS_PER_PARTITION = 1 << 13;
const MAX_PREFIX_BITS = 20;
/** Table and chains of a partition, per record at worst. */
const TABLE_BYTES_PER_RECORD = 24;
/** Keeps every place in the store below 2^31, which V8 holds without boxing. */
const MAX_STORE_BYTES = 2 ** 32;

/**
 * `high` and `low` are the first words of a key, `third` and `fourth` the others of a 128-bit key. Words may be signed:
 * from an Int32Array they are passed without boxing, which halves the cost of a scan.
 */
export type RecordVisitor = (high: number, low: number, id: number, third: number, fourth: number) => void;

export interface KeyRecords {
  /** At most this many records. */
  count: number;
  /** Words of a key: 2, or 4 for 128 bits. */
  words?: 2 | 4;
  /**
   * Calls `visit` for each record, ids ascending; the same records at each call. Keys are evenly spread hashes, but for
   * repeats. With 64-bit keys `third` and `fourth` are not looked at.
   */
  scan(visit: RecordVisitor): Promise<void>;
}

export interface MatchOptions {
  /** Memory for records and tables; the groups do not depend on it. */
  memoryBytes: number;
}

/**
 * Calls `visit` for each key that two or more records have, with their ids, ascending; the array is good during the call.
 * Groups come by key prefix, then by first id: the same order for any memory.
 */
export async function eachGroup(
  records: KeyRecords,
  { memoryBytes }: MatchOptions,
  visit: (ids: Uint32Array) => void,
): Promise<void> {
  if (records.count < 2) return;
  const width = (records.words ?? 2) + 1;
  const bits = Math.min(MAX_PREFIX_BITS, Math.max(1, Math.ceil(Math.log2(records.count / RECORDS_PER_PARTITION))));
  const shift = 32 - bits;
  const sizes = new Uint32Array(2 ** bits);
  await records.scan((high) => {
    sizes[high >>> shift]++;
  });

  const passes = planPasses(sizes, 4 * width, Math.min(memoryBytes, MAX_STORE_BYTES));
  const store = new Uint32Array(largestOf(passes.map((pass) => pass.records)) * width);
  const matcher = createMatcher(store, width, largestOf(sizes));
  // Where the next record of each prefix goes.
  const next = new Uint32Array(sizes.length);
  for (const { from, to } of passes) {
    for (let prefix = from, at = 0; prefix < to; prefix++) {
      next[prefix] = at;
      at += sizes[prefix] * width;
    }
    await records.scan((high, low, id, third, fourth) => {
      const prefix = high >>> shift;
      if (prefix < from || prefix >= to) return;
      const at = next[prefix];
      next[prefix] = at + width;
      store[at] = id;
      store[at + 1] = high;
      store[at + 2] = low;
      if (width === 5) {
        store[at + 3] = third;
        store[at + 4] = fourth;
      }
    });
    for (let prefix = from, at = 0; prefix < to; prefix++) {
      const size = sizes[prefix];
      if (next[prefix] !== at + size * width) throw new Error('key records changed between two scans');
      if (size > 1) matcher(at, size, visit);
      at += size * width;
    }
  }
}

interface Pass {
  /** Prefixes from (included) and to (excluded). */
  from: number;
  to: number;
  records: number;
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
      passes.push({ from, to: prefix, records });
      [from, records, largest] = [prefix, 0, 0];
    }
    records += size;
    largest = Math.max(largest, size);
  }
  passes.push({ from, to: sizes.length, records });
  return passes;
}

function largestOf(values: Iterable<number>): number {
  let largest = 0;
  for (const value of values) largest = Math.max(largest, value);
  return largest;
}

type Matcher = (start: number, size: number, visit: (ids: Uint32Array) => void) => void;

/** Matches the records of one partition, at most `largest`: `size` records of `width` words from `start` on. */
function createMatcher(store: Uint32Array, width: number, largest: number): Matcher {
  // A slot holds 1 + the first record of its key; the records of a key are a chain that ends in 0.
  const table = new Uint32Array(tableSize(largest));
  const chain = new Uint32Array(largest);
  const last = new Uint32Array(largest);
  let ids = new Uint32Array(64);

  return (start, size, visit) => {
    const slots = tableSize(size);
    const mask = slots - 1;
    table.fill(0, 0, slots);
    let repeats = 0;
    for (let record = 0, at = start; record < size; record++, at += width) {
      const low = store[at + 2];
      chain[record] = 0;
      // Linear probing. The partition has used the upper bits of the first word, the table takes the second.
      let slot = low & mask;
      let first = table[slot];
      while (first !== 0 && !sameKey(store, start + (first - 1) * width, at, width)) {
        slot = (slot + 1) & mask;
        first = table[slot];
      }
      if (first === 0) {
        table[slot] = record + 1;
        last[record] = record;
      } else {
        chain[last[first - 1]] = record;
        last[first - 1] = record;
        // Only the first of a key has a `last`: it is how the others are told from it.
        last[record] = NO_FIRST;
        repeats++;
      }
    }
    if (repeats === 0) return;
    for (let first = 0; first < size; first++) {
      if (chain[first] === 0 || last[first] === NO_FIRST) continue;
      let count = 0;
      let record = first;
      do {
        if (count === ids.length) ids = grown(ids);
        ids[count++] = store[start + record * width];
        record = chain[record];
      } while (record !== 0);
      visit(ids.subarray(0, count));
    }
  };
}

const NO_FIRST = 0xffffffff;

/** A power of two, at least twice the records. */
function tableSize(records: number): number {
  return 2 ** Math.max(4, Math.ceil(Math.log2(2 * records)));
}

function sameKey(store: Uint32Array, a: number, b: number, width: number): boolean {
  if (store[a + 2] !== store[b + 2] || store[a + 1] !== store[b + 1]) return false;
  return width === 3 || (store[a + 3] === store[b + 3] && store[a + 4] === store[b + 4]);
}

function grown(array: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(array.length * 2);
  larger.set(array);
  return larger;
}

/** A key that lies in columns of features. */
export interface KeyColumns {
  firstColumn: number;
  words: 2 | 4;
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
        scanColumns(columns, part.firstOrdinal, rows, visit);
      }
    },
  };
}

function scanColumns(
  columns: readonly Uint32Array[],
  firstOrdinal: number,
  rows: RowSet | undefined,
  visit: RecordVisitor,
): void {
  const [high, low, third = low, fourth = low] = columns.map(
    ({ buffer, byteOffset, length }) => new Int32Array(buffer, byteOffset, length),
  );
  for (let row = 0, ordinal = firstOrdinal; row < high.length; row++, ordinal++) {
    if (rows !== undefined && ((rows[ordinal >>> 5] >>> (ordinal & 31)) & 1) === 0) continue;
    visit(high[row], low[row], ordinal, third[row], fourth[row]);
  }
}

/**
 * Calls `visit(first, ordinal)` for each row whose key an earlier row has; `first` is the first of that key, so the rows of
 * one key form a star around it.
 */
export async function eachRepeat(
  reader: FeatureReader,
  columns: KeyColumns,
  options: MatchOptions,
  visit: (first: number, ordinal: number) => void,
): Promise<void> {
  await eachGroup(keyRecords(reader, columns), options, (ids) => {
    for (let i = 1; i < ids.length; i++) visit(ids[0], ids[i]);
  });
}
