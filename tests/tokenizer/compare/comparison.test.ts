import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/core/package-root.ts';
import { type ComparedDocument, createComparison } from '../../../src/tokenizer/compare/comparison.ts';
import { judgedTokenizer } from '../../../src/tokenizer/compare/judged-tokenizer.ts';
import {
  tokenizerReportJsonSchema,
  tokenizerReportSchema,
} from '../../../src/tokenizer/compare/tokenizer-report-schema.ts';
import { Tokenizer } from '../../../src/tokenizer/tokenizer.ts';
import { describeWithShared, shared } from '../../shared.ts';
import { listedTokenizer } from './listed-tokenizer.ts';

const DOCUMENTS: ComparedDocument[] = [
  { id: '1', text: 'the cat the', language: 'en', source: 'a' },
  { id: '2', text: '中国家', language: 'zh', source: 'a' },
  { id: '3', text: 'the 中', language: 'en', source: 'b' },
];
const words = listedTokenizer('words', ['the', 'cat', ' the', '中国']);
const bytes = listedTokenizer('bytes', []);

function compared(base?: string) {
  const comparison = createComparison([words, bytes], { title: 'both', base });
  for (const document of DOCUMENTS) comparison.add(document);
  return comparison.report();
}

describe('tokenizers on three documents', () => {
  const report = compared();
  const [first, second] = report.tokenizers;

  it('counts the texts', () => {
    // 11, 9 and 7 bytes; 11, 3 and 5 characters; 3, 3 and 2 words.
    expect(report.measured).toEqual({ documents: 3, bytes: 27, characters: 19, words: 8, hanCharacters: 4 });
  });

  it('counts tokens: the|␣|cat|␣the · 中国|e5|ae|b6 · the|␣|e4|b8|ad', () => {
    expect(first.figures).toMatchObject({
      tokens: 13,
      bytesPerToken: 27 / 13,
      charactersPerToken: 19 / 13,
      relativeTokens: 1,
      relativeTokensInterval: null,
      bytesPerTokenInterval: null,
      partialTokens: 6 / 13,
      byteTokens: 6 / 13,
    });
    expect(second.figures).toMatchObject({
      tokens: 27,
      relativeTokens: 27 / 13,
      bytesPerToken: 1,
      charactersPerToken: 19 / 27,
    });
  });

  it('counts tokens by words, and words whole', () => {
    // the 1, cat 1, ␣the 1; 中国 1 for two, 家 3; the 1, 中 3: 11 for 8 words, of which 6 are whole.
    expect(first.figures).toMatchObject({ fertility: 11 / 8, wordsWhole: 6 / 8 });
    // Each byte but the three spaces.
    expect(second.figures).toMatchObject({ fertility: 24 / 8, wordsWhole: 0 });
  });

  it('counts what becomes of Han characters', () => {
    expect(first.figures.han).toEqual({ tokensPerCharacter: 7 / 4, joined: 2 / 4, alone: 0, inTwo: 0, inMore: 2 / 4 });
    expect(second.figures.han).toEqual({ tokensPerCharacter: 12 / 4, joined: 0, alone: 0, inTwo: 0, inMore: 1 });
  });

  it('tells languages and sources apart, most bytes first', () => {
    expect(report.groups.map(({ by, rows }) => [by, rows.map(({ name, bytes: size }) => [name, size])])).toEqual([
      [
        'language',
        [
          ['en', 18],
          ['zh', 9],
        ],
      ],
      [
        'source',
        [
          ['a', 20],
          ['b', 7],
        ],
      ],
    ]);
    const [en, zh] = report.groups[0].rows;
    expect(en.tokenizers.map(({ tokens }) => tokens)).toEqual([9, 18]);
    expect(zh.tokenizers.map(({ tokens, vocabularyUsed }) => [tokens, vocabularyUsed])).toEqual([
      [4, 4],
      [9, 8],
    ]);
    expect(zh.tokenizers[0].han).toMatchObject({ joined: 2 / 3 });
  });

  it('takes another tokenizer for the base when told to', () => {
    const { base, tokenizers, overlap } = compared('bytes');
    expect(base).toBe('bytes');
    expect(tokenizers.map(({ figures }) => figures.relativeTokens)).toEqual([13 / 27, 1]);
    expect(overlap).toEqual([
      expect.objectContaining({ base: 'bytes', other: 'words', both: 256, onlyBase: 0, onlyOther: 4 }),
    ]);
  });

  it('is what its schema says, and the same bytes again', () => {
    const written: unknown = JSON.parse(JSON.stringify(report));
    expect(tokenizerReportSchema.parse(written)).toEqual(written);
    expect(JSON.stringify(compared())).toBe(JSON.stringify(report));
  });

  it('has the schema that configs/tokenizer-report.schema.json publishes', () => {
    const file = join(packageRoot(), 'configs', 'tokenizer-report.schema.json');
    // When the shape was changed on purpose: write `tokenizerReportJsonSchema()` to that file.
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(tokenizerReportJsonSchema());
  });

  it('has no figure for no text', () => {
    const { tokenizers, measured, groups } = createComparison([words], { title: 'none' }).report();
    expect(measured.documents).toBe(0);
    expect(tokenizers[0].figures).toMatchObject({ tokens: 0, bytesPerToken: null, fertility: null, han: null });
    expect(groups).toEqual([]);
  });
});

