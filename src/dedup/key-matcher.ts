/**
 * Matches the records of a range of prefixes: brings them together prefix by prefix (a radix partition, which keeps their
 * order) and finds equal keys within each partition, in a probe table. The native kernel (native/key_match.cc) and its twin
 * here do the same in the same order; key-groups.ts has them take turns over the ranges.
 *
 * Time of a 64-bit key, one million and ten: 4–10 ns native, 45–60 the twin. Memory is used again from one range, and one set
 * of records, to the next.
 */
import type { RowSet } from '../core/feature-reader.ts';
import { native } from '../core/native.ts';
import type { NativeKeyMatcher } from '../core/native-addon.ts';

/** Words of a key: 64 or 128 bits. */
export type KeyWords = 2 | 4;

/** Records one behind the other: the key of row i is word i of each column, its id `firstId` + i. */
export interface KeyBlock {
  /** As many as a key has words, of the same length. */
  columns: readonly Uint32Array[];
  firstId: number;
  /** The rows that count, a bit for each id; undefined: all. */
  rows: RowSet | undefined;
}

/** Prefixes are the bits of a key's first word from `shift` on. */
export interface KeyMatcher {
  readonly words: KeyWords;
  /** Adds to `sizes` how many rows of a block have each prefix. */
  count(block: KeyBlock, shift: number, sizes: Uint32Array): void;
  /** Makes room for the records of the prefixes from `from` (included) to `to` (excluded). */
  begin(sizes: Uint32Array, from: number, to: number, shift: number): void;
  /** Takes the rows that have one of these prefixes. Throws when there are more than counted. */
  add(block: KeyBlock): void;
  /**
   * Calls `visit` for each key that two or more records have, with their ids, ascending; by prefix, then by first id. The array
   * is good during the call. Throws when there are fewer records than counted; comes once after `begin`, it or the next.
   */
  eachGroup(visit: (ids: Uint32Array) => void): void;
  /** The same groups as pairs: the first id, then another of its group, many pairs at a time. */
  eachPairs(visit: (pairs: Uint32Array) => void): void;
  /** Gives the memory back; the next `begin` takes other. */
  free(): void;
}

/** Words of groups or pairs that come from the add-on at a time. */
const OUT_WORDS = 1 << 15;
/** Of `NativeKeyMatcher.match`. */
const GROUPS = 0;
const PAIRS = 1;

export function createKeyMatcher(words: KeyWords): KeyMatcher {
  if (native === undefined) return createKeyMatcherTwin(words);
  const kernel: NativeKeyMatcher = new native.KeyMatcher(words);
  let out = new Uint32Array(0);
  /** The next groups or pairs; empty when there are no more. */
  const read = (form: 0 | 1): Uint32Array => {
    if (out.length === 0) out = new Uint32Array(OUT_WORDS);
    let written = kernel.match(form, out);
    if (written < 0) {
      out = new Uint32Array(Math.max(-written, 2 * out.length));
      written = kernel.match(form, out);
    }
    return out.subarray(0, written);
  };
  const checkFilled = (): void => {
    if (!kernel.isFilled()) throw recordsChanged();
  };
  return {
    words,
    count: ({ columns, rows, firstId }, shift, sizes) => kernel.count(columns, rows, firstId, shift, sizes),
    begin: (sizes, from, to, shift) => kernel.begin(sizes, from, to, shift),
    add({ columns, rows, firstId }) {
      if (!kernel.add(columns, rows, firstId)) throw recordsChanged();
    },
    eachGroup(visit) {
      checkFilled();
      for (let words = read(GROUPS); words.length > 0; words = read(GROUPS)) {
        for (let at = 0; at < words.length; ) {
          const end = at + 1 + words[at];
          visit(words.subarray(at + 1, end));
          at = end;
        }
      }
    },
    eachPairs(visit) {
      checkFilled();
      for (let pairs = read(PAIRS); pairs.length > 0; pairs = read(PAIRS)) visit(pairs);
    },
    free() {
      kernel.free();
      out = new Uint32Array(0);
    },
  };
}

function recordsChanged(): Error {
  return new Error('key records changed between two scans');
}

