import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeStatistics } from '../../src/filters/code-statistics.ts';
import { textStatistics } from '../../src/filters/text-statistics.ts';
import { stageOf } from './process.ts';

/** All rules off. */
const OFF = {
  maxChars: null,
  minAlphanumeric: null,
  maxAlphanumeric: null,
  minSpecial: null,
  maxSpecial: null,
  maxMeanLineLength: null,
  maxLongestLine: null,
  maxCharRepetition: null,
  minWords: null,
  maxWords: null,
  maxWordRepetition: null,
};
const only = (options: Record<string, unknown>) => stageOf(textStatistics, { ...OFF, ...options });

const SUND = "Today is Sund Sund Sund Sunda and it's a happy day!\nYou know";
const SUND_5 = "Today is Sund Sund Sund Sund Sund Sunda and it's a happy day!";
const MARKS = '，。、„”“«»１」「《》´∶：？！（）；–—．～’…━〈〉【】％►';
const EMOJI = 'emoji表情测试下😊，😸31231\n';
const FORMULA = 'a=1\nb\nc=1+2+3+5\nd=6';

// Texts, limits and verdicts of Data-Juicer's own tests, tests/ops/filter/test_*_filter.py.
describe('what Data-Juicer keeps and drops in its own tests', () => {
  const LINES = [FORMULA, SUND, 'a v s e e f g a qkc', MARKS, 'Do you need a cup of coffee?', EMOJI];
  it.each([
    ['alphanumeric', { minAlphanumeric: 0.2, maxAlphanumeric: 0.9 }, LINES, [0, 1, 2, 4, 5]],
    ['average line length', { minMeanLineLength: 10, maxMeanLineLength: 20 }, LINES, [2, 5]],
    ['maximum line length', { minLongestLine: 10, maxLongestLine: 20 }, LINES, [2, 5]],
    [
      'character repetition',
      { charRepetitionN: 5, maxCharRepetition: 0.4 },
      [SUND_5, 'a v s e c s f e f g a a a a a a a a a a', MARKS, '中文也是一个字算一个长度'],
      [2, 3],
    ],
    [
      'word repetition',
      { wordRepetitionN: 3, maxWordRepetition: 0.2 },
      [
        "Today is Sunday Sunday Sunday Sunday Sunday and it's a happy day!",
        "Today is Sunday Sunday Sunday and it's a happy day!",
        SUND_5,
        "plusieurs èrdash@hqbchd.ckd d'accéder à ces wwwasdasd fonc",
        'This proposed a novel proposed pretraining proposed pretraining.',
      ],
      [1, 3, 4],
    ],
    [
      'special characters',
      { maxSpecial: 0.25 },
      [
        "Today is Sunday and it's a happy day!",
        "Today is Sund Sund Sund Sund Sunda and it's a happy day!",
        'a v s e c s f e f g a qkc',
        MARKS,
        'Do you need a cup of coffee?',
        'emoji表情测试下😊，😸31231',
      ],
      [0, 1, 4],
    ],
    [
      'number of words',
      { minWords: 5, maxWords: 15 },
      ['Today is Sun', SUND_5, 'a v s e c s f e f g a a a  ', MARKS],
      [1, 2],
    ],
  ])('%s', (_, options, texts, kept) => {
    const judge = only(options);
    expect(texts.flatMap((text, i) => (judge(text).verdict === 'keep' ? [i] : []))).toEqual(kept);
  });
});

describe('measured values', () => {
  const stage = (text: string) => {
    const options = textStatistics.options.parse({
      ...OFF,
      maxChars: 0,
      minAlphanumeric: 1,
      minAlphabetic: 1,
      maxDigits: 0,
      maxUpperCase: 0,
      minSpecial: 1,
      maxMeanLineLength: 0,
      maxLongestLine: 0,
      maxCharRepetition: 0,
      charRepetitionN: 2,
      minWords: 1e9,
      maxLongestWord: 0,
      maxWordRepetition: 0,
      wordRepetitionN: 2,
      maxSentenceRepetition: 0,
    });
    const created = textStatistics.create(options, { name: '', seed: 0, baseDir: '' });
    const measured = created.explain?.({ id: '', text, meta: {} }) ?? [];
    return Object.fromEntries(measured.map(({ rule, value }) => [rule, value]));
  };

  it('are those that counting by hand gives', () => {
    // 18 characters: 9 letters of which 3 capitals, 2 digits, 7 marks and spaces; digits are special too.
    expect(stage('Ab ab! Ab ab 42.\nX')).toEqual({
      text_length: 18,
      alnum_ratio: 11 / 18,
      alpha_ratio: 9 / 18,
      digit_ratio: 2 / 18,
      upper_case_ratio: 3 / 18,
      special_char_ratio: 9 / 18,
      avg_line_length: 9,
      max_line_length: 16,
      // Stripped of marks and digits: Ab, ab, Ab, ab, X.
      num_words: 5,
      long_word: 2,
      // 17 pairs of characters: "b " three times, "Ab", "ab" and " a" twice, eight more; the top √12 = 3 are 3 + 2 + 2.
      char_rep_ratio: 7 / 17,
      // Lower-cased: (ab ab) three times, (ab x).
      word_rep_ratio: 3 / 4,
      sentence_rep_ratio: 0,
    });
  });

  it('count characters beyond U+FFFF as one', () => {
    expect(stage('😊😊\n𝔸b')).toMatchObject({
      text_length: 5,
      alnum_ratio: 2 / 5,
      upper_case_ratio: 1 / 5,
      special_char_ratio: 3 / 5,
      avg_line_length: 2.5,
      max_line_length: 2,
      num_words: 1,
      long_word: 2,
      char_rep_ratio: 0,
    });
  });

  it('are 0 for the empty text', () => {
    expect(new Set(Object.values(stage('')))).toEqual(new Set([0]));
  });

  it('find repeated sentences by their letters, in English and in Chinese', () => {
    // Letters and digits: 8 + 10 + 8 + 7, the third sentence being the first again.
    expect(stage('It is late. I am off (3.5 km). “It is late!” And so on.')['sentence_rep_ratio']).toBe(8 / 33);
    expect(stage('今天下雨。明天晴！今天下雨？\n今天下雨')['sentence_rep_ratio']).toBe(8 / 15);
  });
});

