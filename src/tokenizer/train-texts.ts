/**
 * Training a tokenizer on texts, without a pipeline: `for await` over any source, counts in memory or on disk, the merges.
 *
 * This thread takes the texts and turns them into UTF-8; with the native add-on and a published pattern they are counted
 * in batches, on other threads and on this one (count-batches.ts). A table of `spillPieces` pieces is written to a file
 * (partitions of a hash: sum-piece-counts.ts) and a new one begun, so memory is bounded and the counts are exact.
 */
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Counting, createBatchCounting, spill, type WriteSpill } from './count-batches.ts';
import { createPieceCounter, nativePattern } from './count-pieces.ts';
import { readBase } from './extend-bpe.ts';
import type { BpeTables } from './hf-json.ts';
import { nativeBpe } from './native-bpe.ts';
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

function createCounting(
  { pattern, normalization }: TrainOptions,
  threads: number,
  spillPieces: number,
  write: WriteSpill,
): Counting {
  const scanner = nativePattern(pattern);
  if (nativeBpe !== undefined && scanner !== undefined) {
    return createBatchCounting(threads, scanner, normalization, Math.ceil(spillPieces / threads), write);
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
