/**
 * The key of a line, paragraph or sentence: 64 bits of its text after a normalization, so that two pieces are the same
 * when their keys are.
 *
 * Normalizations, of a piece that has no white space at its ends by then: fold-table.ts.
 *
 * Hash: two 32-bit states, each step a bijection of both for a given character, and a finalizer. Among n different pieces the
 * probability that any two share a key is about n²/2^65, if the hash behaves as random: .03 for a billion, in which case
 * one piece is taken for a repeat of another. It is not cryptographic: who crafts texts can make them collide.
 *
 * Cost: a table look-up and two multiplications a UTF-16 unit, 140–240 MB/s of web text; what the table cannot say sends that
 * piece through JavaScript's own string functions.
 */
import { mix32 } from '../../core/random.ts';
import {
  BLANK,
  COMPLEX,
  DROPPED,
  foldTable,
  isPlainPair,
  LETTER,
  LETTERS,
  MANY,
  type Normalization,
  normalizePiece,
  PAIR,
  SPECIAL,
} from '../fold-table.ts';

/** Reads `units[start, end)`, a piece without white space at its ends, and keeps its key until the next. */
export interface PieceHasher {
  high: number;
  low: number;
  /** Whether the last piece had a letter or a number; one that has none says nothing and should be let alone. */
  hasLetters: boolean;
  hash(text: string, units: Uint16Array, start: number, end: number): void;
}

/** A hasher of single pieces. */
export function createPieceHasher(normalization: Normalization): PieceHasher {
  const { entries, expansions } = foldTable(normalization);
  const hasher: PieceHasher = { high: 0, low: 0, hasLetters: false, hash };

  function hash(text: string, units: Uint16Array, start: number, end: number): void {
    let a = START_A;
    let b = START_B;
    let seen = 0;
    for (let i = start; i < end; i++) {
      const entry = entries[units[i]];
      seen |= entry;
      // All entries that are not plain are rare but for white space.
      if ((entry & SPECIAL) !== 0) {
        // Removed, or white space behind white space.
        if ((entry & DROPPED) !== 0 || (i > start && (entry & entries[units[i - 1]] & BLANK) !== 0)) continue;
        const isPair = (entry & PAIR) !== 0 && i + 1 < end && isPlainPair(units[i], units[i + 1]);
        if (!isPair && (entry & (COMPLEX | PAIR)) !== 0) {
          hashString(normalizePiece(text.slice(start, end), normalization), hasher);
          return;
        }
        if (isPair || (entry & MANY) !== 0) {
          const source = isPair ? units : expansions;
          const from = isPair ? i : (entry & 0xffff) + 1;
          const to = isPair ? i + 2 : from + expansions[from - 1];
          for (let k = from; k < to; k++) {
            a = Math.imul(a ^ source[k], MULTIPLY_A);
            a ^= a >>> 15;
            b = Math.imul(b + a, MULTIPLY_B);
            b ^= b >>> 13;
          }
          if (isPair) i++;
          continue;
        }
      }
      a = Math.imul(a ^ (entry & 0xffff), MULTIPLY_A);
      a ^= a >>> 15;
      b = Math.imul(b + a, MULTIPLY_B);
      b ^= b >>> 13;
    }
    hasher.hasLetters = (seen & LETTER) !== 0;
    finish(a, b, hasher);
  }
  return hasher;
}

/** The key of a run of pieces, from the keys of each: `high[from, to)` and `low[from, to)`. */
export function hashRun(high: Uint32Array, low: Uint32Array, from: number, to: number, key: Key): void {
  let a = START_A;
  let b = START_B;
  for (let i = from; i < to; i++) {
    a = Math.imul(a ^ high[i], MULTIPLY_A);
    a ^= a >>> 15;
    b = Math.imul((b ^ low[i]) + a, MULTIPLY_B);
    b ^= b >>> 13;
  }
  finish(a, b, key);
}

export interface Key {
  high: number;
  low: number;
}

const START_A = 0x243f6a88;
const START_B = 0x85a308d3 | 0;
const MULTIPLY_A = 0x85ebca6b;
const MULTIPLY_B = 0x9e3779b1;

function finish(a: number, b: number, key: Key): void {
  key.high = mix32(b ^ mix32(a));
  key.low = mix32(a ^ key.high);
}

function hashString(text: string, hasher: PieceHasher): void {
  let a = START_A;
  let b = START_B;
  for (let i = 0; i < text.length; i++) {
    a = Math.imul(a ^ text.charCodeAt(i), MULTIPLY_A);
    a ^= a >>> 15;
    b = Math.imul(b + a, MULTIPLY_B);
    b ^= b >>> 13;
  }
  hasher.hasLetters = LETTERS.test(text);
  finish(a, b, hasher);
}
