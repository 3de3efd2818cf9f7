/** Estimated models, as ARPA files and as details, beside a textbook's definition, hand-made arithmetic and KenLM's lmplz. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { estimateDiscounts } from '../../../src/quality/ngram-lm/discounts.ts';
import { createLanguageModelTrainer, type TrainedLanguageModel } from '../../../src/quality/ngram-lm/trainer.ts';
import { type Arpa, arpaLogProbability, parseArpa, textbookKneserNey } from './textbook.ts';

const lmplz = join(import.meta.dirname, 'lmplz');
const jack = readFileSync(join(lmplz, 'jack.txt'), 'utf8');
let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'ngram-lm-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

type Options = Parameters<typeof createLanguageModelTrainer>[0];

function train(text: string, options: Options): TrainedLanguageModel {
  const trainer = createLanguageModelTrainer({ tokens: 'whitespace', ...options });
  trainer.add(text);
  return trainer.finish();
}

async function arpaOf(model: TrainedLanguageModel): Promise<Arpa> {
  const path = join(dir, 'model.arpa');
  await model.saveArpa(path);
  return parseArpa(readFileSync(path, 'utf8'));
}

/** A model that is written has seven decimals of each log10; a sum of up to five of them is off by no more than this. */
const ROUNDING = 1e-6;

describe("beside KenLM's lmplz on a nursery rhyme", () => {
  it.each([
    ['order-3.arpa', { order: 3 }],
    ['order-4-pruned.arpa', { order: 4, prune: [0, 1] }],
    ['order-3-12-words.arpa', { order: 3, maxWords: 12 }],
  ] satisfies [string, Options][])('%s has the same n-grams and numbers', async (file, options) => {
    const theirs = parseArpa(readFileSync(join(lmplz, file), 'utf8'));
    const ours = await arpaOf(train(jack, options));
    expect(ours.sizes).toEqual(theirs.sizes);
    expect([...ours.ngrams.keys()]).toEqual([...theirs.ngrams.keys()]);
    for (const [ngram, { logProbability, logBackoff }] of theirs.ngrams) {
      expect(Math.abs((ours.ngrams.get(ngram)?.logProbability ?? 9) - logProbability)).toBeLessThan(ROUNDING);
      expect(Math.abs((ours.ngrams.get(ngram)?.logBackoff ?? 9) - logBackoff)).toBeLessThan(ROUNDING);
    }
  });

  it('has the discounts that lmplz prints, and falls back where it does', () => {
    // "1 41 D1=0.891892 D2=0.662162 D3+=3", "2 68 D1=0.5 D2=1 D3+=1.5", "3 77 D1=0.526316 D2=1.29825 D3+=1.68421"
    const { details } = train(jack, { order: 3 });
    expect(details.discounts.map((three) => three.map((discount) => Number(discount.toPrecision(6))))).toEqual([
      [0.891892, 0.662162, 3],
      [0.5, 1, 1.5],
      [0.526316, 1.29825, 1.68421],
    ]);
    expect(details.fallbackOrders).toEqual([2]);
    expect(details).toMatchObject({ sentences: 10, tokens: 160, ngrams: [41, 68, 77] });
  });
});

describe('the order of sentences', () => {
  it('does not matter', () => {
    // lmplz prints these for the first order of the two; for the second it takes the last word by its raw count.
    const last = 'this is the house zed zed zed\n';
    for (const text of [last + jack, jack + last]) {
      const { discounts } = train(text, { order: 3 }).details;
      expect(discounts.map((three) => three.map((discount) => Number(discount.toPrecision(6))))).toEqual([
        [0.846154, 1.15385, 3],
        [0.5, 1, 1.5],
        [0.530864, 1.32943, 1.67284],
      ]);
    }
  });
});

