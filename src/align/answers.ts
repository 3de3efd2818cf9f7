/**
 * The same prompts put to a policy before alignment and after each of its stages, with the same draws: what differs between two
 * columns of answers is the policy alone.
 */
import { readWeights } from '../models/checkpoint/load-weights.ts';
import { createWeights } from '../models/weights.ts';
import type { Backend } from '../tensor/backend.ts';
import { openModel } from '../training/config/open-model.ts';
import type { TrainConfig } from '../training/config/schema.ts';
import { createGenerator } from '../training/generation/generator.ts';
import { generateTexts } from '../training/generation/text-generator.ts';
import { openPromptFormat } from './prompt-format.ts';

export interface AnswerSettings {
  readonly prompts: readonly string[];
  /** A turn of the system before each. */
  readonly system?: string | undefined;
  /** Of an answer, at most. */
  readonly tokens: number;
  /** 0: the likeliest answer. */
  readonly temperature: number;
  readonly topP: number;
  readonly seed: number;
}

/** A policy and how it is asked. */
export interface AskedPolicy {
  readonly model: TrainConfig['model'];
  /** Default: the model folder's. */
  readonly tokenizer?: string | undefined;
  /** As in a stage's `data.template`. */
  readonly template?: string | undefined;
  /** Of weights that the folder does not have. */
  readonly seed: number;
}

const SLOTS = 8;

/**
 * An answer to each prompt; a prompt that leaves no room for one in the model's context has an empty answer. `folder` takes the
 * tokenizer's files. Throws what opening the model and its tokenizer throws, INTERRUPTED when `signal` is aborted.
 */
export async function answersOf(
  backend: Backend,
  policy: AskedPolicy,
  settings: AnswerSettings,
  folder: string,
  signal?: AbortSignal,
): Promise<string[]> {
  const { model, tokenizer, template } = policy;
  const format = await openPromptFormat({ model, data: { tokenizer, template } }, folder);
  const opened = openModel(model, { vocabSize: format.vocabSize, sequenceLength: 1 });
  const { maxPositionEmbeddings, vocabSize, eosTokenIds } = opened.config;
  const asked = settings.prompts.map((prompt) =>
    format.encode([
      ...(settings.system === undefined ? [] : [{ role: 'system' as const, content: settings.system }]),
      { role: 'user', content: prompt },
    ]),
  );
  const fits = asked.map(({ length }) => length > 0 && length < maxPositionEmbeddings);
  const longest = Math.max(0, ...asked.filter((_, i) => fits[i]).map(({ length }) => length));
  if (longest === 0) return asked.map(() => '');
  const weights = createWeights(backend, opened.config);
  try {
    if (opened.startedFrom === null) weights.initialize(policy.seed);
    else await readWeights(weights, opened.startedFrom, policy.seed);
    const generator = createGenerator(backend, weights, {
      slots: Math.min(SLOTS, asked.length),
      capacity: Math.min(maxPositionEmbeddings, longest + settings.tokens),
      vocabSize: Math.min(vocabSize, format.vocabSize),
    });
    const { temperature, topP, tokens, seed } = settings;
    const stopTokens = [...new Set([...format.stopTokens, ...eosTokenIds])];
    const requests = asked.flatMap((ids, i) =>
      fits[i] ? [{ ids, maxNewTokens: tokens, sampling: { temperature, topP }, stopTokens, seed: seed + i }] : [],
    );
    const texts = await generateTexts(generator, format.tokenizer, requests, signal === undefined ? {} : { signal });
    generator.dispose();
    let next = 0;
    return fits.map((fit) => (fit ? texts[next++].text : ''));
  } finally {
    weights.dispose();
  }
}
