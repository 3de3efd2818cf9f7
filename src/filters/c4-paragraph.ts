/**
 * mC4's paragraph rule: a page needs three paragraphs, that is lines, of at least 200 characters.
 *
 * Source: Xue et al. 2021, "mT5" (arXiv:2010.11934), section 3.1, and its code in TensorFlow Datasets (c4_utils). Convention: datatrove's
 * C4ParagraphFilter: lines are pieces between newlines, lengths are code points, white space included.
 */
import { z } from 'zod';
import { defineMap } from '../core/stage.ts';
import { countCodePoints } from '../text/unicode.ts';
import type { TextView } from '../text/view.ts';
import { ruleStage } from './rules.ts';

const PAPER = 'mT5 3.1';

const options = z.strictObject({
  minParagraphs: z.int().min(1).default(3).describe(`Fewest long lines (${PAPER})`),
  minParagraphChars: z.int().min(1).default(200).describe(`Characters that make a line long (${PAPER})`),
});

export const c4Paragraph = defineMap({
  kind: 'map',
  name: 'filter.c4-paragraph',
  summary: 'Drop documents with fewer than three lines of at least 200 characters.',
  source: 'Xue et al. 2021 (arXiv:2010.11934), 3.1; counted as datatrove C4ParagraphFilter',
  version: 1,
  options,
  reasons: { too_few_paragraphs: 'fewer lines of minParagraphChars characters than minParagraphs' },
  create({ minParagraphs, minParagraphChars }) {
    return ruleStage([
      {
        reason: 'too_few_paragraphs',
        measure: (view) => countLongLines(view, minParagraphChars),
        min: minParagraphs,
      },
    ]);
  },
});

function countLongLines(view: TextView, minChars: number): number {
  const { starts, ends, count } = view.newlineLines;
  const { units, hasSurrogates } = view;
  let long = 0;
  for (let i = 0; i < count; i++) {
    if (ends[i] - starts[i] < minChars) continue;
    if (!hasSurrogates || countCodePoints(units, starts[i], ends[i]) >= minChars) long++;
  }
  return long;
}
