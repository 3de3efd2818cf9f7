/**
 * What is done with the keys of config.json that no configuration here holds: some say nothing about the arithmetic and are
 * passed over, some must have the one value that is implemented, and every other key is refused by name, because a model
 * computed without it may be another model.
 */
import { z } from 'zod';
import { configError } from './config-error.ts';

/** Keys about files, programs, generation and training that leave a forward pass as it is. */
const WITHOUT_EFFECT = new Set([
  'architectures',
  'auto_map',
  'torch_dtype',
  'dtype',
  'transformers_version',
  'use_cache',
  'output_attentions',
  'output_hidden_states',
  'return_dict',
  'torchscript',
  'tokenizer_class',
  'tokenizer_type',
  'task_specific_params',
  'problem_type',
  'num_labels',
  'id2label',
  'label2id',
  'finetuning_task',
  'chunk_size_feed_forward',
  'output_router_logits',
  'pretraining_tp',
  'max_length',
  'do_sample',
  'temperature',
  'top_k',
  'top_p',
  'unsloth_version',
  'unsloth_fixed',
  // Dropout is a matter of training, where it has an option of its own.
  'attention_dropout',
  'attention_probs_dropout_prob',
  'attn_dropout_prob',
  'emb_dropout_prob',
  'hidden_dropout',
  'attn_pdrop',
  'embd_pdrop',
  'resid_pdrop',
  // Choices of kernel in the first Qwen's code.
  'bf16',
  'fp16',
  'fp32',
  'use_flash_attn',
  'use_cache_kernel',
  'softmax_in_fp32',
  'onnx_safe',
  // GPT-2's heads for other tasks.
  'summary_activation',
  'summary_first_dropout',
  'summary_proj_to_labels',
  'summary_type',
  'summary_use_proj',
  'reorder_and_upcast_attn',
  'gradient_checkpointing',
  'n_ctx',
]);

/** Keys with the values that are implemented; absent is one of them. */
const NEUTRAL: Readonly<Record<string, readonly unknown[]>> = {
  hidden_act: ['silu', 'swish'],
  mlp_bias: [false],
  partial_rotary_factor: [1],
  rotary_pct: [1],
  scale_attn_weights: [true],
  scale_attn_by_inverse_layer_idx: [false],
  add_cross_attention: [false],
  is_decoder: [true, false],
  is_encoder_decoder: [false],
  no_bias: [true],
  use_cache_quantization: [false],
  use_qk_norm: [false],
  use_mrope: [false],
  logit_scale: [1],
  quantization_config: [null],
  quantization: [null],
};

/** Throws CONFIG_INVALID for a key that is none of `read` and may change the arithmetic. `_`-keys are remarks. */
export function refuseUnknownKeys(
  json: Readonly<Record<string, unknown>>,
  read: ReadonlySet<string>,
  source: string,
): void {
  for (const [key, value] of Object.entries(json)) {
    if (read.has(key) || WITHOUT_EFFECT.has(key) || key.startsWith('_')) continue;
    const neutral = NEUTRAL[key];
    if (neutral === undefined) {
      throw configError(
        source,
        `the key ${key} (${JSON.stringify(value)?.slice(0, 60)}) is not known here and may change what the model computes`,
        'Remove it when it does not; otherwise this model needs a program that implements it.',
      );
    }
    if (value !== null && !neutral.includes(value)) {
      throw configError(
        source,
        `${key} is ${JSON.stringify(value)}`,
        `Implemented is ${neutral.map((one) => JSON.stringify(one)).join(' or ')}.`,
      );
    }
  }
}

/** Reads the known keys of a configuration with a schema. Throws CONFIG_INVALID, naming the key. */
export function parseKeys<S extends z.ZodObject>(schema: S, json: Record<string, unknown>, source: string): z.infer<S> {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue.path.join('.');
  const value = issue.path.length === 1 ? JSON.stringify(json[path]) : undefined;
  throw configError(
    source,
    value === undefined && issue.path.length === 1
      ? `${path} is missing`
      : `${path} is ${value ?? 'wrong'}: ${issue.message}`,
    'The keys are those of Hugging Face’s config.json; configs/models/ has examples.',
  );
}

const size = z.int().positive();
const tokenId = z.int().nonnegative();

/** Fields that several architectures share. */
export const FIELDS = {
  size,
  epsilon: z.number().positive(),
  range: z.number().min(0),
  tokenId: tokenId.nullish(),
  tokenIds: z.union([tokenId, z.array(tokenId)]).nullish(),
  flag: z.boolean(),
};

/** `eos_token_id` as a list. */
export function idList(ids: number | readonly number[] | null | undefined): readonly number[] {
  return ids === null || ids === undefined ? [] : typeof ids === 'number' ? [ids] : ids;
}
