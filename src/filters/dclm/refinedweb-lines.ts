/**
 * RefinedWeb's line-wise corrections: drop lines that are mostly capitals, digits alone, counters or one word, cut
 * out phrases of the page around the text, and drop the document when more than 5 % of its words went.
 *
 * Source: Penedo et al. 2023, "The RefinedWeb dataset" (arXiv:2306.01116), appendix G.2; counted and ordered as
 * DCLM-baseline does (arXiv:2406.11794, dclm_baseline_refinedweb.yaml). The paper gives the rules without numbers for most of
 * them; the thresholds are DCLM's. Agreement: tests/filters/dclm/parity.test.ts.
 *
 * Cost: lines are offsets until a phrase is met; a text that loses nothing is the very same string.
 */
import { z } from 'zod';
import type { Document } from '../../core/document.ts';
import { defineMap, drop, KEEP, type Measurement, type Verdict } from '../../core/stage.ts';
import { pythonWords } from '../../text/python-words.ts';
import { stripText } from '../../text/stripped-pieces.ts';
import { type TextView, textView } from '../../text/view.ts';
import { addBound, type Bounds, createBounds } from '../../text/word-break.ts';
import { shareThreshold } from '../convention.ts';
import { cutPhrase, DCLM_PHRASES, type PhraseCut, preparePhrases } from './line-phrases.ts';
import { countWords, dropLines, isCounter, tooFewWords, tooManyCapitals, tooManyDigits } from './line-rules.ts';
import { dropRepeatedLines } from './repeated-lines.ts';

const PAPER = 'RefinedWeb G.2';
const CODE = 'DCLM-baseline';

const options = z.strictObject({
  maxUpperCase: shareThreshold(0.5, `Drop lines with a larger share of upper-case letters (${PAPER}; ${CODE})`),
  maxDigits: shareThreshold(0.999999, `Drop lines with a larger share of digits; 0.999999: digits alone (${PAPER})`),
  dropCounters: z
    .boolean()
    .default(true)
    .describe(`Drop lines that are a counter: "3 likes", "5.1M views" (${PAPER}; words by ${CODE})`),
  minWordsPerLine: z
    .int()
    .min(0)
    .nullable()
    .default(2)
    .describe(`Drop lines with fewer words (${PAPER}: lines of one word); null: no limit`),
  phrases: z
    .array(
      z.strictObject({
        text: z.string().min(1).describe('The phrase, whatever its case; a full stop is any one character'),
        location: z.enum(['any', 'prefix', 'suffix']).default('any').describe('Where in the line'),
      }),
    )
    .default([...DCLM_PHRASES])
    .describe(`Phrases cut out of short lines, in this order (${PAPER}; ${CODE})`),
  maxWordsPhraseLine: z
    .int()
    .min(0)
    .nullable()
    .default(10)
    .describe(`Most words of a line that phrases are cut out of (${PAPER}); null: any line`),
  dropRepeatedLines: z
    .boolean()
    .default(false)
    .describe('Keep the first of lines that differ in case and outer white space alone (DCLM within_page_dedup)'),
  maxRemovedWords: shareThreshold(0.05, `Drop documents that lost a larger share of their words (${PAPER})`),
});

export type RefinedwebLinesOptions = z.output<typeof options>;

export const refinedwebLines = defineMap({
  kind: 'map',
  name: 'filter.refinedweb-lines',
  summary: 'Drop lines of capitals, digits, counters or one word and cut out page phrases; drop what loses much.',
  source: 'Penedo et al. 2023 (arXiv:2306.01116), G.2; counted as DCLM-baseline (arXiv:2406.11794)',
  version: 1,
  options,
  reasons: {
    no_lines_left: 'no line passed, or the text was empty',
    word_removal_ratio: 'share of words that went over maxRemovedWords, or a text without words',
  },
  create(given) {
    const correct = createCorrection(given);
    return {
      process: (document) => process(document, correct, given.maxRemovedWords),
      explain: ({ text }) => explain(text, correct(text), given.maxRemovedWords),
    };
  },
});

function process(document: Document, correct: (text: string) => string, maxRemoved: number | null): Verdict {
  const { text } = document;
  const corrected = correct(text);
  if (corrected === '') return drop('no_lines_left');
  if (maxRemoved !== null) {
    const removed = removedShare(text, corrected);
    if (removed > maxRemoved) return drop('word_removal_ratio', removed, maxRemoved);
  }
  document.text = corrected;
  return KEEP;
}

