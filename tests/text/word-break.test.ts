import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { breakWords, createBounds, MAX_DICTIONARY_UNITS } from '../../src/text/word-break.ts';
import { describeWithShared, shared } from '../shared.ts';

const segmenter = new Intl.Segmenter('en', { granularity: 'word' });
const bounds = createBounds();

function unitsOf(text: string): Uint16Array {
  return Uint16Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
}

function ours(text: string, withSpace = true): string[] {
  breakWords(text, unitsOf(text), text.length, bounds, 'dictionary', withSpace);
  return Array.from({ length: bounds.count }, (_, i) => text.slice(bounds.starts[i], bounds.ends[i]));
}

function theirs(text: string): string[] {
  return [...segmenter.segment(text)].map(({ segment }) => segment);
}

describe('words of UAX #29', () => {
  it.each([
    ["Don't panic: 3,141.59 can't stop_me.", ["Don't", 'panic', ':', '3,141.59', "can't", 'stop_me', '.']],
    ['a\u0301b 12\u200d3', ['a\u0301b', '12\u200d3']],
    ['א"ב ג\'', ['א"ב', "ג'"]],
    ['👩‍👩‍👧🇩🇪🇫🇷🇪', ['👩‍👩‍👧', '🇩🇪', '🇫🇷', '🇪']],
    ['カタカナ한국어', ['カタカナ', '한국어']],
    ['\u00a0x\u3000y\r\nz', ['x', 'y', 'z']],
    ['', []],
  ])('splits %j', (text, words) => {
    expect(ours(text, false)).toEqual(words);
  });

  it('agrees with Intl.Segmenter around every character of the first two planes', () => {
    const around: [string, string][] = [
      ['a', 'a'],
      ['1', '1'],
      ['', '1'],
      ['カ', 'カ'],
      [' ', ' '],
      ['漢', '漢'],
      ['א', 'א'],
      ['\u200d', ''],
      ['🇦', '🇦'],
    ];
    const differing: string[] = [];
    for (let codePoint = 0; codePoint < 0x20000; codePoint++) {
      if (codePoint >= 0xd800 && codePoint < 0xe000) continue;
      // Large uniform blocks by sample: ideographs, Hangul, and the historic scripts and unassigned rest of plane 1.
      const isUniform =
        (codePoint > 0x3400 && codePoint < 0xa000) ||
        (codePoint > 0xac00 && codePoint < 0xd7a0) ||
        (codePoint > 0x12000 && codePoint < 0x1d000);
      if (isUniform && codePoint % 32 !== 0) continue;
      const character = String.fromCodePoint(codePoint);
      if (codePoint > 0x1000 && /\p{Cn}/u.test(character)) continue;
      for (const [before, after] of around) {
        const text = before + character + after;
        if (ours(text).join('|') !== theirs(text).join('|')) differing.push(`U+${codePoint.toString(16)} in ${text}`);
      }
    }
    expect(differing).toEqual([]);
  });

  it('agrees with Intl.Segmenter on mixed scripts, marks, emoji and separators', () => {
    const pieces = fc.constantFrom(
      ...['a', 'Z', 'é', 'e\u0301', '1', '٣', '１', '_', ' ', '  ', '\t', '\n', '\r\n', '\u2028', '\u00a0', '\u3000'],
      ...[
        '.',
        ',',
        ':',
        ';',
        "'",
        '’',
        '"',
        '·',
        '-',
        '—',
        '#',
        '@',
        '/',
        '\u00ad',
        '\u200b',
        '\u200c',
        '\u200d',
        '\ufeff',
      ],
      ...[
        'א',
        'ב',
        'ع',
        'क',
        '्',
        'ท',
        'ภาษาไทย',
        'ລາວ',
        'ខ្មែរ',
        'မြန်မာ',
        'ᨠ',
        '漢字',
        '的',
        'ひらがな',
        'カナ',
        'ー',
        '々',
        '〆',
      ],
      ...[
        '한',
        '국어',
        'ᄀ',
        '𠀀',
        '🇩',
        '👍',
        '🏽',
        '👩',
        '❤',
        '️',
        'Ⓜ',
        '①',
        '\u{e0101}',
        '\u0600',
        '\u070f',
        '𐐀',
        '\ud800',
      ],
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 14 }), (list) => {
        const text = list.join('').toWellFormed();
        expect(ours(text)).toEqual(theirs(text));
      }),
      { numRuns: 4000, seed: 29 },
    );
  });

  it('agrees with Intl.Segmenter on any characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (text) => {
        expect(ours(text)).toEqual(theirs(text));
      }),
      { numRuns: 2000, seed: 29 },
    );
  });

  it('covers the text without gaps, and leaves out just white space when asked', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), (text) => {
        expect(ours(text).join('')).toBe(text);
        expect(ours(text, false)).toEqual(
          ours(text).filter((word) => !/^[\s\x1c-\x1f\x85]+$/.test(word) || /\ufeff/.test(word)),
        );
      }),
      { seed: 29 },
    );
  });

  it('takes characters, on request, in scripts without spaces', () => {
    const text = '漢字か\u3099カナ abcไทยกำ 한국어𠀀1';
    breakWords(text, unitsOf(text), text.length, bounds, 'characters');
    const words = Array.from({ length: bounds.count }, (_, i) => text.slice(bounds.starts[i], bounds.ends[i]));
    expect(words).toEqual(['漢', '字', 'か\u3099', 'カナ', 'abc', 'ไ', 'ท', 'ย', 'ก', 'ำ', '한국어', '𠀀', '1']);
  });

  it('cuts a run of ideographs without end, so that its cost stays in proportion', () => {
    const text = '天地玄黄宇宙洪荒'.repeat(MAX_DICTIONARY_UNITS);
    const words = ours(text);
    expect(words.join('')).toBe(text);
    expect(words.length).toBeGreaterThan(text.length / 8);
  });
});

describeWithShared('words of real text', () => {
  it('agrees with Intl.Segmenter on every 100th document of web-mix', () => {
    const lines = gunzipSync(readFileSync(shared('data/web-mix.jsonl.gz')))
      .toString('utf8')
      .trimEnd()
      .split('\n');
    let documents = 0;
    for (let i = 0; i < lines.length; i += 100) {
      const { id, text } = JSON.parse(lines[i]) as { id: string; text: string };
      // Intl.Segmenter's cost grows with the square of the length.
      const start = text.slice(0, 8_000).toWellFormed();
      expect(ours(start).join('\u0000'), id).toBe(theirs(start).join('\u0000'));
      documents++;
    }
    expect(documents).toBe(208);
  });
});
