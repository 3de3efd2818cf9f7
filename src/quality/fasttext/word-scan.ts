/**
 * How fastText cuts a text into words: at ASCII white space and NUL, and nowhere else (not at the ideographic space). A word
 * that begins like a label is none; the word `</s>` ends the text.
 *
 * Source: fastText, dictionary.cc (`readWord`, `getLine`).
 */
import { END_OF_TEXT, LABEL_PREFIX } from './model.ts';
import { hashBytes } from './word-hash.ts';

/** 1 for the bytes at which a word ends. */
export const isSeparator = new Uint8Array(256);
for (const byte of [0, 9, 10, 11, 12, 13, 32]) isSeparator[byte] = 1;

const prefix = Buffer.from(LABEL_PREFIX);
export const endOfText = Buffer.from(END_OF_TEXT);
export const endOfTextHash = hashBytes(endOfText, 0, endOfText.length);

/** Whether the word at `start` to `end` begins like a label. */
export function isLabel(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) if (bytes[start + i] !== prefix[i]) return false;
  return true;
}

/** Whether the word at `start` to `end`, whose hash is `hash`, is `</s>`. */
export function isEndOfText(bytes: Uint8Array, start: number, end: number, hash: number): boolean {
  if (hash !== endOfTextHash || end - start !== endOfText.length) return false;
  for (let i = 0; i < endOfText.length; i++) if (bytes[start + i] !== endOfText[i]) return false;
  return true;
}
