/**
 * The stage `tokenizer.train`: a byte-level BPE vocabulary from the documents that reach it.
 *
 * Workers count the pieces of their parts; the counts, not the texts, come together, and the merges are made once. The
 * result is a function of the documents alone: the same files for any number of workers.
 */
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { CorpusmillError } from '../core/errors.ts';
import { type BarrierContext, type BarrierResult, defineBarrier, type Observer } from '../core/stage.ts';
import { createPieceCounter, MAX_PIECE_BYTES } from './count-pieces.ts';
import { compilePattern } from './pattern-regex.ts';
import { createPieceCounts, type PieceCounts, serializePieceCounts } from './piece-counts.ts';
import { createSegmenter } from './segmenter.ts';
import { writeTokenizerFiles } from './tokenizer-files.ts';
import { startTraining, type TrainedBpe, type TrainOptions } from './train-bpe.ts';

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
    .default(5_000_000)
    .describe(
      'Distinct pieces kept in memory (about 250 bytes each). Past it the rarest are dropped, all of count 1 first, ' +
        'then 2 …, until half remain; the report says how many.',
    ),
});
type Options = z.output<typeof options>;

export const tokenizerTrain = defineBarrier({
  kind: 'barrier',
  name: 'tokenizer.train',
  summary: 'Train a byte-level BPE tokenizer on the documents and write it as HF tokenizer.json and .tiktoken.',
  source:
    'Sennrich, Haddow & Birch 2016; byte level and alphabet: GPT-2 (Radford et al. 2019); merges equal HF BpeTrainer',
  version: 1,
  options,
  scope: 'corpus',
  makes: ['tokenizer'],
  createObserver,
  decide,
});

/** Two uint32 before the counts: documents, and pieces longer than MAX_PIECE_BYTES. */
const HEADER_BYTES = 8;

function createObserver(stageOptions: Options): Observer {
  checkRoom(stageOptions);
  const counter = createPieceCounter(createSegmenter(patternOf(stageOptions), stageOptions.normalize));
  let documents = 0;
  return {
    observe(document) {
      counter.count(document.text);
      documents++;
    },
    finish() {
      const counts = serializePieceCounts(counter.counts);
      const blob = new Uint8Array(HEADER_BYTES + counts.length);
      const header = new DataView(blob.buffer);
      header.setUint32(0, documents, true);
      header.setUint32(4, counter.cutPieces, true);
      blob.set(counts, HEADER_BYTES);
      return blob;
    },
  };
}

/** No schema can hold one option against another. */
function checkRoom({ vocabSize, specialTokens }: Options): void {
  if (vocabSize >= 256 + specialTokens.length) return;
  throw new CorpusmillError(
    'CONFIG_INVALID',
    `tokenizer.train: vocabSize ${vocabSize} has no room for 256 bytes and ${specialTokens.length} special tokens`,
    { hint: `Set vocabSize to ${256 + specialTokens.length} or more.` },
  );
}

function patternOf({ pattern, customPattern }: Options): string {
  return customPattern ?? pattern;
}

async function decide(stageOptions: Options, context: BarrierContext): Promise<BarrierResult> {
  const counted = await mergeParts(stageOptions, context);
  const { vocabSize, specialTokens, minFrequency, tie, normalize } = stageOptions;
  const trained = await train(
    counted.counts,
    { vocabSize, pattern: patternOf(stageOptions), normalization: normalize, specialTokens, minFrequency, tie },
    context,
  );
  const { hash } = await writeTokenizerFiles(trained.tables, context.outputDir);
  return { artifacts: { tokenizer: 'tokenizer.json' }, details: describe(stageOptions, counted, trained, hash) };
}

interface CountedParts {
  counts: PieceCounts;
  documents: number;
  cutPieces: number;
  pruned: { pieces: number; occurrences: number; upToCount: number };
}

