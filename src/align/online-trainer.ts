/**
 * The loop of PPO, GRPO and RLOO: take prompts, sample responses from the policy as it is, score them, measure them with the policy,
 * the reference and the critic, turn that into advantages, and learn from them.
 *
 * Each step is a function of the state before it (weights, moments, running statistics, the number of prompts taken, the step's
 * number) and of the prompts: nothing comes from the clock. So a run that was saved and restored goes on to the bit.
 */
import { keyedPermutation, mix32 } from '../core/random.ts';
import type { ModelWeights } from '../models/weights.ts';
import type { Backend } from '../tensor/backend.ts';
import { createSequenceScorer } from '../training/scoring/sequence-scorer.ts';
import type { OnlineSettings } from './online-settings.ts';
import {
  type AroundUpdate,
  createPolicyLearner,
  type LearnerState,
  type PolicyLearner,
  type PretrainingMix,
} from './policy-learner.ts';
import { adaptedKlCoefficient, NO_MOMENTS, type RunningMoments } from './reward-statistics.ts';
import { checkScores, type Reward, type RewardedResponse, type RewardPrompt } from './rewards.ts';
import { createRollout, responseOf, type Sample } from './rollout.ts';
import { sampleAdvantages } from './sample-advantages.ts';

/** A prompt ready to be sampled from. */
export interface OnlinePrompt extends RewardPrompt {
  readonly ids: Int32Array;
}

export interface OnlineTrainerOptions {
  readonly backend: Backend;
  readonly policy: ModelWeights;
  /** What KL is measured from: the policy as it was at first, in memory of its own. Needed unless the KL coefficient is 0. */
  readonly reference?: ModelWeights | undefined;
  /** See `PolicyLearnerOptions`. */
  readonly critic?: ModelWeights | 'policy' | undefined;
  readonly prompts: readonly OnlinePrompt[];
  readonly reward: Reward;
  readonly settings: OnlineSettings;
  /** Ids that end a response. */
  readonly stopTokens: readonly number[];
  /** The text of a response's ids. */
  readonly decode: (ids: Int32Array) => string;
  /** The tokenizer's, where the embedding has more rows. */
  readonly vocabSize?: number;
  readonly pretraining?: PretrainingMix | undefined;
  readonly around?: AroundUpdate | undefined;
  /** Samples that a record shows. Default 2. */
  readonly shown?: number;
}

/** What is saved beside weights and moments. */
export interface OnlineState {
  step: number;
  /** Prompts taken since the beginning, over all epochs of them. */
  cursor: number;
  moments: RunningMoments;
  klCoefficient: number;
  learner: LearnerState;
}

/** What a step did; numbers are means over its samples or updates, and null where there is no such thing. */
export interface OnlineRecord {
  readonly kind: 'online';
  readonly algorithm: string;
  readonly step: number;
  readonly prompts: number;
  /** As the reward gave it. */
  readonly reward: number;
  readonly rewardDeviation: number;
  /** Of a whole text to the reference, nats. */
  readonly kl: number | null;
  readonly klCoefficient: number;
  /** Of a token's distribution, nats. */
  readonly entropy: number | null;
  readonly clipFraction: number | null;
  /** Of the policy that sampled to the one that learns, of a token, nats. */
  readonly approximateKl: number | null;
  readonly explainedVariance: number | null;
  readonly policyLoss: number | null;
  readonly valueLoss: number | null;
  readonly pretrainingLoss: number | null;
  readonly gradientNorm: number | null;
  readonly responseLength: number;
  /** Share of responses that ended by themselves. */
  readonly ended: number;
  /** Share of prompts whose responses all had the same score. */
  readonly evenPrompts: number;
  /** Of a token: log-probability as it was sampled (top-p, top-k) less that of the whole distribution. */
  readonly truncation: number;
  /** False while the critic alone learns. */
  readonly policyLearns: boolean;
  readonly samples: readonly { readonly prompt: string; readonly response: string; readonly score: number }[];
}

export interface OnlineTrainer {
  /** One step. Rejects with the reason of `signal` between updates; the state is then of no use. */
  step(signal?: AbortSignal): Promise<OnlineRecord>;
  readonly state: OnlineState;
  /** Puts a saved state into place; weights and moments are restored apart (online-checkpoint.ts). */
  restore(state: OnlineState): void;
  readonly learner: PolicyLearner;
  /** Frees all but the weights. */
  dispose(): Promise<void>;
}

