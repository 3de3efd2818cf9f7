/**
 * The loop of PPO, GRPO and RLOO: take prompts, sample responses from the policy as it is, score them, measure them with the policy,
 * the reference and the critic, turn that into advantages, and learn from them.
 *
 * Each step is a function of the state before it (weights, moments, running statistics, the number of prompts taken, the step's
 * number) and of the prompts: nothing comes from the clock. So a run that was saved and restored goes on to the bit.
 */
import { z } from 'zod';
import type { ModelWeights } from '../models/weights.ts';
import { createSequenceScorer } from '../training/scoring/sequence-scorer.ts';
import type { AroundUpdate } from '../training/trainer.ts';
import type { OnlineSettings } from './online-settings.ts';
import { createPolicyLearner, type PolicyLearner, type PretrainingMix } from './policy-learner.ts';
import { adaptedKlCoefficient, NO_MOMENTS } from './reward-statistics.ts';
import type { Sample } from './rollout.ts';
import { sampleAdvantages } from './sample-advantages.ts';
import { parseState } from './saved-state.ts';
import { createScoredRollout, type SampleSummary, type ScoredRolloutOptions, summarise } from './scored-rollout.ts';

export interface OnlineTrainerOptions extends ScoredRolloutOptions {
  readonly settings: OnlineSettings;
  /** What KL is measured from: the policy as it was at first, in memory of its own. Needed unless the KL coefficient is 0. */
  readonly reference?: ModelWeights | undefined;
  /** See `PolicyLearnerOptions`. */
  readonly critic?: ModelWeights | 'policy' | undefined;
  readonly pretraining?: PretrainingMix | undefined;
  readonly around?: AroundUpdate | undefined;
  /** Samples that a record shows. Default 2. */
  readonly shown?: number;
}

const stateSchema = z.object({
  step: z.int().min(0),
  /** Prompts taken since the beginning, over all epochs of them. */
  cursor: z.int().min(0),
  moments: z.object({ count: z.number(), mean: z.number(), squares: z.number() }),
  klCoefficient: z.number(),
  learner: z.object({
    policyUpdates: z.int().min(0),
    criticUpdates: z.int().min(0),
    pretrainingCursor: z.string().nullable(),
  }),
});

/** What is saved beside weights and moments. */
export type OnlineState = z.output<typeof stateSchema>;

/** What a step did; numbers are means over its samples or updates, and null where there is no such thing. */
export interface OnlineRecord extends SampleSummary {
  readonly kind: 'online';
  readonly algorithm: string;
  readonly step: number;
  readonly prompts: number;
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
  /** Share of prompts whose responses all had the same score. */
  readonly evenPrompts: number;
  /** Of a token: log-probability as it was sampled (top-p, top-k) less that of the whole distribution. */
  readonly truncation: number;
  /** False while the critic alone learns. */
  readonly policyLearns: boolean;
}

export interface OnlineTrainer {
  /** One step. Rejects with the reason of `signal` between updates; the state is then of no use. */
  step(signal?: AbortSignal): Promise<OnlineRecord>;
  readonly state: OnlineState;
  /** Puts a saved state into place; weights and moments are restored apart (online-checkpoint.ts). Throws INPUT_CORRUPT. */
  restore(state: unknown): void;
  readonly learner: PolicyLearner;
  /** Frees all but the weights. */
  dispose(): Promise<void>;
}

/** Throws a TypeError where settings ask for a critic or a reference that is not given. */
export function createOnlineTrainer(options: OnlineTrainerOptions): OnlineTrainer {
  const { backend, settings } = options;
  const { kl, sampling, capacity } = settings;
  if (options.reference === undefined && kl.coefficient !== 0) {
    throw new TypeError('online trainer: KL needs a reference policy');
  }
  const learner = createPolicyLearner(options);
  const rollout = createScoredRollout(options);
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
    restore(saved) {
      const { learner: learnt, ...rest } = parseState(stateSchema, saved, 'an online run');
      Object.assign(state, rest);
      learner.state = learnt;
    },
    async step(signal) {
      const number = state.step + 1;
      const scoredSamples = await rollout.take(state.cursor, number, signal);
      const { samples, taken, penalised } = scoredSamples;
      const { logProbs, values } = await learner.measure(samples);
      const scored = await scorer?.logProbs(samples.map(({ ids }) => ids));
      const reference = scored?.map((all, i) => all.subarray(samples[i].promptLength - 1));
      const found = sampleAdvantages(
        { scores: penalised, logProbs, reference, values },
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
        ...summarise(scoredSamples, options.shown),
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
        evenPrompts: found.evenPrompts / taken.length,
        truncation: truncationOf(samples, logProbs),
        policyLearns,
      };
    },
    async dispose() {
      rollout.dispose();
      scorer?.dispose();
      await learner.dispose();
    },
  };
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
