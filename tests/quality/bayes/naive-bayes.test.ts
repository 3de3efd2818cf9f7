import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTrainer, optionsSchema } from '../../../src/quality/bayes/bayes-classifier.ts';
import { createLeaveOneOut, fitTemperature } from '../../../src/quality/bayes/calibration.ts';
import { createGramCounter } from '../../../src/quality/bayes/gram-counts.ts';
import { bayesWeights } from '../../../src/quality/bayes/naive-bayes.ts';
import { softmax } from '../../../src/quality/softmax.ts';

/** As naive Bayes is in books: no calibration, no length normalisation, every word. */
const PLAIN = { alpha: 0.5, minCount: 1, calibrate: false, lengthNormalization: 'none' } as const;

function train(texts: readonly (readonly [string, number])[], options: object = {}, labels = ['ham', 'spam']) {
  const trainer = createTrainer(labels, optionsSchema.parse({ ...PLAIN, ...options }), 1);
  for (const [text, label] of texts) trainer.add(text, label);
  return trainer.finish();
}

describe('naive Bayes beside scikit-learn', () => {
  /**
   *     C = np.array([[2,1,0,0,3],[0,1,1,0,1],[1,0,0,4,0],[0,2,0,1,0],[0,0,3,1,1]]); y = [0,0,1,1,2]
   *     T = np.array([[1,1,0,0,0],[0,0,1,2,0],[3,0,0,0,1]])
   *     MultinomialNB(alpha=.5).fit(C, y).predict_proba(T); ComplementNB(alpha=.5).fit(C, y).predict_proba(T)
   *
   * scikit-learn 1.9.1. The counts are written as texts of the words a … e.
   */
  const counts = [
    [2, 1, 0, 0, 3],
    [0, 1, 1, 0, 1],
    [1, 0, 0, 4, 0],
    [0, 2, 0, 1, 0],
    [0, 0, 3, 1, 1],
  ];
  const tests = [
    [1, 1, 0, 0, 0],
    [0, 0, 1, 2, 0],
    [3, 0, 0, 0, 1],
  ];
  const textOf = (row: readonly number[]): string => row.map((times, i) => `${'abcde'[i]} `.repeat(times)).join('');
  const labels = [0, 0, 1, 1, 2];
  it.each([
    [
      'multinomial',
      [
        [0.5660110008922694, 0.4073739040435518, 0.026615095064178702],
        [0.010888219712518327, 0.5769612093117169, 0.4121505709757652],
        [0.9597811572151069, 0.03314496969672919, 0.007073873088164167],
      ],
    ],
    [
      'complement',
      [
        [0.4862024602841905, 0.33057719828271576, 0.18322034143309382],
        [0.03982932339345505, 0.7017127904803767, 0.2584578861261679],
        [0.8761351751456676, 0.06627693584685555, 0.057587889007477217],
      ],
    ],
  ])('has the probabilities of %s', (variant, expected) => {
    const rows = counts.map((row, i) => [textOf(row), labels[i]] as const);
    const { classifier } = train(rows, { variant, ngrams: 1 }, ['x', 'y', 'z']);
    tests.forEach((row, i) => {
      const found = Array.from(classifier.probabilities(textOf(row)) ?? []);
      expect(found).toEqual(expected[i].map((p) => expect.closeTo(p, 12)));
    });
  });
});

describe('what naive Bayes knows of a text', () => {
  const { classifier } = train([
    ['Buy cheap pills, buy now', 1],
    ['the meeting is now at noon', 0],
  ]);

  it('is its words and pairs, whatever case and marks', () => {
    const of = (text: string): number[] => Array.from(classifier.probabilities(text) ?? []);
    expect(of('BUY... cheap! pills')).toEqual(of('buy cheap pills'));
    expect(of('pills cheap buy')).not.toEqual(of('buy cheap pills'));
    expect(of('cheap')[1]).toBeGreaterThan(0.5);
    expect(of('meeting')[1]).toBeLessThan(0.5);
  });

  it('is nothing where no word is known: no probabilities', () => {
    expect(classifier.probabilities('')).toBeUndefined();
    expect(classifier.probabilities('...')).toBeUndefined();
    expect(classifier.probabilities('zebra giraffe')).toBeUndefined();
  });

  it('leaves unknown words out, and pairs across them', () => {
    const known = Array.from(classifier.probabilities('buy') ?? []);
    expect(Array.from(classifier.probabilities('buy zebra') ?? [])).toEqual(known);
    expect(Array.from(classifier.probabilities('cheap zebra pills') ?? [])).not.toEqual(
      Array.from(classifier.probabilities('cheap pills') ?? []),
    );
  });

  it('in Chinese is characters and pairs of them', () => {
    const { classifier: chinese } = train([
      ['好吃不贵', 0],
      ['不好吃', 1],
    ]);
    const features = [...(chinese.telling?.(0, 9) ?? [])].map(({ feature }) => feature);
    expect(features).toContain('吃不');
    expect(features).toContain('贵');
    expect([...(chinese.telling?.(1, 9) ?? [])].map(({ feature }) => feature)).toContain('不好');
  });

  it('tells the words that speak for a label by their log ratio', () => {
    const { classifier: by } = train(
      [
        ['gold gold gold silver', 0],
        ['silver lead lead', 1],
      ],
      { ngrams: 1, alpha: 1 },
    );
    // gold: (3 + 1) / (4 + 3) against (0 + 1) / (3 + 3).
    expect(by.telling?.(0, 5)).toEqual([{ feature: 'gold', weight: expect.closeTo(Math.log(4 / 7 / (1 / 6)), 12) }]);
    expect(by.telling?.(1, 1)).toEqual([{ feature: 'lead', weight: expect.closeTo(Math.log(3 / 6 / (1 / 7)), 12) }]);
  });
});