describe('by hand', () => {
  it('computes discounts by equation 26 of Chen & Goodman', () => {
    // Y = 10 / (10 + 2 · 5) = 1/2; D1 = 1 - 2 Y 5/10 = 1/2, D2 = 2 - 3 Y 4/5 = 4/5, D3 = 3 - 4 Y 3/4 = 3/2.
    const discounts = estimateDiscounts([10, 5, 4, 3]);
    expect(discounts?.[0]).toBeCloseTo(0.5, 15);
    expect(discounts?.[1]).toBeCloseTo(0.8, 15);
    expect(discounts?.[2]).toBeCloseTo(1.5, 15);
  });

  it.each([
    ['no n-gram seen once', [0, 5, 4, 3]],
    ['none seen twice', [10, 0, 4, 3]],
    ['none seen three times', [10, 5, 0, 3]],
    // Y = 1/3, D2 = 2 - 3 · 1/3 · 9/1 < 0
    ['a negative discount', [1, 1, 9, 0]],
    // Y = 1/3, D2 = 2 - 3 · 1/3 · 2/1 = 0: nothing would be left to back off with.
    ['a discount of 0', [1, 1, 2, 0]],
  ] as const)('has none for %s', (_, counts) => {
    expect(estimateDiscounts(counts)).toBeUndefined();
  });

  it('estimates bigrams of "a b", "a b", "a c"', async () => {
    // Continuation counts: a 1 (<s>), b 1 (a), c 1 (a), </s> 2 (b, c): total 5; none has 3, so the fallback's discounts,
    // .5 + .5 + .5 + 1 = 2.5. Uniform over <unk> </s> a b c: each word gets 2.5 / 5 / 5 = .1.
    const arpa = await arpaOf(train('a b\na b\na c\n', { order: 2 }));
    const p = (ngram: string): number => 10 ** (arpa.ngrams.get(ngram)?.logProbability ?? 9);
    const b = (ngram: string): number => 10 ** (arpa.ngrams.get(ngram)?.logBackoff ?? 9);
    expect(p('<unk>')).toBeCloseTo(0.1, 6);
    expect(p('b')).toBeCloseTo((1 - 0.5) / 5 + 0.1, 6);
    expect(p('</s>')).toBeCloseTo((2 - 1) / 5 + 0.1, 6);
    // Bigrams: <s> a 3, a b 2, a c 1, b </s> 2, c </s> 1: n1 = n2 = 2, n3 = 1, n4 = 0, Y = 1/3, D = 1/3, 3/2, 3.
    expect(b('a')).toBeCloseTo((3 / 2 + 1 / 3) / 3, 6);
    expect(p('a b')).toBeCloseTo((2 - 3 / 2) / 3 + (11 / 18) * 0.2, 6);
    expect(p('a c')).toBeCloseTo((1 - 1 / 3) / 3 + (11 / 18) * 0.2, 6);
    expect(b('<s>')).toBeCloseTo(1, 6);
    expect(p('<s> a')).toBeCloseTo(0.2, 6);
    // Nothing follows the end of a sentence, nor an unknown word.
    expect(arpa.ngrams.get('</s>')?.logBackoff).toBe(0);
    expect(arpa.ngrams.get('<unk>')?.logBackoff).toBe(0);
    expect(arpa.ngrams.get('<s>')?.logProbability).toBe(0);
  });
});

const words = fc.constantFrom('a', 'b', 'c', 'd', '的');
const corpora = fc.array(fc.array(words, { minLength: 1, maxLength: 7 }), { minLength: 1, maxLength: 12 });
const settings = fc.record({
  order: fc.integer({ min: 1, max: 6 }),
  prune: fc.constantFrom([0], [0, 0, 1], [0, 1], [1], [0, 1, 2]),
  maxWords: fc.constantFrom(undefined, 3),
});

