/**
 * Tokens for comparing texts: what stays of a text when case, punctuation, white space and the width of characters do not
 * matter, as a list of 32-bit hashes. Near-duplicate search makes shingles of them, decontamination n-grams.
 *
 * Token: a lower-cased word, or one character of a script written without spaces that is dense enough for a character
 * to carry meaning. Counting a Han character as a token is what lets one setting serve English and Chinese: with words
 * split at white space or `\W`, as the peers do, a Chinese clause is one word and FineWeb's 14×8 bands find 28 % of the
 * poem pairs of the gold set; with this tokenization the same bands find 51 %.
 * - Word: a maximal run of letters, digits and combining marks (Unicode L, N, M); everything else separates, so `don't`
 *   is two tokens, and case, punctuation and white space never matter. Each character is folded on its own: NFKC where
 *   that gives one character (full-width `Ａ`, half-width `ｶ`), then lower case. What Unicode calls default-ignorable
 *   (soft hyphen, zero-width characters, variation selectors) is skipped as if it were not there.
 * - Character: Han (with 々 and 〇), Hiragana, Katakana, Bopomofo, Yi, and Hangul syllables. Korean does use spaces, but
 *   writers differ in where they put them and particles change the ends of words, so a syllable is the steadier unit.
 * - Not handled: Thai, Lao, Khmer and Burmese have no spaces either, but one letter says too little; there a token is
 *   the run between two spaces, so only close copies are found.
 *
 * Hash: UTF-16 units are folded through a table and packed into a 32-bit token hash (no string is built). Cost: one table
 * look-up and one multiplication per UTF-16 unit, a finalizer per token. The native kernel (native/folded_tokens.cc) gives the
 * same tokens. Where each token stands is told by token-spans.ts, apart, because to note it costs a tenth.
 */

import { native } from '../core/native.ts';
import type { NativeAddon } from '../core/native-addon.ts';
import { mix32 } from '../core/random.ts';
import { type TextSource, textString, textUnits } from '../core/stored-text.ts';

/** A table entry holds the folded unit in its low 16 bits and one of these above them; 0 separates. */
export const WORD = 1 << 16;
export const CHARACTER = 2 << 16;
/** Half of a pair: the pair decides. */
export const SURROGATE = 3 << 16;
export const IGNORED = 4 << 16;
export const KIND = 7 << 16;

/** Buffers that one huge document made larger than this many units are given back at the next that needs a quarter. */
const LARGE = 1 << 22;

export const TOKEN_MULTIPLIER = 0x01000193;

/** Token hashes of one document after another, in a buffer that is reused. */
export interface Tokenizer {
  /** Of the last document: entries [0, count) are its tokens' hashes in text order, each with full avalanche. */
  readonly tokens: Int32Array;
  /** Fills `tokens` and returns their number. */
  tokenize(text: string): number;
}

/** Cuts text into the tokens that the head of this file defines. */
export function createTokenizer(): Tokenizer {
  if (native === undefined) return createTokenizerTwin();
  const { foldedTokens } = native;
  let tokens = new Int32Array(0);
  return {
    get tokens() {
      return tokens;
    },
    tokenize(text) {
      const count = readTokens(text);
      if (!fits(count, tokens.length)) tokens = new Int32Array(roomFor(count));
      foldedTokens(tokens);
      return count;
    },
  };
}

let held: TextSource | undefined;
let heldCount = 0;
/** Holds the tokens where there is no native memory for them. */
let ofThread: Tokenizer | undefined;

/**
 * Reads a text for this thread and returns the number of its tokens; free when the last call had the same text, so that
 * stages which look at one document one behind the other cut it once. What native kernels then do, and `threadTokens`, is
 * about this text.
 */
export function readTokens(text: TextSource): number {
  if (text === held) return heldCount;
  held = undefined;
  heldCount = native === undefined ? threadTokenizer().tokenize(textString(text)) : foldText(native, text);
  // A huge text is not kept alive only to be known again.
  if (textUnits(text) <= LARGE) held = text;
  return heldCount;
}

/** The tokens of `readTokens`, where there is no native add-on. */
export function threadTokens(): Int32Array {
  return threadTokenizer().tokens;
}

function threadTokenizer(): Tokenizer {
  ofThread ??= createTokenizerTwin();
  return ofThread;
}

let hasTable = false;

/** What native kernels that fold texts must have before. */
export function giveFoldTable(addon: NativeAddon): void {
  if (!hasTable) addon.foldUnits(unitTable());
  hasTable = true;
}

/** Tells native kernels the text's pairs, from unit `from` on; known ones once more. */
export function foldPairsOf(text: string, from = 0): void {
  for (let i = from; i < text.length; i++) foldPair(text.charCodeAt(i), text.charCodeAt(i + 1));
}

function foldText(addon: NativeAddon, text: TextSource): number {
  giveFoldTable(addon);
  for (;;) {
    const count = typeof text === 'string' ? addon.foldText(text) : addon.foldUtf8(text.bytes, text.start, text.end);
    if (count >= 0) return count;
    // A pair that no thread has met: it and those behind it are told, and the text is read again.
    foldPairsOf(textString(text), -1 - count);
  }
}

