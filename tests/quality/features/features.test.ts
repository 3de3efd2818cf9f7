import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { featureMeanings, featureNames, readFeatures } from '../../../src/quality/features/features.ts';

function features(text: string): Record<string, number> {
  const out = new Float64Array(featureNames.length);
  readFeatures(text, out);
  return Object.fromEntries(featureNames.map((name, i) => [name, out[i]]));
}

function expectFeatures(text: string, expected: Record<string, number>): void {
  const found = features(text);
  for (const [name, value] of Object.entries(expected))
    expect([name, found[name]]).toEqual([name, expect.closeTo(value, 12)]);
}

describe('the statistics of a text', () => {
  it('have names of their own, each with a meaning', () => {
    expect(featureMeanings.size).toBe(featureNames.length);
    expect(featureNames.length).toBeGreaterThanOrEqual(60);
    for (const [name, meaning] of featureMeanings) {
      expect(name).toMatch(/^[a-z0-9_]+$/);
      expect(meaning).not.toBe('');
    }
  });

  it('are all 0 for the empty text', () => {
    expect(new Set(Object.values(features('')))).toEqual(new Set([0]));
  });

  it('count characters by hand', () => {
    // 20 characters: three spaces and a newline, so 16 with ink.
    expectFeatures('Ab 12, {x}|@#!? é\n--', {
      chars_log: Math.log(21),
      white_space_share: 4 / 20,
      letter_share: 4 / 16,
      upper_case_share: 1 / 4,
      digit_share: 2 / 16,
      // , { } @ # ! ? - - (the bar is a symbol to Unicode)
      punctuation_share: 9 / 16,
      symbol_share: 1 / 16,
      // { } | #
      code_mark_share: 4 / 16,
      comma_share: 1 / 16,
      full_stop_share: 0,
      question_mark_share: 1 / 16,
      exclamation_mark_share: 1 / 16,
      dash_share: 2 / 16,
      bar_share: 1 / 16,
      at_sign_share: 1 / 16,
      hash_share: 1 / 16,
      non_ascii_share: 1 / 20,
      doubled_share: 1 / 20,
      distinct_characters_log: Math.log(1 + 17),
      // 15 characters once, the dash twice, the space three times.
      character_entropy: -(15 / 20) * Math.log2(1 / 20) - (2 / 20) * Math.log2(2 / 20) - (3 / 20) * Math.log2(3 / 20),
    });
  });

  it('count a character of two units as one, and tell emoji from ideographs', () => {
    // U+20000 is an ideograph, U+1F600 an emoji.
    expectFeatures('𠀀😀中é', {
      chars_log: Math.log(5),
      letter_share: 3 / 4,
      symbol_share: 1 / 4,
      han_share: 2 / 4,
      other_script_share: 0,
      non_ascii_share: 1,
    });
  });

  it('know letters of other scripts, and what broken decoding leaves', () => {
    expectFeatures('жд\ufffd\u0001', { other_script_share: 2 / 4, broken_share: 2 / 4, letter_share: 2 / 4 });
  });

  it('measure lines by hand', () => {
    const lines = ['A title', '', '* one item here...', '2 mice:', '| a cell |', 'lower. "Yes."', 'A title'];
    const [title, item, mice, cell, lower] = [7, 18, 7, 10, 13];
    const total = 2 * title + item + mice + cell + lower;
    const mean = total / 6;
    const lengths = [title, item, mice, cell, lower, title];
    const variance = lengths.reduce((sum, length) => sum + (length - mean) ** 2, 0) / 6;
    expectFeatures(lines.join('\n'), {
      lines_log: Math.log(7),
      blank_line_share: 1 / 7,
      mean_line_length_log: Math.log(1 + mean),
      // 7 7 7 10 13 18
      median_line_length_log: Math.log(1 + 8.5),
      lower_quartile_line_length_log: Math.log(1 + 7),
      max_line_length_log: Math.log(1 + 18),
      line_length_variation: Math.sqrt(variance) / mean,
      short_line_share: 1,
      short_line_char_share: 1,
      long_line_char_share: 0,
      // The item's dots and the quotation.
      ended_line_share: 2 / 6,
      ended_line_char_share: (item + lower) / total,
      ellipsis_line_share: 1 / 6,
      colon_line_share: 1 / 6,
      bullet_line_share: 1 / 6,
      digit_line_share: 1 / 6,
      bar_line_share: 1 / 6,
      upper_line_share: 2 / 6,
      lower_line_share: 1 / 6,
      last_line_ended: 0,
      duplicate_line_share: 1 / 6,
      duplicate_line_char_share: title / total,
      paragraphs_log: Math.log(3),
      duplicate_paragraph_share: 0,
    });
  });

  it('tell long lines from short ones', () => {
    expectFeatures(`${'x'.repeat(101)}\n${'y'.repeat(29)}\n${'z'.repeat(30)}`, {
      short_line_share: 1 / 3,
      short_line_char_share: 29 / 160,
      long_line_char_share: 101 / 160,
    });
  });

  it('measure English words by hand', () => {
    // you are ABC NASA 42 b2b you Extraordinarily -: eight words, one symbol.
    const lengths = [3, 3, 3, 4, 2, 3, 3, 15];
    const total = lengths.reduce((sum, length) => sum + length, 0);
    const variance = lengths.reduce((sum, length) => sum + (length - total / 8) ** 2, 0) / 8;
    expectFeatures('you are ABC NASA 42 b2b You Extraordinarily -', {
      words_log: Math.log(9),
      mean_word_length: Math.log(1 + total / 8),
      word_length_variation: Math.sqrt(variance) / (total / 8),
      max_word_length_log: Math.log(16),
      long_word_share: 1 / 8,
      symbol_ratio: 1 / 9,
      number_word_share: 1 / 8,
      mixed_word_share: 1 / 8,
      single_letter_share: 0,
      capitalised_share: 4 / 8,
      shouted_share: 2 / 8,
      // are and twice you, which fold together.
      stop_word_share: 3 / 8,
      second_person_share: 2 / 8,
      first_person_share: 0,
      type_token_ratio: 7 / 8,
      root_type_token_ratio_log: Math.log(1 + 7 / Math.sqrt(8)),
      hapax_share: 6 / 7,
      top_word_share: 2 / 8,
    });
  });

  it('take a Chinese character for a word', () => {
    // 我 and 的 are stop characters of the list, 。 is a symbol.
    expectFeatures('我的猫和我。', {
      words_log: Math.log(6),
      stop_character_share: 4 / 5,
      stop_word_share: 0,
      first_person_share: 2 / 5,
      type_token_ratio: 4 / 5,
      han_share: 5 / 6,
      ended_line_share: 1,
      last_line_ended: 1,
    });
  });

  it.each([
    ['One. Two! Three?', 3],
    ['No end', 1],
    ['He said "Stop!" and left.', 2],
    ['example.com has 3.5 stars', 1],
    ['第一句。第二句！第三', 3],
    ['真的？！是的。', 2],
    ['“好。”他说。', 2],
    ['   ', 0],
    ['...', 0],
  ])('count the sentences of %j', (text, sentences) => {
    expectFeatures(text, { sentences_log: Math.log(1 + sentences) });
  });

  it('count links and the phrases of web pages against words', () => {
    // Words: Log, in, or, SIGN, UP, at, https, www.example.com; phrases: log in, sign up.
    expectFeatures('Log in or SIGN UP at https://www.example.com', {
      words_log: Math.log(1 + 8),
      link_ratio: 2 / 9,
      boilerplate_ratio: 2 / 9,
    });
  });

  it("measure repetition as Gopher's rules do", () => {
    // Ten words of one letter: of "a b" there are five, each of 3 characters with its space.
    expectFeatures('a b a b a b a b a b', {
      top_2gram_share: 1,
      // "a b a": 4 of 5 characters, 20 of 10.
      top_3gram_share: 1,
      // Of words 5 and 6 on: a b a b a has been seen at word 3 (b a b a b at word 4), and is jumped over.
      duplicate_5gram_share: 5 / 10,
      duplicate_7gram_share: 7 / 10,
      duplicate_10gram_share: 0,
    });
    // Where nothing repeats the first pair is the most frequent: "one two" of 27 characters.
    expectFeatures('one two three four five six seven', { top_2gram_share: 7 / 27, duplicate_5gram_share: 0 });
  });

  it('depend on the text alone, not on what was read before', () => {
    const texts = ['The cat sat. It purred!', '我的猫。', '', 'x '.repeat(5000), '\n\n|a|\n', '😀'];
    const first = texts.map(features);
    expect([...texts].reverse().map(features).reverse()).toEqual(first);
  });

  it('are finite for every text, shares from 0 to 1', () => {
    const pieces = fc.constantFrom(
      '\n',
      ' ',
      '...',
      '。',
      '中',
      '\ud800',
      '\udc00',
      '😀',
      '\0',
      '\u00ad',
      'http://',
      'the ',
      '- ',
      '|',
      'É',
      '٣',
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.array(fc.oneof(pieces, fc.string({ maxLength: 6 })), { maxLength: 60 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, (any) => {
        const wrong = Object.entries(features(any)).filter(([name, value]) => {
          const most = /_(share|ratio)$/.test(name) ? 1 + 1e-12 : Number.MAX_VALUE;
          return !(value >= 0 && value <= most);
        });
        expect(wrong).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });
});
