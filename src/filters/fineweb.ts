/**
 * FineWeb's own quality rules: lines that end in punctuation, short lines, repeated lines, lists.
 *
 * Source: Penedo et al. 2024, "The FineWeb Datasets" (arXiv:2406.17557), section 3.6. Convention: datatrove's
 * FineWebQualityFilter: lines are pieces between newlines that hold more than white space, a line's end is taken as it stands
 * (a carriage return or space after the full stop hides it), repeated lines weigh by the text without newlines.
 * Agreement is exact on 4,191 real documents. Run it after `filter.c4`, as FineWeb did.
 */
import { z } from 'zod';
import { defineMap, drop, KEEP, type Verdict } from '../core/stage.ts';
import { codePointBefore, flagsOf, skipSpace, TERMINAL } from '../text/char-class.ts';
import { countCodePoints } from '../text/unicode.ts';
import { type TextView, textView } from '../text/view.ts';
import { addBound, createBounds } from '../text/word-break.ts';
import { conventionOption, shareThreshold, threshold, unspacedWordsOption } from './convention.ts';

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
  convention: conventionOption,
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
  create(given) {
    return { process: (document) => judge(textView(document.text), given) };
  },
});

const lines = createBounds();

function judge(view: TextView, limits: FineWebOptions): Verdict {
  const { text, units, hasSurrogates, newlineLines } = view;
  lines.count = 0;
  let punctuated = 0;
  let short = 0;
  for (let i = 0; i < newlineLines.count; i++) {
    const start = newlineLines.starts[i];
    const end = newlineLines.ends[i];
    if (skipSpace(units, start, end) === end) continue;
    addBound(lines, start, end);
    if ((flagsOf(codePointBefore(units, start, end)) & TERMINAL) !== 0) punctuated++;
    const isShort =
      end - start <= limits.shortLineChars ||
      (hasSurrogates &&
        end - start <= 2 * limits.shortLineChars &&
        countCodePoints(units, start, end) <= limits.shortLineChars);
    if (isShort) short++;
  }
  if (lines.count === 0) return drop('empty', 0, 1);

  const punctuatedShare = punctuated / lines.count;
  if (limits.minPunctuatedLines !== null && punctuatedShare < limits.minPunctuatedLines) {
    if (punctuated > 0 || !limits.keepWithoutPunctuation) {
      return drop('line_punct_ratio', punctuatedShare, limits.minPunctuatedLines);
    }
  }
  const shortShare = short / lines.count;
  if (limits.maxShortLines !== null && shortShare > limits.maxShortLines) {
    return drop('short_line_ratio', shortShare, limits.maxShortLines);
  }
  if (limits.maxDuplicateLineChars !== null) {
    const share = view.duplicates(lines).chars / (view.charCount - view.newlineCount);
    if (share > limits.maxDuplicateLineChars) return drop('char_dup_ratio', share, limits.maxDuplicateLineChars);
  }
  // A text without newlines passes, and its words need not be found.
  if (limits.maxNewlinesPerWord !== null && view.newlineCount > 0 && text.length > 0) {
    const newlines = view.newlineCount / Math.max(1, view.words(limits.unspacedWords).count);
    if (newlines > limits.maxNewlinesPerWord) return drop('list_ratio', newlines, limits.maxNewlinesPerWord);
  }
  return KEEP;
}
