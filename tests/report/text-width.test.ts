import { describe, expect, it } from 'vitest';
import { cutToWidth, padEndToWidth, printable, textWidth } from '../../src/report/text-width.ts';

describe('terminal columns', () => {
  // Classes from Unicode's EastAsianWidth.txt and emoji-data.txt.
  it.each([
    ['plain ASCII', 'abc', 3],
    ['Latin with accents', 'é', 1],
    ['a combining accent', 'e\u0301', 1],
    ['Chinese', '中文', 4],
    ['kana', 'カナ', 4],
    ['halfwidth kana', 'ｶﾅ', 2],
    ['Hangul', '한국', 4],
    ['fullwidth punctuation', '，！', 4],
    ['an ideograph beyond the first plane', '𠀀', 2],
    ['emoji', '🎉', 2],
    ['a zero-width joiner', 'a\u200db', 2],
    ['block elements of the bars', '█░', 2],
    ['the minus sign', '−', 1],
  ])('counts %s', (_, text, width) => expect(textWidth(text)).toBe(width));

  it('cuts without splitting a wide character', () => {
    expect(cutToWidth('中文语料', 8)).toBe('中文语料');
    expect(cutToWidth('中文语料', 6)).toBe('中文…');
    expect(cutToWidth('abcdef', 4)).toBe('abc…');
    expect(cutToWidth('abc', 0)).toBe('');
  });

  it('pads to columns, not characters', () => {
    expect(padEndToWidth('中', 4)).toBe('中  ');
    expect(padEndToWidth('中文语料', 6)).toBe('中文… ');
  });

  it('lets no control sequence, line end or direction override through', () => {
    expect(printable('a\u001b[2Jb\r\nc\u202ed\u0000')).toBe('a\ufffd[2Jb c\ufffdd\ufffd');
  });
});
