/**
 * NeMo's shares of characters: not alphanumeric, digits, white space, parentheses. One pass counts all four, six bits a
 * class in one number, taken apart every 63 characters. Characters beyond U+FFFF are in none of these classes.
 */
import { defineFeature, type TextView } from '../../text/view.ts';

export interface CharacterShares {
  /** Not an ASCII letter, digit, newline or one of `?!,.`. */
  nonAlphanumeric: number;
  /** ASCII digits. */
  digits: number;
  /** Space, tab, newline, carriage return, backspace. */
  whiteSpace: number;
  /** Round, square and curly brackets, and ⟨⟩. */
  parentheses: number;
}

const BITS = 6;
const MASK = (1 << BITS) - 1;
const ALPHANUMERIC = 0;
const DIGIT = BITS;
const WHITE_SPACE = 2 * BITS;
const PARENTHESIS = 3 * BITS;

const packed = buildTable();
const shares: CharacterShares = { nonAlphanumeric: 1, digits: 1, whiteSpace: 1, parentheses: 1 };

/** All shares are 1 for the empty text, as the peer has it. */
export const characterShares = defineFeature((view: TextView): CharacterShares => {
  const { units, charCount } = view;
  const length = view.text.length;
  let alphanumeric = 0;
  let digits = 0;
  let whiteSpace = 0;
  let parentheses = 0;
  for (let i = 0; i < length; ) {
    const end = Math.min(length, i + MASK);
    let sum = 0;
    for (; i < end; i++) sum += packed[units[i]];
    alphanumeric += sum & MASK;
    digits += (sum >>> DIGIT) & MASK;
    whiteSpace += (sum >>> WHITE_SPACE) & MASK;
    parentheses += (sum >>> PARENTHESIS) & MASK;
  }
  const isEmpty = charCount === 0;
  shares.nonAlphanumeric = isEmpty ? 1 : (charCount - alphanumeric) / charCount;
  shares.digits = isEmpty ? 1 : digits / charCount;
  shares.whiteSpace = isEmpty ? 1 : whiteSpace / charCount;
  shares.parentheses = isEmpty ? 1 : parentheses / charCount;
  return shares;
});

function buildTable(): Int32Array {
  const table = new Int32Array(0x10000);
  const add = (characters: string, shift: number): void => {
    for (let i = 0; i < characters.length; i++) table[characters.charCodeAt(i)] |= 1 << shift;
  };
  const letters = 'abcdefghijklmnopqrstuvwxyz';
  add(`${letters}${letters.toUpperCase()}0123456789\n?!,.`, ALPHANUMERIC);
  add('0123456789', DIGIT);
  add(' \t\n\r\b', WHITE_SPACE);
  add('{}⟨⟩[]()', PARENTHESIS);
  return table;
}
