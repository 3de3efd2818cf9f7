/**
 * Options of n-gram language models: how a text is cut into tokens, and how a model is estimated.
 *
 * Names and defaults follow KenLM's `lmplz` (order, prune, discount_fallback) and cc_net (5-grams with fallback
 * discounts), so that its users find what they know.
 */
import { z } from 'zod';
import { CorpusmillError } from '../../core/errors.ts';

/** The longest n-gram: what KenLM is built for by default, so that models can be exchanged. */
export const MAX_ORDER = 6;
/** Discounts where the closed form fails: lmplz's own. */
const FALLBACK_DISCOUNTS = [0.5, 1, 1.5] as const;

export const tokenFormSchema = z.strictObject({
  tokens: z
    .enum(['words', 'whitespace', 'characters'])
    .default('words')
    .describe(
      'What a token is. words: lower-cased words and punctuation marks (UAX #29), each Han character by itself. ' +
        'whitespace: what stands between spaces, for texts that are tokenized already, as KenLM reads them. ' +
        'characters: each code point that is not white space.',
    ),
  normalize: z
    .enum(['none', 'ccnet'])
    .default('none')
    .describe(
      "Before tokens are cut. ccnet: cc_net's normalization (lower case, no accents, digits to 0, Unicode punctuation to ASCII, no control characters).",
    ),
  emptyLines: z
    .enum(['skip', 'sentence'])
    .default('skip')
    .describe('Lines without a token: skipped, or an empty sentence each, as KenLM counts them.'),
});

/** How a text becomes sentences of tokens: the same for training and scoring, so the model file says it. */
export type TokenForm = z.output<typeof tokenFormSchema>;

const trainingFields = {
  order: z.int().min(1).max(MAX_ORDER).default(5).describe('Tokens of the longest n-gram (1 to 6).'),
  prune: z
    .array(z.int().min(0).max(0xffff_ffff))
    .min(1)
    .max(MAX_ORDER)
    .default([0])
    .refine((thresholds) => thresholds.every((threshold, i) => i === 0 || threshold >= thresholds[i - 1]), {
      message: 'thresholds must not decrease: a part of an n-gram that is kept must be kept too',
    })
    .describe(
      'n-grams seen at most so often are left out, by order; the last value holds for all longer ones. [0, 0, 1] drops what was seen once from trigrams up.',
    ),
  minCount: z.int().min(1).default(1).describe('Words seen less often are unknown to the model.'),
  maxWords: z
    .int()
    .min(1)
    .optional()
    .describe('Only so many of the most frequent words are known to the model (cc_net: 65,536 pieces). Default: all.'),
  discountFallback: z
    .tuple([z.number().gt(0).max(1), z.number().gt(0).max(2), z.number().gt(0).max(3)])
    .default([...FALLBACK_DISCOUNTS])
    .describe('Discounts of counts 1, 2 and 3 or more for orders whose counts are too few to estimate them.'),
  maxMemoryMiB: z
    .int()
    .min(1)
    .default(8192)
    .describe('Training stops with an error when its tokens and n-grams would need more memory than this.'),
};

export const languageModelSchema = tokenFormSchema
  .extend(trainingFields)
  .refine(({ order, prune }) => prune.length <= order, {
    path: ['prune'],
    message: 'has more thresholds than the model has orders',
  });

export type LanguageModelOptions = z.output<typeof languageModelSchema>;

/** Options with their defaults. Throws CONFIG_INVALID with every mistake. */
export function parseLanguageModelOptions(options: z.input<typeof languageModelSchema>): LanguageModelOptions {
  return parsed(languageModelSchema, options);
}

/** A token form with its defaults. Throws CONFIG_INVALID. */
export function parseTokenForm(form: z.input<typeof tokenFormSchema>): TokenForm {
  return parsed(tokenFormSchema, form);
}

function parsed<T>(schema: z.ZodType<T>, options: unknown): T {
  const result = schema.safeParse(options);
  if (result.success) return result.data;
  const issues = result.error.issues.map(({ path, message }) => `${path.join('.') || 'options'}: ${message}`);
  throw new CorpusmillError('CONFIG_INVALID', `options of the language model: ${issues.join('; ')}`);
}
