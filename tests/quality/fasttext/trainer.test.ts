import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { sampleFraction } from '../../../src/core/random.ts';
import type { TrainedClassifier } from '../../../src/quality/classifier.ts';
import { loadClassifier } from '../../../src/quality/fasttext/classifier.ts';
import type { FastTextOptionsInput } from '../../../src/quality/fasttext/options.ts';
import { createFastTextTrainer } from '../../../src/quality/fasttext/trainer.ts';
import { describeWithShared, shared } from '../../shared.ts';
import { judgeOf } from './judge.ts';
import { type Labelled, ODD_TEXTS, TOPICS, topicTexts } from './topics.ts';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'fasttext-trainer-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const texts = topicTexts(600, 1);
const unseen = topicTexts(200, 2);

function train(options: FastTextOptionsInput, on: readonly Labelled[] = texts, create = createFastTextTrainer) {
  const trainer = create(TOPICS, options);
  for (const { text, label } of on) trainer.add(text, label);
  return trainer.finish();
}

function saved(trained: TrainedClassifier, name: string): string {
  const path = join(dir, name);
  trained.save(path);
  return path;
}

function accuracy({ classifier }: TrainedClassifier, on: readonly Labelled[]): number {
  const right = on.filter(({ text, label }) => {
    const probabilities = Array.from(classifier.probabilities(text) ?? []);
    return classifier.labels[probabilities.indexOf(Math.max(...probabilities))] === TOPICS[label];
  });
  return right.length / on.length;
}

/** Mean of -log of the right label's probability on unseen texts. */
function logLoss({ classifier }: TrainedClassifier): number {
  const losses = unseen.map(({ text, label }) => {
    const right = classifier.labels.indexOf(TOPICS[label]);
    return -Math.log(classifier.probabilities(text)?.[right] ?? 1);
  });
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}

const VARIANTS: Record<string, FastTextOptionsInput> = {
  'words alone': { dim: 10, lr: 0.5 },
  'word pairs': { dim: 17, lr: 0.5, wordNgrams: 2, bucket: 3000 },
  'word triples in few buckets, rare words left out': { dim: 4, lr: 0.5, wordNgrams: 3, bucket: 50, minCount: 5 },
  'character n-grams': { dim: 16, lr: 0.5, minn: 2, maxn: 4, bucket: 2000, minCount: 3 },
  'both kinds of n-grams': { dim: 9, lr: 0.5, minn: 1, maxn: 3, wordNgrams: 2, bucket: 70_000 },
  'hierarchical softmax': { dim: 8, lr: 0.5, loss: 'hs', wordNgrams: 2, bucket: 1000 },
  'one against all': { dim: 8, lr: 0.5, loss: 'ova' },
  'negative sampling': { dim: 8, lr: 0.5, loss: 'ns', neg: 2, minn: 3, maxn: 3, bucket: 500 },
  quantized: { dim: 6, lr: 0.5, wordNgrams: 2, bucket: 5000, quantize: {} },
  'cut off, trained again, with lengths': {
    ...{ dim: 7, lr: 0.5, minn: 2, maxn: 4, wordNgrams: 2, bucket: 5000 },
    quantize: { cutoff: 300, retrain: true, qnorm: true, dsub: 3 },
  },
};

