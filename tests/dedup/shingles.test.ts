import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mix32 } from '../../src/core/random.ts';
import { createShingler, createTokenizer } from '../../src/dedup/shingles.ts';

const tokenizer = createTokenizer();
const tokens = (text: string): number[] => {
  const count = tokenizer.tokenize(text);
  return [...tokenizer.tokens.subarray(0, count)];
};
const shingles = (text: string, size: number): number[] => {
  const shingler = createShingler(size);
  const count = shingler.shingle(text);
  return [...shingler.hashes.subarray(0, count)];
};

describe('tokens', () => {
  it.each([
    ['case', 'The Quick BROWN fox', 'the quick brown fox'],
    ['case beyond ASCII', 'ÉTÉ ДОМ ΟΔΟΣ', 'été дом οδος'],
    ['final sigma', 'ὁδός', 'ὉΔΌΣ'],
    ['punctuation', '“Well,” he said; (twice)…', 'Well he said twice'],
    ['white space', ' a\tb\r\n\u00a0\u3000c ', 'a b c'],
    ['apostrophes', "don't", 'don t'],
    ['underscores', 'snake_case', 'snake case'],
    ['symbols', 'a→b 😀 c', 'a b c'],
    ['full-width letters and digits', 'Ａｂｃ１２３', 'abc123'],
    ['half-width katakana', 'ｶﾀｶﾅ', 'カタカナ'],
    ['compatibility ideographs', '\uf900', '\u8c48'],
    ['mathematical letters', '𝐇𝐞𝐥𝐥𝐨', 'hello'],
    ['soft hyphens', 'infor\u00admation', 'information'],
    ['zero-width characters', 'in\u200bfor\u200d\ufeffmation\ufe0f', 'information'],
    ['space between Han characters', '床 前 明 月', '床前明月'],
    ['spacing of Korean', '아버지가 방에', '아버지 가방에'],
  ])('do not see %s', (_, left, right) => {
    expect(tokens(left)).toEqual(tokens(right));
    expect(tokens(left)).not.toEqual([]);
  });

  it.each([
    ['words', 'one two three', 3],
    ['a word with combining marks', 'e\u0301te\u0301', 1],
    ['Devanagari words with vowel signs', 'हिन्दी भाषा', 2],
    ['numbers', '3.14 100', 3],
    ['each Han character', '中文字', 3],
    ['Han beyond the basic plane', '𠀀𠮷𰻞', 3],
    ['the iteration mark and the ideographic zero', '人々二〇', 4],
    ['each kana, with the long-vowel mark', 'カーとひらがな', 7],
    ['each Hangul syllable', '한국어', 3],
    ['Latin inside Han', '用Python写', 3],
    ['a letter beyond the basic plane as part of a word', 'a𐐨b', 1],
    ['Thai as one run', 'ภาษาไทย', 1],
    ['nothing in punctuation', '… !? — \n\t', 0],
    ['nothing in emoji', '😀👍🏽', 0],
    ['nothing in half a pair', '\ud800 \udc00', 0],
    ['nothing', '', 0],
  ])('count %s', (_, text, count) => {
    expect(tokens(text)).toHaveLength(count);
  });

  it.each([
    ['ab', 'a b'],
    ['ab', 'ba'],
    ['a1', 'a2'],
    ['中文', '文中'],
    ['é', 'e'],
  ])('tell %j from %j', (left, right) => {
    expect(tokens(left)).not.toEqual(tokens(right));
  });
});

describe('shingles', () => {
  it.each([1, 2, 5, 13])('depend on the %d tokens of the window alone', (size) => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'bc', '中', 'x9'), { maxLength: 40 }), (words) => {
        const all = shingles(words.join(' '), size);
        expect(all).toHaveLength(words.length === 0 ? 0 : Math.max(1, words.length - size + 1));
        // A window taken out of its text hashes as it did inside it.
        for (let i = 0; i + size <= words.length; i++) {
          expect(shingles(words.slice(i, i + size).join(' '), size)).toEqual([all[i]]);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('are the finalized polynomial of the token hashes', () => {
    const base = 0x9e3779b1n;
    const [a, b, c] = tokens('one two three').map(BigInt);
    const polynomial = BigInt.asIntN(32, a * base * base + b * base + c);
    expect(shingles('one two three', 3)).toEqual([mix32(Number(polynomial))]);
  });

  it('keep the order of tokens', () => {
    expect(shingles('a b c d e', 5)).not.toEqual(shingles('e d c b a', 5));
  });

  it('of a text shorter than the window are one, other than those of any longer text', () => {
    expect(shingles('hello world', 5)).toHaveLength(1);
    expect(shingles('Hello, world!', 5)).toEqual(shingles('hello world', 5));
    expect(shingles('hello', 5)).not.toEqual(shingles('hello hello', 5));
    expect(shingles('hello world', 5)).not.toEqual(shingles('hello world', 2));
  });

  it('of one document do not depend on the document before', () => {
    const shingler = createShingler(3);
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (text) => {
        const count = shingler.shingle(text);
        expect([...shingler.hashes.subarray(0, count)]).toEqual(shingles(text, 3));
      }),
    );
  });

  it('of a huge document are right, and its buffers are given back at the next small one', () => {
    const shingler = createShingler(2);
    const words = Array.from({ length: 1_500_000 }, (_, i) => (i % 1000).toString(36)).join(' ');
    const count = shingler.shingle(`${words} 中`.repeat(2));
    expect(count).toBe(2 * 1_500_001 - 1);
    expect(shingler.hashes[count - 1]).toBe(shingles(`${(999).toString(36)} 中`, 2)[0]);
    const held = shingler.hashes.length;
    shingler.shingle('a b c');
    expect([held > 3_000_000, shingler.hashes.slice(0, 2)]).toEqual([true, Uint32Array.from(shingles('a b c', 2))]);
    const characters = '中'.repeat(6_000_000);
    expect(shingler.shingle(characters)).toBe(5_999_999);
    shingler.shingle('a b c');
    expect(shingler.hashes.length).toBeLessThan(10_000);
  });

  it('hardly ever collide: 200,000 word pairs, 4.7 collisions expected of random 32-bit hashes', () => {
    const words = Array.from({ length: 448 }, (_, i) => `${'abcdefghijklmnop'[i % 16]}${i.toString(36)}`);
    const text = words.flatMap((left) => words.map((right) => `${left} ${right}`)).join(' ');
    // Only every second window is a fresh pair; the others are (right, next left) and repeat among themselves.
    const seen = new Set(shingles(text, 2).filter((_, i) => i % 2 === 0));
    expect(words.length ** 2 - seen.size).toBeLessThan(16);
  });
});
