/** What lies in a model folder beside its weights: the tokenizer, and how the model wants to be asked. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { CorpusmillError } from '../../core/errors.ts';
import { notALanguageModel } from '../../models/checkpoint/load-weights.ts';
import type { ModelConfig } from '../../models/config.ts';
import { hasTokenizer, type OpenedTokenizer, openTokenizer } from '../../tokenizer/formats/load-tokenizer.ts';
import type { SamplingOptions } from './sampling.ts';

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
  const { vocabSize } = opened.tokenizer;
  if (vocabSize > config.vocabSize) {
    throw new CorpusmillError(
      'CONFIG_INVALID',
      `the tokenizer ${opened.path} has ${vocabSize} ids, the model ${folder} ${config.vocabSize}`,
      { hint: 'It is the tokenizer of another model.' },
    );
  }
  return opened;
}

/**
 * The id that the tokenizer puts before every text, or undefined where it puts none: `add_bos_token` in
 * tokenizer_config.json, or a post-processor that begins with a special token, as Llama has.
 */
export function textStart({ tokenizer, config, files }: OpenedTokenizer): number | undefined {
  const read = (name: string): Record<string, unknown> => {
    const bytes = files.get(name);
    return bytes === undefined ? {} : (JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>);
  };
  const addBos = read('tokenizer_config.json')['add_bos_token'];
  const bos = config.tokens['bos_token'];
  if (addBos === false) return undefined;
  if (addBos === true && bos !== undefined) return tokenizer.specialId(bos);
  if (!files.has('tokenizer.json')) return undefined;
  const first = templateStart(read('tokenizer.json')['post_processor']);
  return first === undefined ? undefined : tokenizer.specialId(first);
}

/** The special token that a TemplateProcessing (alone or in a sequence) puts first. */
function templateStart(processor: unknown): string | undefined {
  const { type, processors, single } = (processor ?? {}) as {
    type?: string;
    processors?: unknown[];
    single?: unknown[];
  };
  if (type === 'Sequence') return processors?.map(templateStart).find((token) => token !== undefined);
  if (type !== 'TemplateProcessing') return undefined;
  const first = single?.[0] as { SpecialToken?: { id?: string } } | undefined;
  return first?.SpecialToken?.id;
}

/** How a model folder wants to be asked: generation_config.json, as transformers' `generate` takes it. */
export interface GenerationDefaults {
  /** Undefined where the file says nothing of sampling: the likeliest token. */
  readonly sampling: SamplingOptions | undefined;
  /** Of the file, or of the model's configuration. */
  readonly stopTokens: readonly number[];
}

const tokenId = z.int().nonnegative();
const generationSchema = z.object({
  do_sample: z.boolean().nullish(),
  temperature: z.number().nullish(),
  top_k: z.int().nonnegative().nullish(),
  top_p: z.number().nullish(),
  min_p: z.number().nullish(),
  repetition_penalty: z.number().nullish(),
  eos_token_id: z.union([tokenId, z.array(tokenId)]).nullish(),
});

/** Reads generation_config.json where the folder has one. Throws INPUT_CORRUPT. */
export async function generationDefaults(folder: string, config: ModelConfig): Promise<GenerationDefaults> {
  const path = join(folder, 'generation_config.json');
  if (!existsSync(path)) return { sampling: undefined, stopTokens: config.eosTokenIds };
  const corrupt = (found: string, cause?: unknown): CorpusmillError =>
    new CorpusmillError('INPUT_CORRUPT', `reading ${path}: ${found}`, { cause });
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw corrupt((error as Error).message, error);
  }
  const parsed = generationSchema.safeParse(json);
  if (!parsed.success) throw corrupt(`${parsed.error.issues[0].path.join('.')}: ${parsed.error.issues[0].message}`);
  const { do_sample: samples, eos_token_id: eos, ...given } = parsed.data;
  const stopTokens = eos === undefined || eos === null ? config.eosTokenIds : [eos].flat();
  // Without do_sample transformers applies the penalty alone.
  const sampling: SamplingOptions = {
    temperature: samples === true ? (given.temperature ?? 1) : 0,
    // Its default of 50 holds for every folder whose file does not say otherwise.
    topK: given.top_k ?? 50,
    topP: given.top_p ?? 1,
    minP: given.min_p ?? 0,
    repetitionPenalty: given.repetition_penalty ?? 1,
  };
  return { sampling: samples === true || sampling.repetitionPenalty !== 1 ? sampling : undefined, stopTokens };
}
