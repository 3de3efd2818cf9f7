/**
 * Naive Bayes over counted words: a text's score for a label is the sum over its known words and pairs of ln p(word | label).
 *
 * - multinomial: p(word | label) = (count + α) / (total + α · vocabulary), and ln p(label) is added (Manning, Raghavan &
 *   Schütze, Introduction to Information Retrieval, section 13.2);
 * - complement: minus ln p(word | all other labels), without priors, for labels of very unequal size (Rennie et al. 2003,
 *   without their weight normalisation: scikit-learn's ComplementNB with norm=False).
 *
 * Words beyond the vocabulary say nothing. Equal to scikit-learn's on the same counts: tests/quality/bayes.
 */

export type BayesVariant = 'multinomial' | 'complement';

export interface BayesCounts {
  /** Occurrences of each word in the texts of each label: [labels][words]. */
  counts: readonly ArrayLike<number>[];
  /** Texts of each label. */
  labelCounts: ArrayLike<number>;
}

export interface BayesWeights {
  /** ln p(label); 0 in the complement variant. [labels] */
  priors: Float64Array;
  /** [words, labels]: what one occurrence of a word adds to a label's score. */
  words: Float64Array;
}

/** The weights that follow from counts. `alpha` is the count that every word has before any text is seen. */
export function bayesWeights({ counts, labelCounts }: BayesCounts, variant: BayesVariant, alpha: number): BayesWeights {
  const labels = counts.length;
  const size = counts[0].length;
  const words = new Float64Array(size * labels);
  const priors = new Float64Array(labels);
  const texts = sumOf(labelCounts);
  const totals = counts.map(sumOf);
  const all = sumOf(totals);
  for (let label = 0; label < labels; label++) {
    const isComplement = variant === 'complement';
    const total = Math.log((isComplement ? all - totals[label] : totals[label]) + alpha * size);
    for (let word = 0; word < size; word++) {
      const own = counts[label][word];
      let count = own;
      if (isComplement) {
        count = -own;
        for (let other = 0; other < labels; other++) count += counts[other][word];
      }
      const logProbability = Math.log(count + alpha) - total;
      words[word * labels + label] = isComplement ? -logProbability : logProbability;
    }
    if (!isComplement) priors[label] = Math.log(labelCounts[label] / texts);
  }
  return { priors, words };
}

/**
 * How much more often a word stands in texts of a label than in all others, as the logarithm of the ratio of the smoothed shares:
 * what makes it telling.
 */
export function logRatio({ counts }: BayesCounts, label: number, alpha: number): Float64Array {
  const size = counts[label].length;
  const ownTotal = sumOf(counts[label]) + alpha * size;
  const otherTotal = counts.map(sumOf).reduce((sum, total) => sum + total, 0) - sumOf(counts[label]) + alpha * size;
  return Float64Array.from({ length: size }, (_, word) => {
    const own = counts[label][word];
    let others = -own;
    for (const of of counts) others += of[word];
    return Math.log((own + alpha) / ownTotal) - Math.log((others + alpha) / otherTotal);
  });
}

/** Sum of the values. */
export function sumOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum;
}
