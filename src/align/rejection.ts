/**
 * Rejection sampling, as Llama 2 fine-tunes with it (arXiv 2307.09288, §3.2.3): sample K responses to each prompt from the latest
 * policy, keep the best by reward, and train on it as if it were a demonstration. The best over all rounds is kept: their third model,
 * trained on the last round's samples alone, forgot what earlier ones could do. With K = 1 this is fine-tuning on own samples.
 *
 * A round trains on the best of its own prompts and, with `replay`, on as many of earlier prompts' best, drawn anew each round.
 * Llama 2 does this first and PPO afterwards.
 */
import { z } from 'zod';
import { createRandom, mix32, shuffle } from '../core/random.ts';
import type { ModelWeights } from '../models/weights.ts';
import type { Backend } from '../tensor/backend.ts';
import { pretrainingObjective } from '../training/objective.ts';
import { createTrainStep, type TrainStep } from '../training/train-step.ts';
import type { OptimizerOptions } from '../training/trainer.ts';
import { parseState } from './saved-state.ts';
import {
  createScoredRollout,
  type SampleSummary,
  type SamplingSettings,
  type ScoredRolloutOptions,
  summarise,
} from './scored-rollout.ts';
import { type RowText, sequenceBatch } from './sequence-batch.ts';

export interface RejectionSettings extends SamplingSettings {
  /** Times that a round's texts are learnt from, each in `miniBatches` updates. */
  readonly epochs: number;
  readonly miniBatches: number;
  /** Texts computed at once. */
  readonly rows: number;
  /** Best samples of earlier rounds that join a round, at most. */
  readonly replay: number;
  readonly optimizer: OptimizerOptions;
}

export interface RejectionOptions extends ScoredRolloutOptions {
  readonly settings: RejectionSettings;
  /** Samples that a record shows. Default 2. */
  readonly shown?: number;
}

const keptSchema = z.object({
  /** Number of the prompt. */
  prompt: z.int().min(0),
  score: z.number(),
  promptLength: z.int().min(1),
  ids: z.array(z.int().min(0)),
});

const stateSchema = z.object({
  step: z.int().min(0),
  cursor: z.int().min(0),
  updates: z.int().min(0),
  /** The best response to each prompt so far, in order of first appearance. */
  kept: z.array(keptSchema),
});

/** What is saved beside weights and moments. */
export type RejectionState = z.output<typeof stateSchema>;
export type KeptSample = z.output<typeof keptSchema>;

/** What a round did. */
export interface RejectionRecord extends SampleSummary {
  readonly kind: 'rejection';
  readonly step: number;
  /** Mean over the round's prompts of the best of K, and of the best over all rounds. */
  readonly bestReward: number;
  readonly keptReward: number;
  /** Texts trained on, replayed ones included. */
  readonly trained: number;
  /** Of the texts trained on, mean over updates: negative log-likelihood of a token. */
  readonly loss: number;
  readonly gradientNorm: number;
}

export interface RejectionTrainer {
  /** One round. */
  step(signal?: AbortSignal): Promise<RejectionRecord>;
  readonly state: RejectionState;
  /** Puts a saved state into place. Throws INPUT_CORRUPT. */
  restore(state: unknown): void;
  readonly policyStep: TrainStep;
  /** Frees all but the weights. */
  dispose(): Promise<void>;
}

