/**
 * Going on from a vocabulary there is: reading it, and the pieces of a corpus as its tokens.
 *
 * A piece is encoded once, however often it occurs. New merges rank behind those of the base, so encoders join what the
 * base joins first, as is done here, and ids of texts without new tokens stay what they were.
 */
import { readFileSync } from 'node:fs';
import { CorpusmillError } from '../core/errors.ts';
import type { MergeWords } from './bpe-merge-loop.ts';
import { createPieceMerger } from './bpe-merge-piece.ts';
import { createMergeTable } from './bpe-merges.ts';
import { readTiktoken } from './formats/tiktoken.ts';
import { type BpeTables, type Normalization, readHfTokenizer } from './hf-json.ts';
import type { PieceColumns } from './piece-counts.ts';

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
  const added = new Set(base.added.map((token) => token.id));
  const latin1 = (bytes: Uint8Array): string =>
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  const byteIds = new Int32Array(256).fill(-1);
  const whole = new Map<string, number>();
  base.tokens.forEach((token, id) => {
    if (token === undefined || added.has(id)) return;
    if (token.length === 1) byteIds[token[0]] = id;
    if (base.ignoreMerges) whole.set(latin1(token), id);
  });
  const table = createMergeTable(base.lefts, base.rights, base.products);
  const merger = createPieceMerger(table, base.tokens, byteIds, (byte) => {
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
    const token = base.ignoreMerges ? whole.get(latin1(arena.subarray(from, to))) : undefined;
    if (token === undefined) end = merger.merge(arena, from, to, symbols, end);
    else symbols[end++] = token;
    wordStarts[piece + 1] = end;
  }
  return {
    symbols: symbols.subarray(0, end),
    symbolOfByte: new Int32Array(256),
    starts: wordStarts,
    counts: counts.subarray(0, size),
  };
}