describe('repetition', () => {
  // Reference: n-grams as strings in a Map.
  const counts = (pieces: readonly string[], n: number, joiner: string): number[] => {
    const map = new Map<string, number>();
    for (let i = 0; i + n <= pieces.length; i++) {
      const gram = pieces.slice(i, i + n).join(joiner);
      map.set(gram, (map.get(gram) ?? 0) + 1);
    }
    return [...map.values()];
  };
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'A', ' ', '\n', '中', '😊', '𝔸'), maxLength: 120 });

  it('of characters is that of the √distinct most frequent n-grams that repeat', () => {
    const share = (value: string, n: number): number => {
      const all = counts([...value], n, '').sort((a, b) => b - a);
      const repeated = all.filter((times) => times > 1).length;
      const top = Math.min(Math.floor(Math.sqrt(all.length)), repeated);
      return all.length === 0 ? 0 : sum(all.slice(0, top)) / sum(all);
    };
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 12 }), (value, n) => {
        const judge = only({ charRepetitionN: n, maxCharRepetition: 0 });
        expect(judge(value).value ?? 0).toBeCloseTo(share(value, n), 12);
      }),
      { seed: 3, numRuns: 500 },
    );
  });

  it('of words is that of all n-grams that repeat', () => {
    const share = (value: string, n: number): number => {
      const words = value
        .toLowerCase()
        .split(/[ \n]/)
        .map((word) => word.replace(/^😊+|😊+$/gu, ''))
        .filter((word) => word !== '');
      const all = counts(words, n, ' ');
      return all.length === 0 ? 0 : sum(all.filter((times) => times > 1)) / sum(all);
    };
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 4 }), (value, n) => {
        const judge = only({ wordRepetitionN: n, maxWordRepetition: 0 });
        expect(judge(value).value ?? 0).toBeCloseTo(share(value, n), 12);
      }),
      { seed: 4, numRuns: 500 },
    );
  });
});

describe('words: unicode', () => {
  it('counts Chinese in characters and finds their repetition', () => {
    const text = '根据算子使用使用使用使用安装方案确定';
    expect(only({ words: 'unicode', minWords: 20 })(text)).toMatchObject({ verdict: 'num_words', value: 18 });
    // Sixteen 3-grams; 使用使 and 用使用 stand three times each.
    expect(only({ words: 'unicode', wordRepetitionN: 3, maxWordRepetition: 0.2 })(text)).toMatchObject({
      verdict: 'word_rep_ratio',
      value: 6 / 16,
    });
  });

  it('tells numbers from words', () => {
    const judge = only({ words: 'unicode', maxNumbers: 0.5 });
    expect(judge('In 1984, 3.5 of 1,000')).toMatchObject({ verdict: 'number_ratio', value: 3 / 5 });
    expect(judge('A4 is 210 mm wide').verdict).toBe('keep');
  });
});

describe('filter.code-statistics', () => {
  const judge = stageOf(codeStatistics);

  it.each([
    [`${'x'.repeat(1001)}\n${'y\n'.repeat(100)}`, 'max_line_length', 1001, 1000],
    [`${'x'.repeat(101)}\n`.repeat(3), 'avg_line_length', 101, 100],
    [`${'{ } '.repeat(10)}return`, 'alnum_ratio', 6 / 46, 0.25],
  ])('drops by StarCoder’s limits: %#', (text, verdict, value, threshold) => {
    expect(judge(text)).toMatchObject({ verdict, value, threshold });
  });

  it('leaves line ends out of the mean: a hundred characters a line pass', () => {
    expect(judge(`${'x'.repeat(100)}\n`.repeat(3)).verdict).toBe('keep');
    expect(stageOf(textStatistics, { ...OFF, maxMeanLineLength: 100 })(`${'x'.repeat(100)}\n`.repeat(3)).verdict).toBe(
      'avg_line_length',
    );
  });
});
