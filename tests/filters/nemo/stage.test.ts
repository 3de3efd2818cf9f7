/** NeMo Curator's heuristics, rule by rule. Expected values follow from the filters' documentation, counted by hand. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nemo } from '../../../src/filters/nemo/stage.ts';
import { stageOf } from '../process.ts';

/** All rules off. */
const OFF = {
  maxNonAlphanumeric: null,
  maxSymbolWords: null,
  maxDigits: null,
  maxUrlChars: null,
  maxWhiteSpace: null,
  maxParentheses: null,
  maxBoilerplateParagraphs: null,
  minUniqueLines: null,
  minUniqueParagraphs: null,
  minUniqueLineChars: null,
  minUniqueParagraphChars: null,
  minWords: null,
  maxWords: null,
  maxLinesWithoutEndMark: null,
  minAlphaWords: null,
  minCommonWords: null,
  minMeanWordLength: null,
  maxMeanWordLength: null,
  maxWordLength: null,
  maxEllipsisLines: null,
  topNGrams: null,
  duplicateNGrams: null,
  maxBulletLines: null,
};

/** The value that one rule measures when it breaks its limit. */
function measure(rule: Partial<Record<keyof typeof OFF, unknown>>, text: string): number | undefined {
  return stageOf(nemo, { ...OFF, ...rule })(text).value;
}

/** A largest share that every share but 0 breaks. */
const ANY = 1e-9;

const PROSE =
  'The committee met in spring to talk about the harbour and the roads that lead to it. Nobody had an easy answer.\n' +
  'A new bridge would cost more than the town can raise in ten years, so the members asked the county for help.\n' +
  'Its engineers have promised a report with three plans, each of which must be ready before the first snow falls.';

describe('filter.nemo', () => {
  it('keeps prose', () => expect(stageOf(nemo)(PROSE).verdict).toBe('keep'));

  it('keeps everything with all rules off', () => {
    const judge = stageOf(nemo, OFF);
    for (const text of ['', '\n\n', '#', '1 2 3']) expect(judge(text).verdict).toBe('keep');
  });

  it('drops the empty text by its first rule, as the peer does', () => {
    expect(stageOf(nemo)('')).toMatchObject({ verdict: 'alpha_numeric', value: 1, threshold: 0.25 });
  });

  it('never fails, whatever the text', () => {
    const judge = stageOf(nemo, { dropPornographicUrls: true });
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        expect(judge(text).verdict).toMatch(/^[a-z]/);
      }),
    );
  });
});

describe('characters', () => {
  it('counts as alphanumeric: ASCII letters, digits, newline and ?!,. alone', () => {
    expect(measure({ maxNonAlphanumeric: ANY }, 'aB3\n?!,.é-')).toBeCloseTo(2 / 10, 12);
  });
  it('counts characters, not UTF-16 units', () => expect(measure({ maxNonAlphanumeric: ANY }, 'abc😀')).toBe(1 / 4));
  it('counts ASCII digits', () => expect(measure({ maxDigits: ANY }, '12٣a')).toBe(2 / 4));
  it('counts brackets', () => expect(measure({ maxParentheses: ANY }, '(a)[b]{c}⟨d⟩<e>')).toBe(8 / 15));
  it('counts space, tab, newline, return and backspace', () => {
    expect(measure({ maxWhiteSpace: ANY }, 'a \t\n\r\b\u00a0\v')).toBe(5 / 8);
  });
});

describe('URLs', () => {
  it.each([
    ['see https://a.io/b?c=d now', 18],
    ['http://a%20b', 12],
    ['http://a%2', 8],
    ['<http://a.b>', 10],
    ['http://x,https://y', 18],
    ['httphttp://xy', 9],
  ])('%s', (text, chars) => expect(measure({ maxUrlChars: ANY }, text)).toBeCloseTo(chars / text.length, 12));
  it.each(['http:// none', 'https:/a', 'HTTP://A.B', 'http', 'ftp://a.b'])('%s holds none', (text) =>
    expect(measure({ maxUrlChars: ANY }, text)).toBeUndefined(),
  );
  it('drops pornographic ones when asked', () => {
    const judge = stageOf(nemo, { ...OFF, dropPornographicUrls: true });
    expect(judge('at http://porn.example/').verdict).toBe('pornographic_urls');
    expect(judge('porn at http://example.org/').verdict).toBe('keep');
  });
});