describe.each(Object.entries(VARIANTS))('a model of %s', (name, options) => {
  it('is read by fastText, which gives every label the same probability', () => {
    const trained = train(options);
    const path = saved(trained, `${name}.bin`);
    const judge = judgeOf(path);
    const loaded = loadClassifier(path);
    for (const text of [...ODD_TEXTS, ...unseen.slice(0, 60).map((one) => one.text)]) {
      const ours = trained.classifier.probabilities(text);
      const theirs = judge.score(text);
      expect([text, Object.keys(theirs).length === 0]).toEqual([text, ours === undefined]);
      // A tree's labels below 1e-5 are left out of theirs.
      const differences = trained.classifier.labels.map((label, i) =>
        Math.abs((ours?.[i] ?? 0) - (theirs[label] ?? 0)),
      );
      expect([text, Math.max(...differences) < 1.1e-5 ? 0 : differences]).toEqual([text, 0]);
      expect(loaded.probabilities(text)).toEqual(ours);
    }
  });

  it('tells unseen texts apart', () => {
    expect(accuracy(train(options), unseen)).toBeGreaterThan(0.9);
  });

  it('is the same bytes each time, and from the twins of the native kernels', async () => {
    const first = readFileSync(saved(train(options), 'first.bin'));
    expect(readFileSync(saved(train(options), 'second.bin')).equals(first)).toBe(true);
    vi.stubEnv('CORPUSMILL_NATIVE', '0');
    vi.resetModules();
    try {
      const twin = await import('../../../src/quality/fasttext/trainer.ts');
      const { native } = await import('../../../src/core/native.ts');
      expect(native).toBeUndefined();
      const trained = train(options, texts, twin.createFastTextTrainer);
      expect(readFileSync(saved(trained, 'twin.bin')).equals(first)).toBe(true);
    } finally {
      vi.unstubAllEnvs();
      vi.resetModules();
    }
  });
});

describe('the dictionary', () => {
  const lines = [
    'b the cat and the dog',
    'a die Katze 猫 und der Hund',
    'b the 狗\tand\tthe cat',
    'c ',
    'b dog　dog the',
  ].map((line) => [line.slice(0, 1), line.slice(2)]);
  const trainOnLines = (options: FastTextOptionsInput): TrainedClassifier => {
    const trainer = createFastTextTrainer(['c', 'b', 'a'], { dim: 2, epoch: 1, ...options });
    for (const [label, text] of lines) trainer.add(text, ['c', 'b', 'a'].indexOf(label));
    return trainer.finish();
  };

  // Debian's fasttext 0.9.2 on these lines, each after `__label__`: `fasttext supervised -dim 2 -epoch 1 -thread 1`, then
  // `fasttext dump MODEL dict`. Equals are in the order of their first occurrence in theirs too, of so few.
  const words = 'the 5|</s> 5|cat 2|and 2|dog 1|die 1|Katze 1|猫 1|und 1|der 1|Hund 1|狗 1|dog　dog 1';
  it.each([
    ['minCount 1', {}, words, 'b 3'],
    ['minCount 2', { minCount: 2 }, words.slice(0, words.indexOf('|dog 1')), 'b 3'],
    ['minCount 4', { minCount: 4 }, 'the 5|</s> 5', 'b 3'],
  ])("has fastText's words with their counts, from the most frequent down: %s", (_, options, expectedWords, first) => {
    const judge = judgeOf(saved(trainOnLines(options), 'dictionary.bin'));
    const shown = (entries: [string, number][]) => entries.map(([word, count]) => `${word} ${count}`);
    expect(shown(judge.words()).join('|')).toBe(expectedWords);
    expect(shown(judge.labels())).toEqual([`__label__${first}`, '__label__c 1', '__label__a 1']);
  });

  it('counts tokens as fastText does: words, ends of texts, labels', () => {
    // The header of Debian's file says 28.
    expect(trainOnLines({}).details).toMatchObject({ texts: 5, tokens: 28, words: 13, ngrams: 0 });
  });

  it('reads a text to the word </s> and knows no word that begins like a label', () => {
    const trained = train({ dim: 2 }, [
      { text: 'a __label__b c </s> d', label: 0 },
      { text: 'a', label: 1 },
    ]);
    expect(judgeOf(saved(trained, 'odd.bin')).words()).toEqual([
      ['a', 2],
      ['</s>', 2],
      ['c', 1],
    ]);
  });

  it('leaves out labels of too few texts, and labels without any', () => {
    const few = [...texts.filter(({ label }) => label !== 2), { text: 'Topf', label: 2 }];
    expect(train({ dim: 2, minCountLabel: 2 }, few).classifier.labels).toEqual(['sport', '天气']);
    expect(train({ dim: 2 }, few).classifier.labels).toEqual(['sport', '天气', 'kochen']);
    expect(train({ dim: 2 }, few.slice(0, -1)).classifier.labels).toEqual(['sport', '天气']);
  });
});

