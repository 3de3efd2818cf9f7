/**
 * A tokenizer of SentencePiece's kind, whatever file it comes from: pieces of characters, with spaces written as ▁ (U+2581),
 * a text normalized as a whole and segmented by BPE or by the most likely path (unigram).
 */
import type { AddedToken } from '../hf-json.ts';

/** `SentencePiece.Type` of sentencepiece_model.proto. */
export const PIECE_TYPE = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/** The character that stands for a space in pieces. */
export const SPACE_SYMBOL = '\u2581';

/** Appends the ids of a normalized text to `ids`. Characters without a piece give -1 - code point, byte fallback or not. */
export type Segmentation = (normalized: string, ids: number[]) => void;

export interface PieceModel {
  /** By id. */
  pieces: readonly (string | undefined)[];
  /** `PIECE_TYPE` by id. */
  types: Uint8Array;
  /** `isStart`: whether the text begins here, or goes on from another one. */
  normalize(text: string, isStart: boolean): string;
  segment: Segmentation;
  unknownId: number | undefined;
  /** Whether several unknown characters in a row are one unknown token. */
  fuseUnknown: boolean;
  /** What an unknown token is when decoded; its own piece where undefined. */
  unknownSurface: string | undefined;
  /** Id of the piece of each byte, or -1; undefined without byte fallback. */
  byteIds: Int32Array | undefined;
  /** Spaces at the beginning of a decoded text that are not the text's: none, one, or all. */
  strippedSpaces: 'none' | 'one' | 'all';
  added: readonly AddedToken[];
}

/** Ids of the pieces `<0x00>` … `<0xFF>`. */
export function byteIdsOf(idOf: (piece: string) => number | undefined): Int32Array {
  return Int32Array.from({ length: 256 }, (_, byte) => {
    return idOf(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`) ?? -1;
  });
}
