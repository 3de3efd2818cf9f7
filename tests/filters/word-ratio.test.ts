import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wordRatio } from '../../src/filters/word-ratio.ts';
import { stageOf } from './process.ts';

let dir: string;
const file = (name: string, entries: string[]): string => {
  const path = join(dir, name);
  writeFileSync(path, entries.join('\n'));
  return path;
};
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'corpusmill-word-ratio-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

describe('filter.word-ratio: stop words', () => {
  it('keeps at the limit and drops under it', () => {
    const judge = stageOf(wordRatio, { stopWords: { en: file('en', ['the', 'of']) } });
    // 3 of 10, 2 of 10.
    expect(judge('The cat of the house one two three four five').verdict).toBe('keep');
    const { verdict, value, threshold } = judge('The cat of a house one two three four five');
    expect([verdict, value, threshold]).toEqual(['stop_word_ratio', 0.2, 0.3]);
  });

  it('counts words with a letter alone, and whole words alone', () => {
    const judge = stageOf(wordRatio, { stopWords: { en: file('en2', ['the']) }, minStopWordRatio: 0.5 });
    expect(judge('the, 12 34 !! -- cat').verdict).toBe('keep');
    expect(judge('the other theme').value).toBeCloseTo(1 / 3);
  });

  it('takes the longer of entries that overlap, with all its words', () => {
    const judge = stageOf(wordRatio, {
      stopWords: { en: file('en3', ['in', 'in spite of', 'of']) },
      minStopWordRatio: 1,
    });
    expect(judge('in spite of rain').value).toBe(0.75);
  });

  it('counts characters in Chinese, the longer entry where two overlap', () => {
    const judge = stageOf(wordRatio, { stopWords: { zh: file('zh', ['的', '的话', '了']) }, minStopWordRatio: 1 });
    // 的话 and 了 of 好 的 话 就 走 了.
    expect(judge('好的话，就走了。', { meta: { language: 'zh' } }).value).toBe(0.5);
  });

  it('has lists of its own for many languages, whatever way the language is written', () => {
    const judge = stageOf(wordRatio, { minStopWordRatio: 0.25 });
    const texts: [string, string][] = [
      ['en', 'This is the house that stood on the hill, and it was old.'],
      ['eng_Latn', 'This is the house that stood on the hill, and it was old.'],
      ['fr', 'Le chat est sur la table et il est dans le jardin.'],
      ['zh-Hans', '我的书和你的书在他的桌子上了。'],
      ['cmn_Hani', '我的书和你的书在他的桌子上了。'],
    ];
    for (const [language, text] of texts)
      expect([language, judge(text, { meta: { language } }).verdict]).toEqual([language, 'keep']);
    expect(judge('Home Login Products Prices Contact Sitemap').verdict).toBe('stop_word_ratio');
  });

  it('drops nothing in a language without a list', () => {
    expect(stageOf(wordRatio)('Home Login', { meta: { language: 'tlh' } }).verdict).toBe('keep');
  });

  it('takes a limit by language', () => {
    const judge = stageOf(wordRatio, { minStopWordRatio: { fr: 0.9 } });
    expect(judge('Home Login', { meta: { language: 'en' } }).verdict).toBe('keep');
    expect(judge('le chat', { meta: { language: 'fr' } }).verdict).toBe('stop_word_ratio');
  });

  it('gives a verdict on texts without words', () => {
    expect(stageOf(wordRatio)('').verdict).toBe('stop_word_ratio');
    expect(stageOf(wordRatio, { minStopWordRatio: null })('123 …').verdict).toBe('keep');
  });
});

describe('filter.word-ratio: flagged words', () => {
  it('keeps at the limit and drops over it', () => {
    const options = { flaggedWords: { en: file('bad', ['darn']) }, minStopWordRatio: null, maxFlaggedWordRatio: 0.1 };
    const judge = stageOf(wordRatio, options);
    expect(judge(`darn ${'word '.repeat(9)}`).verdict).toBe('keep');
    const { verdict, value } = judge(`Darn ${'word '.repeat(8)}`);
    expect([verdict, value]).toEqual(['flagged_word_ratio', 1 / 9]);
  });

  it("has Data-Juicer's limit of .0045", () => {
    const judge = stageOf(wordRatio, { flaggedWords: { en: file('bad2', ['darn']) }, minStopWordRatio: null });
    expect(judge(`darn ${'word '.repeat(222)}`).verdict).toBe('keep');
    expect(judge(`darn ${'word '.repeat(221)}`).verdict).toBe('flagged_word_ratio');
  });
});