describe('boilerplate', () => {
  it('is the share of paragraphs with a policy phrase, whatever its case', () => {
    const text = 'One.\n\nOur Privacy Policy and Terms of Use.\n\nThree.\n\nThis site USES COOKIES.';
    expect(measure({ maxBoilerplateParagraphs: ANY }, text)).toBe(2 / 4);
  });
  it.each([
    'Terms of use',
    'Cookie Policy',
    'privacy overview',
    'the use of cookies',
    'We use cookies',
    'privacy & cookies policy',
    'Privacy and Cookies Policy',
    'coo\u212aie policy',
  ])('knows "%s", at either end of a paragraph', (phrase) => {
    expect(measure({ maxBoilerplateParagraphs: ANY }, `${phrase} now, ${phrase}\n\nand more`)).toBe(1 / 2);
    expect(measure({ maxBoilerplateParagraphs: ANY }, phrase.slice(0, -1))).toBeUndefined();
  });
  it('counts empty paragraphs too', () => {
    expect(measure({ maxBoilerplateParagraphs: ANY }, '\n\n\n\nprivacy policy\n')).toBe(1 / 3);
  });
  it('is 1 with lorem ipsum', () => {
    expect(measure({ maxBoilerplateParagraphs: ANY }, 'a\n\nb\n\nLorem ipsum dolor')).toBe(1);
  });
  it('does not find a phrase over a line end', () => {
    expect(measure({ maxBoilerplateParagraphs: ANY }, 'privacy\npolicy')).toBeUndefined();
  });
});

describe('lines', () => {
  it('compares lines as they stand, and leaves out those of white space', () => {
    expect(measure({ minUniqueLines: 1 }, 'a\na\n \n\na \nb')).toBe(3 / 4);
    expect(measure({ minUniqueLineChars: 1 }, 'xxxx\nxxxx\ny')).toBe(5 / 9);
  });
  it('compares paragraphs, empty ones included', () => {
    expect(measure({ minUniqueParagraphs: 1 }, 'a\n\na\n\n\n\nb')).toBe(3 / 4);
    expect(measure({ minUniqueParagraphChars: 1 }, '😀😀\n\n😀😀\n\nb')).toBe(3 / 5);
  });
  it('looks for an end mark behind white space', () => {
    expect(measure({ maxLinesWithoutEndMark: ANY }, 'One. \nTwo\n“Three”\nFour"\nFive\'')).toBe(2 / 5);
  });
  it.each(['a...', 'a…', 'a[...]', 'a […]', 'a(...)', 'a -»', 'Read More', 'read more..'])(
    '%s ends in an ellipsis',
    (line) => expect(measure({ maxEllipsisLines: ANY }, `${line}  \nplain`)).toBe(1 / 2),
  );
  it.each(['a..', 'a»', 'a(…)', 'read mores', 'are'])('%s does not', (line) =>
    expect(measure({ maxEllipsisLines: ANY }, line)).toBeUndefined(),
  );
  it('knows bullets; a hyphen is none', () => {
    expect(measure({ maxBulletLines: ANY }, ' • a\n○b\n- c\n* d')).toBe(2 / 4);
  });
});

describe('words', () => {
  it('are what stands between white space', () => expect(measure({ minWords: 99 }, ' a-b\u00a0c,\td\n')).toBe(3));
  it('have a length in characters', () => {
    expect(measure({ minMeanWordLength: 99 }, 'abc 😀')).toBe(2);
    expect(measure({ maxWordLength: 1 }, 'abc 😀😀')).toBe(3);
  });
  it('have an alphabetic character or not', () => {
    expect(measure({ minAlphaWords: 1 }, 'a1 12 ⅻ 汉 -')).toBe(3 / 5);
  });
  it.each([
    ['#', true],
    ['##', false],
    ['#a', false],
    ['#a#', true],
    ['#😀#', true],
    ['a#b#', false],
    ['...', true],
    ['[…]', true],
    ['-»', true],
    ['....', false],
  ])('%s is a symbol: %s', (word, isSymbol) =>
    expect(measure({ maxSymbolWords: ANY }, `${word} plain`)).toBe(isSymbol ? 1 / 2 : undefined),
  );
  it('counts common words each time, in lower case, without marks', () => {
    const judge = stageOf(nemo, { ...OFF, minCommonWords: 5 });
    expect(judge('the the The with, of').value).toBe(3);
    expect(judge('the the be to of and').verdict).toBe('keep');
  });
});