describe('what a tokenizer does to a text', () => {
  it('is told: the same, its NFC form, or another', () => {
    const nfc = { ...bytes, encode: (text: string) => bytes.encode(text.normalize('NFC')) };
    const lower = { ...bytes, name: 'lower', encode: (text: string) => bytes.encode(text.toLowerCase()) };
    const comparison = createComparison([nfc, lower], { title: '' });
    for (const text of ['plain', 'cafe\u0301', 'an Upper']) {
      comparison.add({ id: text, text, language: null, source: null });
    }
    const [one, two] = comparison.report().tokenizers.map(({ roundTrip }) => roundTrip);
    expect(one).toEqual({ exact: 2, normalized: 1, changed: 0, unaligned: 0, examples: [] });
    expect(two).toEqual({
      exact: 2,
      normalized: 0,
      changed: 1,
      unaligned: 0,
      examples: [{ document: 'an Upper', at: 3, expected: 'Upper', found: 'upper' }],
    });
  });

  it('is measured on words as well where a space stands before every text', () => {
    // ␣the|␣|c|a|t: words at their places although the tokens begin a byte early.
    const spaced = listedTokenizer('spaced', [' the'], { before: ' ' });
    const comparison = createComparison([spaced], { title: '' });
    comparison.add({ id: '1', text: 'the cat', language: null, source: null });
    const [{ figures, roundTrip }] = comparison.report().tokenizers;
    expect(figures).toMatchObject({ tokens: 5, fertility: 4 / 2, wordsWhole: 1 / 2 });
    expect(roundTrip).toMatchObject({ exact: 1, unaligned: 0 });
  });

  it('is said of what it does not know: a share where it has a token for that, none where bytes stand for it', () => {
    // 中 is unknown to the first, one token of four in a中bc.
    const unknownId = words.vocabSize - 1;
    const latin = {
      ...words,
      encode: (text: string) => [...text].map((c) => (c < '\x80' ? c.charCodeAt(0) : unknownId)),
      unknownId,
    };
    const comparison = createComparison([latin, bytes], { title: '' });
    comparison.add({ id: '1', text: 'a中bc', language: null, source: null });
    const [one, two] = comparison.report().tokenizers;
    expect([one.figures.unknownTokens, two.figures.unknownTokens]).toEqual([1 / 4, null]);
    expect(one.roundTrip).toMatchObject({ changed: 1 });
  });

  it('leaves words out where the tokens do not add up to the text', () => {
    const silent = { ...bytes, decode: () => 'something else' };
    const comparison = createComparison([silent], { title: '' });
    comparison.add({ id: '1', text: 'the cat', language: null, source: null });
    const [{ figures, roundTrip }] = comparison.report().tokenizers;
    expect(figures).toMatchObject({ tokens: 7, fertility: null, wordsWhole: null });
    expect(roundTrip).toMatchObject({ changed: 1, unaligned: 1 });
  });
});

describe('a comparison that cannot be made', () => {
  it.each([
    [() => createComparison([], { title: '' }), 'there is no tokenizer to measure'],
    [() => createComparison([words, words], { title: '' }), 'two tokenizers are called "words"'],
    [() => createComparison([words], { title: '', base: 'x' }), 'no tokenizer is called "x"'],
  ])('is refused (%#)', (make, message) => {
    expect(make).toThrow(message);
  });
});

describe('many groups', () => {
  it('are counted together from the 500th on, and none is lost', () => {
    const comparison = createComparison([bytes], { title: '' });
    for (let i = 0; i < 600; i++) comparison.add({ id: `${i}`, text: 'x', language: `l${i}`, source: null });
    const [{ rows, more }] = comparison.report().groups;
    expect(rows[0]).toMatchObject({ name: '(others)', documents: 100 });
    expect(rows.length + more).toBe(501);
  });
});

