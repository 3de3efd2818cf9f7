/**
 * Where the ids of texts gather until they are taken; create-id-writer.ts chooses between the native encoder and its twin.
 */
import { CorpusmillError } from '../core/errors.ts';
import type { Utf8Column } from '../core/utf8-column.ts';

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

/** Throws: a text has a byte for which the vocabulary has no token. */
export function missingByte(byte: number): never {
  throw new CorpusmillError(
    'INPUT_CORRUPT',
    `encoding a text: the vocabulary has no token for the byte 0x${byte.toString(16).padStart(2, '0')}`,
    { hint: 'Train the tokenizer with the full byte alphabet (corpusmill always does).' },
  );
}

/** Throws: text number `text` of a column is malformed from its byte `offset` on. */
export function notUtf8(text: number, offset: number): never {
  throw new CorpusmillError(
    'INPUT_CORRUPT',
    `encoding a column of texts: text ${text} is not UTF-8 from its byte ${offset} on`,
    { hint: 'Encode what was read as UTF-8; a text in another encoding must be converted first.' },
  );
}
