/** From scores to predicted labels: a threshold for two labels, the highest score for more. */
import { CorpusmillError } from '../../core/errors.ts';
import type { ModelScores } from './evaluation-input.ts';
import type { BinaryReport } from './quality-report-schema.ts';
import type { ThresholdSweep } from './threshold-sweep.ts';
import { bestByF1, bestByYouden } from './thresholds.ts';

export interface Decision {
  /** [documents], label indices. */
  predicted: Int32Array;
  /** [documents], how far the decision was from being another one. */
  margin: Float64Array;
}

/**
 * The threshold that a model is judged at: as given, .5 for probabilities, or the best by the rule.
 * @throws CorpusmillError CONFIG_INVALID where the rule finds none because a class has no documents
 */
export function thresholdOf({ name, threshold, scale }: ModelScores, sweep: ThresholdSweep): BinaryReport['threshold'] {
  if (typeof threshold === 'number') return { value: threshold, from: 'given' };
  if (threshold === undefined && scale !== 'any') return { value: 0.5, from: 'default' };
  const from = threshold ?? 'f1';
  const best = from === 'f1' ? bestByF1(sweep) : bestByYouden(sweep);
  if (best === undefined) {
    const missing = sweep.positives === 0 ? 'positive' : 'negative';
    const found = `cannot find the best threshold of the model ${name}: there is no ${missing} document`;
    throw new CorpusmillError('CONFIG_INVALID', found, { hint: 'give the threshold as a number' });
  }
  return { value: best.threshold, from };
}

/** Of two labels: positive from the threshold up. */
export function decideByThreshold(scores: Float64Array, threshold: number, positive: number): Decision {
  const predicted = new Int32Array(scores.length);
  for (let i = 0; i < predicted.length; i++) predicted[i] = scores[i] >= threshold ? positive : 1 - positive;
  return { predicted, margin: scores.map((score) => Math.abs(score - threshold)) };
}

/** The label of the highest score, the first of equal ones; the margin is its lead over the second. */
export function decideByHighest(scores: Float64Array, labels: number): Decision {
  const documents = scores.length / labels;
  const predicted = new Int32Array(documents);
  const margin = new Float64Array(documents);
  for (let document = 0; document < documents; document++) {
    let best = 0;
    let highest = Number.NEGATIVE_INFINITY;
    let second = Number.NEGATIVE_INFINITY;
    for (let label = 0; label < labels; label++) {
      const score = scores[document * labels + label];
      if (score > highest) {
        second = highest;
        highest = score;
        best = label;
      } else if (score > second) second = score;
    }
    predicted[document] = best;
    margin[document] = highest - second;
  }
  return { predicted, margin };
}
