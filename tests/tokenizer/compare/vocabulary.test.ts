import { describe, expect, it } from 'vitest';
import { kindOfText, readVocabulary, type TokenKind } from '../../../src/tokenizer/compare/vocabulary-kinds.ts';
import { vocabularyOverlap } from '../../../src/tokenizer/compare/vocabulary-overlap.ts';
import { idsBy, vocabularyMakeup, vocabularyUse } from '../../../src/tokenizer/compare/vocabulary-use.ts';
import { listedTokenizer } from './listed-tokenizer.ts';

describe('kinds of tokens', () => {
  it.each<[string, TokenKind]>([
    [' the', 'ASCII letters'],
    ['ção', 'other Latin'],
    ['人工智能', 'Han'],
    ['，中', 'Han'],
    ['食べる', 'Kana'],
    ['コンピューター', 'Kana'],
    ['안녕', 'Hangul'],
    [' мир', 'Cyrillic'],
    ['λ', 'Greek'],
    ['ال', 'Arabic'],
    ['של', 'Hebrew'],
    ['ที่', 'Thai'],
    ['हि', 'Devanagari'],
    ['ქართ', 'other scripts'],
    ['aб', 'several scripts'],
    [' 2024', 'digits'],
    ['v2', 'letters and digits'],
    ['\n    ', 'white space'],
    ['();\n', 'punctuation and symbols'],
    ['🙂', 'punctuation and symbols'],
  ])('%j is %s', (text, kind) => {
    expect(kindOfText(text)).toBe(kind);
  });
});

describe('a vocabulary', () => {
  const tokenizer = listedTokenizer('a', ['the', ' the', '中', '中国', '国家', '12', '1234', '\u00e9']);
  const vocabulary = readVocabulary(tokenizer);

  it('knows which tokens are no UTF-8 alone', () => {
    // Of the 256 bytes those from 0x80 on.
    expect(vocabulary.flags.reduce((sum, flag) => sum + (flag === 3 ? 1 : 0), 0)).toBe(128);
    expect(vocabulary.tokens).toBe(256 + 8 + 1);
    expect(vocabulary.regular).toBe(256 + 8);
  });

  it('is counted by kind and length', () => {
    const counts = new Float64Array(tokenizer.vocabSize);
    for (const id of Array.from(tokenizer.encode('the the 中国'))) counts[id]++;
    const makeup = vocabularyMakeup(counts, vocabulary);
    expect(makeup.hanByLength).toEqual([1, 2]);
    // The ten digits, 12, and 1234.
    expect(makeup.digitsByLength).toEqual([10, 1, 0, 1]);
    expect(makeup.kinds.find(({ kind }) => kind === 'Han')).toEqual({
      kind: 'Han',
      tokens: 3,
      used: 1,
      occurrences: 1 / 4,
    });
    expect(makeup.kinds.find(({ kind }) => kind === 'added')).toMatchObject({ tokens: 1, used: 0 });
    // Bytes 52 letters; the, ␣the.
    expect(makeup.kinds.find(({ kind }) => kind === 'ASCII letters')).toMatchObject({ tokens: 54, used: 2 });
    expect(makeup.longestHan.map(({ text }) => text)).toEqual(['中国', '国家', '中']);
    expect(makeup.longest[0]).toMatchObject({ text: '中国', bytes: 6, characters: 2, count: 1, share: 1 / 4 });
  });

  it('shares tokens of the same bytes, whatever their ids', () => {
    const other = listedTokenizer('b', ['国家', ' a', 'the']);
    const use = (judged: typeof tokenizer, text: string) => {
      const counts = new Float64Array(judged.vocabSize);
      for (const id of Array.from(judged.encode(text))) counts[id]++;
      return { tokenizer: judged, vocabulary: readVocabulary(judged), counts };
    };
    const text = 'the the the a a 中国';
    const overlap = vocabularyOverlap(use(tokenizer, text), use(other, text));
    expect(overlap).toMatchObject({ base: 'a', other: 'b', both: 256 + 2, onlyBase: 6, onlyOther: 1 });
    expect(overlap.mostUsedOnlyBase.map(({ text: token, count }) => [token, count])).toEqual([
      [' the', 2],
      ['中国', 1],
    ]);
    expect(overlap.mostUsedOnlyOther.map(({ text: token, count }) => [token, count])).toEqual([[' a', 2]]);
  });
});

describe('the use of a vocabulary', () => {
  const tokenizer = listedTokenizer('a', []);
  const vocabulary = readVocabulary(tokenizer);
  const use = (counts: Record<number, number>) => {
    const all = new Float64Array(tokenizer.vocabSize);
    for (const [id, count] of Object.entries(counts)) all[Number(id)] = count;
    return vocabularyUse(all, vocabulary);
  };

  it('has the entropy of its frequencies', () => {
    // ½, ¼, ⅛, ⅛: 1.75 bits. Rényi at 2.5: log2(2^-2.5 + 2^-5 + 2·2^-7.5) / −1.5, by the 8 bits of 256 tokens.
    const found = use({ 1: 4, 2: 2, 3: 1, 4: 1 });
    expect(found).toMatchObject({ used: 4, usedOnce: 2, usedShare: 4 / 256 });
    expect(found.entropyBits).toBeCloseTo(1.75, 12);
    expect(found.renyiEfficiency).toBeCloseTo(Math.log2(2 ** -2.5 + 2 ** -5 + 2 * 2 ** -7.5) / -1.5 / 8, 12);
  });

  it('is wholly even when all tokens occur alike', () => {
    const found = use(Object.fromEntries(Array.from({ length: 256 }, (_, id) => [id, 3])));
    expect(found.entropyBits).toBeCloseTo(8, 12);
    expect(found.renyiEfficiency).toBeCloseTo(1, 12);
  });

  it('falls with rank: rank, share, share up to it', () => {
    const found = use({ 1: 5, 2: 3, 3: 2 });
    expect(found.zipf).toEqual([
      [1, 0.5, 0.5],
      [2, 0.3, 0.8],
      [3, 0.2, 1],
    ]);
    expect(found.mostUsed.map(({ id }) => id)).toEqual([1, 2, 3]);
  });

  it('has a curve of few points, first and last rank among them, whatever its length', () => {
    const many = new Float64Array(100_000).map((_, i) => 1 + Math.floor(100_000 / (i + 1)));
    const { zipf } = vocabularyUse(many, {
      ...vocabulary,
      texts: [],
      byteLengths: new Uint32Array(100_000),
      regular: 100_000,
    });
    expect(zipf[0][0]).toBe(1);
    expect(zipf.at(-1)![0]).toBe(100_000);
    expect(zipf.at(-1)![2]).toBeCloseTo(1, 12);
    expect(zipf.length).toBeLessThan(60);
  });

  it('has no figure for no text', () => {
    expect(use({})).toMatchObject({ used: 0, entropyBits: null, renyiEfficiency: null, zipf: [], mostUsed: [] });
  });

  it('ranks ids by a value, of equal ones the lower first', () => {
    expect(idsBy(Float64Array.of(2, 5, 5, 1, 7), (id) => [2, 5, 5, 1, 7][id], 3)).toEqual([4, 1, 2]);
  });
});
