/**
 * The other text of PPO-ptx (Ouyang et al. 2022, arXiv 2203.02155, §3.5): packed shards, as pretraining reads them, whose loss joins
 * every update of the policy, so that it does not forget what it was pretrained on. They are read without end, each epoch in an order of
 * its own, from where the checkpoint says; the policy's and the shards' tokenizer must be one.
 */
import { CorpusmillError, isCorpusmillError } from '../core/errors.ts';
import type { ModelConfig } from '../models/config.ts';
import { openTokenizer } from '../tokenizer/formats/load-tokenizer.ts';
import { openData } from '../training/config/open-data.ts';
import { trainSchema } from '../training/config/schema.ts';
import type { OnlineConfigs } from './config/online-schema.ts';
import type { PretrainingMix } from './policy-learner.ts';

/** The block `pretraining` of a configuration. */
export type PretrainingBlock = NonNullable<OnlineConfigs['ppo']['pretraining']>;

/**
 * Opens the shards. `tokenizer` is the hash of the policy's. Throws CONFIG_INVALID for shards of another tokenizer or with rows
 * longer than the policy's context, and what opening shards throws.
 */
export async function openPretraining(
  { shards, coefficient, rows }: PretrainingBlock,
  { seed, tokenizer, policy }: { seed: number; tokenizer: string; policy: ModelConfig },
): Promise<PretrainingMix> {
  const given = trainSchema.parse({
    model: 'none',
    seed,
    data: { shards },
    batch: { rows },
    evaluation: { every: 0 },
    stop: { steps: 1 },
  });
  // Shards bring their tokenizer along: nothing is written.
  const { data, validation, ...opened } = await openData({ ...given, output: '' }, undefined).catch(rethrow);
  await validation?.close();
  try {
    const [where] = opened.paths;
    if (opened.sequenceLength > policy.maxPositionEmbeddings) {
      const found = `the rows of ${where} have ${opened.sequenceLength} tokens, the policy is made for ${policy.maxPositionEmbeddings}`;
      throw wrong(found, 'Pack the documents anew with a shorter contextLength.');
    }
    const theirs = opened.tokenizer === undefined ? undefined : openTokenizer(opened.tokenizer);
    if (theirs !== undefined && theirs.tokenizer.hash !== tokenizer) {
      throw wrong(
        `the tokenizer of the shards (${theirs.path}) is not that of the policy`,
        "Their ids mean other words to it: take shards of the policy's tokenizer.",
      );
    }
    if (opened.vocabSize > policy.vocabSize) {
      const found = `${where} has ${opened.vocabSize} ids, the policy's vocabulary has ${policy.vocabSize}`;
      throw wrong(found, "Take shards of the policy's tokenizer.");
    }
    if (data.tokens === 0) throw wrong(`${where} has no tokens`, 'Take shards with documents in them.');
  } catch (error) {
    await data.close();
    throw error;
  }
  return { data, batch: rows, time: opened.sequenceLength, packed: opened.packed, coefficient };
}

/** The readers know the path, not which member names it. */
function rethrow(error: unknown): never {
  if (!isCorpusmillError(error)) throw error;
  throw new CorpusmillError(error.code, `pretraining.shards: ${error.message}`, {
    ...(error.hint !== undefined && { hint: error.hint }),
    cause: error,
  });
}

function wrong(found: string, hint: string): CorpusmillError {
  return new CorpusmillError('CONFIG_INVALID', `pretraining.shards: ${found}`, { hint });
}
