/**
 * What the statistics ask of a UTF-16 unit, as one number of flags per unit, and its lower case. Built once per thread from the
 * engine's own properties, about 15 ms.
 *
 * Halves of pairs: the high one stands for the character (ideograph, emoji or other), the low one for nothing.
 */
import { lazy } from '../../core/lazy.ts';
import { markProperty, TABLE_CODE_POINTS } from '../../text/code-points.ts';

export const LETTER = 1;
export const UPPER = 2;
export const LOWER = 4;
export const LATIN = 8;
export const HAN = 16;
export const DIGIT = 32;
export const SPACE = 64;
export const PUNCTUATION = 128;
export const SYMBOL = 256;
/** Controls other than white space, private use, U+FFFD, unassigned: what broken decoding leaves. */
export const BROKEN = 512;
/** Marks of code, mark-up and tables: braces, angles, slashes, bars, equals, underscores, hashes, stars. */
export const CODE = 1024;
export const QUOTE = 2048;
export const BRACKET = 4096;
/** The second half of a pair: no character of its own. */
export const LOW_SURROGATE = 8192;

export interface UnitProperties {
  /** Flags of each UTF-16 unit. */
  flags: Uint16Array;
  /** Lower case of each unit where that is one unit, else itself. */
  lower: Uint16Array;
}

export const unitProperties: () => UnitProperties = lazy(() => ({ flags: buildFlags(), lower: buildLower() }));

function buildFlags(): Uint16Array {
  const properties: readonly (readonly [RegExp, number])[] = [
    [/\p{L}+/gu, LETTER],
    [/\p{Lu}+/gu, UPPER],
    [/\p{Ll}+/gu, LOWER],
    [/\p{sc=Latin}+/gu, LATIN],
    [/\p{sc=Han}+/gu, HAN],
    [/\p{Nd}+/gu, DIGIT],
    [/[\p{White_Space}\x1c-\x1f]+/gu, SPACE],
    [/\p{P}+/gu, PUNCTUATION],
    [/\p{S}+/gu, SYMBOL],
    [/[\p{Cc}\p{Co}\p{Cn}\ufffd]+/gu, BROKEN],
    [/[{}<>=_/\\|^~`#*]+/g, CODE],
    [/["'`«»‘’“”„‟‹›「」『』]+/g, QUOTE],
    [/[()[\]（）【】〔〕［］]+/g, BRACKET],
  ];
  const flags = new Uint16Array(0x10000);
  const has = new Uint8Array(TABLE_CODE_POINTS);
  for (const [property, flag] of properties) {
    has.fill(0);
    markProperty(has, property, () => 1);
    for (let unit = 0; unit < flags.length; unit++) if (has[unit] === 1) flags[unit] |= flag;
  }
  for (let unit = 0; unit < flags.length; unit++) if ((flags[unit] & SPACE) !== 0) flags[unit] &= ~BROKEN;
  for (let unit = 0xd800; unit < 0xdc00; unit++) {
    // Planes 2 and 3 are ideographs; U+1F000–1FBFF are emoji, pictographs and other symbols.
    if (unit >= 0xd840 && unit <= 0xd8bf) flags[unit] = LETTER | HAN;
    else flags[unit] = unit >= 0xd83c && unit <= 0xd83e ? SYMBOL : 0;
  }
  flags.fill(LOW_SURROGATE, 0xdc00, 0xe000);
  return flags;
}

function buildLower(): Uint16Array {
  const lower = new Uint16Array(0x10000);
  for (let unit = 0; unit < lower.length; unit++) {
    const folded = String.fromCharCode(unit).toLowerCase();
    lower[unit] = folded.length === 1 ? folded.charCodeAt(0) : unit;
  }
  return lower;
}
