/**
 * Where the ids of texts gather until they are taken: the native encoder, or its twin, which give the same ids.
 *
 * The native one reads a string once (UTF-16 to UTF-8, and whether NFC could change it) and keeps its ids in memory of its
 * own; its merge table is built once per process and shared by the workers. It has the published patterns; a pattern of
 * one's own runs through the twin.
 */
import { CorpusmillError } from '../core/errors.ts';
import type { BpeTables } from './hf-json.ts';
import { NativeIdWriter } from './id-writer-native.ts';
import { TwinIdWriter } from './id-writer-twin.ts';
import { NATIVE_PATTERNS, nativeBpe } from './native-bpe.ts';
import { PATTERNS } from './pre-tokenizer.ts';

/** Strings as Arrow has them: text i is the UTF-8 `bytes[offsets[i], offsets[i + 1])`. */
export interface Utf8Column {
  bytes: Uint8Array;
  offsets: Int32Array;
}

export interface IdWriter {
  /** Appends the ids of a text; lone surrogates are encoded as U+FFFD. */
  appendText(text: string): void;
  /** Appends one id. */
  appendId(id: number): void;
  /**
   * Appends the texts of a column, each between two ids (-1: none), and writes to `ends` where each ends among all ids.
   * Throws INPUT_CORRUPT for a text that is not UTF-8; what the writer then holds is to be cleared.
   */
  appendColumn(column: Utf8Column, before: number, after: number, ends: Uint32Array): void;
  /** Ids held. */
  size(): number;
  /** Moves all ids into `out`, from `at` on; RangeError when they do not fit, and none stays. */
  take(out: Uint32Array | Uint16Array, at: number): void;
  clear(): void;
}

/** The bytes' own ids, and who they belong to: see `Tokenizer`. */
export function createIdWriter(tables: BpeTables): IdWriter {
  const byteIds = new Int32Array(256).fill(-1);
  const added = new Set(tables.added.map((token) => token.id));
  tables.tokens.forEach((token, id) => {
    if (token?.length === 1 && !added.has(id)) byteIds[token[0]] = id;
  });
  const pattern = NATIVE_PATTERNS.findIndex((name) => PATTERNS[name] === tables.pattern);
  return nativeBpe !== undefined && pattern >= 0
    ? new NativeIdWriter(nativeBpe, tables, byteIds, pattern)
    : new TwinIdWriter(tables, byteIds);
}

export function missingByte(byte: number): never {
  throw new CorpusmillError(
    'INPUT_CORRUPT',
    `encoding a text: the vocabulary has no token for the byte 0x${byte.toString(16).padStart(2, '0')}`,
    { hint: 'Train the tokenizer with the full byte alphabet (corpusmill always does).' },
  );
}

export function notUtf8(text: number, offset: number): never {
  throw new CorpusmillError(
    'INPUT_CORRUPT',
    `encoding a column of texts: text ${text} is not UTF-8 from its byte ${offset} on`,
    { hint: 'Encode what was read as UTF-8; a text in another encoding must be converted first.' },
  );
}
