/**
 * config.json of GPT-2, read and written. nanoGPT's models without biases are kept in the same form with one key more, `bias: false`;
 * their files then hold biases of zero, so that every GPT-2 loader computes the same.
 * Source: transformers 5.18, `configuration_gpt2.py`; karpathy/nanoGPT `model.py`.
 */
import { z } from 'zod';
import { checkConfig, type Gpt2Config } from './config.ts';
import { configError } from './config-error.ts';
import { FIELDS, idList, parseKeys, refuseUnknownKeys } from './hf-config-keys.ts';

const { size, epsilon, range, flag } = FIELDS;

const gpt2Schema = z.object({
  vocab_size: size,
  n_embd: size,
  n_layer: size,
  n_head: size,
  n_positions: size,
  n_inner: size.nullish(),
  activation_function: z.enum(['gelu', 'gelu_new', 'gelu_pytorch_tanh']).default('gelu_new'),
  layer_norm_epsilon: epsilon.default(1e-5),
  initializer_range: range.default(0.02),
  tie_word_embeddings: flag.default(true),
  bias: flag.default(true),
  bos_token_id: FIELDS.tokenId,
  eos_token_id: FIELDS.tokenIds,
  pad_token_id: FIELDS.tokenId,
});

/** Reads parsed JSON with model_type "gpt2". Throws CONFIG_INVALID. */
export function readGpt2Config(json: Record<string, unknown>, source: string): Gpt2Config {
  refuseUnknownKeys(json, new Set([...Object.keys(gpt2Schema.shape), 'model_type']), source);
  const fields = parseKeys(gpt2Schema, json, source);
  const { n_embd: hiddenSize, n_head: heads } = fields;
  if (hiddenSize % heads !== 0) {
    throw configError(
      source,
      `n_embd ${hiddenSize} is not divisible by n_head ${heads}`,
      'Choose n_embd as a multiple of n_head.',
    );
  }
  return checkConfig(
    {
      architecture: 'gpt2',
      vocabSize: fields.vocab_size,
      hiddenSize,
      intermediateSize: fields.n_inner ?? 4 * hiddenSize,
      layers: fields.n_layer,
      heads,
      kvHeads: heads,
      headDim: hiddenSize / heads,
      maxPositionEmbeddings: fields.n_positions,
      tieWordEmbeddings: fields.tie_word_embeddings,
      initializerRange: fields.initializer_range,
      bosTokenId: fields.bos_token_id ?? null,
      eosTokenIds: idList(fields.eos_token_id),
      padTokenId: fields.pad_token_id ?? null,
      layerNormEps: fields.layer_norm_epsilon,
      bias: fields.bias,
      activation: fields.activation_function === 'gelu' ? 'gelu' : 'gelu_new',
    },
    source,
  );
}

/** The keys of GPT-2's configuration, without those that all have. */
export function writeGpt2Config(config: Gpt2Config): Record<string, unknown> {
  return {
    n_embd: config.hiddenSize,
    n_layer: config.layers,
    n_head: config.heads,
    n_positions: config.maxPositionEmbeddings,
    n_inner: config.intermediateSize === 4 * config.hiddenSize ? null : config.intermediateSize,
    activation_function: config.activation,
    layer_norm_epsilon: config.layerNormEps,
    ...(config.bias ? {} : { bias: false }),
  };
}
