/**
 * Going on from a vocabulary there is: reading it, and the pieces of a corpus as its tokens.
 *
 * A piece is encoded once, however often it occurs. New merges rank behind those of the base, so encoders join what the
 * base joins first, as is done here, and ids of texts without new tokens stay what they were.
 */
import { CorpusmillError } from '../core/errors.ts';
import type { MergeWords } from './bpe-merge-loop.ts';
import { openTokenizer } from './formats/load-tokenizer.ts';
import type { BpeTables, Normalization } from './hf-json.ts';
import type { PieceColumns } from './piece-counts.ts';
import { createVocabularyMerger } from './vocabulary-merger.ts';

/**
 * Reads a byte-level BPE tokenizer of any form. Of ranks alone (.tiktoken), which say neither, pattern and normalization are
 * the given ones, and there are no special tokens. Throws INPUT_NOT_FOUND, INPUT_UNREADABLE, INPUT_CORRUPT, and CONFIG_INVALID
 * for one of SentencePiece's kind.
 */
export function readBase(path: string, pattern: string, normalization: Normalization): BpeTables {
  const ranksAlone = { pattern, normalization, specialTokens: [] };
  const opened = openTokenizer(path, ranksAlone);
  // GPT-2's files take the options too, but have a pattern of their own.
  const tables = (opened.format === 'gpt2' ? openTokenizer(path) : opened).readTables();
  if (tables !== undefined) return tables;
  throw new CorpusmillError('CONFIG_INVALID', `extending the tokenizer ${opened.path}: it is of SentencePiece's kind`, {
    hint: 'Go on from a byte-level BPE tokenizer, as Qwen, GPT-2 and Llama 3 have.',
  });
}

/** The pieces as ids of the base. Throws INPUT_CORRUPT when it has no token for a byte of theirs. */
export function encodedWords({ size, arena, starts, counts }: PieceColumns, base: BpeTables): MergeWords {
  const merger = createVocabularyMerger(base, (byte) => {
    throw new CorpusmillError(
      'INPUT_CORRUPT',
      `extending a tokenizer: it has no token for the byte 0x${byte.toString(16).padStart(2, '0')}`,
      { hint: 'Extend a byte-level vocabulary with all 256 bytes, as Qwen, GPT-2 and Llama 3 have.' },
    );
  });
  let symbols = new Int32Array(1 << 16);
  const wordStarts = new Uint32Array(size + 1);
  let end = 0;
  for (let piece = 0; piece < size; piece++) {
    const from = starts[piece];
    const to = starts[piece + 1];
    if (end + to - from > symbols.length) {
      const larger = new Int32Array(Math.max(end + to - from, Math.ceil(symbols.length * 1.5)));
      larger.set(symbols);
      symbols = larger;
    }
    end = merger.merge(arena, from, to, symbols, end);
    wordStarts[piece + 1] = end;
  }
  return {
    symbols: symbols.subarray(0, end),
    symbolOfByte: new Int32Array(256),
    starts: wordStarts,
    counts: counts.subarray(0, size),
  };
}
