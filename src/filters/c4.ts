/**
 * C4's rules: line by line, keep what reads like a sentence; drop pages of boilerplate, code or too few sentences. Edits
 * the text: citations and failing lines go.
 *
 * Source: Raffel et al. 2020, "Exploring the Limits of Transfer Learning" (JMLR 21-140), section 2.2, and the reference code in
 * TensorFlow Datasets (c4_utils). Convention: datatrove's C4QualityFilter: lines are Python's `splitlines()`; words of a line
 * are pieces between white space, counted before citations go; a line that ends in white space once its citation is
 * gone does not end in punctuation; "lorem ipsum" and "{" drop the document only when met in a line that passed so far.
 * Sentences are counted by src/text/sentences.ts. FineWeb ran it with `requireTerminalPunctuation: false`.
 *
 * Agreement with datatrove on 4,191 real documents, resulting text included: see tests/filters/parity.test.ts. The bad-words
 * list and mC4's paragraph rule are not part of this stage.
 */
import { z } from 'zod';
import type { Document } from '../core/document.ts';
import { defineMap, drop, KEEP, type Measurement, type Verdict } from '../core/stage.ts';
import { charFlags, SPACE, skipSpace, trimSpace } from '../text/char-class.ts';
import { countSentences, countSentencesUnspaced } from '../text/sentences.ts';
import { countCodePoints } from '../text/unicode.ts';
import { type TextView, textView } from '../text/view.ts';
import { addBound, type Bounds, createBounds } from '../text/word-break.ts';
import { conventionOption, threshold } from './convention.ts';
import { dclmC4 } from './dclm/c4-lines.ts';

const PAPER = 'C4, Raffel et al. 2020, 2.2';
const CODE = 'C4 reference code';

const options = z.strictObject({
  requireTerminalPunctuation: z
    .boolean()
    .default(true)
    .describe(`Drop lines that do not end in . ? ! " or ', or end in an ellipsis (${PAPER}); FineWeb: false`),
  minWordsPerLine: threshold(3, `Drop lines with fewer words (${PAPER})`),
  maxWordChars: threshold(1000, `Drop lines with a longer word, in characters (${CODE})`),
  minSentences: threshold(5, `Drop documents with fewer sentences in the lines that are left (${PAPER})`),
  unspacedSentences: z
    .boolean()
    .default(false)
    .describe(
      'Also end sentences at 。！？ and …… without a space behind them, as Chinese is written; datatrove and C4: false',
    ),
  removeCitations: z.boolean().default(true).describe(`Remove [1], [edit] and [citation needed] (${CODE})`),
  dropLoremIpsum: z.boolean().default(true).describe(`Drop documents with "lorem ipsum" (${PAPER})`),
  dropCurlyBracket: z.boolean().default(true).describe(`Drop documents with "{" (${PAPER})`),
  dropJavascriptLines: z.boolean().default(true).describe(`Drop lines with "javascript" (${PAPER})`),
  dropPolicyLines: z
    .boolean()
    .default(true)
    .describe(
      `Drop lines with "terms of use", "privacy policy", "cookie policy", "uses cookies" and the like (${CODE})`,
    ),
  convention: conventionOption(['datatrove', 'dclm']),
});

export type C4Options = z.output<typeof options>;

export const c4 = defineMap({
  kind: 'map',
  name: 'filter.c4',
  summary: 'Keep the lines that read like sentences; drop documents with few sentences, code or filler text.',
  source: 'Raffel et al. 2020 (JMLR 21-140), 2.2; counted as datatrove C4QualityFilter',
  version: 1,
  options,
  reasons: {
    too_few_sentences: 'fewer sentences than minSentences in the lines that are left',
    lorem_ipsum: 'a line contains "lorem ipsum"',
    curly_bracket: 'a line contains "{"',
  },
  create(given) {
    if (given.convention === 'dclm') return dclmC4(given);
    return {
      process: (document) => filterLines(document, given),
      explain: (document) => explainLines(document, given),
    };
  },
});

/** Sentences in the lines that are left, beside what else drops a document; `document` is a copy. */
function explainLines(document: Document, options: C4Options): Measurement[] {
  const before = textView(document.text).lines.count;
  const verdict = filterLines(document, { ...options, minSentences: null });
  if (verdict.action === 'drop') return [{ rule: verdict.reason, value: 'found in a line', broken: true }];
  const lines = document.text === '' ? [] : document.text.split('\n');
  const sentences = lines.reduce((sum, line) => sum + sentenceCounter(options)(line, Number.MAX_SAFE_INTEGER), 0);
  const { minSentences } = options;
  const broken = minSentences !== null && sentences < minSentences;
  return [
    { rule: 'lines left', value: `${lines.length} of ${before}`, broken: false },
    { rule: 'too_few_sentences', value: sentences, ...(minSentences !== null && { min: minSentences }), broken },
  ];
}

const POLICY = ['terms of use', 'privacy policy', 'cookie policy', 'uses cookies', 'use of cookies', 'use cookies'];
const CITATION = /\[\p{Nd}*\]|\[edit\]|\[citation needed\]/gu;

/** What the whole text contains at all, so that most lines need no search of their own. */
interface Contents {
  bracket: boolean;
  curly: boolean;
  lorem: boolean;
  javascript: boolean;
  policy: string[];
}

