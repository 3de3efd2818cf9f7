/**
 * A tokenizer as the comparison sees it: ids of a text, text of ids, bytes of a token. Everything measured goes through
 * these few functions, so a vocabulary of any format can stand beside any other.
 */
import type { TextTokenizer } from '../text-tokenizer.ts';

export interface JudgedTokenizer {
  /** What it is called in reports; no two of a comparison have the same. */
  name: string;
  /** SHA-256 of its file in hexadecimal. */
  hash: string;
  /** Largest id + 1. */
  vocabSize: number;
  /** The pre-tokenizer's regular expression; null where there is none. */
  pattern: string | null;
  encode(text: string): ArrayLike<number>;
  decode(ids: ArrayLike<number>): string;
  /** Undefined for an id without a token. */
  tokenBytes(id: number): Uint8Array | undefined;
  /** Tokens that no text is encoded as: control tokens, and others that were added beside the vocabulary. */
  isAdded(id: number): boolean;
  /** The token that stands for what the vocabulary does not have; undefined where bytes stand for it. */
  unknownId: number | undefined;
}

/** A tokenizer of any format under a name. */
export function judgedTokenizer(
  name: string,
  tokenizer: TextTokenizer & { readonly pattern?: string },
): JudgedTokenizer {
  const added = new Set(tokenizer.addedTokens.map(({ id }) => id));
  return {
    name,
    hash: tokenizer.hash,
    vocabSize: tokenizer.vocabSize,
    pattern: tokenizer.pattern ?? null,
    encode: (text) => tokenizer.encode(text),
    decode: (ids) => tokenizer.decode(ids),
    tokenBytes(id) {
      try {
        return tokenizer.tokenBytes(id);
      } catch {
        return undefined;
      }
    },
    isAdded: (id) => added.has(id),
    unknownId: tokenizer.specialId('<unk>') ?? tokenizer.specialId('[UNK]'),
  };
}
