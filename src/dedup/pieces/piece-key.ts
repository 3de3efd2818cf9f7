/**
 * The key of a line, paragraph or sentence: 64 bits of its text after a normalization, so that two pieces are the same
 * when their keys are.
 *
 * Normalizations (the piece has no white space at its ends by then):
 * - `raw`: as it is;
 * - `loose`: NFKC, lower case, runs of white space as one space;
 * - `ccnet`: lower case, decimal digits as 0, CCNet's Unicode punctuation and all control characters removed
 *   (Wenzek et al. 2020; `normalize_for_dedup` in cc_net's text_normalizer.py). ASCII punctuation stays, as there.
 *
 * Hash: two 32-bit states, each step a bijection of both for a given character, and a finalizer. Among n different pieces the
 * probability that any two share a key is about n²/2^65, if the hash behaves as random: .03 for a billion, in which case
 * one piece is taken for a repeat of another. It is not cryptographic: who crafts texts can make them collide.
 *
 * Cost: a table look-up and two multiplications a UTF-16 unit, 140–240 MB/s of web text. What a table of single units cannot
 * say (combining marks, surrogate pairs, a capital sigma) sends that piece through JavaScript's own string functions.
 */
import { mix32 } from '../../core/random.ts';
import { charFlags, SPACE } from '../../text/char-class.ts';

export type Normalization = 'raw' | 'loose' | 'ccnet';

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
  const table = tableOf(normalization);
  const hasher: PieceHasher = { high: 0, low: 0, hasLetters: false, hash };

  function hash(text: string, units: Uint16Array, start: number, end: number): void {
    let a = START_A;
    let b = START_B;
    let seen = 0;
    for (let i = start; i < end; i++) {
      const entry = table[units[i]];
      // All entries that are not plain are rare but for white space.
      if ((entry & SPECIAL) !== 0) {
        if ((entry & COMPLEX) !== 0) {
          hashString(normalizePiece(text.slice(start, end), normalization), hasher);
          return;
        }
        // Removed, or white space behind white space.
        if ((entry & DROPPED) !== 0 || (i > start && (table[units[i - 1]] & BLANK) !== 0)) continue;
      }
      seen |= entry;
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

const LETTERS = /[\p{L}\p{N}]/u;

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

// ---- normalization -------------------------------------------------------------------------------------------------

const WHITE_SPACE = /[\p{White_Space}\x1c-\x1f]+/gu;
const DIGIT = /\p{Nd}/gu;
/** Keys of UNICODE_PUNCT in cc_net, and its control characters. The full-width １ among them is 0 by then. */
const CCNET_REMOVED = /[，。、„”“«»」「《》´∶：？！（）；–—．～’…━〈〉【】％►\0-\x1f\x7f-\x9f]/g;

/** The text that the key of a piece is taken of. */
export function normalizePiece(piece: string, normalization: Normalization): string {
  if (normalization === 'raw') return piece;
  if (normalization === 'loose') return piece.normalize('NFKC').toLowerCase().replace(WHITE_SPACE, ' ');
  return piece.toLowerCase().replace(DIGIT, '0').replace(CCNET_REMOVED, '');
}

// A table entry: the unit that stands for this one in its low 16 bits, and these above them.
const LETTER = 1 << 16;
/** White space of which only the first of a run counts. */
const BLANK = 1 << 17;
const DROPPED = 1 << 18;
/** The piece must be normalized as a whole. */
const COMPLEX = 1 << 19;
const SPECIAL = BLANK | DROPPED | COMPLEX;

const tables: Partial<Record<Normalization, Int32Array>> = {};

/** One entry a UTF-16 unit; built once a thread, in about 30 ms. */
export function tableOf(normalization: Normalization): Int32Array {
  const known = tables[normalization];
  if (known !== undefined) return known;
  const table = new Int32Array(0x10000);
  for (let unit = 0; unit < 0x10000; unit++) table[unit] = entryOf(unit, normalization);
  tables[normalization] = table;
  return table;
}

/** What joins what stands before it, so that no table of single characters knows the result: marks, and Hangul's parts. */
const JOINING = /[\p{M}\u1100-\u11ff]/u;

function entryOf(unit: number, normalization: Normalization): number {
  const character = String.fromCharCode(unit);
  const isSurrogate = (unit & 0xf800) === 0xd800;
  const letter = LETTERS.test(character) ? LETTER : 0;
  // A pair may be a letter: the expression over the whole piece sees it.
  if (isSurrogate) return COMPLEX;
  if (normalization === 'raw') return unit | letter;
  if (normalization === 'loose') {
    if ((charFlags[unit] & SPACE) !== 0) return BLANK | 0x20;
    if (JOINING.test(character) || JOINING.test(character.normalize('NFKC'))) return COMPLEX;
  }
  const folded = normalizePiece(character, normalization);
  // The capital sigma's small form depends on its place in the word; NFKC makes one of the lunate `Ϲ` too.
  const composed = normalization === 'loose' ? character.normalize('NFKC') : character;
  if (folded.length > 1 || composed === 'Σ') return COMPLEX;
  return folded === '' ? DROPPED : folded.charCodeAt(0) | letter;
}