describe('the training', () => {
  it('depends on the seed', () => {
    const [a, b] = [0, 1].map((seed) => readFileSync(saved(train({ dim: 4, seed }), `${seed}.bin`)));
    expect(a.equals(b)).toBe(false);
  });

  it('lowers its loss from epoch to epoch', () => {
    const losses = train({ dim: 10, lr: 0.5, epoch: 6 }).details['losses'] as number[];
    expect(losses).toHaveLength(6);
    for (let i = 1; i < losses.length; i++) expect(losses[i]).toBeLessThan(losses[i - 1]);
    // Before it has learnt anything, a text costs at most ln 3.
    expect(losses[0]).toBeLessThan(Math.log(3));
  });

  it('is better for a new order in every epoch, on texts sorted by label', () => {
    const sorted = [...texts].sort((a, b) => a.label - b.label);
    const options = { dim: 10, lr: 1, epoch: 3 };
    expect(logLoss(train(options, sorted))).toBeLessThan(0.8 * logLoss(train({ ...options, shuffle: false }, sorted)));
  });

  it('hashes the character n-grams of words, and none of the end of a text', () => {
    const two = [
      { text: 'a', label: 0 },
      { text: 'bc', label: 1 },
    ];
    // <a> and <bc, bc>.
    expect(train({ dim: 2, minn: 3, maxn: 3, bucket: 1e6 }, two).details).toMatchObject({ words: 3, ngrams: 3 });
  });

  it('trains what a cut-off has left once more', () => {
    const options = { dim: 8, lr: 0.5, wordNgrams: 2, minn: 2, maxn: 3, bucket: 5000 };
    const [cut, again] = [false, true].map((retrain) => train({ ...options, quantize: { cutoff: 256, retrain } }));
    expect(logLoss(again)).toBeLessThan(0.8 * logLoss(cut));
  });

  it('names the words that speak for a label', () => {
    const { classifier } = train({ dim: 10, lr: 0.5, wordNgrams: 2, bucket: 1000 });
    const weather = classifier.telling?.(classifier.labels.indexOf('天气'), 10) ?? [];
    expect(weather.map(({ feature }) => feature).sort()).toEqual(
      '下雨 晴天 大风 雪 云 温度 预报 台风 降雨 阳光'.split(' ').sort(),
    );
    const weights = weather.map(({ weight }) => weight);
    expect(weights).toEqual([...weights].sort((a, b) => b - a));
    expect(weights.at(-1)).toBeGreaterThan(0);
    expect(classifier.telling?.(0, 0)).toEqual([]);
    expect(() => classifier.telling?.(3, 1)).toThrow(RangeError);
  });

  it('writes a small .ftz and leaves nothing else behind', () => {
    const options = { dim: 20, lr: 0.5, wordNgrams: 2, bucket: 20_000 };
    const whole = saved(train(options), 'whole.bin');
    const small = saved(train({ ...options, quantize: { cutoff: 256, qnorm: true } }), 'small.ftz');
    expect(statSync(whole).size).toBeGreaterThan(20_000 * 20 * 4);
    // Centroids of 20 dimensions and lengths are 21 kB, codes of 256 rows 3 kB.
    expect(statSync(small).size).toBeLessThan(32_000);
    expect(readdirSync(dir).filter((file) => file.endsWith('.tmp'))).toEqual([]);
  });
});

