/**
 * Normalizations under which texts are compared, and for each a table that tells of most characters what they become: a text is
 * folded unit by unit so, and no string made of the result.
 *
 * - `raw`: as it is;
 * - `loose`: NFKC, lower case, runs of white space as one space;
 * - `ccnet`: lower case, decimal digits as 0, CCNet's Unicode punctuation and all control characters removed
 *   (Wenzek et al. 2020; `normalize_for_dedup` in cc_net's text_normalizer.py). ASCII punctuation stays, as there.
 *
 * What no table of single units can say (combining marks, most surrogate pairs, a capital sigma) sends a text through JavaScript's
 * own string functions. The native kernels (native/text_pieces.cc, native/loose_text.cc) read the same tables.
 */
import { charFlags, SPACE } from '../text/char-class.ts';

export type Normalization = 'raw' | 'loose' | 'ccnet';

// An entry: the unit that stands for this one in its low 16 bits, and these above them.
/** A letter or a number. */
export const LETTER = 1 << 16;
/** White space of which only the first of a run counts. */
export const BLANK = 1 << 17;
export const DROPPED = 1 << 18;
/** The text must be normalized as a whole. */
export const COMPLEX = 1 << 19;
/** Several units stand for it: the low bits say where in `expansions`, behind their number. */
export const MANY = 1 << 20;
/** The first half of a pair: complex too, unless `isPlainPair`. */
export const PAIR = 1 << 21;
/** Any of these but LETTER. */
export const SPECIAL = BLANK | DROPPED | COMPLEX | MANY | PAIR;

export interface FoldTable {
  /** One entry a UTF-16 unit. */
  entries: Int32Array;
  expansions: Uint16Array;
}

/** As many units as an expansion has at most; the native kernels count on it. */
const MOST_UNITS = 4;

/** Pictures from U+1F300 to U+1FAFF, which are no letters and which no normalization changes. */
export function isPlainPair(high: number, low: number): boolean {
  const codePoint = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
  return (low & 0xfc00) === 0xdc00 && codePoint >= 0x1f300 && codePoint <= 0x1faff;
}

export const LETTERS = /[\p{L}\p{N}]/u;

const WHITE_SPACE = /[\p{White_Space}\x1c-\x1f]+/gu;
const DIGIT = /\p{Nd}/gu;
/** Keys of UNICODE_PUNCT in cc_net, and its control characters. The full-width １ among them is 0 by then. */
const CCNET_REMOVED = /[，。、„”“«»」「《》´∶：？！（）；–—．～’…━〈〉【】％►\0-\x1f\x7f-\x9f]/g;

/** The text as it is compared. */
export function normalizePiece(piece: string, normalization: Normalization): string {
  if (normalization === 'raw') return piece;
  if (normalization === 'loose') return piece.normalize('NFKC').toLowerCase().replace(WHITE_SPACE, ' ');
  return piece.toLowerCase().replace(DIGIT, '0').replace(CCNET_REMOVED, '');
}

const tables: Partial<Record<Normalization, FoldTable>> = {};

/** Built once a thread, in about 30 ms. */
export function foldTable(normalization: Normalization): FoldTable {
  return (tables[normalization] ??= createTable(normalization));
}

function createTable(normalization: Normalization): FoldTable {
  const entries = new Int32Array(0x10000);
  const expansions: number[] = [];
  for (let unit = 0; unit < 0x10000; unit++) {
    const entry = entryOf(unit, normalization);
    if (typeof entry === 'number') {
      entries[unit] = entry;
      continue;
    }
    entries[unit] = MANY | expansions.length | (LETTERS.test(entry) ? LETTER : 0);
    expansions.push(entry.length, ...Array.from(entry, (character) => character.charCodeAt(0)));
  }
  return { entries, expansions: Uint16Array.from(expansions) };
}

/** What joins what stands before it, so that no table of single characters knows the result: marks, and Hangul's parts. */
const JOINING = /[\p{M}\u1100-\u11ff]/u;
/** Marks that join nothing: variation selectors, and the frame of keys. */
const APART = /[\ufe00-\ufe0f\u20e3]/;
const SURROGATE = /[\ud800-\udfff]/;

/** The entry of a unit, or the units that stand for it. */
function entryOf(unit: number, normalization: Normalization): number | string {
  const character = String.fromCharCode(unit);
  const letter = LETTERS.test(character) ? LETTER : 0;
  // A pair may be a letter: the expression over the whole text sees it.
  if (SURROGATE.test(character)) return (unit & 0xfc00) === 0xd800 ? PAIR : COMPLEX;
  if (normalization === 'raw') return unit | letter;
  // The capital sigma's small form depends on its place in the word; NFKC makes one of the lunate `Ϲ` too.
  const composed = normalization === 'loose' ? character.normalize('NFKC') : character;
  if (composed.includes('Σ')) return COMPLEX;
  if (normalization === 'loose') {
    if ((charFlags[unit] & SPACE) !== 0) return BLANK | 0x20;
    if (APART.test(character)) return unit;
    if (JOINING.test(character) || JOINING.test(composed)) return COMPLEX;
  }
  const folded = normalizePiece(character, normalization);
  if (folded === '') return DROPPED;
  if (folded.length === 1) return folded.charCodeAt(0) | letter;
  const isSimple =
    folded.length <= MOST_UNITS && !/\s/.test(folded) && !JOINING.test(folded) && !SURROGATE.test(folded);
  return isSimple ? folded : COMPLEX;
}
