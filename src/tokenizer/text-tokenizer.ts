/** What a tokenizer of any format can do: byte-level BPE (`Tokenizer`) and SentencePiece alike. */
import type { Utf8Column } from '../core/utf8-column.ts';
import type { AddedToken } from './hf-json.ts';
import type { BatchOptions, EncodedBatch, TokenIds } from './tokenizer.ts';

export interface TextTokenizer {
  /** Largest id + 1, special tokens included. */
  readonly vocabSize: number;
  /** SHA-256 in hexadecimal of the file that it was read from. */
  readonly hash: string;
  /** Tokens matched as a whole in a text that may hold them: control tokens and such words as `<think>`. */
  readonly addedTokens: readonly AddedToken[];
  /** Ids of a text; what looks like a special token is text. */
  encode(text: string): Uint32Array;
  /** Ids of a text that goes on from another: without the space that SentencePiece puts before a text. */
  encodeContinuation?(text: string): Uint32Array;
  /** Ids of many texts end to end, of 16 bits where `narrow` says so and the vocabulary allows; see `Tokenizer`. */
  encodeBatch(
    texts: readonly string[] | Utf8Column,
    options: BatchOptions & { narrow: boolean },
  ): EncodedBatch<TokenIds>;
  /** Appends ids to `out` from `at`; returns the new end. Throws RangeError when they do not fit. */
  encodeInto(text: string, out: Uint32Array, at: number): number;
  /** Text of ids. Throws INPUT_CORRUPT for an id without a token. */
  decode(ids: ArrayLike<number>, options?: { skipSpecial?: boolean }): string;
  /** Bytes of one token; do not write into them. Throws INPUT_CORRUPT for an id without a token. */
  tokenBytes(id: number): Uint8Array;
  /** Id of a special token such as `<|endoftext|>`, or undefined. */
  specialId(token: string): number | undefined;
}
