/**
 * Which scripts a text is written in: its letters counted by Unicode Script property, and by nothing else (digits, marks
 * and punctuation belong to none). One table look-up a letter; shared between filters as a feature of the view.
 */
import { fillProperty, TABLE_CODE_POINTS } from './code-points.ts';
import { defineFeature } from './view.ts';

export const SCRIPTS = [
  'Latin', 'Cyrillic', 'Greek', 'Arabic', 'Hebrew', 'Han', 'Hiragana', 'Katakana', 'Hangul', 'Bopomofo', 'Thai', 'Lao',
  'Khmer', 'Myanmar', 'Tibetan', 'Devanagari', 'Bengali', 'Gurmukhi', 'Gujarati', 'Oriya', 'Tamil', 'Telugu', 'Kannada',
  'Malayalam', 'Sinhala', 'Georgian', 'Armenian', 'Ethiopic', 'Thaana', 'Mongolian',
] as const; // biome-ignore format: a list

export type Script = (typeof SCRIPTS)[number];

/** Of each UTF-16 unit: the script's place in SCRIPTS plus one, 0 for no letter of these. Made when first asked for: 70 ms. */
let table: Uint8Array | undefined;

/** Letters of each script, by its place in SCRIPTS. Valid until the next text. */
export const letterScripts = defineFeature((view) => {
  counts.fill(0);
  countLetters(view.units, 0, view.text.length, counts);
  return counts;
});

const counts = new Uint32Array(SCRIPTS.length);

/** Adds the letters of `units` from `start` to `end` to `into`, by script. Letters beyond U+FFFF are rare Han, counted once. */
export function countLetters(units: Uint16Array, start: number, end: number, into: Uint32Array): void {
  table ??= buildTable();
  const scriptOf = table;
  for (let i = start; i < end; i++) {
    const script = scriptOf[units[i]];
    if (script !== 0) into[script - 1]++;
  }
}

function buildTable(): Uint8Array {
  const filled = new Uint8Array(TABLE_CODE_POINTS);
  for (const [i, script] of SCRIPTS.entries()) {
    fillProperty(filled, new RegExp(`(?:(?=\\p{L})\\p{Script=${script}})+`, 'gu'), i + 1);
  }
  return filled.slice(0, 0x10000);
}