/** Adds up the parts in their order, so that pruning, too, is the same for any number of workers. */
async function mergeParts({ maxPieces }: Options, context: BarrierContext): Promise<CountedParts> {
  const counts = createPieceCounts();
  const merged: CountedParts = {
    counts,
    documents: 0,
    cutPieces: 0,
    pruned: { pieces: 0, occurrences: 0, upToCount: 0 },
  };
  for (const [done, part] of context.parts.entries()) {
    context.signal.throwIfAborted();
    const blob = await part.features();
    const header = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
    merged.documents += header.getUint32(0, true);
    merged.cutPieces += header.getUint32(4, true);
    counts.addSerialized(blob.subarray(HEADER_BYTES));
    if (counts.size > maxPieces) {
      const { pieces, occurrences, upToCount } = counts.prune(Math.floor(maxPieces / 2));
      merged.pruned.pieces += pieces;
      merged.pruned.occurrences += occurrences;
      merged.pruned.upToCount = Math.max(merged.pruned.upToCount, upToCount);
    }
    context.progress((COUNTING_SHARE * (done + 1)) / context.parts.length, 'adding up piece counts');
  }
  return merged;
}

/** Share of the stage's progress bar for adding up. */
const COUNTING_SHARE = 0.25;
/** Merges between two looks at the signal: a few tens of milliseconds. */
const MERGES_AT_A_TIME = 200;

async function train(counts: PieceCounts, trainOptions: TrainOptions, context: BarrierContext): Promise<TrainedBpe> {
  const training = startTraining(counts, trainOptions);
  let more = training.maxMerges > 0;
  while (more) {
    more = training.advance(MERGES_AT_A_TIME);
    const fraction = training.merges / training.maxMerges;
    context.progress(
      COUNTING_SHARE + (1 - COUNTING_SHARE) * fraction,
      `merge ${training.merges} of ${training.maxMerges}`,
    );
    // Lets the progress display and Ctrl-C in.
    await setImmediate();
    context.signal.throwIfAborted();
  }
  return training.result();
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
  normalize: 'nfc' | 'none';
  specialTokens: Record<string, number>;
  /** SHA-256 of tokenizer.json. */
  hash: string;
}

function describe(stageOptions: Options, counted: CountedParts, trained: TrainedBpe, hash: string): TokenizerDetails {
  const { tables, merges, trainedBytes, trainedTokens, pairCounts } = trained;
  return {
    kind: 'tokenizer',
    vocabSize: tables.vocabSize,
    requestedVocabSize: stageOptions.vocabSize,
    merges,
    ended: tables.vocabSize === stageOptions.vocabSize ? 'vocabulary full' : 'no pair left that is frequent enough',
    lastMergeCount: merges > 0 ? pairCounts[merges - 1] : 0,
    documents: counted.documents,
    uniquePieces: counted.counts.size,
    pruned: counted.pruned,
    cutPieces: counted.cutPieces,
    maxPieceBytes: MAX_PIECE_BYTES,
    trainedBytes,
    trainedTokens,
    bytesPerToken: trainedTokens > 0 ? trainedBytes / trainedTokens : 0,
    longestTokens: longestTokens(trained, 10),
    pattern: tables.pattern,
    normalize: stageOptions.normalize,
    specialTokens: Object.fromEntries(tables.added.map((token) => [token.content, token.id])),
    hash,
  };
}

/** The longest trained tokens, longest first, then by id. */
function longestTokens({ tables, merges }: TrainedBpe, most: number): TokenizerDetails['longestTokens'] {
  const lossy = new TextDecoder('utf-8', { ignoreBOM: true });
  return Array.from({ length: 256 + merges }, (_, id) => ({ id, token: tables.tokens[id]! }))
    .sort((a, b) => b.token.length - a.token.length || a.id - b.id)
    .slice(0, most)
    .map(({ id, token }) => ({ id, bytes: token.length, text: lossy.decode(token) }));
}
