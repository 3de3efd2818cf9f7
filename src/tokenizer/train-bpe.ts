/**
 * Training a byte-level BPE tokenizer from piece counts.
 *
 * The vocabulary is the 256 bytes in the order of GPT-2's alphabet, then one token per merge (id = 256 + rank, so that
 * ranks and merges say the same and a .tiktoken file is exact), then the special tokens, as in Qwen. With `tie: 'hf'`
 * the merges equal those of HF `BpeTrainer`, in order. A run for the largest vocabulary holds every smaller one as a
 * prefix of its merges.
 */
import { availableParallelism } from 'node:os';
import { CorpusmillError } from '../core/errors.ts';
import { createMergeLoop, type MergeLoop } from './bpe-merge-loop.ts';
import { BYTES_IN_ALPHABET_ORDER, joinTokens } from './byte-alphabet.ts';
import type { BpeTables, Normalization } from './hf-json.ts';
import type { PieceCounts } from './piece-counts.ts';
import { createPreTokenizer } from './pre-tokenizer.ts';

export interface TrainOptions {
  /** Bytes, merges and special tokens together; fewer when the counts hold fewer pairs. */
  vocabSize: number;
  /** Pattern with which the pieces were cut: a name of `PATTERNS` or a regular expression. */
  pattern: string;
  normalization: Normalization;
  specialTokens: readonly string[];
  /** A pair rarer than this is not merged. */
  minFrequency: number;
  /**
   * Which of two equally frequent pairs goes first. `hf`: the smaller (left id, right id). `bytes`: the greater (left
   * bytes, right bytes) in lexicographic order, as in the published Stanford CS336 reference.
   */
  tie: 'hf' | 'bytes';
  /** Threads of the merge loop, by default one for each core up to `MOST_THREADS`. The result is the same for any. */
  threads?: number;
}

/** More cores than this do not help: the loop waits for all of them after each merge. */
const MOST_THREADS = 4;

export interface TrainedBpe {
  tables: BpeTables;
  merges: number;
  /** The count of each merge's pair when it was joined, by rank. */
  pairCounts: Float64Array;
  /** Bytes of all pieces, and the tokens they now take. */
  trainedBytes: number;
  trainedTokens: number;
}

export interface BpeTraining {
  readonly maxMerges: number;
  readonly merges: number;
  /** Makes up to `most` merges; false when there are enough, or no more pairs. */
  advance(most: number): boolean;
  result(): TrainedBpe;
}

/** Ids of the bytes: their places in GPT-2's alphabet. */
const SYMBOL_OF_BYTE = new Int32Array(256);
BYTES_IN_ALPHABET_ORDER.forEach((byte, id) => {
  SYMBOL_OF_BYTE[byte] = id;
});

/** Trains to the end. Throws CONFIG_INVALID when `vocabSize` has no room for bytes and special tokens. */
export function trainBpe(counts: PieceCounts, options: TrainOptions): TrainedBpe {
  const training = startTraining(counts, options);
  training.advance(training.maxMerges);
  return training.result();
}

/** Training in steps, for progress and interruption. */
export function startTraining(counts: PieceCounts, options: TrainOptions): BpeTraining {
  const { vocabSize, specialTokens, minFrequency, tie } = options;
  const threads = options.threads ?? Math.min(MOST_THREADS, availableParallelism());
  const maxMerges = vocabSize - 256 - specialTokens.length;
  if (maxMerges < 0) {
    throw new CorpusmillError(
      'CONFIG_INVALID',
      `training a tokenizer: vocabSize ${vocabSize} has no room for 256 bytes and ${specialTokens.length} special tokens`,
      { hint: `Set vocabSize to ${256 + specialTokens.length} or more.` },
    );
  }
  const bytes = Array.from(BYTES_IN_ALPHABET_ORDER, (byte) => Uint8Array.of(byte));
  const utf8 = new TextEncoder();
  const loop = createMergeLoop(
    {
      symbols: counts.arena.subarray(0, counts.starts[counts.size]),
      symbolOfByte: SYMBOL_OF_BYTE,
      starts: counts.starts.subarray(0, counts.size + 1),
      counts: counts.counts.subarray(0, counts.size),
    },
    { tokens: bytes, reserved: specialTokens.map((token) => utf8.encode(token)), maxMerges, minFrequency, tie, threads },
  );
  return {
    maxMerges,
    get merges() {
      return loop.merges;
    },
    advance: (most) => loop.advance(most),
    result: () => finish(counts, options, loop),
  };
}

function finish(counts: PieceCounts, options: TrainOptions, loop: MergeLoop): TrainedBpe {
  const { specialTokens, pattern, normalization } = options;
  const { merges } = loop;
  let trainedBytes = 0;
  let singleBytes = 0;
  for (let piece = 0; piece < counts.size; piece++) {
    const length = counts.starts[piece + 1] - counts.starts[piece];
    trainedBytes += length * counts.counts[piece];
    if (length === 1) singleBytes += counts.counts[piece];
  }
  const utf8 = new TextEncoder();
  const firstSpecial = 256 + merges;
  const tokens: Uint8Array[] = Array.from(BYTES_IN_ALPHABET_ORDER, (byte) => Uint8Array.of(byte));
  for (let rank = 0; rank < merges; rank++) tokens.push(joinTokens(tokens[loop.lefts[rank]], tokens[loop.rights[rank]]));
  return {
    tables: {
      vocabSize: firstSpecial + specialTokens.length,
      tokens: [...tokens, ...specialTokens.map((content) => utf8.encode(content))],
      lefts: loop.lefts.slice(0, merges),
      rights: loop.rights.slice(0, merges),
      products: Int32Array.from({ length: merges }, (_, rank) => 256 + rank),
      added: specialTokens.map((content, i) => ({ id: firstSpecial + i, content, special: true })),
      normalization,
      pattern: createPreTokenizer(pattern).pattern,
      ignoreMerges: false,
    },
    merges,
    pairCounts: loop.pairCounts.slice(0, merges),
    trainedBytes,
    trainedTokens: loop.symbolTotal() + singleBytes,
  };
}