describeWithShared('the released Qwen2.5 tokenizer on 372 web documents', () => {
  const json = JSON.parse(
    gunzipSync(readFileSync(shared('data/qwen-tokenizer/tokenizer.json.gz'))).toString(),
  ) as object;
  const rows = gunzipSync(readFileSync(shared('data/qwen-tokenizer/vectors-webmix.jsonl.gz')))
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: string; lang: string; text: string; ids: number[] });
  const comparison = createComparison([judgedTokenizer('qwen', Tokenizer.fromJson(json))], { title: 'qwen' });
  for (const { id, lang, text } of rows) comparison.add({ id, text, language: lang, source: null });
  const report = comparison.report();
  const [qwen] = report.tokenizers;

  it('has the tokens of the reference ids, of each language and in all', () => {
    const of = (lang: string | undefined) =>
      rows.filter((row) => lang === undefined || row.lang === lang).flatMap(({ ids }) => ids);
    expect(qwen.figures.tokens).toBe(of(undefined).length);
    for (const row of report.groups[0].rows) {
      expect(row.tokenizers[0]).toMatchObject({
        tokens: of(row.name!).length,
        vocabularyUsed: new Set(of(row.name!)).size,
      });
    }
    const counts = new Map<number, number>();
    for (const id of of(undefined)) counts.set(id, (counts.get(id) ?? 0) + 1);
    expect(qwen.usage).toMatchObject({
      used: counts.size,
      usedOnce: [...counts.values()].filter((count) => count === 1).length,
    });
    expect(qwen.usage.mostUsed[0].count).toBe(Math.max(...counts.values()));
  });

  it('has the tokens by word and whole words that Intl.Segmenter and the reference ids give', () => {
    // English documents in NFC without Han; a word is a segment with a letter or a number.
    const segmenter = new Intl.Segmenter('en', { granularity: 'word' });
    const chosen = rows
      .filter(
        ({ lang, text }) => lang === 'en' && text === text.normalize('NFC') && !/[^\0-\u024f\u2010-\u2026]/.test(text),
      )
      .slice(0, 60);
    expect(chosen).toHaveLength(60);
    const tokenizer = Tokenizer.fromJson(json);
    const own = createComparison([judgedTokenizer('qwen', tokenizer)], { title: '' });
    let found = 0;
    let whole = 0;
    let touching = 0;
    for (const { id, text, ids } of chosen) {
      own.add({ id, text, language: null, source: null });
      let at = 0;
      const ends = ids.map((one) => (at += tokenizer.tokenBytes(one).length));
      let byte = 0;
      const touched = new Set<number>();
      for (const { segment } of segmenter.segment(text)) {
        const start = byte;
        byte += Buffer.byteLength(segment);
        if (!/[\p{L}\p{N}]/u.test(segment)) continue;
        const first = ends.findIndex((end) => end > start);
        const last = ends.findIndex((end) => end >= byte);
        found++;
        if (first === last) whole++;
        for (let token = first; token <= last; token++) touched.add(token);
      }
      touching += touched.size;
    }
    const [{ figures }] = own.report().tokenizers;
    expect(own.report().measured.words).toBe(found);
    expect(figures.wordsWhole).toBe(whole / found);
    expect(figures.fertility).toBe(touching / found);
  });

  it('decodes every document to itself or its NFC form', () => {
    expect(qwen.roundTrip).toMatchObject({ changed: 0, unaligned: 0 });
    expect(qwen.roundTrip.exact).toBe(rows.filter(({ text }) => text === text.normalize('NFC')).length);
  });

  it('has the vocabulary that is known of it', () => {
    // shared/research/tokenizers.md §1: 151,643 regular tokens, 1,448 not UTF-8 alone, longest 128 bytes of spaces.
    expect(qwen.vocabulary).toMatchObject({ tokens: 151_665, regular: 151_643 });
    expect(qwen.vocabulary.kinds.find(({ kind }) => kind === 'partial UTF-8')?.tokens).toBe(1448);
    expect(qwen.vocabulary.longest[0]).toMatchObject({ text: ' '.repeat(128), bytes: 128 });
    expect(qwen.vocabulary.hanByLength).toHaveLength(4);
    // Numbers are split into single digits.
    expect(qwen.numbers.map(({ tokensEach }) => tokensEach)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(qwen.vocabulary.digitsByLength).toEqual([10]);
  });

  it('cuts the fixed texts as @huggingface/tokenizers does', () => {
    const reference = new HuggingFaceTokenizer(json, {});
    for (const { text, pieces } of report.probes) {
      const tokens = pieces[0].reduce((sum, piece) => sum + piece.tokens, 0);
      expect(tokens, text).toBe(reference.encode(text, { add_special_tokens: false }).ids.length);
      expect(pieces[0].map((piece) => piece.text).join(''), text).toBe(text.normalize('NFC'));
    }
  });
});
