/** The native word kernels beside their TypeScript twins, and what they say of wrong arguments. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { native } from '../../src/core/native.ts';
import { charFlags } from '../../src/text/char-class.ts';
import { breakWords, breakWordsTwin, createBounds } from '../../src/text/word-break.ts';
import { wordClassTable } from '../../src/text/word-class.ts';
import { createWordFeatures, readWords, readWordsTwin, type WordFeatures } from '../../src/text/words.ts';
import { describeWithShared, shared } from '../shared.ts';

const describeNative = native === undefined ? describe.skip : describe;

function unitsOf(text: string): Uint16Array {
  return Uint16Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
}

function expectAgreement(text: string): void {
  const units = unitsOf(text);
  const [bounds, twinBounds] = [createBounds(8), createBounds(8)];
  breakWords(text, units, text.length, bounds, 'characters');
  breakWordsTwin(text, units, text.length, twinBounds, 'characters');
  const words = Array.from({ length: bounds.count }, (_, i) => [bounds.starts[i], bounds.ends[i]]);
  expect(words).toEqual(Array.from({ length: twinBounds.count }, (_, i) => [twinBounds.starts[i], twinBounds.ends[i]]));

  const [features, twinFeatures] = [createWordFeatures(), createWordFeatures()];
  readWords(units, bounds, features, true);
  readWordsTwin(units, bounds, twinFeatures, true);
  expect(plain(features)).toEqual(plain(twinFeatures));
}

/** The entries that count; what lies behind them is left from other texts. */
function plain(features: WordFeatures): Record<string, unknown> {
  const { count } = features;
  const { unitsBefore, charsBefore, lowBefore, highBefore, flags, low, high, stream, ...numbers } = features;
  return {
    ...numbers,
    perWord: [flags, low, high].map((array) => [...array.subarray(0, count)]),
    before: [unitsBefore, charsBefore, lowBefore, highBefore].map((array) => [...array.subarray(0, count + 1)]),
    stream: [...stream.subarray(0, unitsBefore[count])],
  };
}

// Classes that meet in rules: letters, digits, marks between them, Hebrew, Han, Kana, Thai, Hangul, joiners, flags, emoji,
// mathematical letters and ideographs beyond the tables, halves of pairs, every kind of line end.
const pieces = fc.constantFrom(
  ...[
    'a',
    'Zz',
    '9',
    '1.5',
    "'",
    '"',
    '.',
    ',',
    ':',
    '_',
    ' ',
    '  ',
    '\n',
    '\r\n',
    '\r',
    '\u0085',
    '\u2028',
    '\t',
    '\v',
  ],
  ...[
    'א',
    'א"ב',
    '汉',
    '漢字',
    'ひ',
    'カ',
    'ー',
    'ภาษา',
    '한',
    '글',
    '\u0301',
    '\u00ad',
    '\u200d',
    '🇫🇷',
    '🇫',
    '👩‍👩‍👧',
    '😀',
  ],
  ...['𝒜', '𠀀', '𪜶', '\ud800', '\udc00', '…', '#', '-', '؀', '·', '\u3000', '\u00a0'],
);

describeNative('the native word kernels', () => {
  it('agree with their twins on any mixture of classes', () => {
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => expectAgreement(parts.join(''))),
      { numRuns: 2000 },
    );
  });

  it('agree with their twins on any string of units', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 60 }), expectAgreement), { numRuns: 1000 });
  });

  it('leave to the twin what the tables do not hold', () => {
    const units = unitsOf('a 𠀀');
    const bounds = createBounds(8);
    expect(native!.breakWords(units, units.length, wordClassTable, bounds.starts, bounds.ends)).toBe(-2);
    expect(native!.breakWords(units, 1, wordClassTable, bounds.starts, bounds.ends)).toBe(1);
    const none = new Uint32Array(0);
    expect(native!.breakWords(units, 1, wordClassTable, none, none)).toBe(-1);
  });

  it('refuse arguments that would reach past an array', () => {
    const units = unitsOf('ab cd');
    const bounds = Uint32Array.of(0, 3);
    expect(() => native!.breakWords(units, 6, wordClassTable, bounds, bounds)).toThrow(/argument 2/);
    expect(() => native!.breakWords(units, 5, new Uint8Array(9), bounds, bounds)).toThrow(/argument 3/);
    expect(() => native!.breakWords([] as never, 0, wordClassTable, bounds, bounds)).toThrow(/argument 1/);
    const read = (starts: number[], ends: number[], count: number, room = 8): unknown =>
      native!.readWords(
        units,
        Uint32Array.from(starts),
        Uint32Array.from(ends),
        count,
        charFlags,
        0,
        new Uint8Array(room),
        new Int32Array(room),
        new Int32Array(room),
        new Uint32Array(room + 1),
        new Uint32Array(room + 1),
        new Int32Array(room + 1),
        new Int32Array(room + 1),
        new Uint16Array(room),
        new Uint32Array(3),
      );
    expect(read([0, 3], [2, 5], 2)).toBe(true);
    expect(() => read([0, 3], [2, 6], 2)).toThrow(/ranges of the text/);
    expect(() => read([3, 0], [5, 2], 2)).toThrow(/ranges of the text/);
    expect(() => read([2], [1], 1)).toThrow(/ranges of the text/);
    expect(() => read([0, 3], [2, 5], 3)).toThrow(/argument 4/);
    expect(() => read([0, 3], [2, 5], 2, 1)).toThrow(/argument 7/);
  });
});

describeWithShared('the native word kernels on web text', () => {
  it('agree with their twins on every document', () => {
    const lines = gunzipSync(readFileSync(shared('data/web-mix.jsonl.gz')))
      .toString('utf8')
      .trimEnd()
      .split('\n');
    for (const line of lines.filter((_, i) => i % 41 === 0))
      expectAgreement((JSON.parse(line) as { text: string }).text);
  });
});
