/**
 * How rotary positions are stretched beyond the length a model was trained on, read from and written to config.json.
 *
 * Two spellings exist: transformers 5 has one object `rope_parameters` with `rope_theta` and `rope_type`; before, `rope_theta` stood
 * beside `rope_scaling`, whose type was called `type` or `rope_type`. Where both are given the new one wins, as there.
 * Source: transformers 5.18, `modeling_rope_utils.py`.
 */
import { z } from 'zod';
import { configError } from './config-error.ts';

export type RopeScaling =
  | { type: 'none' }
  /** Positions divided by `factor`. */
  | { type: 'linear'; factor: number }
  /** The base grows with the length beyond `maxPositionEmbeddings` (transformers' formula). */
  | { type: 'dynamic'; factor: number }
  /** The first Qwen's: base · alpha^(d/(d−2)) with alpha = max(2^⌈log2(length/trainedLength) + 1⌉ − 1, 1). */
  | { type: 'qwen-dynamic-ntk'; trainedLength: number }
  | {
      type: 'yarn';
      factor: number;
      originalMaxPositionEmbeddings: number;
      betaFast: number;
      betaSlow: number;
      /** Multiplies cosine and sine; null: 0.1 · ln(factor) + 1. */
      attentionFactor: number | null;
    }
  | {
      type: 'llama3';
      factor: number;
      originalMaxPositionEmbeddings: number;
      lowFreqFactor: number;
      highFreqFactor: number;
    };

const factor = z.number().min(1);
const length = z.int().positive();

/** Keys that each type may have; another one might change the arithmetic, so it is refused. */
const parametersSchema = z.discriminatedUnion('rope_type', [
  z.strictObject({ rope_type: z.literal('default') }),
  z.strictObject({ rope_type: z.literal('linear'), factor }),
  z.strictObject({
    rope_type: z.literal('dynamic'),
    factor,
    // Written by some, read by no implementation of this type.
    original_max_position_embeddings: length.optional(),
  }),
  z.strictObject({
    rope_type: z.literal('yarn'),
    factor,
    original_max_position_embeddings: length.optional(),
    beta_fast: z.number().positive().nullish(),
    beta_slow: z.number().positive().nullish(),
    attention_factor: z.number().positive().nullish(),
    truncate: z.literal(true).optional(),
  }),
  z.strictObject({
    rope_type: z.literal('llama3'),
    factor,
    original_max_position_embeddings: length.optional(),
    low_freq_factor: z.number().positive(),
    high_freq_factor: z.number().positive(),
  }),
]);

const DEFAULT_THETA = 10_000;

/**
 * Base and scaling of a configuration. Throws CONFIG_INVALID for a type or key that is not implemented, by name.
 *
 * @param json the whole config.json
 */
export function readRope(
  json: Readonly<Record<string, unknown>>,
  maxPositionEmbeddings: number,
  source: string,
): { ropeTheta: number; ropeScaling: RopeScaling } {
  const legacy = objectOf(json['rope_scaling'], 'rope_scaling', source);
  const current = objectOf(json['rope_parameters'], 'rope_parameters', source);
  const key = current === undefined ? 'rope_scaling' : 'rope_parameters';
  const { type, rope_theta: nestedTheta, partial_rotary_factor: partial, ...rest } = current ?? legacy ?? {};
  const theta = nestedTheta ?? json['rope_theta'] ?? DEFAULT_THETA;
  if (typeof theta !== 'number' || !(theta > 1)) {
    throw configError(source, `rope_theta is ${JSON.stringify(theta)}`, 'Expected a number above 1, such as 10000.');
  }
  if (partial !== undefined && partial !== 1) {
    throw configError(
      source,
      `${key}.partial_rotary_factor is ${JSON.stringify(partial)}`,
      'Only heads that turn as a whole are implemented (1).',
    );
  }
  const named = { ...rest, rope_type: rest['rope_type'] ?? type ?? 'default' };
  const parsed = parametersSchema.safeParse(named);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw configError(
      source,
      issue.code === 'invalid_union'
        ? `${key} has the rope_type ${JSON.stringify(named.rope_type)}`
        : `${[key, ...issue.path].join('.')}: ${issue.message}`,
      'Implemented are default, linear, dynamic, yarn and llama3, with the keys of transformers.',
    );
  }
  return { ropeTheta: theta, ropeScaling: scalingOf(parsed.data, maxPositionEmbeddings) };
}

function scalingOf(parameters: z.infer<typeof parametersSchema>, maxPositionEmbeddings: number): RopeScaling {
  switch (parameters.rope_type) {
    case 'default':
      return { type: 'none' };
    case 'linear':
    case 'dynamic':
      return { type: parameters.rope_type, factor: parameters.factor };
    case 'yarn':
      return {
        type: 'yarn',
        factor: parameters.factor,
        originalMaxPositionEmbeddings: parameters.original_max_position_embeddings ?? maxPositionEmbeddings,
        betaFast: parameters.beta_fast ?? 32,
        betaSlow: parameters.beta_slow ?? 1,
        attentionFactor: parameters.attention_factor ?? null,
      };
    case 'llama3':
      return {
        type: 'llama3',
        factor: parameters.factor,
        originalMaxPositionEmbeddings: parameters.original_max_position_embeddings ?? maxPositionEmbeddings,
        lowFreqFactor: parameters.low_freq_factor,
        highFreqFactor: parameters.high_freq_factor,
      };
  }
}

/** Both spellings: what transformers 5 reads, and what its forerunners do. */
export function writeRope(ropeTheta: number, scaling: RopeScaling): Record<string, unknown> {
  const parameters = parametersOf(scaling);
  return {
    rope_parameters: { rope_theta: ropeTheta, ...parameters },
    rope_theta: ropeTheta,
    rope_scaling: scaling.type === 'none' ? null : { ...parameters, type: parameters['rope_type'] },
  };
}

function parametersOf(scaling: RopeScaling): Record<string, unknown> {
  switch (scaling.type) {
    case 'none':
      return { rope_type: 'default' };
    case 'linear':
    case 'dynamic':
      return { rope_type: scaling.type, factor: scaling.factor };
    case 'yarn':
      return {
        rope_type: 'yarn',
        factor: scaling.factor,
        original_max_position_embeddings: scaling.originalMaxPositionEmbeddings,
        beta_fast: scaling.betaFast,
        beta_slow: scaling.betaSlow,
        ...(scaling.attentionFactor !== null && { attention_factor: scaling.attentionFactor }),
      };
    case 'llama3':
      return {
        rope_type: 'llama3',
        factor: scaling.factor,
        original_max_position_embeddings: scaling.originalMaxPositionEmbeddings,
        low_freq_factor: scaling.lowFreqFactor,
        high_freq_factor: scaling.highFreqFactor,
      };
    case 'qwen-dynamic-ntk':
      // Written as `use_dynamic_ntk` in the first Qwen's own configuration, which has no rope_parameters.
      throw new RangeError('rope_parameters cannot express the dynamic NTK scaling of the first Qwen');
  }
}

function objectOf(value: unknown, key: string, source: string): Record<string, unknown> | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
  throw configError(source, `${key} is ${JSON.stringify(value)}`, 'Expected an object or null.');
}
