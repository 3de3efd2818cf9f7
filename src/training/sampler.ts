/** Texts of the model while it trains: the same prompts and draws each time, so that samples of two steps differ by the model alone. */
import { CorpusmillError } from '../core/errors.ts';
import type { ModelWeights } from '../models/weights.ts';
import type { Backend } from '../tensor/backend.ts';
import type { TextTokenizer } from '../tokenizer/text-tokenizer.ts';
import { createGenerator, type Generator } from './generation/generator.ts';

export interface SamplerOptions {
  readonly prompts: readonly string[];
  /** New tokens of a sample at most. */
  readonly tokens: number;
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number;
}

/**
 * A function that writes on from each prompt with the weights as they stand. `encodePrompt` asks in another form than the text
 * itself. Throws CONFIG_INVALID for a prompt without a token, or one that leaves no room in the model's context.
 */
export function createSampler(
  backend: Backend,
  weights: ModelWeights,
  tokenizer: TextTokenizer,
  options: SamplerOptions,
  encodePrompt?: (prompt: string) => ArrayLike<number>,
): () => Promise<{ prompt: string; text: string }[]> {
  const { maxPositionEmbeddings, vocabSize } = weights.config;
  const encode = encodePrompt ?? ((prompt: string) => tokenizer.encode(prompt));
  const prompts = options.prompts.map((prompt) => ({ prompt, ids: encode(prompt) }));
  const longest = Math.max(...prompts.map(({ ids }) => ids.length));
  for (const { prompt, ids } of prompts) {
    if (ids.length > 0 && ids.length < maxPositionEmbeddings) continue;
    throw new CorpusmillError(
      'CONFIG_INVALID',
      `samples.prompts: ${JSON.stringify(prompt)} has ${ids.length} tokens, the model is made for ${maxPositionEmbeddings}`,
      { hint: 'Give prompts of at least one token that leave room for what follows.' },
    );
  }
  const capacity = Math.min(maxPositionEmbeddings, longest + options.tokens);
  let generator: Generator | undefined;
  return async () => {
    generator ??= createGenerator(backend, weights, {
      slots: Math.min(prompts.length, 8),
      capacity,
      vocabSize: Math.min(vocabSize, tokenizer.vocabSize),
    });
    const { temperature, topP, topK } = options;
    const made = await generator.generate(
      prompts.map(({ ids }, seed) => ({
        ids,
        maxNewTokens: options.tokens,
        sampling: { temperature, topP, topK },
        // A text goes on for as long as it is asked to, an answer ends.
        stopTokens: encodePrompt === undefined ? [] : weights.config.eosTokenIds,
        seed,
      })),
    );
    return made.map(({ ids }, i) => ({ prompt: prompts[i].prompt, text: tokenizer.decode(ids) }));
  };
}
