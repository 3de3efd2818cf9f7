/**
 * A step's samples with their scores and log-probabilities turned into what the objectives read: an advantage for each token, and
 * with a critic a return. Everything that PPO, GRPO and RLOO do differently before the loss is here.
 */
import {
  explainedVariance,
  generalisedAdvantages,
  groupAdvantages,
  klEstimate,
  leaveOneOutAdvantages,
  type TokenValues,
  tokenRewards,
  whiten,
} from './advantages.ts';
import type { AdvantageSettings, KlSettings } from './online-settings.ts';
import type { RewardNormalisation, RunningMoments } from './reward-statistics.ts';
import { normaliseScores, withValues } from './reward-statistics.ts';

export interface ScoredSamples {
  /** Penalties taken off; the responses to a prompt next to each other. */
  readonly scores: ArrayLike<number>;
  /** Per response token, when it was sampled. */
  readonly logProbs: readonly ArrayLike<number>[];
  /** Of the reference policy; absent where no KL is asked for. */
  readonly reference?: readonly ArrayLike<number>[] | undefined;
  /** The critic's, with `kind: 'gae'`. */
  readonly values?: readonly ArrayLike<number>[] | undefined;
}

export interface SampleAdvantageOptions {
  readonly advantage: AdvantageSettings;
  readonly responses: number;
  readonly kl: KlSettings;
  /** In use now, where it adapts itself. */
  readonly klCoefficient: number;
  readonly normalisation: RewardNormalisation;
  /** Of the scores of earlier steps. */
  readonly moments: RunningMoments;
}

export interface SampleAdvantages {
  readonly advantages: readonly TokenValues[];
  /** With a critic. */
  readonly returns: readonly TokenValues[] | undefined;
  /** Of the critic before it learns from them; null without one. */
  readonly explainedVariance: number | null;
  /** KL (k1) of a whole text, mean over texts; null without a reference. */
  readonly kl: number | null;
  /** With those of this step. */
  readonly moments: RunningMoments;
  /** Prompts whose responses all have the same score, which say nothing without a critic. */
  readonly evenPrompts: number;
}

/** Throws a TypeError without the critic's values for `gae`, RangeErrors as the functions of advantages.ts. */
export function sampleAdvantages(samples: ScoredSamples, options: SampleAdvantageOptions): SampleAdvantages {
  const { scores, logProbs, reference, values } = samples;
  const { kl, responses, advantage, klCoefficient } = options;
  const moments = withValues(options.moments, scores);
  const normalised = normaliseScores(scores, moments, options.normalisation);
  const inReward = kl.place === 'reward' && klCoefficient !== 0 && reference !== undefined;
  const rewards = logProbs.map((text, i) =>
    tokenRewards(text, inReward ? reference[i] : text, normalised[i], {
      klCoefficient: inReward ? klCoefficient : 0,
      estimator: kl.estimator,
    }),
  );
  const shared = {
    kl: reference === undefined ? null : meanKl(logProbs, reference),
    moments,
    evenPrompts: evenGroups(Float64Array.from(scores), responses),
  };
  if (advantage.kind === 'gae') {
    if (values === undefined) throw new TypeError('advantages: PPO needs the values of a critic');
    const estimated = rewards.map((text, i) => generalisedAdvantages(text, values[i], advantage));
    const advantages = estimated.map((text) => text.advantages);
    const returns = estimated.map((text) => text.returns);
    return {
      ...shared,
      advantages: advantage.whiten ? whiten(advantages) : advantages,
      returns,
      explainedVariance: explainedVariance(values, returns),
    };
  }
  const ofTexts = Float64Array.from(rewards, (text) => text.reduce((sum, reward) => sum + reward, 0));
  const ofText =
    advantage.kind === 'group'
      ? groupAdvantages(ofTexts, responses, { scale: advantage.scale })
      : leaveOneOutAdvantages(ofTexts, responses);
  const advantages = logProbs.map((text, i) => new Float64Array(text.length).fill(ofText[i]));
  return { ...shared, advantages, returns: undefined, explainedVariance: null };
}

function meanKl(logProbs: readonly ArrayLike<number>[], reference: readonly ArrayLike<number>[]): number {
  let sum = 0;
  logProbs.forEach((text, i) => {
    for (let t = 0; t < text.length; t++) sum += klEstimate(text[t], reference[i][t], 'k1');
  });
  return sum / Math.max(1, logProbs.length);
}

function evenGroups(scores: Float64Array, size: number): number {
  let even = 0;
  for (let from = 0; from < scores.length; from += size) {
    const group = scores.subarray(from, from + size);
    if (group.every((score) => score === group[0])) even++;
  }
  return even;
}
