import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { badWords } from '../../src/filters/bad-words.ts';
import { describeWithShared, shared } from '../shared.ts';
import { stageOf } from './process.ts';

let dir: string;
let lists: Record<string, string>;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'corpusmill-bad-words-'));
  lists = { en: join(dir, 'en'), zh: join(dir, 'zh'), ja: join(dir, 'ja') };
  writeFileSync(lists['en'], 'darn\ntwo bad words\nNaïve\n性\n');
  writeFileSync(lists['zh'], '坏词\n性\n');
  writeFileSync(lists['ja'], 'sm\n悪い\n');
});
afterAll(() => rmSync(dir, { recursive: true }));

const DROPPED = 'document_removed_with_badwords';

describe('filter.bad-words', () => {
  it.each([
    ['a darn thing', DROPPED],
    ['Darn!', DROPPED],
    ['darn', DROPPED],
    ['(DARN)', DROPPED],
    ['darned darning undarn', 'keep'],
    ['darn_it', 'keep'],
    ['darn9', 'keep'],
    ['darné', 'keep'],
    ['darn中', 'keep'],
    ['𝐀darn', 'keep'],
    ['😀darn😀', DROPPED],
    // A combining mark is no word character to Python's \W.
    ['darn\u0301', DROPPED],
    ['so two bad words here', DROPPED],
    ['two bad  words', 'keep'],
    ['NAÏVE', DROPPED],
    ['undarn, but then: darn', DROPPED],
    ['', 'keep'],
  ])('in English, %j → %s: only whole words', (text, verdict) => {
    expect(stageOf(badWords, { lists })(text).verdict).toBe(verdict);
  });

  it.each([
    ['zh', '这是坏词吗', DROPPED],
    ['zh', '性能', 'keep'],
    ['zh-Hans', '这是坏词吗', DROPPED],
    ['cmn_Hani', '这是坏词吗', DROPPED],
    ['ja', 'とても悪い人', DROPPED],
    ['ja', 'prisms', 'keep'],
    ['fr', 'darn', 'keep'],
  ])('language %s, %j → %s: words inside others count, those on the allow-list do not', (language, text, verdict) => {
    expect(stageOf(badWords, { lists })(text, { meta: { language } }).verdict).toBe(verdict);
  });

  it('uses the default language where a document says none', () => {
    expect(stageOf(badWords, { lists, defaultLanguage: 'zh' })('这是坏词吗').verdict).toBe(DROPPED);
  });

  it('drops documents without a list where asked', () => {
    const judge = stageOf(badWords, { lists, missingLanguage: 'drop' });
    expect(judge('bonjour', { meta: { language: 'fr' } }).verdict).toBe('no_word_list');
  });

  it('counts the occurrences', () => {
    expect(stageOf(badWords, { lists })('darn darn, darned darn').value).toBe(3);
  });

  it('keeps about keepFraction of the documents, by id and seed alone', () => {
    const kept = (options: object): string[] => {
      const judge = stageOf(badWords, { lists, keepFraction: 0.3, ...options });
      return Array.from({ length: 2000 }, (_, i) => `d${i}`).filter((id) => judge('darn', { id }).verdict === 'keep');
    };
    const first = kept({ seed: 1 });
    // 600 expected, standard deviation 20.5.
    expect(Math.abs(first.length - 600)).toBeLessThan(90);
    expect(kept({ seed: 1 })).toEqual(first);
    expect(kept({ seed: 2 })).not.toEqual(first);
  });
});

describeWithShared('filter.bad-words on real lists and documents', () => {
  const paths = { en: shared('data/badwords/en.txt'), zh: shared('data/badwords/zh.txt') };

  it("agrees with C4's regular expression on every document", () => {
    const entries = (path: string): string[] =>
      readFileSync(path, 'utf8')
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== '');
    const escaped = (path: string): string =>
      entries(path)
        .filter((entry) => entry !== '性')
        .map((entry) => entry.toLowerCase().replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
        .join('|');
    const english = new RegExp(`(?:[^\\p{L}\\p{N}_]|^)(?:${escaped(paths.en)})(?:[^\\p{L}\\p{N}_]|$)`, 'u');
    const chinese = new RegExp(escaped(paths.zh), 'u');
    const documents = gunzipSync(readFileSync(shared('data/web-mix.jsonl.gz')))
      .toString('utf8')
      .split('\n')
      .slice(0, 4000)
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { text: string });
    const judge = stageOf(badWords, { lists: paths });
    const found = { en: 0, zh: 0 };
    for (const { text } of documents) {
      for (const language of ['en', 'zh'] as const) {
        const wanted = (language === 'en' ? english : chinese).test(text.toLowerCase());
        if (wanted) found[language]++;
        const { verdict } = judge(text, { meta: { language } });
        expect(verdict, `${language}: ${text.slice(0, 200)}`).toBe(wanted ? DROPPED : 'keep');
      }
    }
    expect(found.en).toBeGreaterThan(5);
    expect(found.zh).toBeGreaterThan(5);
  });
});
