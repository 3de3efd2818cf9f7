/**
 * Responses of the policy to prompts, many at once, by the cached decoder on the very weights that training changes: nothing is
 * copied between sampling and learning.
 *
 * Each response draws from a seed of its own, made of the run's seed, the step and the response's number, so what is sampled depends
 * neither on how many texts run side by side nor on threads. Two log-probabilities are kept of each token: of the model's
 * whole distribution, which losses and KL are about, and of what was sampled from (top-p cuts and renormalises it). Training on the
 * second as if it were the first is what makes KL negative in other trainers; their difference is reported instead.
 *
 * Cost: a token costs the same at any length of text but for attention, which looks at all before it (the cache), and all weights are
 * read once for up to 16 texts. Measured by the bench align-rollout.
 */
import { mix32 } from '../core/random.ts';
import type { ModelWeights } from '../models/weights.ts';
import type { Backend } from '../tensor/backend.ts';
import { createGenerator, type FinishReason, type Generator } from '../training/generation/generator.ts';

/** How responses are drawn. The first Qwen's PPO: top-p 0.9. */
export interface RolloutSampling {
  /** Default 1. */
  readonly temperature?: number;
  /** Default 1. */
  readonly topP?: number;
  /** 0: all. Default 0. */
  readonly topK?: number;
}

export interface RolloutOptions {
  readonly maxNewTokens: number;
  /** Tokens of a prompt and its response together. */
  readonly capacity: number;
  readonly sampling: RolloutSampling;
  /** Ids that end a response and are its last token: the end of a turn. */
  readonly stopTokens: readonly number[];
  /** Texts side by side; default 64. */
  readonly slots?: number;
  /** Ids from here on are padding of the embedding and never drawn; default: the model's vocabulary. */
  readonly vocabSize?: number;
}

/** A prompt with one response. */
export interface Sample {
  /** Number of the prompt among those given. */
  readonly prompt: number;
  /** The prompt's tokens, then the response's. */
  readonly ids: Int32Array;
  readonly promptLength: number;
  /** By a stop token, which is then the last id; otherwise there was no more room. */
  readonly ended: boolean;
  /** Of each token of the response, under softmax(logits). */
  readonly logProbs: Float32Array;
  /** Of each token of the response, under the distribution that it was drawn from. */
  readonly sampledLogProbs: Float32Array;
}

export interface Rollout {
  /**
   * `responses` responses to each prompt, those of a prompt next to each other. `seed` and `step` decide the draws. Throws USAGE for a
   * prompt without tokens or without room for a response.
   */
  sample(
    prompts: readonly ArrayLike<number>[],
    draw: { readonly responses: number; readonly seed: number; readonly step: number },
    options?: { signal?: AbortSignal | undefined },
  ): Promise<Sample[]>;
  dispose(): void;
}

/** Rollouts of the policy as its weights stand at each call. Throws USAGE for a capacity beyond its context. */
export function createRollout(backend: Backend, policy: ModelWeights, options: RolloutOptions): Rollout {
  const { maxNewTokens, sampling, stopTokens, capacity, slots = 64, vocabSize } = options;
  let generator: Generator | undefined;
  return {
    async sample(prompts, { responses, seed, step }, { signal } = {}) {
      generator ??= createGenerator(backend, policy, {
        capacity,
        slots,
        ...(vocabSize !== undefined && { vocabSize }),
      });
      const requests = prompts.flatMap((ids, prompt) =>
        Array.from({ length: responses }, (_, response) => ({
          ids,
          maxNewTokens,
          sampling,
          stopTokens,
          seed: drawSeed(seed, step, prompt * responses + response),
          logProbs: true,
        })),
      );
      const made = await generator.generate(requests, { ...(signal && { signal }) });
      return made.map(({ ids, logProbs, sampledLogProbs, finish }, number): Sample => {
        const prompt = Math.floor(number / responses);
        const given = prompts[prompt];
        const whole = new Int32Array(given.length + ids.length);
        whole.set(Array.from(given));
        whole.set(ids, given.length);
        return {
          prompt,
          ids: whole,
          promptLength: given.length,
          ended: isEnd(finish),
          logProbs: logProbs!,
          sampledLogProbs: sampledLogProbs!,
        };
      });
    },
    dispose: () => generator?.dispose(),
  };
}

/** The seed of a response's draws: 53 bits of the run's seed, the step and the response's number. */
export function drawSeed(seed: number, step: number, response: number): number {
  const key = mix32(mix32(seed ^ 0x9e3779b9) ^ mix32(step + 0x632be5ab));
  const high = mix32(key ^ mix32(response + 0x7f4a7c15));
  const low = mix32(high ^ mix32(key + Math.imul(response + 1, 0x9e3779b9)));
  return (high >>> 11) * 2 ** 32 + low;
}

/** The tokens of a sample's response. */
export function responseOf({ ids, promptLength }: Pick<Sample, 'ids' | 'promptLength'>): Int32Array {
  return ids.subarray(promptLength);
}

function isEnd(finish: FinishReason): boolean {
  return finish === 'token';
}
