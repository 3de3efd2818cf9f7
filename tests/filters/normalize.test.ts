import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalize } from '../../src/filters/normalize.ts';
import { stageOf } from './process.ts';

describe('normalize', () => {
  const run = stageOf(normalize);

  it.each([
    ['composes', 'Cafe\u0301', 'Café'],
    ['turns CRLF and CR into newlines', 'a\r\nb\rc\r\n\r\nd', 'a\nb\nc\n\nd'],
    ['turns NEL, LS and PS into newlines', 'a\x85b\u2028c\u2029d', 'a\nb\nc\nd'],
    ['removes controls but tab and newline', '\x00a\tb\x1f\n\x7fc\x9f', 'a\tb\nc'],
    ['removes the byte order mark', '\ufeffa\ufeffb', 'ab'],
    ['leaves joiners and other invisible characters', '👩\u200d👧 a\u200bb\u00adc', '👩\u200d👧 a\u200bb\u00adc'],
    ['leaves trailing white space', 'a  \nb', 'a  \nb'],
    ['makes no line end out of what stood apart', 'a\r\x00\nb', 'a\n\nb'],
  ])('%s', (_, text, wanted) => {
    expect(run(text)).toMatchObject({ verdict: 'keep', text: wanted });
  });

  it('drops what is empty afterwards', () => {
    for (const text of ['', '\ufeff', '\x00 \n']) expect(run(text).verdict).toBe('empty');
  });

  it('does on request what loses something', () => {
    expect(stageOf(normalize, { unicode: 'NFKC' })('ﬁne １２ x²').text).toBe('fine 12 x2');
    expect(stageOf(normalize, { zeroWidth: 'all' })('a\u200bb\u2060c\u00add').text).toBe('abcd');
    expect(stageOf(normalize, { trimLines: true })('a \t\nb\t\n  c ').text).toBe('a\nb\n  c');
  });

  it('does nothing with all off', () => {
    const off = stageOf(normalize, {
      unicode: 'none',
      lineEnds: false,
      unicodeLineEnds: false,
      controls: false,
      zeroWidth: 'keep',
    });
    const text = '\ufeffe\u0301\r\n\x00\x85';
    expect(off(text).text).toBe(text);
  });

  it('is done after one pass, and its result is in NFC', () => {
    const characters = fc.constantFrom(
      'a',
      'e',
      '\u0301',
      '\r',
      '\n',
      '\x00',
      '\ufeff',
      ' ',
      '가',
      'ᄀ',
      'ᅡ',
      '\x85',
      'Å',
    );
    fc.assert(
      fc.property(fc.array(characters, { maxLength: 20 }), (list) => {
        const once = run(list.join('')).text;
        expect(run(once).text).toBe(once);
        expect(once.normalize('NFC')).toBe(once);
        expect(once).not.toMatch(/[\r\x00\x85\ufeff]/);
      }),
    );
  });
});
