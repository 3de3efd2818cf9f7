/**
 * How good a reward model is, on pairs that it has not seen: accuracy with its interval, calibration of σ(r_chosen − r_rejected),
 * and two checks of what it may have learnt instead of quality:
 *
 *   swap     the two answers change places in the batch: every reward must stay what it was
 *   length   how far rewards follow the answers' lengths, and the accuracy where the better answer is the shorter or the longer one
 *
 * beside two baselines that need no model: words alone (bag-of-words.ts), and "the longer answer".
 */
import type { ModelWeights } from '../models/weights.ts';
import type { Backend } from '../tensor/backend.ts';
import { type AnswerPair, trainBagOfWords } from './bag-of-words.ts';
import type { TokenPair } from './data/pairs.ts';
import { type PairShape, type PairValues, pairRewards } from './pair-scores.ts';
import { calibration, correlation, type ReliabilityBin, wilsonInterval } from './statistics.ts';

/** A share with its interval of 95 %. */
export interface Accuracy {
  readonly pairs: number;
  readonly accuracy: number;
  readonly low: number;
  readonly high: number;
}

export interface RewardEvaluation extends Accuracy {
  readonly meanMargin: number;
  readonly calibrationError: number;
  readonly reliability: readonly ReliabilityBin[];
  /** Largest change of a reward when the sides change places. */
  readonly swapDifference: number;
  readonly length: {
    /** Of reward and tokens of the answer, over both sides of all pairs. */
    readonly correlation: number;
    readonly whereChosenIsShorter: Accuracy;
    readonly whereChosenIsLonger: Accuracy;
  };
  readonly baselines: { readonly bagOfWords: Accuracy; readonly longer: Accuracy };
}

/** Evaluates on `held`; the baseline of words learns from `train`. */
export async function evaluateReward(
  backend: Backend,
  weights: ModelWeights,
  { train, held }: { train: readonly TokenPair[]; held: readonly TokenPair[] },
  shape: PairShape,
  signal?: AbortSignal,
): Promise<RewardEvaluation> {
  const rewards = await pairRewards(backend, weights, held, shape, signal);
  const swapped = held.map(
    ({ chosen, rejected, margin }): TokenPair => ({ chosen: rejected, rejected: chosen, margin }),
  );
  const again = await pairRewards(backend, weights, swapped, shape, signal);
  const words = trainBagOfWords(train.map(answersOf));
  const byWords = held.map((pair) => words.probability(answersOf(pair)));
  return summarizeRewards(held, rewards, { chosen: again.rejected, rejected: again.chosen }, byWords);
}

/** The figures from rewards as they were given, and again after the swap. */
export function summarizeRewards(
  held: readonly TokenPair[],
  rewards: PairValues,
  swapped: PairValues,
  byWords: readonly number[],
): RewardEvaluation {
  const ahead = held.map((_, i) => rewards.chosen[i] - rewards.rejected[i]);
  const right = (i: number): number => half(ahead[i]);
  const all = held.map((_, i) => i);
  const { error, bins } = calibration(ahead.map((difference) => 1 / (1 + Math.exp(-difference))));
  const longerBy = held.map(({ chosen, rejected }) => chosen.tokens - rejected.tokens);
  const lengths = held.flatMap(({ chosen, rejected }) => [chosen.tokens, rejected.tokens]);
  return {
    ...accuracyOf(all, right),
    meanMargin: ahead.reduce((sum, difference) => sum + difference, 0) / held.length,
    calibrationError: error,
    reliability: bins,
    swapDifference: all.reduce(
      (most, i) =>
        Math.max(
          most,
          Math.abs(rewards.chosen[i] - swapped.chosen[i]),
          Math.abs(rewards.rejected[i] - swapped.rejected[i]),
        ),
      0,
    ),
    length: {
      correlation: correlation(
        all.flatMap((i) => [rewards.chosen[i], rewards.rejected[i]]),
        lengths,
      ),
      whereChosenIsShorter: accuracyOf(
        all.filter((i) => longerBy[i] < 0),
        right,
      ),
      whereChosenIsLonger: accuracyOf(
        all.filter((i) => longerBy[i] > 0),
        right,
      ),
    },
    baselines: {
      bagOfWords: accuracyOf(all, (i) => half(byWords[i] - 0.5)),
      longer: accuracyOf(all, (i) => half(longerBy[i])),
    },
  };
}

/** 1 for the right order, 0 for the wrong one, ½ for none. */
function half(difference: number): number {
  return difference > 0 ? 1 : difference < 0 ? 0 : 0.5;
}

function accuracyOf(pairs: readonly number[], right: (pair: number) => number): Accuracy {
  const successes = pairs.reduce((sum, pair) => sum + right(pair), 0);
  const [low, high] = wilsonInterval(successes, pairs.length);
  return { pairs: pairs.length, accuracy: pairs.length === 0 ? 0 : successes / pairs.length, low, high };
}

function answersOf({ chosen, rejected }: TokenPair): AnswerPair {
  return { chosen: chosen.text, rejected: rejected.text };
}
