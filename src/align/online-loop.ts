/**
 * The five online stages behind one face: a loop that makes steps, has a state that can be saved, and says which models learn. What
 * each takes from its configuration is here.
 */
import type { ModelWeights } from '../models/weights.ts';
import type { AroundUpdate } from '../training/trainer.ts';
import type { OnlineStage, ResolvedOnlineConfig } from './config/online-schema.ts';
import type { OnlineRun } from './online-checkpoint.ts';
import { createOnlineDpoTrainer, type OnlineDpoRecord } from './online-dpo.ts';
import {
  grpoSettings,
  type OnlineOverrides,
  type OnlineSettings,
  ppoSettings,
  rlooSettings,
} from './online-settings.ts';
import { createOnlineTrainer, type OnlineRecord } from './online-trainer.ts';
import type { PretrainingMix } from './policy-learner.ts';
import { createRejectionTrainer, type RejectionRecord } from './rejection.ts';
import type { SamplingSettings, ScoredRolloutOptions } from './scored-rollout.ts';

/** What a step of any online stage says. */
export type OnlineStepRecord = OnlineRecord | RejectionRecord | OnlineDpoRecord;

export interface OnlineLoop {
  step(signal?: AbortSignal): Promise<OnlineStepRecord>;
  readonly state: { readonly step: number };
  restore(state: unknown): void;
  /** What checkpoints hold. */
  readonly run: OnlineRun;
  dispose(): Promise<void>;
}

/** What a stage is built from. */
export interface OnlineLoopParts extends Omit<ScoredRolloutOptions, 'settings'> {
  /** Absent for rejection sampling. */
  readonly reference: ModelWeights | undefined;
  /** For PPO. */
  readonly critic: ModelWeights | 'policy' | undefined;
  /** Tokens of the longest prompt. */
  readonly longestPrompt: number;
  readonly shown: number;
  /** PPO-ptx; of PPO, GRPO and RLOO. */
  readonly pretraining: PretrainingMix | undefined;
  /** Online merging. */
  readonly around: AroundUpdate | undefined;
}

type AnyConfig = {
  readonly [S in OnlineStage]: { readonly stage: S; readonly config: ResolvedOnlineConfig<S> };
}[OnlineStage];

/** The loop of a stage's configuration. */
export function createOnlineLoop(given: AnyConfig, parts: OnlineLoopParts): OnlineLoop {
  const { stage, config } = given;
  const { backend, policy } = parts;
  const sampled = samplingSettings(config, parts.longestPrompt);
  const updates = { epochs: config.batch.epochs, miniBatches: config.batch.miniBatches, optimizer: config.optimizer };
  const { rows } = config.batch;
  if (stage === 'rejection') {
    const replay = config.replay ?? config.batch.prompts;
    const trainer = createRejectionTrainer({ ...parts, settings: { ...sampled, ...updates, rows, replay } });
    return { ...trainer, run: { backend, policy: { weights: policy, step: trainer.policyStep } } };
  }
  if (stage === 'online-dpo') {
    const { kind, beta, labelSmoothing, lengthNormalized = kind === 'ipo', sftWeight } = config.loss;
    const trainer = createOnlineDpoTrainer({
      ...parts,
      reference: parts.reference!,
      settings: {
        ...sampled,
        ...updates,
        pairs: Math.max(1, rows >> 1),
        loss: { kind, beta, labelSmoothing },
        lengthNormalized,
        sftWeight,
      },
    });
    return { ...trainer, run: { backend, policy: { weights: policy, step: trainer.policyStep } } };
  }
  const settings = onlineSettings(given, { ...sampled, ...updates, rows });
  const trainer = createOnlineTrainer({ ...parts, settings });
  const { policyStep, criticStep } = trainer.learner;
  const critic = criticStep && { weights: parts.critic as ModelWeights, step: criticStep };
  return { ...trainer, run: { backend, policy: { weights: policy, step: policyStep }, critic } };
}

function samplingSettings(
  { seed, batch, sampling }: Pick<AnyConfig['config'], 'seed' | 'batch' | 'sampling'>,
  longestPrompt: number,
): SamplingSettings {
  const { temperature, topP, topK, maxNewTokens, missingEndPenalty } = sampling;
  return {
    seed,
    promptsPerStep: batch.prompts,
    responses: batch.responses,
    maxNewTokens,
    capacity: longestPrompt + maxNewTokens,
    sampling: { temperature, topP, topK },
    missingEndPenalty,
  };
}

function onlineSettings(
  { stage, config }: Extract<AnyConfig, { stage: 'ppo' | 'grpo' | 'rloo' }>,
  common: SamplingSettings & Pick<OnlineSettings, 'epochs' | 'miniBatches' | 'optimizer' | 'rows'>,
): OnlineSettings {
  const given: OnlineOverrides = {
    ...common,
    warmup: config.warmup,
    clip: { low: config.clip, high: config.clipHigh ?? config.clip },
    entropyCoefficient: config.entropy,
  };
  if (stage === 'grpo') {
    return grpoSettings({
      ...given,
      kl: { coefficient: config.kl.coefficient, estimator: 'k3', place: 'loss' },
      advantage: { kind: 'group', scale: config.scale },
      mean: config.mean,
      ratio: config.ratio,
    });
  }
  const { coefficient, estimator, adaptive } = config.kl;
  const kl = { coefficient, estimator, place: 'reward', ...(adaptive && { adaptive }) } as const;
  if (stage === 'rloo') return rlooSettings({ ...given, kl });
  const { optimizer, warmup, clip, coefficient: valueCoefficient, gamma, lambda, whiten } = config.critic;
  return ppoSettings({
    ...given,
    kl,
    normalisation: config.normalisation,
    advantage: {
      kind: 'gae',
      gamma,
      lambda,
      whiten,
      valueClip: clip,
      valueCoefficient,
      warmup,
      criticOptimizer: optimizer,
    },
  });
}
