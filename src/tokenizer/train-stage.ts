/**
 * The stage `tokenizer.train`: a byte-level BPE vocabulary from the documents that reach it.
 *
 * Workers count the pieces of their parts; the counts, not the texts, come together, and the merges are made once. The
 * result is a function of the documents alone: the same files for any number of workers.
 */
import { resolve } from 'node:path';
import { z } from 'zod';
import {
  type BarrierContext,
  type BarrierResult,
  defineBarrier,
  type Observer,
  type StageContext,
} from '../core/stage.ts';
import type { TextRows } from '../core/utf8-column.ts';
import { createPieceCounter } from './count-pieces.ts';
import { readBase } from './extend-bpe.ts';
import { tokenizerFiles } from './formats/load-tokenizer.ts';
import type { BpeTables, Normalization } from './hf-json.ts';
import { compilePattern } from './pattern-regex.ts';
import { MAX_PIECE_BYTES } from './piece-counts.ts';
import { type SummedCounts, sumPieceCounts } from './sum-piece-counts.ts';
import { writeTokenizerFiles } from './tokenizer-files.ts';
import { roomForMerges, startTraining, type TrainedBpe, type TrainOptions, trainingThreads } from './train-bpe.ts';
import { advanceInSteps } from './train-steps.ts';

const options = z.object({
  vocabSize: z
    .int()
    .min(256)
    .max(1_000_000)
    .default(32_000)
    .describe('Tokens in all: 256 bytes, merges and special tokens. Fewer when the corpus holds fewer pairs.'),
  pattern: z
    .enum(['qwen2', 'gpt2', 'cl100k', 'o200k'])
    .default('qwen2')
    .describe(
      'How text is cut into pieces that merges never cross: the published pattern of Qwen2, GPT-2, cl100k or o200k.',
    ),
  customPattern: z
    .string()
    .min(1)
    .optional()
    .superRefine((pattern, context) => {
      if (pattern === undefined) return;
      try {
        compilePattern(pattern);
      } catch (error) {
        context.addIssue({ code: 'custom', message: (error as Error).message });
      }
    })
    .describe(
      'A regular expression in place of `pattern`; \\s is Unicode white space. It runs as written: keep it simple.',
    ),
  normalize: z
    .enum(['nfc', 'none'])
    .default('nfc')
    .describe('Unicode normalization before cutting; part of the tokenizer (Qwen2: nfc).'),
  specialTokens: z
    .array(z.string().min(1))
    .default(['<|endoftext|>', '<|im_start|>', '<|im_end|>'])
    .refine((tokens) => new Set(tokens).size === tokens.length, 'special tokens must differ')
    .describe('Tokens that no text can produce, numbered after the merges.'),
  minFrequency: z.int().min(1).default(2).describe('A pair that occurs less often is not merged (HF BpeTrainer: 0).'),
  tie: z
    .enum(['hf', 'bytes'])
    .default('hf')
    .describe(
      'Of equally frequent pairs: hf takes the smaller ids, as HF tokenizers; bytes the greater bytes (CS336).',
    ),
  maxPieces: z
    .int()
    .min(1000)
    .default(10_000_000)
    .describe(
      'Distinct pieces that training keeps, about 350 bytes each. Of more, those are dropped that occur c times or ' +
        'less, with the smallest c that leaves at most this many; the report says how many went.',
    ),
  extend: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Tokenizer to go on from: a tokenizer.json or its folder, .tiktoken, or GPT-2 files, relative to the pipeline file: its ' +
        'ids stay, new tokens follow. Its pattern and normalization hold in place of the options; a .tiktoken has neither.',
    ),
});
type Options = z.output<typeof options>;

export const tokenizerTrain = defineBarrier({
  kind: 'barrier',
  name: 'tokenizer.train',
  summary: 'Train a byte-level BPE tokenizer on the documents and write it as HF tokenizer.json and .tiktoken.',
  source:
    'Sennrich, Haddow & Birch 2016; byte level and alphabet: GPT-2 (Radford et al. 2019); merges equal HF BpeTrainer',
  version: 2,
  options,
  optionFiles: ({ extend }) => [extend],
  keyFiles: ({ extend }, baseDir) => tokenizerFiles(extend, baseDir),
  scope: 'corpus',
  makes: ['tokenizer'],
  createObserver,
  decide,
});

/** Two uint32 before the counts: documents, and pieces longer than MAX_PIECE_BYTES. */
const HEADER_BYTES = 8;

function createObserver(stageOptions: Options, context: StageContext): Observer {
  const base = baseOf(stageOptions, context);
  roomForMerges({ ...stageOptions, extend: base });
  const counter = createPieceCounter(
    base?.pattern ?? patternOf(stageOptions),
    base?.normalization ?? stageOptions.normalize,
  );
  const { countRows } = counter;
  let documents = 0;
  return {
    ...(countRows !== undefined && {
      observeTexts(rows: TextRows) {
        countRows(rows);
        documents += rows.to - rows.from;
      },
    }),
    observe(document) {
      counter.count(document.text);
      documents++;
    },
    finish() {
      const counts = counter.counts.serialize();
      const blob = new Uint8Array(HEADER_BYTES + counts.length);
      const header = new DataView(blob.buffer);
      header.setUint32(0, documents, true);
      header.setUint32(4, counter.cutPieces, true);
      blob.set(counts, HEADER_BYTES);
      return blob;
    },
  };
}

function patternOf({ pattern, customPattern }: Options): string {
  return customPattern ?? pattern;
}

