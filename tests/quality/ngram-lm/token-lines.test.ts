/** Texts as lines of tokens, and those as word numbers: what a model sees of a text. */
import { describe, expect, it } from 'vitest';
import { ccnetNormalize } from '../../../src/quality/ngram-lm/ccnet-normalize.ts';
import { encodeLines } from '../../../src/quality/ngram-lm/encode.ts';
import { parseTokenForm, type TokenForm } from '../../../src/quality/ngram-lm/options.ts';
import { createTokenLines } from '../../../src/quality/ngram-lm/token-lines.ts';
import { Vocabulary } from '../../../src/quality/ngram-lm/vocabulary.ts';

function linesOf(text: string, form: Partial<TokenForm>): string {
  const lines = createTokenLines(parseTokenForm(form));
  const length = lines.read(text);
  return Buffer.from(lines.bytes.subarray(0, length)).toString('utf8');
}

describe('words', () => {
  it.each([
    [
      'The quick (“brown”) fox can’t jump 32.3 feet, right?',
      'the quick ( “ brown ” ) fox can’t jump 32.3 feet , right ?\n',
    ],
    ['今天天气好。Hello世界', '今 天 天 气 好 。 hello 世 界\n'],
    ['one\ntwo  \t three\r\n\nfour', 'one\ntwo three\n\nfour\n'],
    ['a newline ends the last line\n', 'a newline ends the last line\n'],
    ['ÄÖÜ İ ΑΣ', 'äöü i̇ ας\n'],
    ['no\u00a0break\u3000space\u2028line', 'no break space line\n'],
    ['bell\u0007 \u0000 \u0085next', 'bell next\n'],
    ['a \u0301b\u3000\u0301c', 'a \u0301 b \u0301 c\n'],
    ['\ud800x 👍🏽', '\ufffd x 👍🏽\n'],
    ['', ''],
    ['\n', '\n'],
    [' \n ', '\n\n'],
  ])('%j', (text, lines) => {
    expect(linesOf(text, { tokens: 'words' })).toBe(lines);
  });
});

describe('characters', () => {
  it.each([
    ['Ab c', 'A b c\n'],
    ['汉字，\n𠀀\ud840', '汉 字 ，\n𠀀 \ufffd\n'],
    ['tab\there\u3000\u0001\u009f', 't a b h e r e\n'],
    ['', ''],
    ['\n\n', '\n\n'],
  ])('%j', (text, lines) => {
    expect(linesOf(text, { tokens: 'characters' })).toBe(lines);
  });
});

describe('white space', () => {
  it('takes the text as it is', () => {
    expect(linesOf(' A b\tC\u00a0d\n', { tokens: 'whitespace' })).toBe(' A b\tC\u00a0d\n');
    expect(linesOf('no newline', { tokens: 'whitespace' })).toBe('no newline\n');
  });
});

it('gives the same after a text that needed more room', () => {
  for (const tokens of ['words', 'whitespace', 'characters'] as const) {
    const lines = createTokenLines(parseTokenForm({ tokens }));
    const first = lines.read('ein Satz\n');
    const bytes = Buffer.from(lines.bytes.subarray(0, first));
    expect(lines.read('汉字 '.repeat(400_000))).toBeGreaterThan(1_000_000);
    expect(lines.read('ein Satz\n')).toBe(first);
    expect(Buffer.from(lines.bytes.subarray(0, first))).toEqual(bytes);
  }
});

describe("cc_net's normalization", () => {
  // Expected: cc_net's text_normalizer.normalize of each line, but for the white space around it.
  it.each([
    ['École', 'ecole'],
    ['ＰＡＧＥ １２, 35 €', 'ｐａｇｅ 00, 00 €'],
    ['١٢٣ ४५', '000 00'],
    ['“Quoted”—and… ｆｉｎｅ．', '"quoted" - and... ｆｉｎｅ. '],
    ['《书名》：（好）！', '"书名":(好)!'],
    ['a\tb\u0085c\u007fd', 'abcd'],
    ['한', '\u1112\u1161\u11ab'],
    ['Ångström İ', 'angstrom i'],
    ['two\nlines', 'two\nlines'],
    ['', ''],
  ])('%j', (text, normalized) => {
    expect(ccnetNormalize(text)).toBe(normalized);
  });

  it('comes before tokens are cut', () => {
    expect(linesOf('Né en 1987，à Paris', { tokens: 'words', normalize: 'ccnet' })).toBe('ne en 0000 , a paris\n');
  });
});

describe('word numbers', () => {
  function numbersOf(text: string, options: { isOpen?: boolean; keepEmpty?: boolean; vocabulary?: Vocabulary } = {}) {
    const { isOpen = true, keepEmpty = false, vocabulary = new Vocabulary() } = options;
    const bytes = Buffer.from(text);
    const numbers = { ids: new Uint32Array(0), length: 0 };
    encodeLines(vocabulary, bytes, bytes.length, numbers, isOpen, keepEmpty);
    return Array.from(numbers.ids.subarray(0, numbers.length));
  }

  it('are given in order of appearance, behind <unk>, <s> and </s>', () => {
    expect(numbersOf('b a b\na c\n')).toEqual([1, 3, 4, 3, 2, 1, 4, 5, 2]);
  });

  it('leave lines without a token out, or keep them as sentences', () => {
    expect(numbersOf('a\n\n \na\n')).toEqual([1, 3, 2, 1, 3, 2]);
    expect(numbersOf('a\n\n \na\n', { keepEmpty: true })).toEqual([1, 3, 2, 1, 2, 1, 2, 1, 3, 2]);
  });

  it('divide at space, tab, carriage return and NUL alone', () => {
    expect(numbersOf('a\tb\r\0c  d\v\u00a0\n')).toEqual([1, 3, 4, 5, 6, 2]);
  });

  it('take <s>, </s>, <unk> and <UNK> for white space', () => {
    expect(numbersOf('<s> a </s> <unk> <UNK> b\n<s>\n')).toEqual([1, 3, 4, 2]);
    expect(numbersOf('<s>a <S> <\n')).toEqual([1, 3, 4, 5, 2]);
  });

  it('are 0 for words that a closed vocabulary does not have', () => {
    const vocabulary = new Vocabulary();
    numbersOf('a b\n', { vocabulary });
    expect(numbersOf('a x b\n', { vocabulary, isOpen: false })).toEqual([1, 3, 0, 4, 2]);
    expect(vocabulary.size).toBe(5);
  });

  it('hold for many words and long ones', () => {
    const vocabulary = new Vocabulary();
    const words = Array.from({ length: 50_000 }, (_, i) => (i % 1000 === 0 ? 'x'.repeat(3000) + i : i.toString(36)));
    const numbers = numbersOf(`${words.join(' ')}\n`, { vocabulary });
    expect(numbers).toEqual([1, ...words.map((_, i) => i + 3), 2]);
    expect(numbersOf(`${words.join(' ')}\n`, { vocabulary, isOpen: false })).toEqual(numbers);
    const { starts, bytes } = vocabulary;
    for (const i of [0, 1, 999, 1000, 49_999]) {
      expect(Buffer.from(bytes.subarray(starts[i + 3], starts[i + 4])).toString()).toBe(words[i]);
    }
  });
});
