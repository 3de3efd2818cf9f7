/**
 * The half of a step that PPO, GRPO, RLOO, rejection sampling and online DPO share: take the next prompts, sample responses from the
 * policy as it is, and score them.
 */
import { keyedPermutation, mix32 } from '../core/random.ts';
import type { ModelWeights } from '../models/weights.ts';
import type { Backend } from '../tensor/backend.ts';
import { checkScores, type Reward, type RewardedResponse, type RewardPrompt } from './rewards.ts';
import { createRollout, type RolloutSampling, responseOf, type Sample } from './rollout.ts';

/** A prompt ready to be sampled from. */
export interface OnlinePrompt extends RewardPrompt {
  readonly ids: Int32Array;
}

/** What is sampled, and from what. */
export interface SamplingSettings {
  readonly seed: number;
  readonly promptsPerStep: number;
  /** To each prompt. */
  readonly responses: number;
  readonly maxNewTokens: number;
  /** Tokens of a prompt and its response. */
  readonly capacity: number;
  readonly sampling: RolloutSampling;
  /** Taken from the score of a response that ran out of room. */
  readonly missingEndPenalty: number;
}

export interface ScoredRolloutOptions {
  readonly backend: Backend;
  readonly policy: ModelWeights;
  readonly prompts: readonly OnlinePrompt[];
  readonly reward: Reward;
  readonly settings: SamplingSettings;
  /** Ids that end a response. */
  readonly stopTokens: readonly number[];
  /** The text of a response's ids. */
  readonly decode: (ids: Int32Array) => string;
  /** The tokenizer's, where the embedding has more rows. */
  readonly vocabSize?: number | undefined;
}

export interface ScoredSamplesOfStep {
  /** Numbers of the prompts among all. */
  readonly taken: readonly number[];
  /** The responses to a prompt next to each other. */
  readonly samples: readonly Sample[];
  readonly responses: readonly RewardedResponse[];
  /** As the reward gave them. */
  readonly scores: Float64Array;
  /** Less the penalty where a response did not end. */
  readonly penalised: Float64Array;
}

/** What a record says of the samples of a step. */
export interface SampleSummary {
  /** As the reward gave it, mean. */
  readonly reward: number;
  readonly rewardDeviation: number;
  readonly responseLength: number;
  /** Share of responses that ended by themselves. */
  readonly ended: number;
  readonly samples: readonly { readonly prompt: string; readonly response: string; readonly score: number }[];
}

export interface ScoredRollout {
  /** `cursor` prompts were taken before; `step` decides the draws. */
  take(cursor: number, step: number, signal?: AbortSignal): Promise<ScoredSamplesOfStep>;
  dispose(): void;
}

/** Throws a TypeError without prompts. */
export function createScoredRollout(options: ScoredRolloutOptions): ScoredRollout {
  const { backend, policy, prompts, reward, settings, decode, vocabSize } = options;
  const { responses, seed } = settings;
  if (prompts.length === 0) throw new TypeError('scored rollout: there are no prompts');
  const rollout = createRollout(backend, policy, {
    ...settings,
    stopTokens: options.stopTokens,
    slots: Math.min(64, settings.promptsPerStep * responses),
    ...(vocabSize !== undefined && { vocabSize }),
  });
  return {
    async take(cursor, step, signal) {
      const taken = promptsFrom(prompts.length, cursor, settings);
      const samples = await rollout.sample(
        taken.map((index) => prompts[index].ids),
        { responses, seed, step },
        { signal },
      );
      const answered = samples.map((sample): RewardedResponse => {
        const { ids, promptLength, ended } = sample;
        const response = responseOf(sample);
        const text = decode(ended ? response.subarray(0, -1) : response);
        return { prompt: prompts[taken[sample.prompt]], text, ids, promptLength, ended };
      });
      const scores = checkScores(reward.name, answered, await reward.score(answered));
      const penalised = scores.map((score, i) => score - (samples[i].ended ? 0 : settings.missingEndPenalty));
      return { taken, samples, responses: answered, scores, penalised };
    },
    dispose: () => rollout.dispose(),
  };
}

/** Numbers of the prompts of a step: each epoch goes through all of them in an order of its own. */
export function promptsFrom(
  count: number,
  cursor: number,
  { promptsPerStep, seed }: Pick<SamplingSettings, 'promptsPerStep' | 'seed'>,
): number[] {
  return Array.from({ length: promptsPerStep }, (_, i) => {
    const epoch = Math.floor((cursor + i) / count);
    return keyedPermutation(count, mix32(mix32(seed ^ 0x2c1b3c6d) + epoch))((cursor + i) % count);
  });
}

/** `shown` samples are quoted. */
export function summarise({ samples, responses, scores }: ScoredSamplesOfStep, shown = 2): SampleSummary {
  const all = Array.from(scores);
  const reward = mean(all);
  return {
    reward,
    rewardDeviation: Math.sqrt(mean(all.map((score) => (score - reward) ** 2))),
    responseLength: mean(samples.map(({ ids, promptLength }) => ids.length - promptLength)),
    ended: mean(samples.map(({ ended }) => Number(ended))),
    samples: responses.slice(0, shown).map(({ prompt, text }, i) => ({
      prompt: prompt.text,
      response: text,
      score: scores[i],
    })),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