/** The vocabulary to extend. Read once a thread: observers are made for every part. */
function baseOf(stageOptions: Options, { baseDir }: StageContext): BpeTables | undefined {
  if (stageOptions.extend === undefined) return undefined;
  const path = resolve(baseDir, stageOptions.extend);
  const pattern = patternOf(stageOptions);
  const key = JSON.stringify([path, pattern, stageOptions.normalize]);
  if (lastBase?.key !== key) lastBase = { key, tables: readBase(path, pattern, stageOptions.normalize) };
  return lastBase.tables;
}
let lastBase: { key: string; tables: BpeTables } | undefined;

async function decide(stageOptions: Options, context: BarrierContext): Promise<BarrierResult> {
  const base = baseOf(stageOptions, context);
  const counted = await sumParts(stageOptions, context);
  const { vocabSize, specialTokens, minFrequency, tie } = stageOptions;
  const trainOptions: TrainOptions = {
    vocabSize,
    pattern: base?.pattern ?? patternOf(stageOptions),
    normalization: base?.normalization ?? stageOptions.normalize,
    specialTokens,
    minFrequency,
    tie,
    extend: base,
  };
  const uniquePieces = counted.pieces.size;
  const training = startTraining(counted.pieces, trainOptions);
  await advanceInSteps(training, {
    signal: context.signal,
    onProgress: (fraction, note) => context.progress(COUNTING_SHARE + (1 - COUNTING_SHARE) * fraction, note),
  });
  const trained = training.result();
  const { hash } = await writeTokenizerFiles(trained.tables, context.outputDir);
  return {
    artifacts: { tokenizer: 'tokenizer.json' },
    details: describe(stageOptions, { ...counted, uniquePieces }, trained, hash),
  };
}

interface CountedParts extends SummedCounts {
  documents: number;
  cutPieces: number;
}

/** Share of the stage's progress bar for adding up. */
const COUNTING_SHARE = 0.25;

async function sumParts({ maxPieces }: Options, context: BarrierContext): Promise<CountedParts> {
  let documents = 0;
  let cutPieces = 0;
  for (const part of context.parts) {
    const { buffer, byteOffset } = await part.features({ offset: 0, length: HEADER_BYTES });
    const header = new DataView(buffer, byteOffset, HEADER_BYTES);
    documents += header.getUint32(0, true);
    cutPieces += header.getUint32(4, true);
  }
  const blobs = context.parts.map((part) => ({
    read: (offset: number, length: number) => part.features({ offset: HEADER_BYTES + offset, length }),
  }));
  const summed = await sumPieceCounts(blobs, {
    maxPieces,
    threads: trainingThreads(),
    signal: context.signal,
    onProgress: (fraction) => context.progress(COUNTING_SHARE * fraction, 'adding up piece counts'),
  });
  return { ...summed, documents, cutPieces };
}

/** `details` of this stage, for the report. */
export interface TokenizerDetails extends Record<string, unknown> {
  kind: 'tokenizer';
  /** As trained, and as asked for. */
  vocabSize: number;
  requestedVocabSize: number;
  merges: number;
  /** Why training ended. */
  ended: 'vocabulary full' | 'no pair left that is frequent enough';
  /** Count of the last merge's pair: how well founded the rarest tokens are. */
  lastMergeCount: number;
  documents: number;
  uniquePieces: number;
  /** Rare pieces dropped under `maxPieces`. */
  pruned: { pieces: number; occurrences: number; upToCount: number };
  /** Pieces cut because they were longer than `maxPieceBytes`. */
  cutPieces: number;
  maxPieceBytes: number;
  /** Bytes of the pieces that were trained on, and the tokens they take. */
  trainedBytes: number;
  trainedTokens: number;
  bytesPerToken: number;
  longestTokens: { id: number; bytes: number; text: string }[];
  pattern: string;
  normalize: Normalization;
  specialTokens: Record<string, number>;
  /** SHA-256 of tokenizer.json. */
  hash: string;
}

function describe(
  stageOptions: Options,
  counted: CountedParts & { uniquePieces: number },
  trained: TrainedBpe,
  hash: string,
): TokenizerDetails {
  const { tables, merges, trainedBytes, trainedTokens, pairCounts } = trained;
  return {
    kind: 'tokenizer',
    vocabSize: tables.vocabSize,
    requestedVocabSize: stageOptions.vocabSize,
    merges,
    ended: tables.vocabSize === stageOptions.vocabSize ? 'vocabulary full' : 'no pair left that is frequent enough',
    lastMergeCount: merges > 0 ? pairCounts[merges - 1] : 0,
    documents: counted.documents,
    uniquePieces: counted.uniquePieces,
    pruned: counted.dropped,
    cutPieces: counted.cutPieces,
    maxPieceBytes: MAX_PIECE_BYTES,
    trainedBytes,
    trainedTokens,
    bytesPerToken: trainedTokens > 0 ? trainedBytes / trainedTokens : 0,
    longestTokens: longestTokens(trained, 10),
    pattern: tables.pattern,
    normalize: tables.normalization,
    specialTokens: Object.fromEntries(tables.added.map((token) => [token.content, token.id])),
    hash,
  };
}

/** The longest tokens that are not special, longest first, then by id. */
function longestTokens({ tables }: TrainedBpe, most: number): TokenizerDetails['longestTokens'] {
  const lossy = new TextDecoder('utf-8', { ignoreBOM: true });
  const added = new Set(tables.added.map((token) => token.id));
  return tables.tokens
    .flatMap((token, id) => (token === undefined || added.has(id) ? [] : [{ id, token }]))
    .sort((a, b) => b.token.length - a.token.length || a.id - b.id)
    .slice(0, most)
    .map(({ id, token }) => ({ id, bytes: token.length, text: lossy.decode(token) }));
}
