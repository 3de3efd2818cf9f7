/**
 * What a shard is made of, and the integer type of its tokens. Apart from shard-writer.ts, which brings the Arrow library:
 * every command imports the shards' options, few write shards.
 */

/** The integer type of `input_ids`. */
export type TokenType = 'uint16' | 'uint32';
export type TokenArray = Uint16Array | Uint32Array;

/** uint16 when every id of the vocabulary fits it. */
export function tokenTypeFor(vocabSize: number): TokenType {
  return vocabSize <= 0x10000 ? 'uint16' : 'uint32';
}

/** Bytes of one token. */
export function tokenBytes(type: TokenType): number {
  return type === 'uint16' ? 2 : 4;
}

/** Room for `length` tokens, all 0. */
export function tokenArray(type: TokenType, length: number): TokenArray {
  return tokensOver(new Uint8Array(length * tokenBytes(type)), type, length);
}

/** The first `length` tokens of `bytes`, which begin at a whole word of their memory, wherever in it. */
export function tokensOver({ buffer, byteOffset }: Uint8Array, type: TokenType, length: number): TokenArray {
  return type === 'uint16' ? new Uint16Array(buffer, byteOffset, length) : new Uint32Array(buffer, byteOffset, length);
}

/** What a label says of a place that no loss is taken at: PyTorch's `ignore_index`. */
export const NO_LABEL = -100;

/** Tokens of consecutive rows. */
export interface RowTokens {
  /** [rows · contextLength] */
  inputIds: TokenArray;
  /** [rows · contextLength]: the token, or NO_LABEL on prompts and padding; only of conversations. */
  labels: Int32Array | undefined;
}

/** A shard: how its rows are made up lies in memory, their tokens are read batch by batch. */
export interface Shard {
  contextLength: number;
  rows: number;
  type: TokenType;
  hasLabels: boolean;
  /** [rows + 1]: row r's entries of `seqLengths` (its padding included). */
  seqOffsets: Int32Array;
  seqLengths: Int32Array;
  /** [rows]: places at the row's end that hold no token of a document. */
  padding: Int32Array;
  /** The tokens of rows [from, to), good until the call after the next. */
  readRows(from: number, to: number): RowTokens | Promise<RowTokens>;
}
