/**
 * DPO on the policy's own samples, as Qwen2 does it in its online stage (arXiv 2407.10671, §4.3): sample several responses to each
 * prompt from the policy as it is, score them, and learn from the best against the worst. A prompt whose responses all have the same
 * score has no pair; such prompts are counted.
 */
import { z } from 'zod';
import { mix32, shuffle } from '../core/random.ts';
import type { ModelWeights } from '../models/weights.ts';
import type { BufferData } from '../tensor/backend.ts';
import { createSequenceScorer } from '../training/scoring/sequence-scorer.ts';
import { createTrainStep, type TrainStep } from '../training/train-step.ts';
import type { AroundUpdate, OptimizerOptions } from '../training/trainer.ts';
import { type PreferenceLossOptions, preferenceObjective } from './preference.ts';
import type { Sample } from './rollout.ts';
import { parseState } from './saved-state.ts';
import {
  createScoredRollout,
  type SampleSummary,
  type SamplingSettings,
  type ScoredRolloutOptions,
  summarise,
} from './scored-rollout.ts';
import { sequenceBatch } from './sequence-batch.ts';

export interface OnlineDpoSettings extends SamplingSettings {
  /** Times that a step's pairs are learnt from, each in `miniBatches` updates. */
  readonly epochs: number;
  readonly miniBatches: number;
  /** Pairs computed at once. */
  readonly pairs: number;
  readonly loss: PreferenceLossOptions;
  readonly lengthNormalized: boolean;
  /** Of the best responses' negative log-likelihood; 0: none. */
  readonly sftWeight: number;
  readonly optimizer: OptimizerOptions;
}

export interface OnlineDpoOptions extends ScoredRolloutOptions {
  readonly settings: OnlineDpoSettings;
  /** The policy as it was at first, in memory of its own. */
  readonly reference: ModelWeights;
  readonly around?: AroundUpdate | undefined;
  /** Samples that a record shows. Default 2. */
  readonly shown?: number;
}

const stateSchema = z.object({
  step: z.int().min(0),
  cursor: z.int().min(0),
  updates: z.int().min(0),
});

/** What is saved beside weights and moments. */
export type OnlineDpoState = z.output<typeof stateSchema>;

/** What a step did; numbers of learning are means over its updates, null where there was no pair. */
export interface OnlineDpoRecord extends SampleSummary {
  readonly kind: 'online-dpo';
  readonly step: number;
  readonly pairs: number;
  /** Share of prompts without a pair. */
  readonly evenPrompts: number;
  /** Of a whole text to the reference, nats. */
  readonly kl: number;
  readonly loss: number | null;
  readonly accuracy: number | null;
  readonly margin: number | null;
  /** Summed over a response, mean over pairs; that of the chosen ones often falls too. */
  readonly logProbChosen: number | null;
  readonly logProbRejected: number | null;
  readonly gradientNorm: number | null;
}

export interface OnlineDpoTrainer {
  step(signal?: AbortSignal): Promise<OnlineDpoRecord>;
  readonly state: OnlineDpoState;
  /** Puts a saved state into place. Throws INPUT_CORRUPT. */
  restore(state: unknown): void;
  readonly policyStep: TrainStep;
  /** Frees all but the weights. */
  dispose(): Promise<void>;
}

/** Two responses to one prompt and what the reference gives them. */
interface SampledPair {
  readonly chosen: Sample;
  readonly rejected: Sample;
  readonly referenceChosen: number;
  readonly referenceRejected: number;
}

