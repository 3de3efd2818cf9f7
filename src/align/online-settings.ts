/**
 * PPO, GRPO and RLOO as settings of one loop (online-trainer.ts): they differ in where advantages come from, what the ratio is of,
 * where KL is paid and what the loss is a mean over.
 *
 *   PPO   a critic and GAE; KL in the reward of each token. The first Qwen's report: KL 0.04, value clip 0.15, two responses to a
 *         query, top-p 0.9, 50 steps of the critic alone first, rewards less their running mean; its clip of the policy's ratio,
 *         γ and λ are not published, and are here those of Schulman et al. and TRL (0.2, 1, 0.95).
 *   GRPO  a group of responses compared with each other, no critic. Defaults as TRL's: mean over tokens (DAPO), no KL. The published
 *         form (Shao et al. 2024) is `mean: 'texts'` and `kl: { coefficient: 0.04, place: 'loss', estimator: 'k3' }`.
 *   RLOO  each response compared with the mean of the others, ratios of whole texts, KL in the score (Ahmadian et al. 2024).
 *
 * Learning rates of the papers are for models of billions of parameters; small ones want 10 to 1000 times as much.
 */
import type { OptimizerOptions } from '../training/trainer.ts';
import type { GroupScale, KlEstimator } from './advantages.ts';
import type { PolicyObjectiveOptions, RatioOf } from './policy-objective.ts';
import type { AdaptiveKlOptions, RewardNormalisation } from './reward-statistics.ts';
import type { SamplingSettings } from './scored-rollout.ts';
import type { LossMean } from './sequence-batch.ts';

export type OnlineAlgorithm = 'ppo' | 'grpo' | 'rloo';

/** How a sample's tokens get their advantages. */
export type AdvantageSettings =
  | {
      readonly kind: 'gae';
      readonly gamma: number;
      readonly lambda: number;
      /** Over all tokens of a step. */
      readonly whiten: boolean;
      readonly valueClip: number;
      /** The weight of the value loss where policy and critic share a backbone. */
      readonly valueCoefficient: number;
      /** Steps in which the critic alone learns. */
      readonly warmup: number;
      /** Of a critic with a backbone of its own. */
      readonly criticOptimizer: OptimizerOptions;
    }
  | { readonly kind: 'group'; readonly scale: GroupScale }
  | { readonly kind: 'leave-one-out' };

export interface KlSettings {
  readonly coefficient: number;
  readonly estimator: KlEstimator;
  /** In the reward of each token (of the text, without a critic), or as a term of the loss (always k3). */
  readonly place: 'reward' | 'loss';
  /** The coefficient follows a target; in the reward only. */
  readonly adaptive?: AdaptiveKlOptions;
}

export interface OnlineSettings extends SamplingSettings {
  readonly algorithm: OnlineAlgorithm;
  /** Times that a step's samples are learnt from, each in `miniBatches` updates. */
  readonly epochs: number;
  readonly miniBatches: number;
  /** Texts computed at once. */
  readonly rows: number;
  readonly optimizer: OptimizerOptions;
  /** Steps over which learning rates rise to their own. */
  readonly warmup: number;
  readonly clip: PolicyObjectiveOptions['clip'];
  readonly ratio: RatioOf;
  readonly mean: LossMean;
  readonly kl: KlSettings;
  readonly entropyCoefficient: number;
  readonly normalisation: RewardNormalisation;
  readonly advantage: AdvantageSettings;
}

/** AdamW as the first Qwen's PPO has it, at a learning rate. */
export function alignmentOptimizer(learningRate: number): OptimizerOptions {
  return { learningRate, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0, clipNorm: 1 };
}

const COMMON = {
  seed: 1,
  promptsPerStep: 32,
  miniBatches: 1,
  rows: 32,
  warmup: 0,
  clip: { low: 0.2, high: 0.2 },
  entropyCoefficient: 0,
  missingEndPenalty: 0,
} as const;

/** What has no default: it depends on the prompts. */
export type OnlineSizes = Pick<OnlineSettings, 'maxNewTokens' | 'capacity'>;
export type OnlineOverrides = Partial<Omit<OnlineSettings, 'algorithm' | keyof OnlineSizes>> & OnlineSizes;

export const PPO_ADVANTAGE = {
  kind: 'gae',
  gamma: 1,
  lambda: 0.95,
  whiten: true,
  valueClip: 0.15,
  valueCoefficient: 0.1,
  warmup: 50,
  criticOptimizer: alignmentOptimizer(5e-6),
} as const satisfies AdvantageSettings;

export function ppoSettings(given: OnlineOverrides): OnlineSettings {
  return {
    ...COMMON,
    responses: 2,
    epochs: 4,
    sampling: { temperature: 1, topP: 0.9 },
    optimizer: alignmentOptimizer(1e-6),
    ratio: 'token',
    mean: 'tokens',
    kl: { coefficient: 0.04, estimator: 'k1', place: 'reward' },
    normalisation: 'mean',
    advantage: PPO_ADVANTAGE,
    ...given,
    algorithm: 'ppo',
  };
}

export function grpoSettings(given: OnlineOverrides): OnlineSettings {
  return {
    ...COMMON,
    responses: 8,
    epochs: 1,
    sampling: { temperature: 1, topP: 1 },
    optimizer: alignmentOptimizer(1e-6),
    ratio: 'token',
    mean: 'tokens',
    kl: { coefficient: 0, estimator: 'k3', place: 'loss' },
    normalisation: 'none',
    advantage: { kind: 'group', scale: 'group' },
    ...given,
    algorithm: 'grpo',
  };
}

export function rlooSettings(given: OnlineOverrides): OnlineSettings {
  return {
    ...COMMON,
    responses: 4,
    epochs: 1,
    sampling: { temperature: 1, topP: 1 },
    optimizer: alignmentOptimizer(1e-6),
    ratio: 'sequence',
    mean: 'texts',
    kl: { coefficient: 0.05, estimator: 'k1', place: 'reward' },
    normalisation: 'none',
    advantage: { kind: 'leave-one-out' },
    ...given,
    algorithm: 'rloo',
  };
}
