import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bundledLanguageModel } from '../../src/quality/bundled-model.ts';
import { loadClassifier } from '../../src/quality/fasttext/classifier.ts';
import { langid } from '../../src/quality/langid.ts';
import { createLanguageIdentifier } from '../../src/quality/language-identifier.ts';
import { stageOf } from '../filters/process.ts';
import { describeWithShared, shared } from '../shared.ts';

const ENGLISH = 'The committee will meet again next Thursday to discuss the budget for the coming year.';
const GERMAN = 'Der Ausschuss wird am nächsten Donnerstag wieder zusammenkommen, um über den Haushalt zu beraten.';
const SIMPLIFIED = '委员会将于下周四再次开会，讨论明年的预算问题，并决定是否继续这个项目。';
const TRADITIONAL = '委員會將於下週四再次開會，討論明年的預算問題，並決定是否繼續這個項目。';

interface Found {
  lang: string;
  confidence: number;
  script?: string;
  shares?: Record<string, number>;
}
const found = (outcome: ReturnType<ReturnType<typeof stageOf>>): Found => outcome.document.meta['langid'] as Found;

describe('langid', () => {
  const annotate = stageOf(langid);

  it('writes language and confidence and keeps everything where no language is named', () => {
    const outcome = annotate(ENGLISH);
    expect(outcome.verdict).toBe('keep');
    expect(found(outcome)).toMatchObject({ lang: 'en', confidence: expect.any(Number) });
    expect(found(outcome).confidence).toBeGreaterThan(0.9);
    expect(found(annotate(GERMAN)).lang).toBe('de');
  });

  it('tells simplified from traditional Chinese', () => {
    expect(found(annotate(SIMPLIFIED))).toMatchObject({ lang: 'zh', script: 'Hans' });
    expect(found(annotate(TRADITIONAL))).toMatchObject({ lang: 'zh', script: 'Hant' });
    expect(found(stageOf(langid, { hanScript: false })(SIMPLIFIED))).not.toHaveProperty('script');
  });

  it('drops other languages and the uncertain where languages are named', () => {
    const english = stageOf(langid, { languages: ['en'] });
    expect(english(ENGLISH).verdict).toBe('keep');
    expect(english(GERMAN).verdict).toBe('language');
    const strict = stageOf(langid, { languages: ['en'], minConfidence: 1 });
    expect(strict(ENGLISH)).toMatchObject({ verdict: 'language_confidence', threshold: 1 });
    expect(stageOf(langid, { languages: ['en'], action: 'annotate' })(GERMAN).verdict).toBe('keep');
    expect(stageOf(langid, { action: 'drop', minConfidence: 1 })(ENGLISH).verdict).toBe('language_confidence');
  });

  it('takes line ends for spaces, as FineWeb does', () => {
    const lines = ENGLISH.replaceAll(' ', '\n');
    expect(found(annotate(lines))).toEqual(found(annotate(ENGLISH)));
  });

  it('gives the share of each language of a mixed document', () => {
    const mixed = `${ENGLISH}\n${GERMAN}\n${GERMAN}\nkurz`;
    const { shares } = found(stageOf(langid, { perLine: true })(mixed));
    expect(Object.keys(shares ?? {})).toEqual(['de', 'en']);
    expect(shares?.['de']).toBeCloseTo((2 * GERMAN.length + 4) / (2 * GERMAN.length + 4 + ENGLISH.length), 2);
  });

  it('reads no more than maxChars', () => {
    const text = ENGLISH.repeat(3) + GERMAN.repeat(30);
    expect(found(annotate(text)).lang).toBe('de');
    expect(found(stageOf(langid, { maxChars: 200 })(text)).lang).toBe('en');
  });

  it('takes a model of your own and refuses languages that it does not know', () => {
    const model = join(import.meta.dirname, 'fasttext', 'models', 'hierarchical.bin');
    expect(found(stageOf(langid, { model })('rain and sun in the sky')).lang).toBe('weather');
    expect(() => stageOf(langid, { languages: ['english'] })).toThrow('the model knows no language "english"');
    expect(() => stageOf(langid, { model: join(import.meta.dirname, 'none.bin') })).toThrow(
      /cannot open the fastText model/,
    );
  });

  it('explains both measures', () => {
    const stage = langid.create(langid.options.parse({ languages: ['en'] }), { name: 'langid', seed: 0, baseDir: '' });
    expect(stage.explain?.({ id: 'one', text: GERMAN, meta: {} })).toEqual([
      { rule: 'language', value: 'de', broken: true },
      { rule: 'language_confidence', value: expect.any(Number), min: 0.65, broken: false },
    ]);
  });

  it.each(['', ' ', '12345', '\n\n', '\u{1f600}'])('has an answer for %j', (text) => {
    const { confidence } = found(annotate(text));
    expect(confidence).toBeGreaterThanOrEqual(0);
    expect(confidence).toBeLessThanOrEqual(1);
    expect(found(stageOf(langid, { scoring: 'letters' })(text)).confidence).toBeLessThanOrEqual(1);
  });
});

describe('scoring by letters', () => {
  const identify = createLanguageIdentifier(loadClassifier(bundledLanguageModel()), {
    scoring: 'letters',
    candidates: null,
  });

  it.each([
    ['東京', 'ja', 'zh'],
    ['ありがとう', 'ja', 'ja'],
    ['谢谢', 'zh', 'zh'],
    ['감사', 'ko', 'ko'],
    ['ευχαριστώ', 'el', 'el'],
    ['mañana', 'es', 'ast'],
    ['größe', 'de', 'de'],
    ['їжак', 'uk', 'uk'],
  ])('%s is %s (or %s)', (text, one, other) => {
    expect([one, other]).toContain(identify(text).lang);
  });
});

describeWithShared('langid on lingua’s test sets', () => {
  const classifier = loadClassifier(bundledLanguageModel());
  const plain = createLanguageIdentifier(classifier, { scoring: 'fasttext', candidates: null });
  const letters = createLanguageIdentifier(classifier, { scoring: 'letters', candidates: null });

  // Even lines: the constants of `letters` were chosen on the odd ones.
  it.each(['sentences', 'word-pairs', 'single-words'])('%s: letters beat the plain model on average', (set) => {
    let languages = 0;
    const sums = [0, 0];
    for (const file of readdirSync(shared(`data/langid-lingua/${set}`))) {
      const want = file === 'nb.txt' ? 'no' : file.slice(0, -4);
      if (!classifier.model.labels.includes(want)) continue;
      languages++;
      const texts = readFileSync(shared(`data/langid-lingua/${set}/${file}`), 'utf8')
        .split('\n')
        .filter(Boolean);
      const held = texts.filter((_, i) => i % 10 === 1);
      for (const [i, identify] of [plain, letters].entries()) {
        sums[i] += held.filter((text) => identify(text).lang === want).length / held.length;
      }
    }
    expect(languages).toBe(67);
    expect(sums[1] / languages).toBeGreaterThan(sums[0] / languages + 0.01);
  });
});
