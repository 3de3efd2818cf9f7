/**
 * The baseline of reward models: logistic regression on words. A pair is the difference of its two answers' word counts,
 * log(1 + count) each, in hashed features; the weights learn σ(w · difference) by AdaGrad with a small L2 penalty. It knows
 * nothing of order or of the question, so what a reward model is worth begins above it.
 */
import { hashString32, keyedPermutation } from '../core/random.ts';

/** Two answers, of which the first is the better one. */
export interface AnswerPair {
  readonly chosen: string;
  readonly rejected: string;
}

export interface BagOfWords {
  /** The probability that the first answer is the better one. */
  probability(pair: AnswerPair): number;
}

const FEATURES = 1 << 18;
const EPOCHS = 12;
const LEARNING_RATE = 0.1;
const PENALTY = 1e-4;

/** Learns from the pairs, which are shown in both orders' symmetry: there is no intercept. Deterministic. */
export function trainBagOfWords(pairs: readonly AnswerPair[], seed = 1): BagOfWords {
  const features = pairs.map(featuresOf);
  const weights = new Float64Array(FEATURES);
  const squares = new Float64Array(FEATURES).fill(1e-6);
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    const order = keyedPermutation(pairs.length, seed + epoch);
    for (let i = 0; i < pairs.length; i++) {
      const pair = features[order(i)];
      const slope = sigmoid(dot(weights, pair)) - 1;
      for (const [feature, value] of pair) {
        const gradient = slope * value + PENALTY * weights[feature];
        squares[feature] += gradient * gradient;
        weights[feature] -= (LEARNING_RATE * gradient) / Math.sqrt(squares[feature]);
      }
    }
  }
  return { probability: (pair) => sigmoid(dot(weights, featuresOf(pair))) };
}

function featuresOf({ chosen, rejected }: AnswerPair): Map<number, number> {
  const counts = countsOf(chosen);
  const difference = new Map([...counts].map(([feature, count]) => [feature, Math.log1p(count)]));
  for (const [feature, count] of countsOf(rejected)) {
    difference.set(feature, (difference.get(feature) ?? 0) - Math.log1p(count));
  }
  return difference;
}

/** Words and pairs of neighbours in lower case; of Chinese and Japanese text, characters. */
function countsOf(text: string): Map<number, number> {
  const words =
    text.toLowerCase().match(/\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|[\p{L}\p{N}']+|[?!]/gu) ?? [];
  const counts = new Map<number, number>();
  const add = (feature: string): void => {
    const at = hashString32(feature, 7) % FEATURES;
    const index = at < 0 ? at + FEATURES : at;
    counts.set(index, (counts.get(index) ?? 0) + 1);
  };
  words.forEach((word, i) => {
    add(word);
    if (i > 0) add(`${words[i - 1]} ${word}`);
  });
  return counts;
}

function dot(weights: Float64Array, features: ReadonlyMap<number, number>): number {
  let sum = 0;
  for (const [feature, value] of features) sum += weights[feature] * value;
  return sum;
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
