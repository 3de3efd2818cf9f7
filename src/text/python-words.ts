/**
 * Words between white space, counted in one pass in the two senses that DCLM's filters need: Python's `text.split()`, and
 * fastText's tokenizer, where a token counts as a word when it begins with a letter or number. About 1 ns a character.
 */
import { codePointAt } from './char-class.ts';
import { FASTTEXT_SPACE, PY_ALNUM, PY_ALPHA, PY_SPACE, pythonFlags, pythonFlagsOf } from './python-class.ts';
import { defineFeature } from './view.ts';

export interface PythonWords {
  /** `len(text.split())`. */
  count: number;
  /** Code points of those words. */
  chars: number;
  /** Those words that hold no letter. */
  withoutLetter: number;
  /** fastText tokens that begin with a letter or number. */
  fastTextWords: number;
}

const result: PythonWords = { count: 0, chars: 0, withoutLetter: 0, fastTextWords: 0 };

/** Counts of the text's words between white space. */
export const pythonWords = defineFeature((view): PythonWords => {
  const { units, text, hasSurrogates } = view;
  const length = text.length;
  let count = 0;
  let written = 0;
  let withoutLetter = 0;
  let fastTextWords = 0;
  let position = 0;
  while (position < length) {
    let flags = pythonFlags[units[position]];
    if ((flags & PY_SPACE) !== 0) {
      position++;
      continue;
    }
    const start = position;
    let any = 0;
    do {
      any |= flags;
      position++;
      flags = position < length ? pythonFlags[units[position]] : PY_SPACE;
    } while ((flags & PY_SPACE) === 0);
    count++;
    written += position - start;
    if ((any & PY_ALPHA) === 0 && !(hasSurrogates && hasFarLetter(units, start, position))) withoutLetter++;
    // A token goes on after white space that is not ASCII; its first character is then no letter.
    const isToken = start === 0 || (pythonFlags[units[start - 1]] & FASTTEXT_SPACE) !== 0;
    if (isToken && (flagsAt(units, start, position) & PY_ALNUM) !== 0) fastTextWords++;
    if ((any & FASTTEXT_SPACE) !== 0) fastTextWords += tokensAfterNul(units, start, position);
  }
  result.count = count;
  // Pairs of surrogates are never white space.
  result.chars = written - (length - view.charCount);
  result.withoutLetter = withoutLetter;
  result.fastTextWords = fastTextWords;
  return result;
});

function flagsAt(units: Uint16Array, position: number, end: number): number {
  return pythonFlagsOf(codePointAt(units, position, end));
}

/** A letter beyond U+FFFF. */
function hasFarLetter(units: Uint16Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    if ((units[i] & 0xfc00) === 0xd800 && (flagsAt(units, i, end) & PY_ALPHA) !== 0) return true;
  }
  return false;
}

/** NUL is the one border of fastText's that is not white space. */
function tokensAfterNul(units: Uint16Array, start: number, end: number): number {
  let tokens = 0;
  for (let i = start + 1; i < end; i++) {
    if (units[i - 1] === 0 && (flagsAt(units, i, end) & PY_ALNUM) !== 0) tokens++;
  }
  return tokens;
}
