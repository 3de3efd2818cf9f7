/**
 * Training a tokenizer on texts, without a pipeline: `for await` over any source, counts in memory or on disk, the merges.
 *
 * This thread takes the texts and turns them into UTF-8; with the native add-on and a published pattern they are counted
 * in batches on threads of Node's pool, each into a table of its own. A table of `spillPieces` pieces is written to a file
 * (partitions of a hash: sum-piece-counts.ts) and a new one begun, so memory is bounded and the counts are exact.
 */
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPieceCounter, nativePattern } from './count-pieces.ts';
import { nativeBpe } from './native-bpe.ts';
import { createPieceCounts, MAX_PIECE_BYTES, type PieceCounts } from './piece-counts.ts';
import { type CountBlob, type SummedCounts, sumPieceCounts } from './sum-piece-counts.ts';
import { startTraining, type TrainedBpe, type TrainOptions, trainingThreads } from './train-bpe.ts';
import { advanceInSteps, type StepOptions } from './train-steps.ts';

export interface TrainTextsOptions extends Partial<TrainOptions>, StepOptions {
  vocabSize: number;
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
const SPILL_PIECES = 4_000_000;

/**
 * Trains on all texts. `vocabSize` alone must be given; the rest is as in the stage tokenizer.train. With `extend`, its
 * pattern and normalization hold. The result depends on the texts alone, not on their order or on threads.
 */
export async function trainBpe(
  texts: AsyncIterable<string> | Iterable<string>,
  options: TrainTextsOptions,
): Promise<TrainedOnTexts> {
  const full: TrainOptions = {
    ...options,
    specialTokens: options.specialTokens ?? ['<|endoftext|>'],
    minFrequency: options.minFrequency ?? 2,
    tie: options.tie ?? 'hf',
    pattern: options.extend?.pattern ?? options.pattern ?? 'qwen2',
    normalization: options.extend?.normalization ?? options.normalization ?? 'nfc',
  };
  const threads = options.threads ?? trainingThreads();
  const spill = createSpill(options.tempDir ?? tmpdir());
  try {
    const counting = createCounting(full, threads, options.spillPieces ?? SPILL_PIECES, spill.write);
    let count = 0;
    for await (const text of texts) {
      if (++count % 1024 === 0) options.signal?.throwIfAborted();
      // Awaited only when a batch is full: a promise for each text would cost more than its count.
      const busy = counting.add(text);
      if (busy !== undefined) await busy;
    }
    const { blobs, cutPieces } = await counting.finish();
    const { pieces, dropped } = await sumPieceCounts([...spill.blobs, ...blobs], {
      maxPieces: options.maxPieces ?? MAX_PIECES,
      threads,
      signal: options.signal,
    });
    const uniquePieces = pieces.size;
    const training = startTraining(pieces, full);
    await advanceInSteps(training, options);
    return { ...training.result(), texts: count, uniquePieces, dropped, cutPieces };
  } finally {
    await spill.close();
  }
}

interface Counting {
  /** A promise where the caller must wait before the next text. */
  add(text: string): Promise<void> | undefined;
  finish(): Promise<{ blobs: CountBlob[]; cutPieces: number }>;
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
    const batches = Array.from({ length: threads + 1 }, () => new Batch());
    const isPlainNfc = normalization === 'nfc' ? nativeBpe.isPlainNfc : undefined;
    return createBatchCounting(batches, scanner, isPlainNfc, Math.ceil(spillPieces / batches.length), write);
  }
  let counter = createPieceCounter(pattern, normalization);
  let cutPieces = 0;
  const spill = async (): Promise<void> => {
    const full = counter;
    cutPieces += full.cutPieces;
    counter = createPieceCounter(pattern, normalization);
    await write(full.counts.serialize());
  };
  return {
    add(text) {
      counter.count(text);
      return counter.counts.size > spillPieces ? spill() : undefined;
    },
    finish: async () => ({ blobs: [inMemory(counter.counts.serialize())], cutPieces: cutPieces + counter.cutPieces }),
  };
}

/** UTF-8 of some texts, and the table that they are counted in. */
class Batch {
  static readonly BYTES = 1 << 20;
  bytes = new Uint8Array(Batch.BYTES);
  ends = new Uint32Array(1 << 14);
  texts = 0;
  used = 0;
  counts: PieceCounts = createPieceCounts();
  /** While a thread of the pool counts. */
  busy: Promise<void> | undefined;
}

function createBatchCounting(
  batches: readonly Batch[],
  scanner: number,
  isPlainNfc: ((bytes: Uint8Array, end: number, start: number) => boolean) | undefined,
  spillPieces: number,
  write: WriteSpill,
): Counting {
  const utf8 = new TextEncoder();
  let current = 0;
  let cutPieces = 0;
  let failure: { error: unknown } | undefined;

  async function countBatch(batch: Batch): Promise<void> {
    cutPieces += await batch.counts.native!.countBatch(scanner, batch.bytes, batch.ends, batch.texts, MAX_PIECE_BYTES);
    batch.texts = batch.used = 0;
    if (batch.bytes.length > Batch.BYTES) batch.bytes = new Uint8Array(Batch.BYTES);
    if (batch.counts.size > spillPieces) {
      const blob = batch.counts.serialize();
      batch.counts.drop(Number.MAX_SAFE_INTEGER);
      await write(blob);
    }
  }

  function begin(): Promise<void> | undefined {
    if (failure !== undefined) throw failure.error;
    const batch = batches[current];
    batch.busy = countBatch(batch).then(
      () => {
        batch.busy = undefined;
      },
      (error: unknown) => {
        failure = { error };
      },
    );
    current = (current + 1) % batches.length;
    return batches[current].busy;
  }

  function append(text: string): void {
    const batch = batches[current];
    if (batch.bytes.length - batch.used < text.length * 3) {
      const larger = new Uint8Array(batch.used + text.length * 3);
      larger.set(batch.bytes.subarray(0, batch.used));
      batch.bytes = larger;
    }
    const end = batch.used + utf8.encodeInto(text, batch.bytes.subarray(batch.used)).written;
    if (isPlainNfc?.(batch.bytes, end, batch.used) === false) {
      const normal = text.normalize('NFC');
      if (normal !== text) return appendNormal(normal);
    }
    batch.used = end;
    batch.ends[batch.texts++] = end;
  }

  function appendNormal(text: string): void {
    const batch = batches[current];
    const bytes = utf8.encode(text);
    if (batch.bytes.length - batch.used < bytes.length) {
      const larger = new Uint8Array(batch.used + bytes.length);
      larger.set(batch.bytes.subarray(0, batch.used));
      batch.bytes = larger;
    }
    batch.bytes.set(bytes, batch.used);
    batch.used += bytes.length;
    batch.ends[batch.texts++] = batch.used;
  }

  return {
    add(text) {
      append(text);
      const batch = batches[current];
      // The next text should fit without growing: most take no more than this.
      const isFull = batch.used > Batch.BYTES - (1 << 16) || batch.texts === batch.ends.length;
      return isFull ? begin() : undefined;
    },
    async finish() {
      if (batches[current].texts > 0) begin();
      await Promise.all(batches.map((batch) => batch.busy));
      if (failure !== undefined) throw failure.error;
      const blobs = batches.map(({ counts }) => {
        const blob = inMemory(counts.serialize());
        counts.drop(Number.MAX_SAFE_INTEGER);
        return blob;
      });
      return { blobs, cutPieces };
    },
  };
}

function inMemory(bytes: Uint8Array): CountBlob {
  return { read: async (offset, length) => bytes.subarray(offset, offset + length) };
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