describe('n-grams', () => {
  it('cuts the most frequent one out wherever it stands', () => {
    // "a b" occurs twice among words and once more inside "xa bc".
    const text = 'a b c a b d xa bc';
    expect(measure({ topNGrams: [[2, 0]] }, text)).toBeCloseTo(9 / text.length, 12);
  });
  it('finds it only where single spaces part its words', () => {
    expect(measure({ topNGrams: [[2, 0]] }, 'a  b\na\tb x')).toBeUndefined();
  });
  it('counts repeated ones once where they overlap, spaces between them included', () => {
    // Second occurrence of the words 1 to 4 as two overlapping 3-grams: "one two three four" without its first space.
    const text = 'one two three four stop one two three four';
    expect(measure({ duplicateNGrams: [[3, 0]] }, text)).toBeCloseTo(18 / text.length, 12);
  });
  it('gives 1 to a text of too few words', () => {
    expect(measure({ topNGrams: [[3, 0.5]] }, 'one two')).toBe(1);
    expect(measure({ duplicateNGrams: [[5, 0.5]] }, 'one two three four')).toBe(1);
  });

  it('agrees with counting by strings, on random texts of few words', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'ab', 'c', '😀'), { minLength: 2, maxLength: 60 });
    fc.assert(
      fc.property(text, fc.integer({ min: 2, max: 6 }), (words, n) => {
        const joined = words.join(' ');
        const wanted = words.length < n ? 1 : repeatedByStrings(words, n) / [...joined].length;
        expect(measure({ duplicateNGrams: [[n, 0]] }, joined) ?? 0).toBeCloseTo(wanted, 12);
      }),
    );
  });
});

/** Characters that lie in a second or later occurrence, word by word; spaces between such neighbours; by plain strings. */
function repeatedByStrings(words: readonly string[], n: number): number {
  const seen = new Set<string>();
  const covered = new Set<number>();
  let spaces = 0;
  let last = -n;
  for (let i = 0; i + n <= words.length; i++) {
    const gram = JSON.stringify(words.slice(i, i + n));
    if (seen.has(gram)) {
      for (let k = i; k < i + n; k++) covered.add(k);
      // n−1 spaces of an n-gram that stands apart; of one that overlaps, a space before each word that is new.
      spaces += Math.min(i - last, n - 1);
      last = i;
    }
    seen.add(gram);
  }
  return [...covered].reduce((sum, k) => sum + [...words[k]].length, spaces);
}

describe('filters outside the English pipeline', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'nemo-'));
    writeFileSync(join(folder, 'hist'), 'a\t10\nb\t5\n \t3\n]\nz\n');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('keeps texts with a substring', () => {
    expect(stageOf(nemo, { ...OFF, substring: 'ab' })('xabx').verdict).toBe('keep');
    expect(stageOf(nemo, { ...OFF, substring: 'ab', substringPosition: 'prefix' })('xab').verdict).toBe('substring');
    expect(stageOf(nemo, { ...OFF, substring: 'ab', substringPosition: 'suffix' })('xab').verdict).toBe('keep');
  });

  it('drops texts whose characters are not those of the histogram', () => {
    const histogramFile = join(folder, 'hist');
    const judge = stageOf(nemo, { ...OFF, histogramFile });
    expect(judge('ab ab').verdict).toBe('keep');
    expect(judge('abzz')).toMatchObject({ verdict: 'histogram', value: 0.5 });
    // Four of five is not over 0.8.
    expect(judge('ababz')).toMatchObject({ verdict: 'histogram', value: 0.8 });
    // White space at the ends is not listed.
    expect(judge('ab  ').value).toBe(0.5);
  });

  it('says which file is missing', () => {
    expect(() => stageOf(nemo, { histogramFile: join(folder, 'none') })).toThrow(/histogramFile: .*does not exist/);
  });
});
