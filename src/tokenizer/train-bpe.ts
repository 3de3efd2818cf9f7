/**
 * Training a byte-level BPE tokenizer from piece counts, from nothing or from a vocabulary there is.
 *
 * From nothing, the vocabulary is the 256 bytes in the order of GPT-2's alphabet, then one token per merge (id = 256 +
 * rank, so that ranks and merges say the same and a .tiktoken file is exact), then the special tokens, as in Qwen. With
 * `tie: 'hf'` the merges equal those of HF `BpeTrainer`, in order. A run for the largest vocabulary holds every smaller
 * one as a prefix of its merges.
 *
 * From a base (`extend`), all its ids stay, its special tokens included; pieces are encoded with its merges, and new
 * tokens and merges follow: what Qwen did to cl100k (`add_merges.py` in QwenLM/Qwen, tokenization_note.md).
 */
import { availableParallelism } from 'node:os';
import { CorpusmillError } from '../core/errors.ts';
import { createMergeLoop, type MergeLoop, type MergeWords } from './bpe-merge-loop.ts';
import { BYTES_IN_ALPHABET_ORDER, joinTokens } from './byte-alphabet.ts';
import { encodedWords } from './extend-bpe.ts';
import type { BpeTables, Normalization } from './hf-json.ts';
import type { PieceColumns } from './piece-counts.ts';
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
  /** Vocabulary to go on from; its pattern and normalization must be those above. */
  extend?: BpeTables;
  /** Threads of the merge loop, by default one for each core up to `MOST_THREADS`. The result is the same for any. */
  threads?: number;
}

/** More cores than this do not help: the loop waits for all of them after each merge. */
const MOST_THREADS = 4;

/** Threads that training uses where nothing else is asked for. */
export function trainingThreads(): number {
  return Math.min(MOST_THREADS, availableParallelism());
}

export interface TrainedBpe {
  tables: BpeTables;
  /** Merges that were made, the last of those in `tables`. */
  merges: number;
  /** The count of each merge's pair when it was joined. */
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

/** Trains to the end. Throws CONFIG_INVALID when `vocabSize` has no room for what it must hold. */
export function trainOnCounts(pieces: PieceColumns, options: TrainOptions): TrainedBpe {
  const training = startTraining(pieces, options);
  training.advance(training.maxMerges);
  return training.result();
}

/** Training in steps, for progress and interruption. The pieces are not looked at after this. */
export function startTraining(pieces: PieceColumns, options: TrainOptions): BpeTraining {
  const { minFrequency, tie, extend } = options;
  const base = extend ?? bytesAlone(options);
  const specials = newSpecialTokens(options);
  const maxMerges = roomForMerges(options);
  const utf8 = new TextEncoder();
  const words = extend === undefined ? byteWords(pieces) : encodedWords(pieces, extend);
  const loop = createMergeLoop(words, {
    tokens: Array.from({ length: base.vocabSize }, (_, id) => base.tokens[id]),
    reserved: specials.map((token) => utf8.encode(token)),
    maxMerges,
    minFrequency,
    tie,
    threads: options.threads ?? trainingThreads(),
  });
  let trainedBytes = 0;
  for (let piece = 0; piece < pieces.size; piece++) {
    trainedBytes += (pieces.starts[piece + 1] - pieces.starts[piece]) * pieces.counts[piece];
  }
  return {
    maxMerges,
    get merges() {
      return loop.merges;
    },
    advance: (most) => loop.advance(most),
    result: () => ({
      tables: extendedTables(base, specials, loop),
      merges: loop.merges,
      pairCounts: loop.pairCounts.slice(0, loop.merges),
      trainedBytes,
      trainedTokens: loop.symbolTotal(),
    }),
  };
}

/** Merges that fit into `vocabSize` beside what it must hold. Throws CONFIG_INVALID where that is too much. */
export function roomForMerges(options: Pick<TrainOptions, 'vocabSize' | 'specialTokens' | 'extend'>): number {
  const { vocabSize, extend } = options;
  const specials = newSpecialTokens(options).length;
  const room = vocabSize - (extend?.vocabSize ?? 256) - specials;
  if (room >= 0) return room;
  const held = extend === undefined ? '256 bytes' : `the ${extend.vocabSize} tokens it extends`;
  throw new CorpusmillError(
    'CONFIG_INVALID',
    `training a tokenizer: vocabSize ${vocabSize} has no room for ${held} and ${specials} special tokens`,
    { hint: `Set vocabSize to ${vocabSize - room} or more.` },
  );
}

/** Special tokens that the base does not have. */
function newSpecialTokens({ specialTokens, extend }: Pick<TrainOptions, 'specialTokens' | 'extend'>): string[] {
  return specialTokens.filter((content) => !extend?.added.some((token) => token.content === content));
}

/** The vocabulary before the first merge. */
function bytesAlone({ pattern, normalization }: TrainOptions): BpeTables {
  return {
    vocabSize: 256,
    tokens: Array.from(BYTES_IN_ALPHABET_ORDER, (byte) => Uint8Array.of(byte)),
    lefts: new Int32Array(0),
    rights: new Int32Array(0),
    products: new Int32Array(0),
    added: [],
    normalization,
    pattern: createPreTokenizer(pattern).pattern,
    ignoreMerges: false,
  };
}

function byteWords({ size, arena, starts, counts }: PieceColumns): MergeWords {
  return {
    symbols: arena.subarray(0, starts[size]),
    symbolOfByte: SYMBOL_OF_BYTE,
    starts: starts.subarray(0, size + 1),
    counts: counts.subarray(0, size),
  };
}

/** A base, the tokens of the merges behind it, and the special tokens behind those. */
function extendedTables(base: BpeTables, specials: readonly string[], loop: MergeLoop): BpeTables {
  const { lefts, rights, merges } = loop;
  const tokens = Array.from({ length: base.vocabSize }, (_, id) => base.tokens[id]);
  const firstNew = tokens.length;
  for (let i = 0; i < merges; i++) tokens.push(joinTokens(tokens[lefts[i]]!, tokens[rights[i]]!));
  const added = [...base.added];
  const utf8 = new TextEncoder();
  for (const content of specials) {
    added.push({ id: tokens.length, content, special: true });
    tokens.push(utf8.encode(content));
  }
  const appended = (own: Int32Array, more: ArrayLike<number>): Int32Array => {
    const all = new Int32Array(own.length + merges);
    all.set(own);
    for (let i = 0; i < merges; i++) all[own.length + i] = more[i];
    return all;
  };
  return {
    ...base,
    vocabSize: tokens.length,
    tokens,
    lefts: appended(base.lefts, lefts),
    rights: appended(base.rights, rights),
    products: appended(
      base.products,
      Int32Array.from({ length: merges }, (_, i) => firstNew + i),
    ),
    added,
  };
}
