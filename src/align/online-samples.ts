/**
 * The same prompts answered while an online stage runs, with the same draws each time, so that answers of two steps differ by the
 * policy alone. (What a step quotes of its own samples is of other prompts every time.)
 */
import { CorpusmillError } from '../core/errors.ts';
import type { ModelWeights } from '../models/weights.ts';
import type { Backend } from '../tensor/backend.ts';
import type { TextTokenizer } from '../tokenizer/text-tokenizer.ts';
import { createGenerator, type Generator } from '../training/generation/generator.ts';
import { generateTexts } from '../training/generation/text-generator.ts';

export interface OnlineSamplerOptions {
  readonly prompts: readonly { readonly text: string; readonly ids: ArrayLike<number> }[];
  /** Of an answer, at most. */
  readonly tokens: number;
  /** 0: the likeliest answer. */
  readonly temperature: number;
  readonly stopTokens: readonly number[];
  readonly tokenizer: TextTokenizer;
  /** The tokenizer's, where the embedding has more rows. */
  readonly vocabSize: number;
}

export interface OnlineSampler {
  make(): Promise<{ prompt: string; text: string }[]>;
  dispose(): void;
}

const SLOTS = 8;

/** Throws CONFIG_INVALID for a prompt without a token, or one that leaves no room in the model's context. */
export function createOnlineSampler(
  backend: Backend,
  weights: ModelWeights,
  { prompts, tokens, temperature, stopTokens, tokenizer, vocabSize }: OnlineSamplerOptions,
): OnlineSampler {
  const { maxPositionEmbeddings } = weights.config;
  for (const { text, ids } of prompts) {
    if (ids.length > 0 && ids.length < maxPositionEmbeddings) continue;
    throw new CorpusmillError(
      'CONFIG_INVALID',
      `samples.prompts: ${JSON.stringify(text)} has ${ids.length} tokens, the model is made for ${maxPositionEmbeddings}`,
      { hint: 'Give prompts of at least one token that leave room for an answer.' },
    );
  }
  const longest = Math.max(...prompts.map(({ ids }) => ids.length));
  let generator: Generator | undefined;
  return {
    async make() {
      generator ??= createGenerator(backend, weights, {
        slots: Math.min(SLOTS, prompts.length),
        capacity: Math.min(maxPositionEmbeddings, longest + tokens),
        vocabSize: Math.min(weights.config.vocabSize, vocabSize),
      });
      const requests = prompts.map(({ ids }, seed) => ({
        ids,
        maxNewTokens: tokens,
        sampling: { temperature },
        stopTokens,
        seed,
      }));
      const made = await generateTexts(generator, tokenizer, requests);
      return made.map(({ text }, i) => ({ prompt: prompts[i].text, text }));
    },
    dispose: () => generator?.dispose(),
  };
}
