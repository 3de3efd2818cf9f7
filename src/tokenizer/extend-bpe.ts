/**
 * Going on from a vocabulary there is: reading it, and the pieces of a corpus as its tokens.
 *
 * A piece is encoded once, however often it occurs. New merges rank behind those of the base, so encoders join what the
 * base joins first, as is done here, and ids of texts without new tokens stay what they were.
 */
import { readFileSync } from 'node:fs';
import { CorpusmillError } from '../core/errors.ts';
import type { MergeWords } from './bpe-merge-loop.ts';
import { readTiktoken } from './formats/tiktoken.ts';
import { type BpeTables, type Normalization, readHfTokenizer } from './hf-json.ts';
import type { PieceColumns } from './piece-counts.ts';
import { createVocabularyMerger } from './vocabulary-merger.ts';

/**
 * Reads a tokenizer.json, or a .tiktoken file, whose pattern and normalization are then the given ones. Throws
 * INPUT_NOT_FOUND, INPUT_UNREADABLE or INPUT_CORRUPT.
 */
export function readBase(path: string, pattern: string, normalization: Normalization): BpeTables {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const missing = (error as { code?: unknown }).code === 'ENOENT';
    throw new CorpusmillError(
      missing ? 'INPUT_NOT_FOUND' : 'INPUT_UNREADABLE',
      `reading the tokenizer to extend, ${path}: ${missing ? 'there is no such file' : (error as Error).message}`,
      { hint: 'Give the path of a tokenizer.json or .tiktoken file.', cause: error },
    );
  }
  if (path.endsWith('.tiktoken')) return readTiktoken(text, path, { pattern, normalization, specialTokens: [] });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new CorpusmillError('INPUT_CORRUPT', `reading the tokenizer ${path}: ${(error as Error).message}`, {
      hint: 'It must be an HF tokenizer.json (uncompressed) or a .tiktoken file.',
      cause: error,
    });
  }
  return readHfTokenizer(json, path);
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
