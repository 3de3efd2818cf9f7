/**
 * Training a tokenizer on texts, without a pipeline: `for await` over any source, counts in memory or on disk, the merges.
 *
 * This thread takes the texts and turns them into UTF-8; with the native add-on and a published pattern they are counted
 * in batches, on threads of Node's pool and on this one, each into a table of its own. A table of `spillPieces` pieces is written to a file
 * (partitions of a hash: sum-piece-counts.ts) and a new one begun, so memory is bounded and the counts are exact.
 */
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { createPieceCounter, nativePattern } from './count-pieces.ts';
import { readBase } from './extend-bpe.ts';
import type { BpeTables } from './hf-json.ts';
import { nativeBpe } from './native-bpe.ts';
import { createPieceCounts, MAX_PIECE_BYTES, type PieceCounts } from './piece-counts.ts';
import { type CountBlob, type SummedCounts, sumPieceCounts, sumTables } from './sum-piece-counts.ts';
import { roomForMerges, startTraining, type TrainedBpe, type TrainOptions, trainingThreads } from './train-bpe.ts';
import { advanceInSteps, type StepOptions } from './train-steps.ts';

export interface TrainTextsOptions extends Partial<Omit<TrainOptions, 'extend'>>, StepOptions {
  vocabSize: number;
  /** Vocabulary to go on from: a tokenizer.json or .tiktoken file, or the tables of one. */
  extend?: string | BpeTables;
  /** Distinct pieces that training keeps: see the stage tokenizer.train. */
  maxPieces?: number;
  /** Distinct pieces in a table before it is written to a file, about 50 bytes each. */
  spillPieces?: number;
  /** Folder for those files; by default the system's for temporary files. */
  tempDir?: string;
}

export interface TrainedOnTexts extends TrainedBpe {
  texts: number;
  uniquePieces: number;
  /** Rare pieces dropped under `maxPieces`. */
  dropped: SummedCounts['dropped'];
  /** Pieces cut because they were longer than 16,384 bytes. */
  cutPieces: number;
}

const MAX_PIECES = 10_000_000;
const SPILL_PIECES = 8_000_000;

/**
 * Trains on all texts. `vocabSize` alone must be given; the rest is as in the stage tokenizer.train. With `extend`, its
 * pattern and normalization hold. The result depends on the texts alone, not on their order or on threads.
 */
export async function trainBpe(
  texts: AsyncIterable<string> | Iterable<string>,
  options: TrainTextsOptions,
): Promise<TrainedOnTexts> {
  const { vocabSize, pattern = 'qwen2', normalization = 'nfc', threads = trainingThreads() } = options;
  const extend = typeof options.extend === 'string' ? readBase(options.extend, pattern, normalization) : options.extend;
  const full: TrainOptions = {
    vocabSize,
    pattern: extend?.pattern ?? pattern,
    normalization: extend?.normalization ?? normalization,
    specialTokens: options.specialTokens ?? ['<|endoftext|>'],
    minFrequency: options.minFrequency ?? 2,
    tie: options.tie ?? 'hf',
    extend,
    threads,
  };
  roomForMerges(full);
  const spilled = createSpill(options.tempDir ?? tmpdir());
  try {
    const counting = createCounting(full, threads, options.spillPieces ?? SPILL_PIECES, spilled.write);
    let count = 0;
    for await (const text of texts) {
      if (++count % 1024 === 0) options.signal?.throwIfAborted();
      // Awaited only when a batch is full: a promise for each text would cost more than its count.
      const busy = counting.add(text);
      if (busy !== undefined) await busy;
    }
    const { tables, cutPieces } = await counting.finish();
    const maxPieces = options.maxPieces ?? MAX_PIECES;
    let summed: SummedCounts;
    if (spilled.blobs.length === 0) summed = sumTables(tables, maxPieces);
    else {
      for (const table of tables) await spill(table, spilled.write);
      summed = await sumPieceCounts(spilled.blobs, { maxPieces, threads, signal: options.signal });
    }
    const { pieces, dropped } = summed;
    const uniquePieces = pieces.size;
    const training = startTraining(pieces, full);
    await advanceInSteps(training, options);
    return { ...training.result(), texts: count, uniquePieces, dropped, cutPieces };
  } finally {
    await spilled.close();
  }
}

interface Counting {
  /** A promise where the caller must wait before the next text. */
  add(text: string): Promise<void> | undefined;
  /** The tables that were not written to files. */
  finish(): Promise<{ tables: PieceCounts[]; cutPieces: number }>;
}

type WriteSpill = (bytes: Uint8Array) => Promise<void>;

function createCounting(
  { pattern, normalization }: TrainOptions,
  threads: number,
  spillPieces: number,
  write: WriteSpill,
): Counting {
  const scanner = nativePattern(pattern);
  if (nativeBpe !== undefined && scanner !== undefined) {
    const isPlainNfc = normalization === 'nfc' ? nativeBpe.isPlainNfc : undefined;
    return createBatchCounting(threads, scanner, isPlainNfc, Math.ceil(spillPieces / threads), write);
  }
  const counter = createPieceCounter(pattern, normalization);
  return {
    add(text) {
      counter.count(text);
      return counter.counts.size > spillPieces ? spill(counter.counts, write) : undefined;
    },
    finish: async () => ({ tables: [counter.counts], cutPieces: counter.cutPieces }),
  };
}

