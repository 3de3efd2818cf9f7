/**
 * What the other models of a stage (reward model, critic, reference) must be like: they read the policy's own ids, so a folder whose
 * tokenizer is another one is refused before anything is computed with ids that mean something else there.
 */
import { statSync } from 'node:fs';
import { CorpusmillError } from '../core/errors.ts';
import type { ModelConfig } from '../models/config.ts';
import { hasTokenizer, openTokenizer } from '../tokenizer/formats/load-tokenizer.ts';

/** What the model is for, in the words of messages. */
export type ModelRole = 'reward' | 'critic' | 'reference';

/** The policy's tokenizer: its file, for messages, and the hash of what it does. */
export interface PolicyTokenizer {
  readonly path: string;
  readonly hash: string;
}

/**
 * Throws INPUT_NOT_FOUND for a folder that is not there and CONFIG_INVALID for one with another tokenizer than the policy's. One without
 * a tokenizer passes, unless it is `needed`.
 */
export function checkModelTokenizer(
  role: ModelRole,
  folder: string,
  policy: PolicyTokenizer,
  { needed = false }: { readonly needed?: boolean } = {},
): void {
  const model = role === 'reward' ? 'reward model' : role;
  const hint = `It reads ids of the policy: take a ${model} with the same tokenizer.`;
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new CorpusmillError('INPUT_NOT_FOUND', `${role}: there is no folder ${folder}`, {
      hint: `Give the folder of a ${model}.`,
    });
  }
  if (!hasTokenizer(folder)) {
    if (!needed) return;
    throw new CorpusmillError('CONFIG_INVALID', `${role}: the model ${folder} has no tokenizer beside its weights`, {
      hint,
    });
  }
  const { path, tokenizer } = openTokenizer(folder);
  if (tokenizer.hash === policy.hash) return;
  throw new CorpusmillError(
    'CONFIG_INVALID',
    `${role}: the tokenizer of the ${model} (${path}) is not that of the policy (${policy.path})`,
    { hint },
  );
}

/** Throws CONFIG_INVALID for a model without a head of scores, or one made for shorter texts than `capacity` tokens. */
export function checkScoringModel(
  role: 'reward' | 'critic',
  name: string,
  { head, maxPositionEmbeddings }: Pick<ModelConfig, 'head' | 'maxPositionEmbeddings'>,
  capacity: number,
): void {
  if (head !== 'score') {
    throw new CorpusmillError('CONFIG_INVALID', `${role}: ${name} is no reward model: it has no head of scores`, {
      hint: '`corpusmill align reward` makes one of a language model and preference pairs.',
    });
  }
  if (capacity <= maxPositionEmbeddings) return;
  throw new CorpusmillError(
    'CONFIG_INVALID',
    `${role}: ${name} is made for ${maxPositionEmbeddings} tokens, texts have up to ${capacity}`,
    { hint: 'Allow shorter prompts or responses.' },
  );
}
