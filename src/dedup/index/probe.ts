/**
 * Which documents of an index have a key of this run's documents: a hash join. The smaller side, the new documents, goes
 * into a table; the index streams past it once and needs no memory, however large it is. Where the new documents do not
 * fit either, they take turns: more passes over the index, the same pairs.
 *
 * A key that many indexed documents have is boilerplate: of those the first `perKey` count, as a bucket of one run
 * compares its members with a bounded number of families (verify.ts).
 *
 * Memory: 8 or 16 bytes of key and 15–25 of tables for each new document, within `memoryBytes`. Time a key of the index:
 * 7 ns with ten thousand new documents, 13 with a hundred thousand, 50 with a million.
 */
import type { KeyRecords } from '../key-groups.ts';
import { eachRecord, type RecordVisitor } from '../key-matcher.ts';

export interface ProbeOptions {
  memoryBytes: number;
  /** Indexed documents that one key counts, in their order; at most 255. */
  perKey: number;
}

/** Calls `visit` for each pair of a new document and an indexed one with an equal key. */
export async function probeIndex(
  records: KeyRecords,
  indexKeys: () => AsyncIterable<Uint32Array>,
  { memoryBytes, perKey }: ProbeOptions,
  visit: (ordinal: number, row: number) => void,
): Promise<void> {
  const width = records.words ?? 2;
  const most = Math.max(1, Math.floor(memoryBytes / (4 * width + 25)));
  const table = createProbeTable(Math.min(records.count, most), width);
  for (let first = 0; ; first += most) {
    const taken = await table.fill(records, first);
    if (taken > 0) {
      let row = 0;
      for await (const keys of indexKeys()) {
        table.probe(keys, row, perKey, visit);
        row += keys.length / width;
      }
    }
    if (taken < most) return;
  }
}

interface ProbeTable {
  /** Takes the records from number `first` on; how many. */
  fill(records: KeyRecords, first: number): Promise<number>;
  probe(keys: Uint32Array, firstRow: number, perKey: number, visit: (ordinal: number, row: number) => void): void;
}

function createProbeTable(capacity: number, width: 2 | 4): ProbeTable {
  const keys = new Uint32Array(capacity * width);
  const ids = new Uint32Array(capacity);
  // A slot holds 1 + the first record of its key, `next` the others as a chain that ends in 0.
  const mask = 2 ** Math.max(4, Math.ceil(Math.log2(1.5 * capacity))) - 1;
  const slots = new Uint32Array(mask + 1);
  const next = new Uint32Array(capacity);
  // Most keys of the index are in no slot: 16 to 32 bits a record, one of them set by the upper bits of its key, tell 19 of
  // 20 of them for one look at a table that the cache holds.
  const filterBits = Math.min(32, Math.max(5, Math.ceil(Math.log2(16 * capacity))));
  const filter = new Uint32Array(2 ** (filterBits - 5));
  const shift = 32 - filterBits;
  const met = new Uint8Array(capacity);
  let size = 0;

  /** The slot of the key at `at`, or the free one where it belongs. */
  const slotOf = (from: Uint32Array, at: number): number => {
    let slot = from[at + 1] & mask;
    for (let first = slots[slot]; first !== 0; slot = (slot + 1) & mask, first = slots[slot]) {
      const own = (first - 1) * width;
      if (keys[own + 1] !== from[at + 1] || keys[own] !== from[at]) continue;
      if (width === 2 || (keys[own + 2] === from[at + 2] && keys[own + 3] === from[at + 3])) break;
    }
    return slot;
  };
  return {
    async fill(records, first) {
      slots.fill(0);
      filter.fill(0);
      met.fill(0);
      size = 0;
      let skipped = 0;
      const take: RecordVisitor = (high, low, id, third, fourth) => {
        if (skipped < first) {
          skipped++;
          return;
        }
        if (size === capacity) return;
        const at = size * width;
        keys[at] = high;
        keys[at + 1] = low;
        if (width === 4) {
          keys[at + 2] = third;
          keys[at + 3] = fourth;
        }
        ids[size] = id;
        filter[(high >>> shift) >>> 5] |= 1 << ((high >>> shift) & 31);
        const slot = slotOf(keys, at);
        next[size] = slots[slot];
        slots[slot] = ++size;
      };
      await records.scan((block) => eachRecord(block, take));
      return size;
    },
    probe(from, firstRow, perKey, visit) {
      for (let at = 0, row = firstRow; at < from.length; at += width, row++) {
        const bit = from[at] >>> shift;
        if (((filter[bit >>> 5] >>> (bit & 31)) & 1) === 0) continue;
        const last = slots[slotOf(from, at)];
        if (last === 0 || met[last - 1] === perKey) continue;
        met[last - 1]++;
        for (let record = last; record !== 0; record = next[record - 1]) visit(ids[record - 1], row);
      }
    },
  };
}