describe('any small corpus', () => {
  it('gives the probabilities of the definition', async () => {
    await fc.assert(
      fc.asyncProperty(corpora, settings, async (sentences, { order, prune, maxWords }) => {
        const thresholds = Array.from({ length: order }, (_, k) => prune[Math.min(k, prune.length - 1)]);
        const text = sentences.map((sentence) => `${sentence.join(' ')}\n`).join('');
        const arpa = await arpaOf(train(text, { order, prune: thresholds, ...(maxWords && { maxWords }) }));
        const textbook = textbookKneserNey(sentences, {
          order,
          thresholds,
          ...(maxWords && { words: mostFrequent(sentences, maxWords) }),
        });
        const kept = textbook.ngrams.flatMap((ngrams, k) => [...ngrams, ...(k === 0 ? ['<unk>', '<s>'] : [])]);
        expect([...arpa.ngrams.keys()].sort()).toEqual(kept.sort());
        for (const ngram of kept.filter((key) => key !== '<s>')) {
          const split = ngram.split(' ');
          const expected = Math.log10(textbook.probability(split.slice(0, -1), split[split.length - 1]));
          expect(Math.abs((arpa.ngrams.get(ngram)?.logProbability ?? 9) - expected)).toBeLessThan(ROUNDING);
        }
        // Back-off: any word after any context that is an n-gram.
        for (const context of kept.filter((key) => key.split(' ').length < order && !key.endsWith('</s>'))) {
          for (const word of textbook.predicted) {
            const expected = Math.log10(textbook.probability(context.split(' '), word));
            expect(Math.abs(arpaLogProbability(arpa, context.split(' '), word) - expected)).toBeLessThan(ROUNDING);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('gives probabilities that sum to 1 in every context', async () => {
    await fc.assert(
      fc.asyncProperty(corpora, settings, async (sentences, { order, prune, maxWords }) => {
        const text = sentences.map((sentence) => `${sentence.join(' ')}\n`).join('');
        const arpa = await arpaOf(train(text, { order, prune: prune.slice(0, order), ...(maxWords && { maxWords }) }));
        const predicted = [...arpa.ngrams.keys()].filter((ngram) => !ngram.includes(' ') && ngram !== '<s>');
        for (const context of ['', ...arpa.ngrams.keys()]) {
          const split = context === '' ? [] : context.split(' ');
          const sum = predicted.reduce((total, word) => total + 10 ** arpaLogProbability(arpa, split, word), 0);
          expect(Math.abs(sum - 1)).toBeLessThan(3e-6);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('vocabulary and pruning', () => {
  const text = 'a a a a b b b c c d\n';

  it('keeps words seen at least minCount times, and the most frequent maxWords', async () => {
    const unigrams = async (options: Options): Promise<string[]> =>
      [...(await arpaOf(train(text, { order: 1, ...options }))).ngrams.keys()].slice(3);
    expect(await unigrams({})).toEqual(['a', 'b', 'c', 'd']);
    expect(await unigrams({ minCount: 2 })).toEqual(['a', 'b', 'c']);
    expect(await unigrams({ maxWords: 2 })).toEqual(['a', 'b']);
    expect(await unigrams({ maxWords: 3, minCount: 3 })).toEqual(['a', 'b']);
    expect(await unigrams({ minCount: 9 })).toEqual([]);
  });

  it('prefers, of equally frequent words, those seen first', async () => {
    const { ngrams } = await arpaOf(train('z y x\nx y z\n', { order: 1, maxWords: 2 }));
    expect([...ngrams.keys()].slice(3)).toEqual(['z', 'y']);
  });

  it('reports what was there before pruning', () => {
    const { details } = train(text, { order: 2, prune: [0, 1] });
    // a a 3, b b 2; pruned: <s> a, a b, b c, c c, c d, d </s>
    expect(details.ngrams).toEqual([7, 2]);
    expect(details.ngramsBeforePruning).toEqual([7, 8]);
  });
});

describe('little or nothing to learn from', () => {
  it('is refused', () => {
    for (const texts of [[], [''], ['\n\n \n'], ['<s> </s> <unk>']]) {
      const trainer = createLanguageModelTrainer({ tokens: 'whitespace' });
      for (const each of texts) trainer.add(each);
      expect(() => trainer.finish()).toThrow('training the language model: found no text with a token');
    }
  });

  it('is enough if it is one word', async () => {
    // Unigrams, by left contexts: a 1, </s> 1; uniform over three. Fallback discounts all the way up.
    const arpa = await arpaOf(train('a', { order: 3 }));
    expect([...arpa.ngrams.keys()]).toEqual(['<unk>', '<s>', '</s>', 'a', 'a </s>', '<s> a', '<s> a </s>']);
    expect(10 ** (arpa.ngrams.get('a')?.logProbability ?? 9)).toBeCloseTo(0.25 + 0.5 / 3, 6);
    expect(10 ** (arpa.ngrams.get('<s> a')?.logProbability ?? 9)).toBeCloseTo(0.5 + 0.5 * (0.25 + 0.5 / 3), 6);
  });

  it('is enough if it is empty lines that count as sentences', async () => {
    const arpa = await arpaOf(train('\n\n', { order: 2, emptyLines: 'sentence' }));
    expect([...arpa.ngrams.keys()]).toEqual(['<unk>', '<s>', '</s>', '<s> </s>']);
  });
});

describe('limits', () => {
  it('stops when memory would pass maxMemoryMiB', () => {
    const trainer = createLanguageModelTrainer({ tokens: 'characters', maxMemoryMiB: 2 });
    const text = `${'的一是不了在人有我他'.repeat(20_000)}\n`;
    expect(() => {
      for (let i = 0; i < 10; i++) trainer.add(text);
    }).toThrow(/^training the language model: \d+ tokens and more need more than the 2 MiB of maxMemoryMiB$/);
  });

  it('stops when n-grams would', () => {
    const trainer = createLanguageModelTrainer({ tokens: 'whitespace', order: 6, maxMemoryMiB: 2 });
    let text = '';
    for (let i = 0; i < 50_000; i++) text += `${(i * 7919) % 50_000} `;
    trainer.add(text);
    expect(() => trainer.finish()).toThrow(/more than \d+ n-grams need more than the 2 MiB of maxMemoryMiB/);
  });

  it.each([
    [{ order: 7 }, /order/],
    [{ order: 0 }, /order/],
    [{ prune: [1, 0] }, /prune: thresholds must not decrease/],
    [{ order: 2, prune: [0, 0, 1] }, /prune: has more thresholds than the model has orders/],
    [{ discountFallback: [0, 1, 1] }, /discountFallback/],
    [{ tokens: 'sentencepiece' }, /tokens/],
    [{ ordr: 3 }, /ordr/],
  ])('refuses the options %j', (options, message) => {
    expect(() => createLanguageModelTrainer(options as Options)).toThrow(message);
  });
});

function mostFrequent(sentences: string[][], count: number): Set<string> {
  const seen = new Map<string, number>();
  for (const word of sentences.flat()) seen.set(word, (seen.get(word) ?? 0) + 1);
  // Array.sort is stable, and a Map keeps the order of first appearance.
  const sorted = [...seen].sort((a, b) => b[1] - a[1]);
  return new Set(sorted.slice(0, count).map(([word]) => word));
}
