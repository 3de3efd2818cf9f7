/** Lengths of a text's lines, in code points, the lines being those of Python's `splitlines()`. */
import { countCodePoints } from './unicode.ts';
import { defineFeature, type TextView } from './view.ts';

export interface LineLengths {
  lines: number;
  /** Code points of the longest line, without its line end. */
  longest: number;
  /** Code points of all lines together, without line ends. */
  total: number;
}

/** Line lengths of a text. The object is reused for the next text. */
export const lineLengths = defineFeature(measureLines);

const lengths: LineLengths = { lines: 0, longest: 0, total: 0 };

function measureLines(view: TextView): LineLengths {
  const { starts, ends, count } = view.lines;
  const { units, hasSurrogates } = view;
  let longest = 0;
  let total = 0;
  for (let i = 0; i < count; i++) {
    const length = hasSurrogates ? countCodePoints(units, starts[i], ends[i]) : ends[i] - starts[i];
    total += length;
    if (length > longest) longest = length;
  }
  lengths.lines = count;
  lengths.longest = longest;
  lengths.total = total;
  return lengths;
}
