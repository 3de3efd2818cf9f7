/** How a model wants to be asked: the files beside its weights, wherever they lie. */
import { z } from 'zod';
import { CorpusmillError } from '../../core/errors.ts';
import type { ModelConfig } from '../../models/config.ts';
import type { TokenizerConfig } from '../../tokenizer/formats/tokenizer-config.ts';
import type { TextTokenizer } from '../../tokenizer/text-tokenizer.ts';
import type { SamplingOptions } from './sampling.ts';

/** A tokenizer and the files that came with it. */
export interface TokenizerWithFiles {
  readonly tokenizer: TextTokenizer;
  readonly config: TokenizerConfig;
  /** By name. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** Throws CONFIG_INVALID where the tokenizer has more ids than the model has rows in its embedding. */
export function checkVocabulary(
  tokenizer: { readonly path: string; readonly vocabSize: number },
  model: { readonly folder: string; readonly vocabSize: number },
): void {
  if (tokenizer.vocabSize <= model.vocabSize) return;
  throw new CorpusmillError(
    'CONFIG_INVALID',
    `the tokenizer ${tokenizer.path} has ${tokenizer.vocabSize} ids, the model ${model.folder} ${model.vocabSize}`,
    { hint: 'It is the tokenizer of another model.' },
  );
}

/**
 * The id that the tokenizer puts before every text, or undefined where it puts none: `add_bos_token` in
 * tokenizer_config.json, or a post-processor that begins with a special token, as Llama has.
 */
export function textStart({ tokenizer, config, files }: TokenizerWithFiles): number | undefined {
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

/** Reads the text of a generation_config.json, undefined where there is none; `path` names it. Throws INPUT_CORRUPT. */
export function readGenerationDefaults(
  text: string | undefined,
  path: string,
  config: ModelConfig,
): GenerationDefaults {
  if (text === undefined) return { sampling: undefined, stopTokens: config.eosTokenIds };
  const corrupt = (found: string, cause?: unknown): CorpusmillError =>
    new CorpusmillError('INPUT_CORRUPT', `reading ${path}: ${found}`, { cause });
  let json: unknown;
  try {
    json = JSON.parse(text);
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
