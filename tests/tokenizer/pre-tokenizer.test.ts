import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPreTokenizer, PATTERNS } from '../../src/tokenizer/pre-tokenizer.ts';
import { createSegmenter } from '../../src/tokenizer/segmenter.ts';
import { CLASS_OF, LETTER, NUMBER, SPACE, UNICODE_VERSION } from '../../src/tokenizer/unicode-classes.ts';
import { describeWithShared, shared } from '../shared.ts';

function piecesOf(text: string, pattern: string): string[] {
  const pieces: string[] = [];
  createSegmenter(pattern, 'none').segment(text, {
    pieces(bytes, start, ends, count) {
      for (let i = 0; i < count; i++) {
        pieces.push(Buffer.from(bytes.subarray(start, ends[i])).toString());
        start = ends[i];
      }
    },
  });
  return pieces;
}

/** The published patterns in JavaScript, written out by hand: \s as White_Space, (?i:…) as classes. */
const contractionsAnyCase = "'[sSſ]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]";
const rest =
  '| ?[^\\p{White_Space}\\p{L}\\p{N}]+[\\r\\n]*|\\p{White_Space}*[\\r\\n]+|\\p{White_Space}+(?!\\P{White_Space})|\\p{White_Space}+';
const REFEREES = {
  qwen2: new RegExp(`${contractionsAnyCase}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}${rest}`, 'gu'),
  cl100k: new RegExp(`${contractionsAnyCase}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}${rest}`, 'gu'),
  gpt2: /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu,
};

const names = Object.keys(REFEREES) as (keyof typeof REFEREES)[];

/** Mixed scripts, with what borders depend on: apostrophes, every kind of space, digits of several scripts, marks, astral. */
const mixedText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...[
          "'",
          "'s",
          "'LL",
          "'ſ",
          "'Re",
          ' ',
          '  ',
          '\n',
          '\r\n',
          '\t',
          '\u0085',
          '\u00a0',
          '\u3000',
          '\u2028',
          '\ufeff',
        ],
        ...['\u200d', '\u0000', 'a', 'The', 'é', 'e\u0301', 'ß', '日本', '語', 'かな', '한국', 'ไทย', 'نص', 'हिन्दी'],
        ...[
          '7',
          '123',
          '٣',
          '²',
          'Ⅷ',
          '½',
          '𝟙',
          '𠀀',
          '𝒜',
          '👩‍👩‍👧',
          '!',
          '--',
          '。',
          '，',
          '<|endoftext|>',
          '_',
          '\ud800',
          '\udc00x',
        ],
      ),
      fc.string({ unit: 'binary', maxLength: 3 }),
    ),
    { maxLength: 24 },
  )
  .map((parts) => parts.join('').toWellFormed());

describe.each(names)('the scanner of %s', (name) => {
  it('is the fast path of the published pattern', () => {
    expect(createPreTokenizer(name)).toMatchObject({ pattern: PATTERNS[name], regex: undefined });
    expect(createPreTokenizer(PATTERNS[name]).scan).toBe(createPreTokenizer(name).scan);
  });

  // A newer or older V8 knows other letters than the frozen tables.
  it.runIf(process.versions.unicode === UNICODE_VERSION)('cuts random mixed-script text as the pattern does', () => {
    fc.assert(
      fc.property(mixedText, (text) => {
        expect(piecesOf(text, name)).toEqual(text.match(REFEREES[name]) ?? []);
      }),
      { numRuns: 3000 },
    );
  });

  it('cuts a run that is longer than its buffer of piece ends', () => {
    const text = '1 a!'.repeat(5000);
    expect(piecesOf(text, name)).toEqual(text.match(REFEREES[name]));
  });
});

describeWithShared('scanners on real text', () => {
  it('cut web-mix as the published patterns do (every tenth document)', () => {
    const lines = gunzipSync(readFileSync(shared('data/web-mix.jsonl.gz')))
      .toString()
      .trim()
      .split('\n');
    const texts = lines.filter((_, i) => i % 10 === 0).map((line) => (JSON.parse(line) as { text: string }).text);
    expect(texts.length).toBeGreaterThan(2000);
    for (const name of names) {
      for (const text of texts) {
        // One comparison a text: `toEqual` on arrays of thousands of words is slow.
        expect(piecesOf(text, name).join('\u0001') === (text.match(REFEREES[name]) ?? []).join('\u0001')).toBe(true);
      }
    }
  });
});

describe('the patterns', () => {
  it.each([
    ['qwen2', "I'm 25, you'LL\n\n see", ['I', "'m", ' ', '2', '5', ',', ' you', "'LL", '\n\n', ' see']],
    ['cl100k', '12345   x', ['123', '45', '  ', ' x']],
    ['gpt2', " don't  stop 42!", [' don', "'t", ' ', ' stop', ' 42', '!']],
    ['gpt2', "I'M", ['I', "'", 'M']],
    ['qwen2', '日本語\u3000テキスト。', ['日本語', '\u3000テキスト', '。']],
  ])('%s cuts %j', (pattern, text, pieces) => {
    expect(piecesOf(text, pattern)).toEqual(pieces);
  });

  it('takes U+0085 as white space and U+FEFF not, unlike JavaScript', () => {
    expect(piecesOf('a\u0085\u0085!', 'gpt2')).toEqual(['a', '\u0085', '\u0085', '!']);
    expect(piecesOf('a\ufeff!', 'gpt2')).toEqual(['a', '\ufeff!']);
    expect(CLASS_OF[0x85]).toBe(SPACE);
    expect(CLASS_OF[0xfeff]).toBe(0);
  });
});

describe('a pattern without a scanner', () => {
  it('keeps what no match covers as pieces, as HF Split "Isolated" does', () => {
    expect(piecesOf('ab12cd', '\\d+')).toEqual(['ab', '12', 'cd']);
  });

  it('reads \\s as White_Space and (?i:…) with Unicode folds', () => {
    expect(piecesOf('a\u0085b', '\\s')).toEqual(['a', '\u0085', 'b']);
    expect(piecesOf("it'ſ", "(?i:'s)")).toEqual(['it', "'ſ"]);
  });

  it('equals the scanner where the pattern differs only in form', () => {
    const sameAsQwen = `(?:${PATTERNS.qwen2})`;
    expect(createPreTokenizer(sameAsQwen).scan).toBeUndefined();
    fc.assert(
      fc.property(mixedText, (text) => {
        expect(piecesOf(text, sameAsQwen)).toEqual(piecesOf(text, 'qwen2'));
      }),
    );
  });

  it.each([
    ['a++', /possessive quantifier at 2/],
    ['(?>a)', /atomic group at 0/],
    ['(a', /pre-tokenizer pattern "\(a"/],
    ['\\h', /the escape \\h at 0/],
    ['[a-z&&[^b]]', /nested class/],
  ])('refuses %s with the reason', (pattern, message) => {
    expect(() => createPreTokenizer(pattern)).toThrow(message);
  });
});

describe('the class tables', () => {
  it.runIf(process.versions.unicode === UNICODE_VERSION)('equal V8 for every code point', () => {
    const differing: number[] = [];
    const expected = (char: string): number =>
      /\p{L}/u.test(char) ? LETTER : /\p{N}/u.test(char) ? NUMBER : /\p{White_Space}/u.test(char) ? SPACE : 0;
    for (let code = 0; code < 0x110000; code++) {
      if (code >= 0xd800 && code < 0xe000) continue;
      if (CLASS_OF[code] !== expected(String.fromCodePoint(code))) differing.push(code);
    }
    expect(differing).toEqual([]);
  });
});