/** The kernel in TypeScript: for machines without the add-on, and for tests to compare with. */
export function createKeyMatcherTwin(words: KeyWords): KeyMatcher {
  const width = words + 1;
  let [shift, from, to, total] = [0, 0, 0, 0];
  let sizes = new Uint32Array(0);
  // Where the next record of each prefix goes, in words of the store.
  let next = new Uint32Array(0);
  let store = new Uint32Array(0);
  let matcher = createPartitionMatcher(0);

  const eachGroup: KeyMatcher['eachGroup'] = (visit) => {
    for (let prefix = from, at = 0; prefix < to; prefix++) {
      at += sizes[prefix] * width;
      if (next[prefix] !== at) throw recordsChanged();
    }
    for (let prefix = from, at = 0; prefix < to; prefix++) {
      if (sizes[prefix] > 1) matcher.match(store, width, at, sizes[prefix], visit);
      at += sizes[prefix] * width;
    }
  };
  return {
    words,
    count(block, shift, sizes) {
      eachRecord(block, (high) => {
        sizes[high >>> shift]++;
      });
    },
    begin(counted, first, end, bits) {
      [shift, from, to, total] = [bits, first, end, 0];
      sizes = counted.slice();
      next = new Uint32Array(sizes.length);
      let largest = 0;
      for (let prefix = from; prefix < to; prefix++) {
        next[prefix] = total * width;
        total += sizes[prefix];
        largest = Math.max(largest, sizes[prefix]);
      }
      if (store.length < total * width) store = new Uint32Array(total * width);
      if (matcher.largest < largest) matcher = createPartitionMatcher(largest);
    },
    add(block) {
      eachRecord(block, (high, low, id, third, fourth) => {
        const prefix = high >>> shift;
        if (prefix < from || prefix >= to) return;
        const at = next[prefix];
        if (at >= total * width) throw recordsChanged();
        next[prefix] = at + width;
        store[at] = id;
        store[at + 1] = high;
        store[at + 2] = low;
        if (width === 5) {
          store[at + 3] = third;
          store[at + 4] = fourth;
        }
      });
    },
    eachGroup,
    eachPairs(visit) {
      let pairs = new Uint32Array(64);
      eachGroup((ids) => {
        while (pairs.length < 2 * ids.length) pairs = grown(pairs);
        let at = 0;
        for (let i = 1; i < ids.length; i++) {
          pairs[at++] = ids[0];
          pairs[at++] = ids[i];
        }
        visit(pairs.subarray(0, at));
      });
    },
    free() {
      store = new Uint32Array(0);
      matcher = createPartitionMatcher(0);
    },
  };
}

/**
 * `high` and `low` are the first words of a key, `third` and `fourth` the others of a 128-bit key. They are signed: V8 would
 * box unsigned ones, which doubles the cost of a scan.
 */
export type RecordVisitor = (high: number, low: number, id: number, third: number, fourth: number) => void;

/** Calls `visit` for each row of a block that counts; with 64-bit keys `third` and `fourth` mean nothing. */
export function eachRecord({ columns, firstId, rows }: KeyBlock, visit: RecordVisitor): void {
  const [high, low = high, third = low, fourth = low] = columns.map(
    ({ buffer, byteOffset, length }) => new Int32Array(buffer, byteOffset, length),
  );
  for (let row = 0, id = firstId; row < high.length; row++, id++) {
    if (rows !== undefined && ((rows[id >>> 5] >>> (id & 31)) & 1) === 0) continue;
    visit(high[row], low[row], id, third[row], fourth[row]);
  }
}

interface PartitionMatcher {
  /** Records of a partition that it has room for. */
  largest: number;
  /** Matches `size` records of `width` words from `start` on. */
  match(store: Uint32Array, width: number, start: number, size: number, visit: (ids: Uint32Array) => void): void;
}

function createPartitionMatcher(largest: number): PartitionMatcher {
  // A slot holds 1 + the first record of its key; the records of a key are a chain that ends in 0.
  const table = new Uint32Array(tableSize(largest));
  const chain = new Uint32Array(largest);
  const last = new Uint32Array(largest);
  let ids = new Uint32Array(64);

  const match: PartitionMatcher['match'] = (store, width, start, size, visit) => {
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
  return { largest, match };
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
