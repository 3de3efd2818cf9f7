import { describe, expect, it } from 'vitest';
import { gopherQuality } from '../../src/filters/gopher-quality.ts';
import { gopherRepetition } from '../../src/filters/gopher-repetition.ts';
import { stageOf } from './process.ts';

const PROSE =
  'The committee met in the old hall to hear what the engineers had found, and it stayed until the lamps were lit. ' +
  'They said that the river would have to be moved before the spring, with care for the mills that stand below it.';

describe('Gopher quality', () => {
  const judge = stageOf(gopherQuality, { minWords: 10, maxWords: 1000 });

  // The cases of datatrove's own test, tests/pipeline/filters/test_filters.py.
  it.each([
    ['I am too small...', 'gopher_short_doc'],
    ['I am '.repeat(20), 'gopher_below_avg_threshold'],
    ['interconnection '.repeat(20), 'gopher_above_avg_threshold'],
    ['# comment '.repeat(20), 'gopher_too_many_hashes'],
    ['... comment '.repeat(20), 'gopher_too_many_ellipsis'],
    [PROSE, 'keep'],
    ['word '.repeat(1001), 'gopher_long_doc'],
  ])('says of %j: %s', (text, verdict) => {
    expect(judge(text).verdict).toBe(verdict);
  });

  it('says what was measured and what the limit is', () => {
    expect(judge('Nine words are one too few for this rule')).toMatchObject({ value: 9, threshold: 10 });
    expect(judge('# comment '.repeat(20))).toMatchObject({ value: 0.5, threshold: 0.1 });
  });

  it('drops a text in which more than 90 % of lines start with a bullet', () => {
    const line = '- the engineers said that the river would have to be moved';
    expect(judge(Array(20).fill(line).join('\n')).verdict).toBe('gopher_too_many_bullets');
    expect(judge([...Array(18).fill(line), PROSE, PROSE].join('\n')).verdict).toBe('keep');
  });

  it('drops a text in which more than 30 % of lines end with an ellipsis', () => {
    const ending = 'the engineers said that the river would have to be moved before spring came …  ';
    expect(judge([ending, ending, PROSE, PROSE, PROSE].join('\n'))).toMatchObject({
      verdict: 'gopher_too_many_end_ellipsis',
      value: 0.4,
    });
  });

  it('drops a text with fewer than 80 % words with a letter, and one with a single stop word', () => {
    expect(judge('about 1 2 3 4 5 6 7 8 9 10 interconnections everywhere').verdict).toMatch(/below_(avg|alpha)/);
    expect(judge('walking through green valleys along quiet rivers beyond the silent mountains').verdict).toBe(
      'gopher_enough_stop_words',
    );
  });

  it('switches a test off with null, and a text without words is then kept', () => {
    const off = stageOf(gopherQuality, { minWords: null, minAlphaWords: null, minStopWords: null });
    expect(off('').verdict).toBe('keep');
    expect(off(' \n ').verdict).toBe('keep');
    expect(stageOf(gopherQuality)('').verdict).toBe('gopher_short_doc');
  });

  it('counts Chinese in dictionary words', () => {
    const options = {
      minMeanWordLength: 1,
      maxMeanWordLength: 5,
      minAlphaWords: 0.735,
      stopWords: ['的', '是', '在'],
      minWords: 10,
      unspacedWords: 'dictionary',
    };
    const text = '委员会在旧大厅开会，听取工程师的报告。他们说这条河是应该改道的，但要保护下游的磨坊。';
    expect(stageOf(gopherQuality, options)(text).verdict).toBe('keep');
    expect(stageOf(gopherQuality, { ...options, minMeanWordLength: 3 })(text).verdict).toBe(
      'gopher_below_avg_threshold',
    );
  });

  it('refuses an option that does not exist', () => {
    expect(() => stageOf(gopherQuality, { minWord: 3 })).toThrow(/minWord/);
  });
});

describe('Gopher repetition', () => {
  const judge = stageOf(gopherRepetition);

  // The cases of datatrove's own test.
  it.each([
    ['I am your father.\n'.repeat(4), 'dup_line_frac'],
    ['I am your father.\n\n'.repeat(4), 'dup_para_frac'],
    [`a\n\nb\n\nc\n\n${'x'.repeat(30)}\n\n${'x'.repeat(30)}`, 'dup_para_char_frac'],
    [`a\nb\nc\n${'x'.repeat(40)}\n${'x'.repeat(40)}`, 'dup_line_char_frac'],
    ['I am Frank, I am Frank, I am Frank', 'top_2_gram'],
    ['I am Frank, you are Jhon. I am Frank. I am Frank you are Jhon', 'top_3_gram'],
    ['', 'keep'],
    ['\n\n', 'dup_line_frac'],
  ])('says of %j: %s', (text, verdict) => {
    expect(judge(text).verdict).toBe(verdict);
  });

  it('drops a text whose repeated 5-grams exceed 15 % of its characters', () => {
    const limits = stageOf(gopherRepetition, { topNGrams: null, maxDuplicateLineChars: null });
    const outcome = limits(`${'I am a solo traveller '.repeat(4)}${PROSE}`);
    expect(outcome.verdict).toBe('duplicated_5_n_grams');
    // Three repetitions of 17 letters (Iamasolotraveller).
    expect(outcome.value).toBeCloseTo(51 / (88 + PROSE.length), 12);
    expect(outcome.threshold).toBe(0.15);
  });

  it('measures only what it is asked to', () => {
    const off = stageOf(gopherRepetition, {
      maxDuplicateParagraphs: null,
      maxDuplicateParagraphChars: null,
      maxDuplicateLines: null,
      maxDuplicateLineChars: null,
      topNGrams: null,
      duplicateNGrams: [[12, 0.2]],
    });
    expect(off('I am your father.\n'.repeat(3)).verdict).toBe('keep');
    expect(off('I am your father.\n'.repeat(20)).verdict).toBe('duplicated_12_n_grams');
  });
});