export function createOnlineDpoTrainer(options: OnlineDpoOptions): OnlineDpoTrainer {
  const { backend, policy, settings } = options;
  const { responses, capacity, optimizer } = settings;
  const time = capacity - 1;
  const rollout = createScoredRollout(options);
  const scorer = createSequenceScorer(backend, options.reference, { maxLength: capacity });
  const policyStep = createTrainStep(backend, policy, {
    ...optimizer,
    maxPositions: time,
    objective: preferenceObjective({
      ...settings.loss,
      rows: 2 * settings.pairs,
      time,
      pairs: settings.pairs,
      lengthNormalized: settings.lengthNormalized,
      sftWeight: settings.sftWeight,
    }),
  });
  const state: OnlineDpoState = { step: 0, cursor: 0, updates: 0 };

  /** Updates from all pairs of a step; sums of metrics over them. */
  async function learn(pairs: readonly SampledPair[], number: number, signal?: AbortSignal) {
    const sums = new Map<string, number>();
    let updates = 0;
    const note = (name: string, value: number): void => void sums.set(name, (sums.get(name) ?? 0) + value);
    for (let epoch = 0; epoch < settings.epochs; epoch++) {
      const order = Uint32Array.from(pairs, (_, index) => index);
      shuffle(order, mix32(mix32(settings.seed ^ 0x5bf03635) + mix32(number) + epoch));
      const size = Math.ceil(order.length / settings.miniBatches);
      for (let from = 0; from < order.length; from += size) {
        signal?.throwIfAborted();
        const taken = Array.from(order.subarray(from, from + size), (index) => pairs[index]);
        await options.around?.before();
        for (let at = 0; at < taken.length; at += settings.pairs) {
          const inputs = pairInputs(taken.slice(at, at + settings.pairs), taken, settings);
          const found = await policyStep.accumulate(inputs);
          for (const [name, value] of Object.entries(found)) note(name, value[0]);
        }
        const { gradientNorm } = await policyStep.update({
          learningRate: optimizer.learningRate,
          step: ++state.updates,
        });
        await options.around?.after(state.updates);
        note('gradientNorm', gradientNorm);
        updates++;
      }
    }
    return (name: string): number | null => (updates === 0 ? null : (sums.get(name) ?? 0) / updates);
  }

  return {
    state,
    policyStep,
    restore(saved) {
      Object.assign(state, parseState(stateSchema, saved, 'online DPO'));
    },
    async step(signal) {
      const number = state.step + 1;
      const found = await rollout.take(state.cursor, number, signal);
      const { taken, samples, penalised } = found;
      const logProbs = await scorer.logProbs(samples.map(({ ids }) => ids));
      const reference = logProbs.map((all, i) => total(all.subarray(samples[i].promptLength - 1)));
      const pairs = taken.flatMap((_, i): SampledPair[] => {
        const { best, worst } = extremesOf(penalised, i * responses, responses);
        if (penalised[best] === penalised[worst]) return [];
        const [referenceChosen, referenceRejected] = [reference[best], reference[worst]];
        return [{ chosen: samples[best], rejected: samples[worst], referenceChosen, referenceRejected }];
      });
      const metric = await learn(pairs, number, signal);
      state.step = number;
      state.cursor += settings.promptsPerStep;
      const divergence = samples.map((sample, i) => total(sample.logProbs) - reference[i]);
      return {
        kind: 'online-dpo',
        step: number,
        ...summarise(found, options.shown),
        pairs: pairs.length,
        evenPrompts: 1 - pairs.length / taken.length,
        kl: total(divergence) / samples.length,
        loss: metric('loss'),
        accuracy: metric('accuracy'),
        margin: metric('margin'),
        logProbChosen: metric('logProbChosen'),
        logProbRejected: metric('logProbRejected'),
        gradientNorm: metric('gradientNorm'),
      };
    },
    async dispose() {
      rollout.dispose();
      scorer.dispose();
      policyStep.dispose();
    },
  };
}

/** The first of the largest and the first of the smallest. */
function extremesOf(scores: Float64Array, from: number, count: number): { best: number; worst: number } {
  let [best, worst] = [from, from];
  for (let i = from + 1; i < from + count; i++) {
    if (scores[i] > scores[best]) best = i;
    if (scores[i] < scores[worst]) worst = i;
  }
  return { best, worst };
}

/** Rows of `preferenceObjective`: a pair's responses in two rows of their own. `all` are those of the whole update. */
function pairInputs(
  taken: readonly SampledPair[],
  all: readonly SampledPair[],
  { pairs, capacity, lengthNormalized, sftWeight }: OnlineDpoSettings,
): Record<string, BufferData> {
  const time = capacity - 1;
  const texts = taken.flatMap(({ chosen, rejected }) => [chosen, rejected]);
  const { inputs } = sequenceBatch(texts, { batch: 2 * pairs, time });
  /** The pair of each labelled place in rows of one side. */
  const owners = (side: 0 | 1): Int32Array =>
    inputs.labels.map((label, place) => {
      const row = Math.floor(place / time);
      return label >= 0 && row % 2 === side ? row >> 1 : -1;
    });
  const perPair = (of: (pair: SampledPair) => number, none = 0): Float32Array =>
    Float32Array.from({ length: pairs }, (_, i) => (i < taken.length ? of(taken[i]) : none));
  const chosenOf = owners(0);
  const chosenTokens = all.reduce((sum, { chosen }) => sum + lengthOf(chosen), 0);
  return {
    ...inputs,
    chosenOf,
    rejectedOf: owners(1),
    share: Float32Array.of(taken.length / all.length),
    pairWeights: perPair(() => 1 / all.length),
    referenceChosen: perPair((pair) => pair.referenceChosen),
    referenceRejected: perPair((pair) => pair.referenceRejected),
    ...(lengthNormalized && {
      chosenTokens: perPair(({ chosen }) => lengthOf(chosen), 1),
      rejectedTokens: perPair(({ rejected }) => lengthOf(rejected), 1),
    }),
    ...(sftWeight > 0 && { sftWeights: Float32Array.from(chosenOf, (pair) => (pair < 0 ? 0 : 1 / chosenTokens)) }),
  };
}

function lengthOf({ ids, promptLength }: Sample): number {
  return ids.length - promptLength;
}

function total(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum;
}