describe('the vocabulary', () => {
  const count = (texts: readonly string[], minCount: number, maxFeatures: number, longest = 2, maxTracked?: number) => {
    const counter = createGramCounter(2, longest, maxTracked);
    texts.forEach((text, i) => counter.add(text, i % 2));
    return counter.finish(minCount, maxFeatures);
  };

  it('is sorted by count, then by name, whatever the order of the texts', () => {
    const one = count(['b a', 'c b a'], 1, 99);
    expect(one.names).toEqual(['a', 'b', 'b a', 'c', 'c b']);
    expect(one.counts.map((of) => Array.from(of))).toEqual([
      [1, 1, 1, 0, 0],
      [1, 1, 1, 1, 1],
    ]);
    expect(count(['c b a', 'b a'], 1, 99).names).toEqual(one.names);
  });

  it('leaves out what is rare, and all but the most frequent', () => {
    expect(count(['b a', 'c b a'], 2, 99).names).toEqual(['a', 'b', 'b a']);
    expect(count(['b a', 'c b a'], 1, 2).names).toEqual(['a', 'b']);
  });

  it('names words in lower case, characters of Chinese without a space between', () => {
    const { names } = count(['İstanbul İSTANBUL', '中文 word 中'], 1, 99);
    expect(names).toEqual(expect.arrayContaining(['中', '文', '中文', '文 word', 'word 中']));
    // The lower case of İ has two characters, which would be another word: it stays as it was written.
    expect(names[0]).toBe('İstanbul');
  });

  it('counts as a list of all grams would', () => {
    const word = fc.constantFrom('a', 'b', 'cc', '中', '文');
    fc.assert(
      fc.property(fc.array(fc.array(word, { maxLength: 12 }), { maxLength: 8 }), (texts) => {
        const expected = new Map<string, number>();
        const isCharacter = (of: string): boolean => of > '\u3000';
        for (const words of texts) {
          words.forEach((of, i) => {
            expected.set(of, (expected.get(of) ?? 0) + 1);
            if (i === 0) return;
            const before = words[i - 1];
            const pair = isCharacter(before) && isCharacter(of) ? before + of : `${before} ${of}`;
            expected.set(pair, (expected.get(pair) ?? 0) + 1);
          });
        }
        const { names, counts } = count(
          texts.map((words) => words.join(' ')),
          1,
          999,
        );
        expect(new Map(names.map((name, i) => [name, counts[0][i] + counts[1][i]]))).toEqual(expected);
      }),
    );
  });

  it('forgets what it met least where there is too much, and says so', () => {
    const texts = Array.from({ length: 40 }, (_, i) => `common word number${i}`);
    const { names, forgotten, met } = count(texts, 2, 99, 2, 50);
    expect(names).toEqual(['common', 'common word', 'word']);
    expect(forgotten).toBeGreaterThan(0);
    expect(met).toBeGreaterThan(50);
  });
});