/** Throws a TypeError where settings ask for a critic or a reference that is not given. */
export function createOnlineTrainer(options: OnlineTrainerOptions): OnlineTrainer {
  const { backend, policy, settings, prompts, reward } = options;
  const { kl, sampling, responses, capacity } = settings;
  if (prompts.length === 0) throw new TypeError('online trainer: there are no prompts');
  if (options.reference === undefined && kl.coefficient !== 0) {
    throw new TypeError('online trainer: KL needs a reference policy');
  }
  const learner = createPolicyLearner(options);
  const rollout = createRollout(backend, policy, {
    maxNewTokens: settings.maxNewTokens,
    capacity,
    sampling,
    stopTokens: options.stopTokens,
    slots: Math.min(64, settings.promptsPerStep * responses),
    ...(options.vocabSize !== undefined && { vocabSize: options.vocabSize }),
  });
  const scorer =
    options.reference &&
    createSequenceScorer(backend, options.reference, {
      maxLength: capacity,
      temperature: sampling.temperature ?? 1,
    });
  const state: OnlineState = {
    step: 0,
    cursor: 0,
    moments: NO_MOMENTS,
    klCoefficient: kl.coefficient,
    get learner() {
      return learner.state;
    },
    set learner(given) {
      learner.state = given;
    },
  };
  const warmup = settings.advantage.kind === 'gae' ? settings.advantage.warmup : 0;

  return {
    state,
    learner,
    restore({ step, cursor, moments, klCoefficient, learner: saved }) {
      Object.assign(state, { step, cursor, moments, klCoefficient });
      learner.state = { ...saved };
    },
    async step(signal) {
      const number = state.step + 1;
      const taken = promptsFrom(prompts.length, state.cursor, settings).map((index) => prompts[index]);
      const draw = { responses, seed: settings.seed, step: number };
      const samples = await rollout.sample(
        taken.map(({ ids }) => ids),
        draw,
        { signal },
      );
      const answered = samples.map((sample) => rewarded(sample, taken[sample.prompt], options));
      const scores = checkScores(reward.name, answered, await reward.score(answered));
      const { logProbs, values } = await learner.measure(samples);
      const scored = await scorer?.logProbs(samples.map(({ ids }) => ids));
      const reference = scored?.map((all, i) => all.subarray(samples[i].promptLength - 1));
      const found = sampleAdvantages(
        { scores, ended: samples.map(({ ended }) => ended), logProbs, reference, values },
        { ...settings, klCoefficient: state.klCoefficient, moments: state.moments },
      );
      const policyLearns = number > warmup;
      const metrics = await learner.learn(
        { texts: samples, logProbs, reference, values, ...found },
        { step: number, policy: policyLearns, factor: warmupFactor(number - warmup, settings.warmup), signal },
      );
      const coefficient = state.klCoefficient;
      state.step = number;
      state.cursor += settings.promptsPerStep;
      state.moments = found.moments;
      if (kl.adaptive !== undefined && found.kl !== null && policyLearns) {
        state.klCoefficient = adaptedKlCoefficient(coefficient, found.kl, samples.length, kl.adaptive);
      }
      const metric = (name: string): number | null => metrics[name] ?? null;
      const policyMetric = (name: string): number | null => (policyLearns ? metric(name) : null);
      return {
        kind: 'online',
        algorithm: settings.algorithm,
        step: number,
        prompts: state.cursor,
        ...meanAndDeviation(scores),
        kl: found.kl,
        klCoefficient: coefficient,
        entropy: policyMetric('entropy'),
        clipFraction: policyMetric('clipFraction'),
        approximateKl: policyMetric('approximateKl'),
        explainedVariance: found.explainedVariance,
        policyLoss: policyMetric('policyLoss'),
        valueLoss: metric('critic.loss') ?? metric('valueLoss'),
        pretrainingLoss: policyMetric('pretrainingLoss'),
        gradientNorm: metric('gradientNorm'),
        responseLength: mean(samples.map(({ ids, promptLength }) => ids.length - promptLength)),
        ended: mean(samples.map(({ ended }) => Number(ended))),
        evenPrompts: found.evenPrompts / taken.length,
        truncation: truncationOf(samples, logProbs),
        policyLearns,
        samples: answered.slice(0, options.shown ?? 2).map(({ prompt, text }, i) => ({
          prompt: prompt.text,
          response: text,
          score: scores[i],
        })),
      };
    },
    async dispose() {
      rollout.dispose();
      scorer?.dispose();
      await learner.dispose();
    },
  };
}

/** Numbers of the prompts of a step: each epoch goes through all of them in an order of its own. */
export function promptsFrom(
  count: number,
  cursor: number,
  { promptsPerStep, seed }: Pick<OnlineSettings, 'promptsPerStep' | 'seed'>,
): number[] {
  return Array.from({ length: promptsPerStep }, (_, i) => {
    const epoch = Math.floor((cursor + i) / count);
    return keyedPermutation(count, mix32(mix32(seed ^ 0x2c1b3c6d) + epoch))((cursor + i) % count);
  });
}

function rewarded(
  sample: Sample,
  prompt: OnlinePrompt,
  { decode }: Pick<OnlineTrainerOptions, 'decode'>,
): RewardedResponse {
  const { ids, promptLength, ended } = sample;
  const response = responseOf(sample);
  return { prompt, text: decode(ended ? response.subarray(0, -1) : response), ids, promptLength, ended };
}

function warmupFactor(step: number, warmup: number): number {
  return warmup === 0 ? 1 : Math.min(1, Math.max(0, step) / warmup);
}

function truncationOf(samples: readonly Sample[], logProbs: readonly Float32Array[]): number {
  let sum = 0;
  let tokens = 0;
  samples.forEach(({ sampledLogProbs }, i) => {
    for (let t = 0; t < sampledLogProbs.length; t++) sum += sampledLogProbs[t] - logProbs[i][t];
    tokens += sampledLogProbs.length;
  });
  return sum / tokens;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function meanAndDeviation(scores: Float64Array): { reward: number; rewardDeviation: number } {
  const all = Array.from(scores);
  const reward = mean(all);
  return { reward, rewardDeviation: Math.sqrt(mean(all.map((score) => (score - reward) ** 2))) };
}
