/**
 * Repetition among lines and among paragraphs as DCLM and dolma count it: all occurrences of what occurs more than once,
 * the first included (datatrove counts second and later ones: duplicates.ts). Pieces are compared by 64-bit hashes; lengths
 * are code points. About 2 ns a character each.
 */
import { countKeys, createKeys, type Keys, reserveKeys } from './key-counts.ts';
import { strippedLines, strippedParagraphs } from './stripped-pieces.ts';
import { countCodePoints } from './unicode.ts';
import { defineFeature, type TextView } from './view.ts';
import type { Bounds } from './word-break.ts';
import { BASE_HIGH, BASE_LOW } from './words.ts';

export interface PieceRepetition {
  pieces: number;
  /** Code points of all pieces. */
  chars: number;
  /** Pieces that occur more than once, and their code points. */
  repeated: number;
  repeatedChars: number;
}

const lines: PieceRepetition = { pieces: 0, chars: 0, repeated: 0, repeatedChars: 0 };
const paragraphs: PieceRepetition = { pieces: 0, chars: 0, repeated: 0, repeatedChars: 0 };
const keys: Keys = createKeys();

/** Repetition among lines without the white space at their ends; white space alone is no line. */
export const lineRepetition = defineFeature((view) => measure(view, view.get(strippedLines), lines));

/** The same among paragraphs: pieces between two and more newlines. */
export const paragraphRepetition = defineFeature((view) => {
  const pieces = view.get(strippedParagraphs);
  // As many paragraphs as lines: they are the lines.
  return pieces.count === view.get(strippedLines).count ? view.get(lineRepetition) : measure(view, pieces, paragraphs);
});

function measure(view: TextView, { starts, ends, count }: Bounds, result: PieceRepetition): PieceRepetition {
  const { units, hasSurrogates } = view;
  const length = (i: number): number =>
    hasSurrogates ? countCodePoints(units, starts[i], ends[i]) : ends[i] - starts[i];
  result.pieces = count;
  result.chars = 0;
  result.repeated = 0;
  result.repeatedChars = 0;
  for (let i = 0; i < count; i++) result.chars += length(i);
  if (count < 2) return result;
  reserveKeys(keys, count);
  const { low, high } = keys;
  for (let i = 0; i < count; i++) {
    let l = 0;
    let h = 0;
    for (let k = starts[i]; k < ends[i]; k++) {
      const unit = units[k] + 1;
      l = (Math.imul(l, BASE_LOW) + unit) | 0;
      h = (Math.imul(h, BASE_HIGH) + unit) | 0;
    }
    low[i] = l;
    high[i] = h;
  }
  keys.count = count;
  const { times, first, repeated } = countKeys(keys);
  result.repeated = repeated;
  if (repeated > 0) {
    for (let i = 0; i < count; i++) if (times[first[i]] > 1) result.repeatedChars += length(i);
  }
  return result;
}
