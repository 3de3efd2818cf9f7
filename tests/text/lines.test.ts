import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textView } from '../../src/text/view.ts';
import type { Bounds } from '../../src/text/word-break.ts';

function pieces(text: string, bounds: Bounds): string[] {
  return Array.from({ length: bounds.count }, (_, i) => text.slice(bounds.starts[i], bounds.ends[i]));
}

describe('lines and paragraphs', () => {
  // Values from CPython 3.11: str.splitlines().
  it.each([
    ['', []],
    ['a', ['a']],
    ['a\n', ['a']],
    ['\n\na', ['', '', 'a']],
    ['a\r\nb\rc\n\rd', ['a', 'b', 'c', '', 'd']],
    ['a\x0bb\x0cc\x1cd\x1de\x1ef', ['a', 'b', 'c', 'd', 'e', 'f']],
    ['a\x85b\u2028c\u2029', ['a', 'b', 'c']],
    ['a\x1fb', ['a\x1fb']],
  ])('splits %j as splitlines does', (text, lines) => {
    expect(pieces(text, textView(text).lines)).toEqual(lines);
  });

  const texts = fc
    .array(fc.constantFrom('a', 'bc', '\n', '\n\n', ' ', '\t', '\r'), { maxLength: 16 })
    .map((p) => p.join(''));

  it('splits at newlines as split("\\n") does', () => {
    fc.assert(
      fc.property(texts, (text) => void expect(pieces(text, textView(text).newlineLines)).toEqual(text.split('\n'))),
    );
  });

  it('splits at runs of newlines as re.split("\\n+") does', () => {
    fc.assert(
      fc.property(texts, (text) => void expect(pieces(text, textView(text).lineRuns)).toEqual(text.split(/\n+/))),
    );
  });

  it('finds the paragraphs of the trimmed text as re.split("\\n{2,}") does', () => {
    fc.assert(
      fc.property(
        texts,
        (text) => void expect(pieces(text, textView(text).paragraphs)).toEqual(text.trim().split(/\n{2,}/)),
      ),
      { numRuns: 1000 },
    );
  });
});

describe('repeated pieces', () => {
  it('counts second and later occurrences and their code points', () => {
    const view = textView('one\n😀😀\none\n😀😀\n😀😀\ntwo');
    expect(view.duplicates(view.newlineLines)).toEqual({ elements: 3, chars: 3 + 2 + 2 });
  });

  it('tells lines apart that differ in one place only', () => {
    const rows = Array.from(
      { length: 500 },
      (_, i) => `| ${'x'.repeat(30)} ${String(i).padStart(4, '0')} ${'y'.repeat(40)} |`,
    );
    const text = [...rows, rows[3], rows[499]].join('\n');
    const view = textView(text);
    expect(view.duplicates(view.newlineLines)).toEqual({ elements: 2, chars: rows[3].length * 2 });
  });

  it('agrees with a set of strings', () => {
    const lines = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '中', '😀'), maxLength: 12 }), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(lines, (list) => {
        const view = textView(list.join('\n'));
        const all = list.length === 0 ? [''] : list;
        const repeated = all.filter((line, i) => all.indexOf(line) < i);
        const chars = repeated.reduce((sum, line) => sum + [...line].length, 0);
        expect(view.duplicates(view.newlineLines)).toEqual({ elements: repeated.length, chars });
      }),
      { numRuns: 500 },
    );
  });
});

describe('the shared view', () => {
  it('is the same view, already filled, for the same text', () => {
    const view = textView('some words here');
    const words = view.words('characters');
    expect(textView(['some', 'words', 'here'].join(' '))).toBe(view);
    expect(textView('some words here').words('characters')).toBe(words);
    expect(view.words('characters').count).toBe(3);
    expect(textView('other').words('characters').count).toBe(1);
  });

  it('counts code points, also of a text that is longer than those before', () => {
    expect(textView('a😀b').charCount).toBe(3);
    expect(textView('😀x'.repeat(200_000)).charCount).toBe(400_000);
    expect(textView('😀x'.repeat(200_000)).words('characters').count).toBe(400_000);
    expect(textView('').charCount).toBe(0);
  });
});
