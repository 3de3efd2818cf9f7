/** Intervals, calibration and correlation against published or hand-made values; the baseline of words learns words. */
import { describe, expect, it } from 'vitest';
import { trainBagOfWords } from '../../src/align/bag-of-words.ts';
import type { Side, TokenPair } from '../../src/align/data/pairs.ts';
import { summarizeRewards } from '../../src/align/evaluate-reward.ts';
import { calibration, correlation, wilsonInterval } from '../../src/align/statistics.ts';

describe('wilsonInterval', () => {
  // statsmodels.stats.proportion.proportion_confint(method='wilson'), and Newcombe 1998, table I (81 of 263, 0 of 20, 1 of 29).
  it.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])('%i of %i', (successes, trials, low, high) => {
    const found = wilsonInterval(successes, trials);
    expect(found[0]).toBeCloseTo(low, 4);
    expect(found[1]).toBeCloseTo(high, 4);
  });
});

describe('calibration', () => {
  it('is 0 for probabilities that come true as often as they say', () => {
    const said = [...new Array<number>(8).fill(0.8), ...new Array<number>(2).fill(0.2)];
    expect(calibration(said).error).toBeCloseTo(0, 12);
  });

  it('of certain predictions that are wrong half of the time is a half', () => {
    const { error, bins } = calibration([1, 1, 0, 0]);
    expect(error).toBeCloseTo(0.5, 12);
    expect(bins.at(-1)).toMatchObject({ count: 4, confidence: 1, accuracy: 0.5 });
  });
});

it('correlation is 1, −1 or nothing', () => {
  expect(correlation([1, 2, 3], [2, 4, 6])).toBeCloseTo(1, 12);
  expect(correlation([1, 2, 3], [3, 2, 1])).toBeCloseTo(-1, 12);
  expect(correlation([1, 1, 1], [3, 2, 1])).toBe(0);
});

describe('the baseline of words', () => {
  it('learns which words are preferred, and is antisymmetric', () => {
    const pairs = Array.from({ length: 40 }, (_, i) => ({
      chosen: `it is kind number ${i} of you`,
      rejected: `it is rude number ${i} of you`,
    }));
    const words = trainBagOfWords(pairs);
    const pair = { chosen: 'a kind man', rejected: 'a rude man' };
    expect(words.probability(pair)).toBeGreaterThan(0.8);
    const swapped = words.probability({ chosen: pair.rejected, rejected: pair.chosen });
    expect(words.probability(pair) + swapped).toBeCloseTo(1, 12);
  });
});

it('the summary of rewards: accuracy, length bias, swap', () => {
  const side = (tokens: number): Side => ({ ids: new Int32Array(), labels: new Int32Array(), tokens, text: '' });
  const held: TokenPair[] = [
    [5, 2],
    [1, 4],
    [3, 3],
    [2, 6],
  ].map(([chosen, rejected]) => ({ chosen: side(chosen), rejected: side(rejected), margin: undefined }));
  // The reward is the length: right where the better one is longer.
  const rewards = {
    chosen: Float32Array.from(held, ({ chosen }) => chosen.tokens),
    rejected: Float32Array.from(held, ({ rejected }) => rejected.tokens),
  };
  const swapped = { ...rewards, chosen: rewards.chosen.map((value) => value + 0.25) };
  const summary = summarizeRewards(held, rewards, swapped, [0.9, 0.9, 0.5, 0.1]);
  expect(summary).toMatchObject({ pairs: 4, accuracy: 1.5 / 4, swapDifference: 0.25 });
  expect(summary.length.correlation).toBeCloseTo(1, 12);
  expect(summary.length.whereChosenIsShorter).toMatchObject({ pairs: 2, accuracy: 0 });
  expect(summary.length.whereChosenIsLonger).toMatchObject({ pairs: 1, accuracy: 1 });
  expect(summary.baselines.longer.accuracy).toBe(1.5 / 4);
  expect(summary.baselines.bagOfWords.accuracy).toBe(2.5 / 4);
});
