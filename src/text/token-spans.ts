/**
 * The tokens of folded-tokens.ts with the place of each in the text. The same walk a second time, because to note places
 * costs a tenth, and most texts are only compared (tests hold the two to the same hashes).
 *
 * A word begins at its first character and ends behind its last, default-ignorable ones behind that included; no place lies
 * inside a surrogate pair.
 */
import { mix32 } from '../core/random.ts';
import {
  fits,
  foldPair,
  IGNORED,
  KIND,
  PAIR_IGNORED,
  roomFor,
  SURROGATE,
  TOKEN_MULTIPLIER,
  unitTable,
  WORD,
} from './folded-tokens.ts';

/** Tokens of one document after another, in buffers that are reused; entries [0, count) are those of the last. */
export interface PlacedTokenizer {
  /** Hashes, as `Tokenizer.tokens`. */
  readonly tokens: Int32Array;
  /** Offsets in UTF-16 units: token i is text.slice(starts[i], ends[i]). */
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  /** Fills them and returns the number of tokens. */
  tokenize(text: string): number;
}

export function createPlacedTokenizer(): PlacedTokenizer {
  const table = unitTable();
  let tokens = new Int32Array(0);
  let starts = new Uint32Array(0);
  let ends = new Uint32Array(0);

  const tokenize = (text: string): number => {
    const length = text.length;
    if (!fits(length, tokens.length)) {
      tokens = new Int32Array(roomFor(length));
      starts = new Uint32Array(tokens.length);
      ends = new Uint32Array(tokens.length);
    }
    let count = 0;
    let word = 0;
    let start = 0;
    const closeWord = (end: number): void => {
      if (word === 0) return;
      tokens[count] = mix32(word);
      starts[count] = start;
      ends[count++] = end;
      word = 0;
    };
    for (let i = 0, next = 1; i < length; i = next, next = i + 1) {
      let entry = table[text.charCodeAt(i)];
      if (entry === SURROGATE) {
        const folded = foldPair(text.charCodeAt(i), text.charCodeAt(i + 1));
        if (folded !== 0) next = i + 2;
        if (folded === PAIR_IGNORED) continue;
        // A pair folds to more than the 16 bits of a table entry: kind and code point are told apart by sign.
        if (folded > 0) {
          if (word === 0) start = i;
          word = Math.imul(word ^ folded ^ WORD, TOKEN_MULTIPLIER);
          continue;
        }
        entry = -folded | 0;
      } else if ((entry & KIND) === WORD) {
        if (word === 0) start = i;
        word = Math.imul(word ^ entry, TOKEN_MULTIPLIER);
        continue;
      } else if (entry === IGNORED) {
        continue;
      } else {
        entry &= 0xffff;
      }
      closeWord(i);
      if (entry === 0) continue;
      tokens[count] = mix32(entry);
      starts[count] = i;
      ends[count++] = next;
    }
    closeWord(length);
    return count;
  };
  return {
    get tokens() {
      return tokens;
    },
    get starts() {
      return starts;
    },
    get ends() {
      return ends;
    },
    tokenize,
  };
}