describe('calibration', () => {
  const words = fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 8 });
  const texts = fc.array(fc.record({ words, label: fc.nat({ max: 2 }) }), { minLength: 4, maxLength: 12 });

  it.each(['multinomial', 'complement'] as const)('leaves a text out as if the %s model had not seen it', (variant) => {
    fc.assert(
      fc.property(texts, fc.nat(), (all, pick) => {
        const countsOf = (some: typeof all): number[][] =>
          [0, 1, 2].map((label) =>
            Array.from({ length: 6 }, (_, word) =>
              some.reduce(
                (sum, text) => sum + (text.label === label ? text.words.filter((w) => w === word).length : 0),
                0,
              ),
            ),
          );
        const labelCountsOf = (some: typeof all): number[] =>
          [0, 1, 2].map((label) => some.filter((text) => text.label === label).length);
        const out = all[pick % all.length];
        const rest = all.filter((text) => text !== out);
        const restCounts = countsOf(rest);
        const known = out.words.filter((word) => restCounts.some((of) => of[word] > 0));
        const weights = bayesWeights({ counts: restCounts, labelCounts: labelCountsOf(rest) }, variant, 0.7);
        const model = { counts: countsOf(all), labelCounts: labelCountsOf(all) };
        const scores = new Float64Array(3);
        const found = createLeaveOneOut(
          model,
          variant,
          0.7,
          1,
        )({ label: out.label, words: Uint32Array.from(out.words) }, scores, new Float64Array(3));
        expect(found).toBe(known.length);
        for (let label = 0; label < 3; label++) {
          const expected = known.reduce((sum, word) => sum + weights.words[word * 3 + label], 0);
          expect(scores[label]).toBeCloseTo(expected, 9);
        }
      }),
    );
  });

  it('finds the temperature under which the labels are likeliest', () => {
    const sample = fc.array(
      fc.record({
        label: fc.nat({ max: 1 }),
        scores: fc.tuple(fc.integer({ min: -20, max: 20 }), fc.integer({ min: -20, max: 20 })),
      }),
      { minLength: 2, maxLength: 10 },
    );
    fc.assert(
      fc.property(sample, (of) => {
        const rows = of.map(({ label, scores }) => ({
          ...{ label, scores: Float64Array.from(scores), priors: Float64Array.of(-0.5, -0.9) },
        }));
        const loss = (temperature: number): number =>
          rows.reduce((sum, { label, scores, priors }) => {
            const p = scores.map((score, i) => priors[i] + temperature * score);
            softmax(p);
            return sum - Math.log(p[label]);
          }, 0);
        const best = fitTemperature(rows, 1);
        for (const other of [1e-6, 0.01, 0.1, 0.3, 0.6, 1, Math.max(1e-6, best * 0.9), Math.min(1, best * 1.1)]) {
          expect(loss(best)).toBeLessThanOrEqual(loss(other) + 1e-9);
        }
      }),
    );
  });

  it('believes long texts less than naive Bayes itself', () => {
    // Words that say little, in texts that repeat them: plain naive Bayes is certain, and wrong in a quarter.
    const rows = Array.from({ length: 40 }, (_, i) => {
      const isOdd = i % 4 === 0;
      const label = i % 2;
      return [`${(label === 1) !== isOdd ? 'up ' : 'down '}`.repeat(30), label] as const;
    });
    const sure = train(rows).classifier.probabilities('up '.repeat(30))?.[1] ?? 0;
    expect(sure).toBeGreaterThan(0.999);
    const { classifier, details } = train(rows, { calibrate: true });
    expect(details['temperature']).toBeLessThan(0.2);
    const calm = classifier.probabilities('up '.repeat(30))?.[1] ?? 0;
    expect(calm).toBeGreaterThan(0.6);
    expect(calm).toBeLessThan(0.8);
  });

  it('is never surer than naive Bayes itself, and nothing to go by leaves it at 1', () => {
    const rows = [
      ['up up north', 0],
      ['down down south', 1],
    ] as const;
    for (const lengthNormalization of ['none', 'root', 'mean']) {
      const plain = train(rows).classifier.probabilities('up north')?.[0] ?? 0;
      const { classifier, details } = train(rows, { lengthNormalization, calibrate: true });
      // A word of one text alone is not known where that text is left out.
      expect(details['temperature']).toBe(1);
      expect(classifier.probabilities('up north')?.[0]).toBeLessThanOrEqual(plain);
    }
    const twice = [...rows, ...rows];
    const plain = train(twice).classifier.probabilities('up up north')?.[0] ?? 0;
    const calm = train(twice, { lengthNormalization: 'root', calibrate: true }).classifier;
    expect(calm.probabilities('up up north')?.[0]).toBeCloseTo(plain, 12);
  });

  it('by length gives a text said twice the certainty of the root of two, or none more', () => {
    const rows = [
      ['gold gold silver', 0],
      ['silver lead', 1],
    ] as const;
    const oddsOf = (lengthNormalization: string, text: string): number => {
      const p = train(rows, { ngrams: 1, lengthNormalization }).classifier.probabilities(text) as Float64Array;
      return Math.log(p[0] / p[1]);
    };
    const text = 'gold silver silver';
    const once = { none: oddsOf('none', text), root: oddsOf('root', text), mean: oddsOf('mean', text) };
    const twice = `${text} ${text}`;
    expect(oddsOf('none', twice)).toBeCloseTo(2 * once.none, 12);
    expect(oddsOf('root', twice)).toBeCloseTo(Math.SQRT2 * once.root, 12);
    expect(oddsOf('mean', twice)).toBeCloseTo(once.mean, 12);
  });
});

describe('training naive Bayes on nothing to learn', () => {
  it('is refused where no word occurs often enough', () => {
    expect(() =>
      train(
        [
          ['one', 0],
          ['two', 1],
        ],
        { minCount: 2 },
      ),
    ).toThrow('no word occurs 2 times in 2 texts');
  });
});