function contentsOf(text: string, options: C4Options): Contents {
  const lower = text.toLowerCase();
  return {
    bracket: options.removeCitations && text.includes('['),
    curly: options.dropCurlyBracket && text.includes('{'),
    lorem: options.dropLoremIpsum && lower.includes('lorem ipsum'),
    javascript: options.dropJavascriptLines && lower.includes('javascript'),
    policy: options.dropPolicyLines ? POLICY.filter((phrase) => lower.includes(phrase)) : [],
  };
}

const kept: Bounds = createBounds();

function sentenceCounter(options: C4Options): typeof countSentences {
  return options.unspacedSentences ? countSentencesUnspaced : countSentences;
}

function filterLines(document: Document, options: C4Options): Verdict {
  const view = textView(document.text);
  const { text, units } = view;
  const { starts, ends, count } = view.lines;
  const contents = contentsOf(text, options);
  const searchesLines = contents.lorem || contents.javascript || contents.policy.length > 0;
  const minSentences = options.minSentences ?? 0;
  const countIn = sentenceCounter(options);
  let sentences = 0;
  // Kept lines as offsets, and those that lost a citation as text by their place among the kept.
  kept.count = 0;
  let edited: Map<number, string> | undefined;

  for (let i = 0; i < count; i++) {
    const end = trimSpace(units, starts[i], ends[i]);
    const start = skipSpace(units, starts[i], end);
    if (!hasFairWords(view, start, end, options.maxWordChars)) continue;
    let line: string | undefined;
    if (contents.bracket) {
      const whole = text.slice(start, end);
      if (whole.includes('[')) {
        const without = whole.replace(CITATION, '');
        if (without.length !== whole.length) line = without;
      }
    }
    if (options.requireTerminalPunctuation) {
      if (!(line === undefined ? endsSentence(units, start, end) : textEndsSentence(line))) continue;
    }
    if (options.minWordsPerLine !== null && !hasWords(units, start, end, options.minWordsPerLine)) continue;
    if (searchesLines) {
      const lower = (line ?? text.slice(start, end)).toLowerCase();
      if (contents.lorem && lower.includes('lorem ipsum')) return drop('lorem_ipsum');
      if (contents.javascript && lower.includes('javascript')) continue;
      if (contents.curly && lower.includes('{')) return drop('curly_bracket');
      if (contents.policy.some((phrase) => lower.includes(phrase))) continue;
    } else if (contents.curly && (line ?? text.slice(start, end)).includes('{')) {
      return drop('curly_bracket');
    }
    if (sentences < minSentences) sentences += countIn(line ?? text.slice(start, end), minSentences - sentences);
    if (line !== undefined) (edited ??= new Map()).set(kept.count, line);
    addBound(kept, start, end);
  }
  if (sentences < minSentences) return drop('too_few_sentences', sentences, minSentences);
  document.text = joinLines(text, units, edited);
  return KEEP;
}

/** False when a word is longer than `maxChars`. */
function hasFairWords(view: TextView, start: number, end: number, maxChars: number | null): boolean {
  if (maxChars === null || end - start <= maxChars) return true;
  const units = view.units;
  let from = start;
  for (let i = start; i <= end; i++) {
    if (i < end && (charFlags[units[i]] & SPACE) === 0) continue;
    if (i - from > maxChars && countCodePoints(units, from, i) > maxChars) return false;
    from = i + 1;
  }
  return true;
}

/** At least `wanted` pieces between white space, in a line without white space at its ends. */
function hasWords(units: Uint16Array, start: number, end: number, wanted: number): boolean {
  if (wanted <= 0) return true;
  let words = end > start ? 1 : 0;
  for (let i = start; i < end && words < wanted; i++) {
    if ((charFlags[units[i]] & SPACE) !== 0 && (charFlags[units[i + 1]] & SPACE) === 0) words++;
  }
  return words >= wanted;
}

function endsSentence(units: Uint16Array, start: number, end: number): boolean {
  if (end === start) return false;
  const last = units[end - 1];
  if (last === 0x2e) return !(end - start >= 3 && units[end - 2] === 0x2e && units[end - 3] === 0x2e);
  return last === 0x3f || last === 0x21 || last === 0x22 || last === 0x27;
}

function textEndsSentence(line: string): boolean {
  return /[.?!"']$/.test(line) && !line.endsWith('...');
}

/** The kept lines joined by newlines; the very same string when nothing was dropped or changed. */
function joinLines(text: string, units: Uint16Array, edited: Map<number, string> | undefined): string {
  const { starts, ends, count } = kept;
  const pieces: string[] = [];
  let from = 0;
  while (from < count) {
    const line = edited?.get(from);
    if (line !== undefined) {
      pieces.push(line);
      from++;
      continue;
    }
    // Lines that stand one newline apart stay together.
    let to = from;
    while (
      to + 1 < count &&
      starts[to + 1] === ends[to] + 1 &&
      units[ends[to]] === 0x0a &&
      edited?.has(to + 1) !== true
    ) {
      to++;
    }
    pieces.push(text.slice(starts[from], ends[to]));
    from = to + 1;
  }
  return stripPython(pieces.length === 1 ? pieces[0] : pieces.join('\n'));
}

/** Python's `strip()`: JavaScript's `trim` takes other characters. */
function stripPython(text: string): string {
  let end = text.length;
  while (end > 0 && (charFlags[text.charCodeAt(end - 1)] & SPACE) !== 0) end--;
  let start = 0;
  while (start < end && (charFlags[text.charCodeAt(start)] & SPACE) !== 0) start++;
  return start === 0 && end === text.length ? text : text.slice(start, end);
}
