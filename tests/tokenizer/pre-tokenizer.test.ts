import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NATIVE_PATTERNS, nativeBpe } from '../../src/tokenizer/native-bpe.ts';
import { createPreTokenizer, PATTERNS } from '../../src/tokenizer/pre-tokenizer.ts';
import { createSegmenter } from '../../src/tokenizer/segmenter.ts';
import {
  CLASS_OF,
  LETTER,
  LOWER_BIT,
  MARK_BIT,
  NUMBER,
  SPACE,
  UNICODE_VERSION,
  UPPER_BIT,
} from '../../src/tokenizer/unicode-classes.ts';
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

/** What the native scanner of a pattern makes of a text, 7 pieces at a time. */
function nativePiecesOf(text: string, pattern: (typeof NATIVE_PATTERNS)[number]): string[] {
  const bytes = Buffer.from(text);
  const ends = new Uint32Array(7);
  const pieces: string[] = [];
  for (let start = 0; start < bytes.length; ) {
    const count = nativeBpe!.scanPieces(NATIVE_PATTERNS.indexOf(pattern), bytes, start, bytes.length, ends);
    for (let i = 0; i < count; i++) {
      pieces.push(bytes.toString('utf8', start, ends[i]));
      start = ends[i];
    }
  }
  return pieces;
}

/** The published patterns in JavaScript, written out by hand: \s as White_Space, (?i:…) as classes. */
const contractionsAnyCase = "'[sSſ]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]";
const rest =
  '| ?[^\\p{White_Space}\\p{L}\\p{N}]+[\\r\\n]*|\\p{White_Space}*[\\r\\n]+|\\p{White_Space}+(?!\\P{White_Space})|\\p{White_Space}+';
const REFEREES = {
  qwen2: new RegExp(`${contractionsAnyCase}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}${rest}`, 'gu'),
  cl100k: new RegExp(`${contractionsAnyCase}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}${rest}`, 'gu'),
  o200k: new RegExp(
    `${[
      '[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+',
      '[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*',
    ]
      .map((word) => `[^\\r\\n\\p{L}\\p{N}]?${word}(?:${contractionsAnyCase})?`)
      .join('|')}|\\p{N}{1,3}${rest.replace('[\\r\\n]*', '[\\r\\n/]*')}`,
    'gu',
  ),
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

  it.runIf(nativeBpe !== undefined)('has a native twin that cuts the same', () => {
    fc.assert(
      fc.property(mixedText, (text) => {
        expect(nativePiecesOf(text, name)).toEqual(piecesOf(text, name));
      }),
      { numRuns: 3000 },
    );
  });

  it.runIf(nativeBpe !== undefined)('has a native twin that takes bytes that are no UTF-8 without losing one', () => {
    const pattern = NATIVE_PATTERNS.indexOf(name);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const ends = new Uint32Array(bytes.length + 1);
        const count = nativeBpe!.scanPieces(pattern, bytes, 0, bytes.length, ends);
        const cuts = [0, ...ends.subarray(0, count)];
        expect(cuts.at(-1)).toBe(bytes.length);
        for (let i = 1; i < cuts.length; i++) expect(cuts[i]).toBeGreaterThan(cuts[i - 1]);
      }),
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
        const expected = (text.match(REFEREES[name]) ?? []).join('\u0001');
        expect(piecesOf(text, name).join('\u0001') === expected).toBe(true);
        if (nativeBpe !== undefined) expect(nativePiecesOf(text, name).join('\u0001') === expected).toBe(true);
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
    ['o200k', "HTTPServer's URLs", ["HTTPServer's", ' URLs']],
    ['o200k', '日本ABC x//\n/y', ['日本', 'ABC', ' x', '//\n/', 'y']],
    ['o200k', "E\u0301T \u0301AB WE'LL 'tis", ['E\u0301', 'T', ' \u0301', 'AB', " WE'LL", " '", 'tis']],
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
      /[\p{Lu}\p{Lt}]/u.test(char)
        ? LETTER | UPPER_BIT
        : /\p{Ll}/u.test(char)
          ? LETTER | LOWER_BIT
          : /\p{L}/u.test(char)
            ? LETTER
            : /\p{N}/u.test(char)
              ? NUMBER
              : /\p{M}/u.test(char)
                ? MARK_BIT
                : /\p{White_Space}/u.test(char)
                  ? SPACE
                  : 0;
    for (let code = 0; code < 0x110000; code++) {
      if (code >= 0xd800 && code < 0xe000) continue;
      if (CLASS_OF[code] !== expected(String.fromCodePoint(code))) differing.push(code);
    }
    expect(differing).toEqual([]);
  });
});
