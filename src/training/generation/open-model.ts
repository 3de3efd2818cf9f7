/** What lies in a model folder of the disk beside its weights: the tokenizer, and how the model wants to be asked. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CorpusmillError } from '../../core/errors.ts';
import { notALanguageModel } from '../../models/checkpoint/load-weights.ts';
import type { ModelConfig } from '../../models/config.ts';
import { hasTokenizer, type OpenedTokenizer, openTokenizer } from '../../tokenizer/formats/load-tokenizer.ts';
import { checkVocabulary, type GenerationDefaults, readGenerationDefaults, textStart } from './model-files.ts';

export { textStart };

/**
 * The tokenizer of a model folder, or one of another place. Throws INPUT_NOT_FOUND where the folder has none, and
 * CONFIG_INVALID for a reward model, or where it has more ids than the model has rows in its embedding.
 */
export function modelTokenizer(folder: string, config: ModelConfig, elsewhere?: string): OpenedTokenizer {
  if (config.head === 'score') throw notALanguageModel(folder);
  if (elsewhere === undefined && !hasTokenizer(folder)) {
    throw new CorpusmillError('INPUT_NOT_FOUND', `the model ${folder} has no tokenizer beside its weights`, {
      hint: 'Put its tokenizer.json into the folder, or give the tokenizer with --tokenizer.',
    });
  }
  const opened = openTokenizer(elsewhere ?? folder);
  checkVocabulary(
    { path: opened.path, vocabSize: opened.tokenizer.vocabSize },
    { folder, vocabSize: config.vocabSize },
  );
  return opened;
}

/** Reads generation_config.json where the folder has one. Throws INPUT_CORRUPT. */
export async function generationDefaults(folder: string, config: ModelConfig): Promise<GenerationDefaults> {
  const path = join(folder, 'generation_config.json');
  return readGenerationDefaults(existsSync(path) ? await readFile(path, 'utf8') : undefined, path, config);
}