describe('a training that cannot be', () => {
  const refused = (labels: string[], options: FastTextOptionsInput = {}) =>
    expect(() => createFastTextTrainer(labels, options));
  const config = (message: RegExp) =>
    expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) });

  it.each([
    ['not spam', /label "not spam" is not one word/],
    ['', /label "" is not one word/],
    ['a\u0000b', /is not one word/],
    ['全角　空格', /is not one word/],
    ['__label__a', /begins with __label__/],
    ['other', /label "other" stands twice/],
  ])('refuses the label %j', (label, message) => {
    refused(['other', label]).toThrow(config(message));
  });

  it.each<[FastTextOptionsInput, RegExp]>([
    [{ dim: 0 }, /dim/],
    [{ lr: -1 }, /lr/],
    [{ epoch: 1.5 }, /epoch/],
    [{ minn: 4, maxn: 3 }, /minn: must be at most maxn, which is 3/],
    [{ wordNgrams: 2, bucket: 0 }, /bucket: must be 1 or more/],
    [{ bucket: 2 ** 27 }, /bucket/],
    [{ quantize: { dsub: 0 } }, /quantize\.dsub/],
    [{ threads: 4 } as FastTextOptionsInput, /threads/],
  ])('refuses the options %j', (options, message) => {
    refused(['a', 'b'], options).toThrow(config(message));
  });

  const finish = (on: Labelled[], options: FastTextOptionsInput = {}) => expect(() => train(options, on));
  it('refuses to learn from nothing, or from one label', () => {
    finish([]).toThrow(config(/there is no text/));
    finish(texts.filter(({ label }) => label === 1)).toThrow(config(/all \d+ texts have one label/));
    finish(texts, { minCountLabel: 200 }).toThrow(config(/fewer than two labels have 200 texts/));
    finish(texts, { minCount: 1e6 }).toThrow(config(/no word occurs 1000000 times/));
  });

  it('says that a learning rate is too high', () => {
    finish(texts, { dim: 8, lr: 100, epoch: 200 }).toThrow(config(/grew beyond all numbers at lr 100/));
  });

  it('says that a matrix is too small to be quantized', () => {
    finish(texts, { dim: 4, quantize: {} }).toThrow(config(/41 words and n-grams, and 256 are the fewest/));
    const quantize = { qout: true };
    finish(texts, { dim: 4, wordNgrams: 2, quantize }).toThrow(config(/3 labels, and 256 are the fewest/));
  });

  it('refuses a text of no label, and a folder that cannot be', () => {
    const trainer = createFastTextTrainer(TOPICS);
    for (const label of [3, -1, 0.5]) expect(() => trainer.add('a', label)).toThrow(RangeError);
    const trained = train({ dim: 2 });
    const file = saved(trained, 'file.bin');
    expect(() => trained.save(join(file, 'x.bin'))).toThrow(expect.objectContaining({ code: 'OUTPUT_FAILED' }));
  });
});

describeWithShared('clickbait headlines', () => {
  it("reaches fastText's published accuracy of .979", () => {
    // shared/data/README.md: dim 50, bigrams, 15 epochs.
    const rows = gunzipSync(readFileSync(shared('data/labelled/clickbait.jsonl.gz')))
      .toString('utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Labelled);
    const isHeldOut = ({ text }: Labelled): boolean => sampleFraction(0, text) < 0.2;
    const trainer = createFastTextTrainer(['news', 'clickbait'], { dim: 50, wordNgrams: 2, epoch: 15 });
    for (const row of rows) if (!isHeldOut(row)) trainer.add(row.text, row.label);
    const { classifier } = trainer.finish();
    const clickbait = classifier.labels.indexOf('clickbait');
    const heldOut = rows.filter(isHeldOut);
    const right = heldOut.filter(({ text, label }) => {
      const probability = classifier.probabilities(text)?.[clickbait] ?? 0;
      return probability > 0.5 === (label === 1);
    });
    expect(heldOut.length).toBeGreaterThan(4500);
    expect(right.length / heldOut.length).toBeGreaterThan(0.979);
  });
});
