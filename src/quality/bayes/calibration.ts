/**
 * One number that turns naive Bayes' scores into probabilities that can be believed. Words of a text are not independent, so
 * the scores grow with its length and end at 0 or 1 where the model is right in two cases of three. Multiplying them by a
 * temperature below 1 undoes that on the whole: the one under which texts that the model has not seen get their labels with
 * the largest likelihood (temperature scaling: Guo et al. 2017, arXiv:1706.04599).
 *
 * Unseen texts come for nothing: naive Bayes is a table of counts, so a text is left out by taking its own words off the
 * counts, exactly. A sample of `CALIBRATION_TEXTS` texts is enough for one number.
 */
import { softmax } from '../softmax.ts';
import { type BayesCounts, type BayesVariant, sumOf } from './naive-bayes.ts';

export const CALIBRATION_TEXTS = 2000;

/** A text of the training set as the vocabulary knows it. */
export interface SampledText {
  label: number;
  /** Numbers of its known words and pairs, repeats included. */
  words: Uint32Array;
}

/**
 * Scores texts of the training set as a model would that was trained without them: fills `scores` with the sum of the words'
 * weights by label, `priors` likewise, and returns how many of the words it would know. Words that would then occur less than
 * `minCount` times would not be in the vocabulary; its size, which smooths, is left as it is.
 */
export function createLeaveOneOut(
  { counts, labelCounts }: BayesCounts,
  variant: BayesVariant,
  alpha: number,
  minCount: number,
): (text: SampledText, scores: Float64Array, priors: Float64Array) => number {
  const labels = counts.length;
  const smoothing = alpha * counts[0].length;
  const isComplement = variant === 'complement';
  const totals = counts.map(sumOf);
  const all = sumOf(totals);
  const texts = sumOf(labelCounts);
  const own = new Map<number, number>();
  return ({ label, words }, scores, priors) => {
    own.clear();
    for (const word of words) own.set(word, (own.get(word) ?? 0) + 1);
    scores.fill(0);
    let known = 0;
    for (const [word, times] of own) {
      let left = -times;
      for (const of of counts) left += of[word];
      if (left < minCount) continue;
      known += times;
      for (let of = 0; of < labels; of++) {
        const inLabel = counts[of][word] - (of === label ? times : 0);
        scores[of] += times * Math.log((isComplement ? left - inLabel : inLabel) + alpha);
      }
    }
    for (let of = 0; of < labels; of++) {
      const inLabel = totals[of] - (of === label ? words.length : 0);
      scores[of] -= known * Math.log((isComplement ? all - words.length - inLabel : inLabel) + smoothing);
      if (isComplement) scores[of] = -scores[of];
      // The only text of its label would leave none, and a logarithm of 0.
      priors[of] = isComplement ? 0 : Math.log(Math.max(0.5, labelCounts[of] - (of === label ? 1 : 0)) / texts);
    }
    return known;
  };
}

/**
 * The temperature t under which the labels are likeliest where p = softmax(prior + t · score). The likelihood is concave in t:
 * its slope is followed to 0 by bisection of ln t. Between 10⁻⁶ (scores that say nothing keep their order) and `most`
 * (labels that the scores separate would have it infinite).
 */
export function fitTemperature(
  texts: readonly { label: number; scores: Float64Array; priors: Float64Array }[],
  most: number,
): number {
  const slope = (temperature: number): number => {
    let sum = 0;
    for (const { label, scores, priors } of texts) {
      const p = scores.map((score, i) => priors[i] + temperature * score);
      softmax(p);
      sum += scores[label];
      for (let i = 0; i < p.length; i++) sum -= p[i] * scores[i];
    }
    return sum;
  };
  if (slope(most) >= 0) return most;
  let low = Math.log(1e-6);
  let high = Math.log(most);
  for (let halving = 0; halving < 60; halving++) {
    const middle = (low + high) / 2;
    if (slope(Math.exp(middle)) > 0) low = middle;
    else high = middle;
  }
  return Math.exp((low + high) / 2);
}
