import { describe, expect, it } from 'vitest';
import { cutIndentation, cutNumbers, cutProbes, piecesOf } from '../../../src/tokenizer/compare/probes.ts';
import { listedTokenizer } from './listed-tokenizer.ts';

describe('pieces of a text', () => {
  it('are its tokens; a character that was cut stands whole, with the number of its tokens', () => {
    const tokenizer = listedTokenizer('a', ['the', ' the', '中国']);
    expect(piecesOf(tokenizer, 'the the中国家a')).toEqual([
      { text: 'the', tokens: 1 },
      { text: ' the', tokens: 1 },
      { text: '中国', tokens: 1 },
      { text: '家', tokens: 3 },
      { text: 'a', tokens: 1 },
    ]);
  });

  it('give every fixed text back, whatever the vocabulary', () => {
    const tokenizers = [listedTokenizer('a', []), listedTokenizer('b', ['人工', '    ', '20', 'ment', '👍'])];
    const probes = cutProbes(tokenizers);
    expect(probes.length).toBeGreaterThan(30);
    for (const { text, pieces } of probes) {
      expect(pieces.map((cut) => cut.map((piece) => piece.text).join(''))).toEqual([text, text]);
      expect(pieces[0].reduce((sum, { tokens }) => sum + tokens, 0)).toBe(Buffer.byteLength(text));
    }
  });
});

describe('numbers', () => {
  it('take as many tokens as their digits, less where a token holds several', () => {
    // Of 90 numbers of two digits one is 12; of 900 of three, 12x are ten and x12 nine: 19 save a token each.
    const [one, two, three] = cutNumbers(listedTokenizer('a', ['12']));
    expect(one).toEqual({ digits: 1, numbers: 10, tokensEach: 1, whole: 1 });
    expect(two).toEqual({ digits: 2, numbers: 90, tokensEach: (90 * 2 - 1) / 90, whole: 1 / 90 });
    expect(three).toEqual({ digits: 3, numbers: 900, tokensEach: (900 * 3 - 19) / 900, whole: 0 });
  });
});

describe('indentation', () => {
  it('costs the tokens that it adds to a line', () => {
    const { spaces, tabs } = cutIndentation(listedTokenizer('a', ['    ', '        ', '\t\t']));
    expect(spaces.map(({ depth, tokens }) => [depth, tokens])).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
      [4, 1],
      [6, 3],
      [8, 1],
      [12, 2],
      [16, 2],
      [24, 3],
      [32, 4],
    ]);
    expect(tabs.map(({ tokens }) => tokens)).toEqual([1, 1, 2, 2]);
  });
});
