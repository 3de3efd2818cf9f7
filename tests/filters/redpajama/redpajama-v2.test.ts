import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redpajamaV2 } from '../../../src/filters/redpajama/redpajama-v2.ts';
import { roundScore } from '../../../src/filters/redpajama/round-score.ts';
import { stageOf } from '../process.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'corpusmill-redpajama-'));
  writeFileSync(join(folder, 'stop.txt'), 'the\nand\nis\n');
  writeFileSync(join(folder, 'bad.txt'), 'darn\nholy cow\ndouble  space\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

type Signals = Record<string, unknown>;

function signalsOf(text: string, options: Record<string, unknown> = {}): Signals {
  return stageOf(redpajamaV2, options)(text).document.meta['annotate.redpajama-v2'] as Signals;
}

describe('signals of the document', () => {
  it('are those that counting by hand gives', () => {
    const lists = { stopWords: join(folder, 'stop.txt'), badWords: join(folder, 'bad.txt') };
    // Normalized: the cat and the cat sat / holy cow / ok. Tokens: The cat and the cat sat ... HOLY - cow ! # OK … 2
    const text = 'The cat and the cat sat...\nHOLY-cow! # OK…\nHoly cow 2';
    const words = 'the cat and the cat sat holycow ok… holy cow 2'.split(' ');
    const chars = words.join('').length;
    const tokens = 'The cat and the cat sat ... HOLY - cow ! # OK … Holy cow 2'.split(' ');
    const round = (value: number) => Number(value.toFixed(8));
    const share = (times: number) => times / words.length;
    expect(signalsOf(text, lists)).toEqual({
      rps_doc_curly_bracket: 0,
      rps_doc_lorem_ipsum: 0,
      // The cat … sat... / HOLY-cow! / OK…\nHoly cow 2
      rps_doc_num_sentences: 3,
      rps_doc_word_count: words.length,
      rps_doc_mean_word_length: round(chars / words.length),
      // One #, one ..., one ….
      rps_doc_symbol_to_word_ratio: round(3 / tokens.length),
      rps_doc_frac_lines_end_with_ellipsis: round(2 / 3),
      // ... - ! # … 2
      rps_doc_frac_no_alph_words: round(6 / tokens.length),
      rps_doc_frac_unique_words: round(9 / words.length),
      // "the" and "cat" twice, seven others once.
      rps_doc_unigram_entropy: round(-2 * share(2) * Math.log(share(2)) - 7 * share(1) * Math.log(share(1))),
      // HOLY, OK
      rps_doc_frac_all_caps_words: round(2 / tokens.length),
      // "the cat" twice.
      rps_doc_frac_chars_top_2gram: round(12 / chars),
      rps_doc_frac_chars_top_3gram: 0,
      rps_doc_frac_chars_top_4gram: 0,
      rps_doc_frac_chars_dupe_5grams: 0,
      rps_doc_frac_chars_dupe_6grams: 0,
      rps_doc_frac_chars_dupe_7grams: 0,
      rps_doc_frac_chars_dupe_8grams: 0,
      rps_doc_frac_chars_dupe_9grams: 0,
      rps_doc_frac_chars_dupe_10grams: 0,
      // Tokens as written: "The" is none.
      rps_doc_stop_word_fraction: round(2 / tokens.length),
      rps_doc_ldnoobw_words: 1,
    });
  });

  it('count a word covered by several repeated n-grams once', () => {
    // Seven words, a mark, the seven again: 5-, 6- and 7-grams cover all letters but x's; no 8-gram repeats.
    const text = 'aa bb cc dd ee ff gg x aa bb cc dd ee ff gg';
    const covered = Number((28 / 29).toFixed(8));
    expect(signalsOf(text)).toMatchObject({
      rps_doc_frac_chars_dupe_5grams: covered,
      rps_doc_frac_chars_dupe_6grams: covered,
      rps_doc_frac_chars_dupe_7grams: covered,
      rps_doc_frac_chars_dupe_8grams: 0,
      // The first of those that occur twice.
      rps_doc_frac_chars_top_3gram: Number((12 / 29).toFixed(8)),
    });
  });

  it('find lorem ipsum across marks and line ends, per character of the normalized text', () => {
    // "lorem ipsum is lorem ipsum": 26 characters.
    expect(signalsOf('Lorem, \n ipsum is {lorem ipsum}.')).toMatchObject({
      rps_doc_lorem_ipsum: Number((2 / 26).toFixed(8)),
      rps_doc_curly_bracket: Number((2 / 32).toFixed(8)),
    });
  });

  it('are null where there is nothing to divide by', () => {
    expect(signalsOf('')).toMatchObject({
      rps_doc_word_count: 0,
      rps_doc_mean_word_length: null,
      rps_doc_frac_lines_end_with_ellipsis: null,
      rps_doc_symbol_to_word_ratio: null,
      rps_doc_frac_chars_top_2gram: 0,
    });
    expect(signalsOf('')).not.toHaveProperty('rps_doc_stop_word_fraction');
  });

  it('decompose characters and know tokens of other scripts', () => {
    // NFD: é is two code points. Devanagari vowel signs are no word characters to Python: four tokens, then the mark.
    expect(signalsOf('Éé')).toMatchObject({ rps_doc_mean_word_length: 4, rps_doc_frac_all_caps_words: 0 });
    expect(signalsOf('हिन्दी!')).toMatchObject({ rps_doc_frac_no_alph_words: 1, rps_doc_num_sentences: 1 });
  });

  it('agree with a plain reading of the definitions on any text', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', 'B', 'é', ' ', '\n', '.', '!', '…', '中', '😊', '_', '7', '\u00a0', "'"),
      maxLength: 80,
    });
    fc.assert(
      fc.property(text, (value) => {
        const words = value
          .replace(/[!-/:-@[-`{-~]/g, '')
          .toLowerCase()
          .normalize('NFD')
          .split(/\s+/)
          .filter((word) => word !== '');
        const tokens = value.match(/[\p{L}\p{N}_]+|[^\p{L}\p{N}_\s]+/gu) ?? [];
        const signals = signalsOf(value);
        expect(signals['rps_doc_word_count']).toBe(words.length);
        const latin = tokens.filter((token) => /[a-z]/i.test(token)).length;
        expect(signals['rps_doc_frac_no_alph_words']).toBe(
          tokens.length === 0 ? null : Number((1 - latin / tokens.length).toFixed(8)),
        );
        const sentences = value.match(
          /(?:(?<=[\p{L}\p{N}_])(?![\p{L}\p{N}_])|(?<![\p{L}\p{N}_])(?=[\p{L}\p{N}_]))[^.!?]+[.!?]*/gu,
        );
        expect(signals['rps_doc_num_sentences']).toBe(sentences?.length ?? 0);
      }),
      { seed: 5, numRuns: 500 },
    );
  });
});

describe('signals of lines', () => {
  it('are spans in code points, newlines included', () => {
    const signals = signalsOf('😊 Use JavaScript.\n\n• 12 ab”', { lines: true });
    expect(signals['rps_lines_ending_with_terminal_punctution_mark']).toEqual([
      [0, 18, 1],
      [18, 19, 0],
      [19, 27, 1],
    ]);
    expect(signals['rps_lines_javascript_counts']).toEqual([
      [0, 18, 1],
      [18, 19, 0],
      [19, 27, 0],
    ]);
    expect(signals['rps_lines_num_words']).toEqual([
      [0, 18, 3],
      [18, 19, 0],
      [19, 27, 3],
    ]);
    expect(signals['rps_lines_uppercase_letter_fraction']).toEqual([
      [0, 18, roundScore(3 / 18)],
      [18, 19, 0],
      [19, 27, 0],
    ]);
    // "• 12 ab”" has eight characters, none of them ASCII punctuation.
    expect(signals['rps_lines_numerical_chars_fraction']).toEqual([
      [0, 18, 0],
      [18, 19, 0],
      [19, 27, 0.25],
    ]);
    expect(signals['rps_lines_start_with_bulletpoint']).toEqual([
      [0, 18, 0],
      [18, 19, 0],
      [19, 27, 1],
    ]);
  });

  it('are left out unless asked for, and a text that ends in a newline has no empty last line', () => {
    expect(signalsOf('a\n')).not.toHaveProperty('rps_lines_num_words');
    expect(signalsOf('a\n', { lines: true })['rps_lines_num_words']).toEqual([[0, 2, 1]]);
  });
});

describe('format', () => {
  it('spans writes scores as RedPajama-V2 publishes them', () => {
    expect(signalsOf('one two', { format: 'spans' })['rps_doc_word_count']).toEqual([[0, 7, 2]]);
  });

  it('rounds as Python does: ties by the exact value, to the even digit', () => {
    // What Python 3.11 prints. 2⁻⁹ = 0.001953125 and 3 × 2⁻⁹ = 0.005859375 are ties; 0.123456785 is none: the double lies below.
    const values = [2 ** -9, 3 * 2 ** -9, 0.123456785, 2 / 3, 0, 12];
    expect(values.map(roundScore)).toEqual([0.00195312, 0.00585938, 0.12345678, 0.66666667, 0, 12]);
  });
});
