/**
 * FineWeb's own quality rules: lines that end in punctuation, short lines, repeated lines, lists.
 *
 * Source: Penedo et al. 2024, "The FineWeb Datasets" (arXiv:2406.17557), section 3.6. Convention: datatrove's
 * FineWebQualityFilter: lines are pieces between newlines that hold more than white space, a line's end is taken as it stands
 * (a carriage return or space after the full stop hides it), repeated lines weigh by the text without newlines.
 * Agreement is exact on 4,191 real documents. Run it after `filter.c4`, as FineWeb did.
 */
import { z } from 'zod';
import { defineMap } from '../core/stage.ts';
import { codePointBefore, flagsOf, skipSpace, TERMINAL } from '../text/char-class.ts';
import { countCodePoints } from '../text/unicode.ts';
import { defineFeature, type TextView } from '../text/view.ts';
import { addBound, createBounds } from '../text/word-break.ts';
import { conventionOption, shareThreshold, threshold, unspacedWordsOption } from './convention.ts';
import { type Rule, ruleStage } from './rules.ts';

const PAPER = 'FineWeb 3.6';

const options = z.strictObject({
  minPunctuatedLines: shareThreshold(0.12, `Smallest share of lines that end in terminal punctuation (${PAPER})`),
  keepWithoutPunctuation: z
    .boolean()
    .default(false)
    .describe(
      'Let a text pass in which no line at all ends in terminal punctuation (datatrove line_punct_exclude_zero)',
    ),
  maxShortLines: shareThreshold(0.67, `Largest share of short lines (${PAPER})`),
  shortLineChars: z.int().min(0).default(30).describe(`A line of at most so many characters is short (${PAPER})`),
  maxDuplicateLineChars: shareThreshold(0.01, `Largest share of characters in repeated lines (${PAPER})`),
  maxNewlinesPerWord: threshold(0.3, `Most newlines per word (${PAPER})`),
  unspacedWords: unspacedWordsOption,
  convention: conventionOption(['datatrove']),
});

export type FineWebOptions = z.output<typeof options>;

export const fineweb = defineMap({
  kind: 'map',
  name: 'filter.fineweb',
  summary: 'Drop documents made of list items, menus or repeated lines.',
  source: 'Penedo et al. 2024 (arXiv:2406.17557), 3.6; counted as datatrove FineWebQualityFilter with UAX #29 words',
  version: 1,
  options,
  reasons: {
    empty: 'no line with anything but white space',
    line_punct_ratio: 'share of lines ending in terminal punctuation under minPunctuatedLines',
    short_line_ratio: 'share of short lines over maxShortLines',
    char_dup_ratio: 'share of characters in repeated lines over maxDuplicateLineChars',
    list_ratio: 'newlines per word over maxNewlinesPerWord',
  },
  create: (given) => ruleStage(rulesOf(given)),
});

/** Lines that hold more than white space, and how many of them end in terminal punctuation. */
const proseLines = defineFeature((view) => {
  const { units, newlineLines } = view;
  lines.bounds.count = 0;
  lines.punctuated = 0;
  for (let i = 0; i < newlineLines.count; i++) {
    const start = newlineLines.starts[i];
    const end = newlineLines.ends[i];
    if (skipSpace(units, start, end) === end) continue;
    addBound(lines.bounds, start, end);
    if ((flagsOf(codePointBefore(units, start, end)) & TERMINAL) !== 0) lines.punctuated++;
  }
  return lines;
});

const lines = { bounds: createBounds(), punctuated: 0 };

/** In datatrove's order. A share of no lines is NaN, which breaks no limit: such a text is `empty` already. */
function rulesOf(limits: FineWebOptions): Rule[] {
  return [
    { reason: 'empty', min: 1, measure: (view) => view.get(proseLines).bounds.count },
    {
      reason: 'line_punct_ratio',
      min: limits.minPunctuatedLines,
      measure(view) {
        const { bounds, punctuated } = view.get(proseLines);
        return punctuated === 0 && limits.keepWithoutPunctuation ? Number.NaN : punctuated / bounds.count;
      },
    },
    {
      reason: 'short_line_ratio',
      max: limits.maxShortLines,
      measure: (view) => countShortLines(view, limits.shortLineChars) / view.get(proseLines).bounds.count,
    },
    {
      reason: 'char_dup_ratio',
      max: limits.maxDuplicateLineChars,
      measure: (view) => view.duplicates(view.get(proseLines).bounds).chars / (view.charCount - view.newlineCount),
    },
    {
      reason: 'list_ratio',
      max: limits.maxNewlinesPerWord,
      // A text without newlines passes, and its words need not be found.
      measure: (view) =>
        view.newlineCount === 0 ? 0 : view.newlineCount / Math.max(1, view.words(limits.unspacedWords).count),
    },
  ];
}

function countShortLines(view: TextView, most: number): number {
  const { units, hasSurrogates } = view;
  const { starts, ends, count } = view.get(proseLines).bounds;
  let short = 0;
  for (let i = 0; i < count; i++) {
    const length = ends[i] - starts[i];
    if (length <= most) short++;
    else if (hasSurrogates && length <= 2 * most && countCodePoints(units, starts[i], ends[i]) <= most) short++;
  }
  return short;
}
