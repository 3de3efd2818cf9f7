import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { native } from '../../src/core/native.ts';
import { KEEP } from '../../src/core/stage.ts';
import { storedDocument, textOf } from '../../src/core/stored-text.ts';
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

  describe.skipIf(native === undefined)('of a text that lies as UTF-8', () => {
    const stored = (text: string) => {
      const bytes = Buffer.from(`é${text}é`);
      const span = { bytes, start: 2, end: bytes.length - 2, units: text.length };
      return storedDocument('id', span, {});
    };
    const stage = normalize.create(normalize.options.parse({}), { name: 'normalize', seed: 0, baseDir: '' });

    it.each([
      'Plain text,\twith a tab.\nAnd a line: x²',
      'Ein Café, naïve Ærø',
      'Привет мир',
      '你好，世界。\n第二行',
      '日本語のカタカナ',
      '안녕하세요',
    ])('makes no string of %j', (text) => {
      const document = stored(text);
      const before = textOf(document);
      expect(stage.process(document)).toBe(KEEP);
      expect(textOf(document)).toBe(before);
      expect(native?.isNormalText(Buffer.from(text), 0, Buffer.byteLength(text))).toBe(true);
    });

    it('does the same, whatever the text', () => {
      const odd = fc.constantFrom(
        ...'\x00\x08\t\n\x0b\r\x1f \x7f\x80\x85\x9f\xa0\u0301\u0344\u200b\u200f\u2027\u2028\u2029\u202a\u212b\u3000\u3099\ufeff\uff21가가中😀',
      );
      const text = fc.array(fc.oneof(odd, fc.string({ unit: 'binary', maxLength: 3 }), fc.constant('word ')), {
        maxLength: 12,
      });
      fc.assert(
        fc.property(text, (pieces) => {
          const joined = pieces.join('').toWellFormed();
          const document = stored(joined);
          const alone = { id: 'id', text: joined, meta: {} };
          expect(stage.process(document)).toEqual(stage.process(alone));
          expect(document.text).toBe(alone.text);
        }),
        { numRuns: 2000 },
      );
    });

    it('refuses what is no span', () => {
      const bytes = Buffer.from('abc');
      expect(() => native?.isNormalText(bytes, 0, 4)).toThrow('argument 3');
      expect(() => native?.isNormalText(bytes, 2, 1)).toThrow('is before the start');
      expect(() => native?.isNormalText('abc' as never, 0, 1)).toThrow('argument 1');
    });
  });
});
