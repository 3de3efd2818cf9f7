/** From a text to its MinHash signature, by convention: our own tokens and functions, or datatrove's. */
import type { ColumnBlock } from '../../core/columns.ts';
import { native } from '../../core/native.ts';
import { type TextSource, textString } from '../../core/stored-text.ts';
import type { TextRows } from '../../core/utf8-column.ts';
import { foldRows } from '../../text/folded-rows.ts';
import { readTokens } from '../../text/folded-tokens.ts';
import { simplifyText } from '../../text/simplify.ts';
import { spaceSpacyWords } from '../../text/spacy-words.ts';
import type { BandShape } from '../lsh.ts';
import { createPermutations, minhashSignature } from '../minhash-kernel.ts';
import { createShingler } from '../shingles.ts';
import { createMersennePermutations, mersenneSignature, type WordHash } from './mersenne.ts';

export interface Signer {
  /** Of the last text: its signature, in words of 32 bits. */
  readonly signature: Uint32Array;
  /** Words of a band in `signature`. */
  readonly wordsPerBand: number;
  /** Of the last text: its tokens. */
  readonly tokens: number;
  /** Fills `signature`; how many shingles the text has (0: it has no signature). */
  sign(text: TextSource): number;
}

/** Shingles of folded tokens under 32-bit functions. */
export function createFoldedSigner(shape: BandShape, shingleTokens: number, seed: number): Signer {
  if (native === undefined) return createFoldedSignerTwin(shape, shingleTokens, seed);
  const { multipliers, increments } = createPermutations(shape.bands * shape.rows, seed);
  const signer = new native.TextSigner(shingleTokens, multipliers, increments);
  const signature = new Uint32Array(shape.bands * shape.rows);
  let tokens = 0;
  return {
    signature,
    wordsPerBand: shape.rows,
    get tokens() {
      return tokens;
    },
    sign(text) {
      tokens = readTokens(text);
      return signer.sign(signature);
    },
  };
}

/** Signs rows of texts; see `createRowSigner`. */
export interface RowSigner {
  /** Writes of each row two words of key for each band, and then its number of shingles, as the first columns of a block. */
  sign(rows: TextRows, block: ColumnBlock): void;
}

/** `createFoldedSigner` and `bandKeys` for rows of texts at once; undefined without the native add-on. */
export function createRowSigner(
  { bands, rows }: BandShape,
  shingleTokens: number,
  seed: number,
): RowSigner | undefined {
  if (native === undefined) return undefined;
  const { multipliers, increments } = createPermutations(bands * rows, seed);
  const signer = new native.RowSigner(shingleTokens, multipliers, increments, rows);
  return {
    sign(texts, { words, at, stride }) {
      foldRows(texts);
      signer.sign(words, at, stride);
    },
  };
}

/** Piece by piece what the native kernel does in one call. */
export function createFoldedSignerTwin(shape: BandShape, shingleTokens: number, seed: number): Signer {
  const shingler = createShingler(shingleTokens);
  const { multipliers, increments } = createPermutations(shape.bands * shape.rows, seed);
  const signature = new Uint32Array(shape.bands * shape.rows);
  return {
    signature,
    wordsPerBand: shape.rows,
    get tokens() {
      return shingler.tokens;
    },
    sign(text) {
      const count = shingler.shingle(text);
      minhashSignature(shingler.hashes, count, multipliers, increments, signature);
      return count;
    },
  };
}

const ALL_STEPS = { lowercase: true, numbers: true, punctuation: true, whiteSpace: true, diacritics: true };

/**
 * datatrove's: n-grams of spaCy's English words of the simplified text. A text of fewer words than `shingleWords` has none.
 * Each value is two words of the signature, the low one first.
 */
export function createDatatroveSigner(shape: BandShape, shingleWords: number, hash: WordHash, seed: number): Signer {
  const permutations = createMersennePermutations(shape.bands * shape.rows, seed);
  const values = new BigUint64Array(shape.bands * shape.rows);
  let bytes = Buffer.alloc(1 << 16);
  let words = 0;
  return {
    signature: new Uint32Array(values.buffer),
    wordsPerBand: 2 * shape.rows,
    get tokens() {
      return words;
    },
    sign(text) {
      const spaced = spaceSpacyWords(simplifyText(textString(text), ALL_STEPS));
      // A UTF-16 unit takes three bytes of UTF-8 at most.
      if (bytes.length < 3 * spaced.length) bytes = Buffer.alloc(3 * spaced.length);
      const length = bytes.write(spaced);
      words = length === 0 ? 0 : spacesIn(bytes, length) + 1;
      return mersenneSignature(bytes, length, shingleWords, hash, permutations, values);
    },
  };
}

function spacesIn(bytes: Uint8Array, length: number): number {
  let spaces = 0;
  for (let i = 0; i < length; i++) if (bytes[i] === 0x20) spaces++;
  return spaces;
}
