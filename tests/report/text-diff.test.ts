import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diffTexts } from '../../src/report/text-diff.ts';

const side = (runs: ReturnType<typeof diffTexts>, without: 'removed' | 'added'): string =>
  runs
    .filter(({ kind }) => kind !== without)
    .map(({ text }) => text)
    .join('');

describe('diffTexts', () => {
  it('marks the words that went and came', () => {
    expect(diffTexts('the old cat sat\n', 'the cat sat down\n')).toEqual([
      { kind: 'same', text: 'the ' },
      { kind: 'removed', text: 'old ' },
      { kind: 'same', text: 'cat sat' },
      { kind: 'added', text: ' down' },
      { kind: 'same', text: '\n' },
    ]);
  });

  it('marks whole lines that went', () => {
    expect(diffTexts('a\nmenu\nb\nmenu\nc', 'a\nb\nc')).toEqual([
      { kind: 'same', text: 'a\n' },
      { kind: 'removed', text: 'menu\n' },
      { kind: 'same', text: 'b\n' },
      { kind: 'removed', text: 'menu\n' },
      { kind: 'same', text: 'c' },
    ]);
  });

  it('gives both texts back, whatever they are', () => {
    const text = fc.array(fc.constantFrom('a', 'b', ' ', '\n', '汉', '字', '.')).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, text, (before, after) => {
        const runs = diffTexts(before, after);
        expect(side(runs, 'added')).toBe(before);
        expect(side(runs, 'removed')).toBe(after);
      }),
    );
  });

  it('takes a text rewritten throughout as one removal and one addition', () => {
    const words = (letter: string): string => Array.from({ length: 5000 }, (_, i) => `${letter}${i}\n`).join('');
    const runs = diffTexts(words('a'), words('b'));
    expect(runs.map(({ kind }) => kind)).toEqual(['removed', 'added', 'same']);
    expect(runs[2].text).toBe('\n');
  });
});