export function createRejectionTrainer(options: RejectionOptions): RejectionTrainer {
  const { backend, policy, settings } = options;
  const { responses } = settings;
  const rollout = createScoredRollout(options);
  const learner = createImitation(backend, policy, settings);
  const state: RejectionState = { step: 0, cursor: 0, updates: 0, kept: [] };
  const placeOf = new Map<number, number>();

  return {
    state,
    policyStep: learner.step,
    restore(saved) {
      Object.assign(state, parseState(stateSchema, saved, 'rejection sampling'));
      placeOf.clear();
      state.kept.forEach(({ prompt }, place) => void placeOf.set(prompt, place));
    },
    async step(signal) {
      const number = state.step + 1;
      const found = await rollout.take(state.cursor, number, signal);
      const { taken, samples, penalised } = found;
      const before = state.kept.length;
      const chosen = new Set<number>();
      let bestReward = 0;
      taken.forEach((prompt, i) => {
        const best = bestOf(penalised, i * responses, responses);
        bestReward += penalised[best] / taken.length;
        const { ids, promptLength } = samples[best];
        const kept: KeptSample = { prompt, score: penalised[best], promptLength, ids: Array.from(ids) };
        const place = placeOf.get(prompt) ?? state.kept.length;
        placeOf.set(prompt, place);
        chosen.add(place);
        // Of equals the newer one: it is nearer to what the policy says now.
        if (place === state.kept.length || kept.score >= state.kept[place].score) state.kept[place] = kept;
      });
      const own = Array.from(chosen, (place) => state.kept[place]);
      const earlier = Array.from({ length: before }, (_, place) => place).filter((place) => !chosen.has(place));
      shuffle(earlier, mix32(mix32(settings.seed ^ 0x3f84d5b5) + number));
      const texts = [...own, ...earlier.slice(0, settings.replay).map((place) => state.kept[place])];
      const learnt = await learner.learn(
        texts.map(({ ids, promptLength }) => ({ ids: Int32Array.from(ids), promptLength })),
        { seed: mix32(mix32(settings.seed ^ 0x71d67fff) + number), updates: state.updates, signal },
      );
      state.updates = learnt.updates;
      state.step = number;
      state.cursor += settings.promptsPerStep;
      return {
        kind: 'rejection',
        step: number,
        ...summarise(found, options.shown),
        bestReward,
        keptReward: own.reduce((sum, { score }) => sum + score, 0) / own.length,
        trained: texts.length,
        loss: learnt.loss,
        gradientNorm: learnt.gradientNorm,
      };
    },
    async dispose() {
      rollout.dispose();
      learner.step.dispose();
    },
  };
}

/** The first of the largest. */
function bestOf(scores: Float64Array, from: number, count: number): number {
  let best = from;
  for (let i = from + 1; i < from + count; i++) if (scores[i] > scores[best]) best = i;
  return best;
}

interface Imitation {
  readonly step: TrainStep;
  /** Updates from texts, loss on their responses; `updates` counts those made before. */
  learn(
    texts: readonly RowText[],
    options: { readonly seed: number; readonly updates: number; readonly signal?: AbortSignal | undefined },
  ): Promise<{ loss: number; gradientNorm: number; updates: number }>;
}

function createImitation(
  backend: Backend,
  policy: ModelWeights,
  { rows, capacity, epochs, miniBatches, optimizer }: RejectionSettings,
): Imitation {
  const time = capacity - 1;
  const step = createTrainStep(backend, policy, {
    ...optimizer,
    maxPositions: time,
    objective: pretrainingObjective({ batch: rows, time, packed: false }),
  });
  return {
    step,
    async learn(texts, { seed, updates, signal }) {
      const random = createRandom(seed);
      const sums = { loss: 0, gradientNorm: 0, count: 0 };
      for (let epoch = 0; epoch < epochs; epoch++) {
        const order = Uint32Array.from(texts, (_, index) => index);
        shuffle(order, random.uint32());
        const size = Math.ceil(order.length / miniBatches);
        for (let from = 0; from < order.length; from += size) {
          signal?.throwIfAborted();
          const taken = Array.from(order.subarray(from, from + size), (index) => texts[index]);
          const tokens = taken.reduce((sum, { ids, promptLength }) => sum + ids.length - promptLength, 0);
          for (let at = 0; at < taken.length; at += rows) {
            const batch = sequenceBatch(taken.slice(at, at + rows), { batch: rows, time });
            const { ids, positions, labels } = batch.inputs;
            const tokenWeights = Float32Array.from(labels, (label) => (label < 0 ? 0 : 1 / tokens));
            const share = Float32Array.of(batch.tokens / tokens);
            const metrics = await step.accumulate({ ids, positions, labels, tokenWeights, share });
            sums.loss += metrics['loss'][0];
          }
          const { gradientNorm } = await step.update({ learningRate: optimizer.learningRate, step: ++updates });
          sums.gradientNorm += gradientNorm;
          sums.count++;
        }
      }
      return { loss: sums.loss / sums.count, gradientNorm: sums.gradientNorm / sums.count, updates };
    },
  };
}
