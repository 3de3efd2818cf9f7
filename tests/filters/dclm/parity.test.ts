/**
 * Beside DCLM: what its own functions give on 316 hand-made documents, for every heuristic, every line modifier and the whole
 * DCLM-baseline chain (shared/goldens/peers/dclm_documents: words of n-grams are UAX #29 segments there too).
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { c4 } from '../../../src/filters/c4.ts';
import { endsSentence, hasFairWords, removeCitations } from '../../../src/filters/dclm/c4-lines.ts';
import { dclm } from '../../../src/filters/dclm/dclm.ts';
import { refinedwebLines } from '../../../src/filters/dclm/refinedweb-lines.ts';
import { createUrlRemover, isListedDomain } from '../../../src/filters/dclm/remove-urls.ts';
import { dropRepeatedLines } from '../../../src/filters/dclm/repeated-lines.ts';
import { gopherQuality } from '../../../src/filters/gopher-quality.ts';
import { gopherRepetition } from '../../../src/filters/gopher-repetition.ts';
import { describeWithShared, hasShared, shared } from '../../shared.ts';
import { stageOf } from '../process.ts';

interface Judged {
  id: number;
  text: string;
  keep: Record<string, boolean>;
  modify: Record<string, string | null>;
  dclm_baseline_heuristics: { keep: boolean; reason: string | null; text: string | null };
}

const documents: Judged[] = hasShared
  ? gunzipSync(readFileSync(shared('goldens/peers/dclm_documents.jsonl.gz')))
      .toString('utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Judged)
  : [];

const QUALITY_OFF = {
  minWords: null,
  maxWords: null,
  minMeanWordLength: null,
  maxMeanWordLength: null,
  maxSymbolWordRatio: null,
  maxBulletLines: null,
  maxEllipsisLines: null,
  minAlphaWords: null,
  minStopWords: null,
};
const REPETITION_OFF = {
  maxDuplicateLines: null,
  maxDuplicateParagraphs: null,
  maxDuplicateLineChars: null,
  maxDuplicateParagraphChars: null,
  topNGrams: null,
  duplicateNGrams: null,
};
const LINES_OFF = {
  maxUpperCase: null,
  maxDigits: null,
  dropCounters: false,
  minWordsPerLine: null,
  phrases: [],
  maxRemovedWords: null,
};

const quality = (rule: Record<string, unknown>) =>
  stageOf(gopherQuality, { ...QUALITY_OFF, ...rule, convention: 'dclm' });
const repetition = (rule: Record<string, unknown>) =>
  stageOf(gopherRepetition, { ...REPETITION_OFF, ...rule, convention: 'dclm' });

describeWithShared('each heuristic beside DCLM', () => {
  it.each([
    ['page_length_50_100000_default', quality({ minWords: 50, maxWords: 100_000 })],
    ['word_length_3_10', quality({ minMeanWordLength: 3, maxMeanWordLength: 10 })],
    ['symbol_ratio_0.1', quality({ maxSymbolWordRatio: 0.1 })],
    ['bullet_0.9', quality({ maxBulletLines: 0.9 })],
    ['ellipsis_0.3', quality({ maxEllipsisLines: 0.3 })],
    ['non_alpha_0.2', quality({ minAlphaWords: 0.8 })],
    ['stop_word_count_2', quality({ minStopWords: 2 })],
    ['massive_web_repetition', stageOf(gopherRepetition, { convention: 'dclm' })],
    ['rep_line_count_0.3', repetition({ maxDuplicateLines: 0.3 })],
    ['rep_paragraph_count_0.3', repetition({ maxDuplicateParagraphs: 0.3 })],
    ['rep_line_chars_0.2', repetition({ maxDuplicateLineChars: 0.2 })],
    ['rep_paragraph_chars_0.2', repetition({ maxDuplicateParagraphChars: 0.2 })],
    ['rep_2gram_0.2', repetition({ topNGrams: [[2, 0.2]] })],
    ['rep_3gram_0.18', repetition({ topNGrams: [[3, 0.18]] })],
    ['rep_4gram_0.16', repetition({ topNGrams: [[4, 0.16]] })],
    ['rep_5gram_0.15', repetition({ duplicateNGrams: [[5, 0.15]] })],
    ['rep_6gram_0.14', repetition({ duplicateNGrams: [[6, 0.14]] })],
    ['rep_7gram_0.13', repetition({ duplicateNGrams: [[7, 0.13]] })],
    ['rep_8gram_0.12', repetition({ duplicateNGrams: [[8, 0.12]] })],
    ['rep_9gram_0.11', repetition({ duplicateNGrams: [[9, 0.11]] })],
    ['rep_10gram_0.1', repetition({ duplicateNGrams: [[10, 0.1]] })],
  ] as const)('%s: the same verdict on all 316', (name, judge) => {
    const differing = documents
      .filter(({ text, keep }) => (judge(text).verdict === 'keep') !== keep[name])
      .map(({ id, text }) => `${id}: ${text.slice(0, 60)}`);
    expect(documents.length).toBe(316);
    expect(differing).toEqual([]);
  });
});

const lines = (rule: Record<string, unknown>) => {
  const run = stageOf(refinedwebLines, { ...LINES_OFF, ...rule });
  return (text: string): string | null => {
    const { verdict, text: left } = run(text);
    return verdict === 'keep' ? left : null;
  };
};
const cut = (text: string, location: string) => lines({ phrases: [{ text, location }] });
const orNothing = (text: string): string | null => (text === '' ? null : text);
const keepLines = (test: (line: string) => boolean) => (text: string) =>
  orNothing(text.split('\n').filter(test).join('\n'));

/**
 * The values for url_removal were made with a pre-check that minds case; DCLM's own (retrie) does not, so these texts, which
 * begin with a capital ("The …"), keep their URL there and lose it in DCLM and here.
 */