function explain(text: string, corrected: string, max: number | null): Measurement[] {
  const rows: Measurement[] = [{ rule: 'no_lines_left', value: corrected.length, min: 1, broken: corrected === '' }];
  if (max === null) return rows;
  const value = removedShare(text, corrected);
  return [...rows, { rule: 'word_removal_ratio', value, max, broken: value > max }];
}

/** Share of the words that are gone; infinity where there was none, which drops the document as in DCLM. */
function removedShare(before: string, after: string): number {
  const words = textView(before).get(pythonWords).fastTextWords;
  if (words === 0) return Number.POSITIVE_INFINITY;
  return before === after ? 0 : (words - textView(after).get(pythonWords).fastTextWords) / words;
}

const lines: Bounds = createBounds(256);

/** A function from a text to what the rules leave of it. */
function createCorrection(given: RefinedwebLinesOptions): (text: string) => string {
  const { maxUpperCase, maxDigits, minWordsPerLine, maxWordsPhraseLine } = given;
  const capitals = maxUpperCase === null ? undefined : tooManyCapitals(maxUpperCase);
  const digits = maxDigits === null ? undefined : tooManyDigits(maxDigits);
  const fewWords = minWordsPerLine === null ? undefined : tooFewWords(minWordsPerLine);
  const cuts = preparePhrases(given.phrases);
  const isShort = shortLines(maxWordsPhraseLine);
  return (text) => {
    const view = textView(text);
    copyLines(view.newlineLines);
    if (capitals !== undefined) dropLines(view, lines, capitals, true);
    if (digits !== undefined) dropLines(view, lines, digits, true);
    if (given.dropCounters) dropLines(view, lines, isCounter, true);
    if (fewWords !== undefined) dropLines(view, lines, fewWords, false);
    // No rule and no phrase meets a blank line again when lines need words.
    const needsPhrases = cuts.length > 0 && ((minWordsPerLine ?? 0) < 1 || cuts.some(({ probe }) => probe.test(text)));
    if (needsPhrases) return repeated(cutPhrases(text, cuts, isShort), given.dropRepeatedLines);
    if (cuts.length > 0) dropLines(view, lines, never, true);
    return repeated(joinLines(view), given.dropRepeatedLines);
  };
}

const never = (): boolean => false;

function repeated(text: string, wanted: boolean): string {
  return wanted ? dropRepeatedLines(text) : text;
}

function shortLines(maxWords: number | null): (line: string) => boolean {
  if (maxWords === null) return () => true;
  let units = new Uint16Array(256);
  return (line) => {
    // A word and a space take two units at least.
    if (line.length < maxWords * 2) return true;
    if (units.length < line.length) units = new Uint16Array(line.length * 2);
    for (let i = 0; i < line.length; i++) units[i] = line.charCodeAt(i);
    return countWords(units, 0, line.length, maxWords + 1) <= maxWords;
  };
}

function copyLines({ starts, ends, count }: Bounds): void {
  lines.count = 0;
  for (let i = 0; i < count; i++) addBound(lines, starts[i], ends[i]);
}

/** The kept lines without the phrases; the text is stripped after each, as in the peer. */
function cutPhrases(text: string, cuts: readonly PhraseCut[], isShort: (line: string) => boolean): string {
  let kept = Array.from({ length: lines.count }, (_, i) => text.slice(lines.starts[i], lines.ends[i]));
  let result = kept.join('\n');
  for (const cut of cuts) {
    result = stripText(cutPhrase(kept, cut, isShort).join('\n'));
    if (result === '') return '';
    kept = result.split('\n');
  }
  return result;
}

/** The kept lines joined by newlines; lines that stand together in the text are taken together. */
function joinLines({ text }: TextView): string {
  const { starts, ends, count } = lines;
  let result = '';
  for (let from = 0; from < count; ) {
    let to = from;
    while (to + 1 < count && starts[to + 1] === ends[to] + 1) to++;
    const piece = text.slice(starts[from], ends[to]);
    result = from === 0 ? piece : `${result}\n${piece}`;
    from = to + 1;
  }
  return result;
}