/** Writes a table to a file and empties it. */
function spill(counts: PieceCounts, write: WriteSpill): Promise<void> {
  const bytes = counts.serialize();
  counts.drop(Number.MAX_SAFE_INTEGER);
  return write(bytes);
}

/** Texts of a batch end where it has this many bytes, or this many texts. */
const BATCH_BYTES = 1 << 20;
const BATCH_TEXTS = 1 << 14;
/** Room beyond that, so that most batches do not grow. */
const BATCH_SLACK = 1 << 18;

/** UTF-8 of some texts. */
class Batch {
  bytes = new Uint8Array(BATCH_BYTES + BATCH_SLACK);
  readonly ends = new Uint32Array(BATCH_TEXTS);
  texts = 0;
  used = 0;

  append(text: string, isPlainNfc: ((bytes: Uint8Array, end: number, start: number) => boolean) | undefined): void {
    const room = this.used + text.length * 3;
    if (this.bytes.length < room) {
      const larger = new Uint8Array(room);
      larger.set(this.bytes.subarray(0, this.used));
      this.bytes = larger;
    }
    const end = this.used + UTF8.encodeInto(text, this.bytes.subarray(this.used)).written;
    if (isPlainNfc?.(this.bytes, end, this.used) === false) {
      this.append(text.normalize('NFC'), undefined);
      return;
    }
    this.used = end;
    this.ends[this.texts++] = end;
  }

  get isFull(): boolean {
    return this.used >= BATCH_BYTES || this.texts === BATCH_TEXTS;
  }

  empty(): void {
    this.texts = this.used = 0;
    if (this.bytes.length > BATCH_BYTES + BATCH_SLACK) this.bytes = new Uint8Array(BATCH_BYTES + BATCH_SLACK);
  }
}

const UTF8 = new TextEncoder();

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
function createBatchCounting(
  threads: number,
  scanner: number,
  isPlainNfc: ((bytes: Uint8Array, end: number, start: number) => boolean) | undefined,
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
  let current = new Batch();
  let cutPieces = 0;
  let failure: { error: unknown } | undefined;

  async function countThere(batch: Batch, table: PoolTable): Promise<void> {
    try {
      const { bytes, ends, texts } = batch;
      const [cut, size] = await table.counts.native!.countBatch(scanner, bytes, ends, texts, MAX_PIECE_BYTES);
      cutPieces += cut;
      if (size > spillPieces) table.spilling ??= spillWhenFree(table);
    } catch (error) {
      failure ??= { error };
    }
    batch.empty();
    free.push(batch);
    if (--table.batches === 0) table.spilling?.begin();
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

  async function countHere(batch: Batch): Promise<void> {
    let start = 0;
    for (let i = 0; i < batch.texts; i++) {
      const end = batch.ends[i];
      cutPieces += own.native!.countText(scanner, batch.bytes.subarray(start, end), end - start, MAX_PIECE_BYTES, 1);
      start = end;
    }
    batch.empty();
    if (own.size > spillPieces) await spill(own, write);
  }

  async function begin(): Promise<void> {
    // What has ended on other threads is seen between two batches.
    await setImmediate();
    if (failure !== undefined) throw failure.error;
    const table = others.find(({ batches, spilling }) => batches < BATCHES_A_THREAD && spilling === undefined);
    if (table === undefined) return countHere(current);
    table.batches++;
    const done = countThere(current, table).finally(() => counting.delete(done));
    counting.add(done);
    current = free.pop() ?? new Batch();
  }

  return {
    add(text) {
      current.append(text, isPlainNfc);
      return current.isFull ? begin() : undefined;
    },
    async finish() {
      if (current.texts > 0) await begin();
      await Promise.all(counting);
      await Promise.all(others.map(({ spilling }) => spilling?.done));
      if (failure !== undefined) throw failure.error;
      return { tables: [own, ...others.map(({ counts }) => counts)], cutPieces };
    },
  };
}

/** Files of counts in a folder of their own, which is made when the first is written and removed by `close`. */
function createSpill(parent: string): { blobs: CountBlob[]; write: WriteSpill; close(): Promise<void> } {
  const blobs: CountBlob[] = [];
  let folder: Promise<string> | undefined;
  return {
    blobs,
    async write(bytes) {
      folder ??= mkdtemp(join(parent, 'corpusmill-train-'));
      const path = join(await folder, `${blobs.length}.counts`);
      blobs.push({ read: (offset, length) => readRange(path, offset, length) });
      await writeFile(path, bytes);
    },
    async close() {
      if (folder !== undefined) await rm(await folder, { recursive: true, force: true });
    },
  };
}

async function readRange(path: string, offset: number, length: number): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const bytes = new Uint8Array(length);
    const { bytesRead } = await file.read(bytes, 0, length, offset);
    return bytes.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
