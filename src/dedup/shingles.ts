/**
 * Shingles: the n-token windows whose set stands for a document in near-duplicate search. Tokens are those of
 * src/text/folded-tokens.ts: words, and single characters of scripts written without spaces.
 *
 * Hash: a shingle is a polynomial of n token hashes mod 2^32, rolled in O(1) per token for any n, then a full-avalanche
 * finalizer. Distinct shingles collide with probability 2^-32. A document shorter than n tokens is one shingle; one
 * without tokens has none.
 *
 * Cost: that of the tokens, and two multiplications and a finalizer per token; a nanosecond per token with the native
 * kernel (native/shingles.cc), which gives the same bits.
 */
import { native } from '../core/native.ts';
import { mix32 } from '../core/random.ts';
import type { TextSource } from '../core/stored-text.ts';
import { fits, readTokens, roomFor, threadTokens } from '../text/folded-tokens.ts';

export { createTokenizer, type Tokenizer } from '../text/folded-tokens.ts';

const ROLL_BASE = 0x9e3779b1;

/** Shingle hashes of one document after another, in buffers that are reused. */
export interface Shingler {
  /** Of the last document: entries [0, count) are its shingle hashes in text order, repeats included. */
  readonly hashes: Uint32Array;
  /** Number of tokens of the last document. */
  readonly tokens: number;
  /** Fills `hashes` and returns their number. */
  shingle(text: TextSource): number;
}

/** A shingler of windows of `size` tokens, 1 or more. */
export function createShingler(size: number): Shingler {
  const twin = native === undefined ? createShinglerTwin(size) : undefined;
  let hashes = new Uint32Array(0);
  let tokens = 0;
  return {
    get hashes() {
      return hashes;
    },
    get tokens() {
      return tokens;
    },
    shingle(text) {
      tokens = readTokens(text);
      if (!fits(tokens, hashes.length)) hashes = new Uint32Array(roomFor(tokens));
      return twin === undefined ? native!.shingleText(size, hashes) : twin(threadTokens(), tokens, hashes);
    },
  };
}

/** The native kernel's twin: writes the shingle hashes of `count` tokens into `out` and returns their number. */
export function createShinglerTwin(size: number): (tokens: Int32Array, count: number, out: Uint32Array) => number {
  // What a token's share in the rolling sum has been multiplied by when it leaves the window: ROLL_BASE^size.
  let leave = 1;
  for (let i = 0; i < size; i++) leave = Math.imul(leave, ROLL_BASE);

  return (tokens, count, out) => {
    if (count === 0) return 0;
    let roll = 0;
    const first = Math.min(size, count);
    for (let i = 0; i < first; i++) roll = (Math.imul(roll, ROLL_BASE) + tokens[i]) | 0;
    // Too short for a window: all its tokens as one shingle, told apart from a full window by their number.
    out[0] = count < size ? mix32(roll ^ mix32(count)) : mix32(roll);
    for (let i = size; i < count; i++) {
      roll = (Math.imul(roll, ROLL_BASE) + tokens[i] - Math.imul(tokens[i - size], leave)) | 0;
      out[i - size + 1] = mix32(roll);
    }
    return Math.max(1, count - size + 1);
  };
}