/** The tokenizer in TypeScript. */
export function createTokenizerTwin(): Tokenizer {
  const table = unitTable();
  let bytes = Buffer.alloc(0);
  let units = new Uint16Array(0);
  let tokens = new Int32Array(0);

  const tokenize = (text: string): number => {
    const length = text.length;
    if (!fits(length + 1, units.length)) {
      const capacity = roomFor(length + 1);
      bytes = Buffer.from(new ArrayBuffer(2 * capacity));
      units = new Uint16Array(bytes.buffer);
      // Every token is at least one unit long.
      tokens = new Int32Array(capacity);
    }
    // Copied out first: charCodeAt asks for the string's representation at every call and costs twice as much.
    bytes.write(text, 0, 'utf16le');
    // A separator past the end closes the last word.
    units[length] = 0x20;
    const source = units;
    const out = tokens;
    let count = 0;
    // 0 while no word is under way (a word's hash is 0 with probability 2^-32: it would be lost, the same way always).
    let word = 0;
    for (let i = 0; i <= length; i++) {
      const entry = table[source[i]];
      if ((entry & KIND) === WORD) {
        word = Math.imul(word ^ entry, TOKEN_MULTIPLIER);
        continue;
      }
      if (entry === IGNORED) continue;
      let character = entry & 0xffff;
      if (entry === SURROGATE) {
        const folded = foldPair(source[i], source[i + 1]);
        if (folded !== 0) i++;
        if (folded > 0) {
          // As if it came from the table, since mathematical letters fold to plain ones.
          word = Math.imul(word ^ folded ^ WORD, TOKEN_MULTIPLIER);
          continue;
        }
        if (folded === PAIR_IGNORED) continue;
        character = -folded | 0;
      }
      if (word !== 0) {
        out[count++] = mix32(word);
        word = 0;
      }
      if (character !== 0) out[count++] = mix32(character);
    }
    return count;
  };
  return {
    get tokens() {
      return tokens;
    },
    tokenize,
  };
}

/** Whether a buffer of `capacity` will do: large enough, and not four times too large once it is huge. */
export function fits(needed: number, capacity: number): boolean {
  return needed <= capacity && (capacity <= LARGE || 4 * needed >= capacity);
}

/** Capacity to allocate for `needed` entries. */
export function roomFor(needed: number): number {
  return Math.max(1 << 12, needed + (needed >>> 2));
}

// ---- character tables ----------------------------------------------------------------------------------------------

const IS_TOKEN = /[\p{L}\p{N}\p{M}]/u;
const IS_CHARACTER =
  /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Bopomofo}\p{scx=Yi}\p{scx=Tangut}\p{sc=Hangul}]/u;
const IS_IGNORED = /\p{Default_Ignorable_Code_Point}/u;
export const PAIR_IGNORED = -0x110000;
/** In the native table, where 0 is a pair that nobody has met. */
const PAIR_SEPARATES = 0x110000;

/** A code point folded by itself: NFKC, then lower case, each only where it gives one character. */
function foldCodePoint(character: string): number {
  const compatible = character.normalize('NFKC');
  const one = [...compatible].length === 1 ? compatible : character;
  // `İ` lowers to `i` and a combining dot: its first character will do. Final sigma is sigma.
  const lower = one.toLowerCase().codePointAt(0) as number;
  return lower === 0x3c2 ? 0x3c3 : lower;
}

/** Folded code point for a word's character, its negative for a token of its own, PAIR_IGNORED, or 0 to separate. */
function classify(codePoint: number): number {
  const character = String.fromCodePoint(codePoint);
  if (IS_IGNORED.test(character)) return PAIR_IGNORED;
  if (!IS_TOKEN.test(character)) return 0;
  const folded = foldCodePoint(character);
  return IS_CHARACTER.test(character) ? -folded : folded;
}

let unitClasses: Int32Array | undefined;

/** Blocks of one kind whose characters fold to themselves, so that two units in three need no look at their properties. */
export const UNIFORM_BLOCKS = [
  { from: 0x3400, to: 0x4dbf, kind: CHARACTER },
  { from: 0x4e00, to: 0x9fff, kind: CHARACTER },
  { from: 0xa000, to: 0xa48c, kind: CHARACTER },
  { from: 0xac00, to: 0xd7a3, kind: CHARACTER },
  { from: 0xe000, to: 0xf8ff, kind: 0 },
] as const;

/** One entry per UTF-16 unit; built once per thread in about 10 ms. */
export function unitTable(): Int32Array {
  if (unitClasses !== undefined) return unitClasses;
  const table = new Int32Array(0x10000);
  const isDone = new Uint8Array(0x10000);
  for (const { from, to, kind } of UNIFORM_BLOCKS) {
    isDone.fill(1, from, to + 1);
    if (kind !== 0) for (let unit = from; unit <= to; unit++) table[unit] = kind | unit;
  }
  for (let unit = 0; unit < 0x10000; unit++) {
    if (isDone[unit] === 1) continue;
    if (unit >= 0xd800 && unit < 0xe000) {
      table[unit] = SURROGATE;
      continue;
    }
    const found = classify(unit);
    // A few compatibility ideographs fold to one outside this table: they stay as they are.
    const folded = Math.abs(found) < 0x10000 ? Math.abs(found) : unit;
    if (found === PAIR_IGNORED) table[unit] = IGNORED;
    else if (found !== 0) table[unit] = (found > 0 ? WORD : CHARACTER) | folded;
  }
  unitClasses = table;
  return table;
}

/** At most one entry per code point that occurs. */
const pairs = new Map<number, number>();

/** `classify` of a surrogate pair, remembered because pairs are rare and repeat; 0 for half a pair. */
export function foldPair(high: number, low: number): number {
  // So written that the NaN behind a text's last unit is no second half.
  if (high < 0xd800 || high >= 0xdc00 || !(low >= 0xdc00 && low < 0xe000)) return 0;
  const codePoint = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
  let found = pairs.get(codePoint);
  if (found === undefined) {
    found = classify(codePoint);
    pairs.set(codePoint, found);
    native?.foldPair(codePoint, found === 0 ? PAIR_SEPARATES : found);
  }
  return found;
}