const OTHER_PRE_CHECK = [144, 145, 155, 174];

describeWithShared('each line modifier beside DCLM', () => {
  it.each([
    ['uppercase_0.5', lines({ maxUpperCase: 0.5 })],
    ['numeric_0.999999', lines({ maxDigits: 0.999999 })],
    ['counter', lines({ dropCounters: true })],
    ['line_length_2', lines({ minWordsPerLine: 2 })],
    ['items_in_cart', cut('items in cart', 'any')],
    ['read_more', cut('Read more...', 'suffix')],
    ['sign_in', cut('Sign-in', 'prefix')],
    ['punctuation_line', keepLines((line) => line === '' || endsSentence(line, true))],
    ['citation', (text: string) => orNothing(removeCitations(text))],
    ['word_length_1000', keepLines((line) => hasFairWords(line, 1000))],
    ['within_page_line', dropRepeatedLines],
    ['newline_2', (text: string) => text.replace(/\n{3,}/g, '\n\n')],
  ] as const)('%s: the same text, or none, on all 316', (name, modify) => {
    const differing = documents.filter(({ text, modify: wanted }) => modify(text) !== wanted[name]);
    expect(differing.map(({ id, text }) => `${id}: ${text.slice(0, 60)}`)).toEqual([]);
  });

  it('url_removal: the same text on all but four, which begin with a capital', () => {
    const remove = createUrlRemover('start', isListedDomain);
    const differing = documents.filter(({ text, modify }) => orNothing(remove(text)) !== modify['url_removal']);
    expect(differing.map(({ id }) => id)).toEqual(OTHER_PRE_CHECK);
    for (const { id, text, modify } of differing) {
      expect(text[0], `${id}`).toMatch(/[A-Z]/);
      // With the pre-check's letters in lower case both take the same URL out.
      expect(remove(text)).not.toBe(modify['url_removal']);
    }
  });
});

/** DCLM's function that drops the document, for each of our reasons. */
const REASONS: Record<string, string> = { bullet_count: 'bullet', ellipsis_count: 'ellipsis', stop_word: 'stop_word' };
const peerReason = (reason: string): string =>
  /^(dup_|top_|duplicated_)/.test(reason) ? 'repetition' : (REASONS[reason] ?? reason);

describeWithShared('the DCLM-baseline chain beside DCLM', () => {
  it('gives the same verdict, reason and text on all 316, but for one reason that hangs on the pre-check', () => {
    const content = stageOf(dclm);
    const correct = stageOf(refinedwebLines);
    const differing: string[] = [];
    for (const { id, text, dclm_baseline_heuristics: wanted } of documents) {
      const first = content(text);
      const last = first.verdict === 'keep' ? correct(first.text) : first;
      const reason = last.verdict === 'keep' ? null : peerReason(last.verdict);
      if (reason !== wanted.reason) differing.push(`${id}: ${reason}, DCLM ${wanted.reason}`);
      else if (reason === null && last.text !== wanted.text) differing.push(`${id}: another text`);
    }
    // Without its URL the text has 49 words; with it 50, and too many lines that end in an ellipsis. Dropped in both.
    expect(differing).toEqual(['145: page_length, DCLM ellipsis']);
  });
});

describe('convention dclm', () => {
  it('is offered by the three filters that DCLM has too', () => {
    for (const stage of [gopherQuality, gopherRepetition, c4]) {
      expect(stage.options.parse({ convention: 'dclm' })).toMatchObject({ convention: 'dclm' });
    }
  });
});
