import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTokenizer } from '../../src/text/folded-tokens.ts';
import { createPlacedTokenizer } from '../../src/text/token-spans.ts';
import { readJsonlGz } from '../dedup/context.ts';
import { describeWithShared, shared } from '../shared.ts';

const { tokenize, ...placed } = (() => {
  const tokenizer = createPlacedTokenizer();
  return { tokenize: tokenizer.tokenize, of: tokenizer };
})();

function piecesOf(text: string): string[] {
  const count = tokenize(text);
  return Array.from({ length: count }, (_, i) => text.slice(placed.of.starts[i], placed.of.ends[i]));
}

describe('the place of each folded token', () => {
  it.each([
    ["Don't stop — 3.5 km!", ['Don', 't', 'stop', '3', '5', 'km']],
    ['北京 is 大', ['北', '京', 'is', '大']],
    ['word中word', ['word', '中', 'word']],
    // Outside the BMP: a Han character by itself, mathematical letters as a word, an emoji between words.
    ['a𠮷b', ['a', '𠮷', 'b']],
    ['𝐀𝐁 x', ['𝐀𝐁', 'x']],
    ['one👍two', ['one', 'two']],
    // A soft hyphen is in its word; a variation selector behind a word is its last character.
    ['co\u00adop x\ufe0f!', ['co\u00adop', 'x\ufe0f']],
    ['e\u0301te\u0301', ['e\u0301te\u0301']],
    ['', []],
    ['…!?', []],
  ])('cuts %j', (text, pieces) => {
    expect(piecesOf(text)).toEqual(pieces);
  });

  const hashes = createTokenizer();
  const expectSame = (text: string): void => {
    const count = hashes.tokenize(text);
    expect(tokenize(text)).toBe(count);
    expect(placed.of.tokens.subarray(0, count)).toEqual(hashes.tokens.subarray(0, count));
    let before = 0;
    for (let i = 0; i < count; i++) {
      expect(placed.of.starts[i]).toBeGreaterThanOrEqual(before);
      expect(placed.of.ends[i]).toBeGreaterThan(placed.of.starts[i]);
      before = placed.of.ends[i];
    }
    expect(before).toBeLessThanOrEqual(text.length);
  };

  it('gives the tokens of createTokenizer, in disjoint ascending places, for any text', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('字', '𠮷', '𝐀', '\u00ad', '\u{e0100}', '\ud800', '\udc00', ' ', '👍', 'é', 'İ', 'ς'),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => expectSame(pieces.join(''))),
      { numRuns: 500 },
    );
  });

  describeWithShared('on real pages', () => {
    it('gives them in English, Chinese and 30 other languages', () => {
      const pages = readJsonlGz<{ text: string }>(shared('data/web-mix.jsonl.gz'));
      for (let i = 0; i < pages.length; i += 97) expectSame(pages[i].text);
    });
  });
});
