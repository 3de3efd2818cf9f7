import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diffPair } from '../../src/report/word-diff.ts';

const marked = (base: string, text: string, cut = false) =>
  diffPair(base, text, cut)
    .text.filter((run) => run.differs)
    .map((run) => run.text);

describe('where a near-copy differs', () => {
  it('marks the words that the kept text lacks', () => {
    expect(marked('the ferry was late again today', 'the ferry was early again today')).toEqual(['early']);
  });

  it('marks in the kept text the words that the other lacks', () => {
    const { base } = diffPair('the ferry was late again today', 'the ferry was early today', false);
    expect(base.filter((run) => run.differs).map((run) => run.text)).toEqual(['late again']);
  });

  it('joins neighbouring words into one mark', () => {
    expect(marked('the ferry was late today, they said', 'the ferry was early for once today, they said')).toEqual([
      'early for once',
    ]);
  });

  it('compares Chinese by character', () => {
    expect(marked('那一年雨下得早，三月里河水就漫过了石阶', '那一年雨下得早，二月里河水就漫过了石阶')).toEqual(['二']);
  });

  it('marks nothing in an exact copy, and nothing in a text that shares too little to compare', () => {
    expect(marked('one two three', 'one two three')).toEqual([]);
    expect(marked('one two three', 'four five six')).toEqual([]);
  });

  it('does not mark the tail of excerpts that were cut off', () => {
    expect(marked('a b c d e f g h', 'x a b c d e f g h i', false)).toEqual(['x', 'i']);
    expect(marked('a b c d e f g h', 'x a b c d e f g h i', true)).toEqual(['x']);
  });

  it('gives the text back, whatever the texts', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), fc.boolean(), (base, text, cut) => {
        const pair = diffPair(base, text, cut);
        expect(pair.base.map((run) => run.text).join('')).toBe(base);
        expect(pair.text.map((run) => run.text).join('')).toBe(text);
      }),
    );
  });
});
