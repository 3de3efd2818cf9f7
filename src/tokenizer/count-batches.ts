/**
 * Counting texts of this thread on several: in batches of UTF-8, on threads of Node's pool and on this one, each into a table
 * of its own. Whether a text must be normalized is found where it is counted; the few that must come back and go into batches
 * of their own.
 */
import { setImmediate } from 'node:timers/promises';
import type { RowsToCount } from '../core/native-addon.ts';
import type { Normalization } from './hf-json.ts';
import { createPieceCounts, MAX_PIECE_BYTES, type PieceCounts } from './piece-counts.ts';

export interface Counting {
  /** A promise where the caller must wait before the next text. */
  add(text: string): Promise<void> | undefined;
  /** The tables that were not written to files. */
  finish(): Promise<{ tables: PieceCounts[]; cutPieces: number }>;
}

/** Keeps the serialized counts of a table. */
export type WriteSpill = (bytes: Uint8Array) => Promise<void>;

/** Writes a table to a file and empties it. */
export function spill(counts: PieceCounts, write: WriteSpill): Promise<void> {
  const bytes = counts.serialize();
  counts.drop(Number.MAX_SAFE_INTEGER);
  return write(bytes);
}

/** Texts of a batch end where it has this many bytes, or this many texts: some milliseconds of work, so that threads end together. */
const BATCH_BYTES = 1 << 18;
const BATCH_TEXTS = 1 << 14;
/** Room beyond that, so that most batches do not grow. */
const BATCH_SLACK = 1 << 17;

const UTF8 = new TextEncoder();
const STRINGS = new TextDecoder('utf-8', { ignoreBOM: true });

/** UTF-8 of some texts. */
class Batch {
  bytes = new Uint8Array(BATCH_BYTES + BATCH_SLACK);
  /** Text i is `bytes[offsets[i], offsets[i + 1])`. */
  readonly offsets = new Int32Array(BATCH_TEXTS + 1);
  /** Texts that were not counted. */
  readonly left = new Uint32Array(BATCH_TEXTS);
  texts = 0;
  areNfc: 0 | 1 = 0;

  append(text: string): void {
    const used = this.offsets[this.texts];
    const room = used + text.length * 3;
    if (this.bytes.length < room) {
      const larger = new Uint8Array(room);
      larger.set(this.bytes.subarray(0, used));
      this.bytes = larger;
    }
    this.offsets[++this.texts] = used + UTF8.encodeInto(text, this.bytes.subarray(used)).written;
  }

  text(i: number): string {
    return STRINGS.decode(this.bytes.subarray(this.offsets[i], this.offsets[i + 1]));
  }

  /** What native counting is given. */
  rows(scanner: number): RowsToCount {
    return [scanner, this.bytes, this.offsets, 0, this.texts, MAX_PIECE_BYTES, this.areNfc, this.left];
  }

  get isFull(): boolean {
    return this.offsets[this.texts] >= BATCH_BYTES || this.texts === BATCH_TEXTS;
  }

  empty(): void {
    this.texts = 0;
    if (this.bytes.length > BATCH_BYTES + BATCH_SLACK) this.bytes = new Uint8Array(BATCH_BYTES + BATCH_SLACK);
  }
}

/** Batches that a thread of the pool is given: one to count, and others so that it need not wait for this thread. */
const BATCHES_A_THREAD = 3;

interface PoolTable {
  readonly counts: PieceCounts;
  /** Batches that are being counted or wait for it. */
  batches: number;
  /** From when the table has grown too large until it is written to a file: new batches wait. */
  spilling: { done: Promise<void>; begin(): void } | undefined;
}

/**
 * A table for this thread and one for each other. The others count; where they have enough to do, this one counts too. (With as many
 * others as there are cores they would take the time of this one, without which they have nothing to do.)
 */
export function createBatchCounting(
  threads: number,
  scanner: number,
  normalization: Normalization,
  spillPieces: number,
  write: WriteSpill,
): Counting {
  const own = createPieceCounts();
  const others = Array.from(
    { length: threads - 1 },
    (): PoolTable => ({ counts: createPieceCounts(), batches: 0, spilling: undefined }),
  );
  const counting = new Set<Promise<void>>();
  const free: Batch[] = [];
  const areNfc = normalization === 'nfc' ? 0 : 1;
  let current = freeBatch(areNfc);
  let normalized = freeBatch(1);
  let cutPieces = 0;
  let failure: { error: unknown } | undefined;

  function freeBatch(given: 0 | 1): Batch {
    const batch = free.pop() ?? new Batch();
    batch.areNfc = given;
    return batch;
  }

  /** Counts a batch on some thread. */
  function count(batch: Batch): Promise<void> {
    const table = others.find(({ batches, spilling }) => batches < BATCHES_A_THREAD && spilling === undefined);
    const done = (table === undefined ? countHere(batch) : countThere(batch, table))
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => counting.delete(done));
    counting.add(done);
    return table === undefined ? done : Promise.resolve();
  }

  async function countThere(batch: Batch, table: PoolTable): Promise<void> {
    table.batches++;
    try {
      const [cut, uncounted, size] = await table.counts.native!.countBatch(...batch.rows(scanner));
      takeBack(batch, cut, uncounted);
      if (size > spillPieces) table.spilling ??= spillWhenFree(table);
    } finally {
      if (--table.batches === 0) table.spilling?.begin();
    }
  }

  async function countHere(batch: Batch): Promise<void> {
    takeBack(batch, ...own.native!.countRows(...batch.rows(scanner)));
    if (own.size > spillPieces) await spill(own, write);
  }

  /** The batch is free again; the texts in it that were not counted go into the next batch of normalized texts. */
  function takeBack(batch: Batch, cut: number, uncounted: number): void {
    cutPieces += cut;
    for (let i = 0; i < uncounted; i++) {
      normalized.append(batch.text(batch.left[i]).normalize('NFC'));
      if (!normalized.isFull) continue;
      const full = normalized;
      normalized = freeBatch(1);
      void count(full);
    }
    batch.empty();
    free.push(batch);
  }

  function spillWhenFree(table: PoolTable): PoolTable['spilling'] {
    let begin = (): void => {};
    const isFree = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const done = isFree
      .then(() => spill(table.counts, write))
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .then(() => {
        table.spilling = undefined;
      });
    return { done, begin };
  }

  async function countCurrent(): Promise<void> {
    // What has ended on other threads is seen between two batches.
    await setImmediate();
    if (failure !== undefined) throw failure.error;
    const full = current;
    current = freeBatch(areNfc);
    await count(full);
  }

  async function allCounted(): Promise<void> {
    while (counting.size > 0) await Promise.all(counting);
  }

  return {
    add(text) {
      current.append(text);
      return current.isFull ? countCurrent() : undefined;
    },
    async finish() {
      await countCurrent();
      await allCounted();
      await count(normalized);
      await allCounted();
      await Promise.all(others.map(({ spilling }) => spilling?.done));
      if (failure !== undefined) throw failure.error;
      return { tables: [own, ...others.map(({ counts }) => counts)], cutPieces };
    },
  };
}
