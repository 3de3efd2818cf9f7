/**
 * A byte-level BPE tokenizer as GGUF metadata: tokens and merges in GPT-2's byte alphabet, the kind of each token, the name by which
 * llama.cpp knows the pattern that cuts texts, the tokens that play a part, and the chat template.
 * Source: ggml-org/llama.cpp, `convert_hf_to_gguf.py` (`get_vocab_base`, `get_vocab_base_pre`), `src/llama-vocab.cpp`.
 */
import { bytesToAlphabet } from '../../../tokenizer/byte-alphabet.ts';
import { type OpenedTokenizer, openTokenizer } from '../../../tokenizer/formats/load-tokenizer.ts';
import type { BpeTables } from '../../../tokenizer/hf-json.ts';
import { PATTERNS } from '../../../tokenizer/pre-tokenizer.ts';
import type { ModelConfig } from '../../config.ts';
import { type GgufValue, inexpressible } from './format.ts';

/** Kinds of tokens in llama.cpp. */
const KIND = { normal: 1, control: 3, userDefined: 4, unused: 5 } as const;

/** Keys about the tokenizer of a folder or file. Throws CONFIG_INVALID for one that llama.cpp's `gpt2` kind cannot be. */
export function tokenizerKeys(path: string, config: ModelConfig): [string, GgufValue][] {
  const opened = openTokenizer(path);
  const tables = opened.readTables();
  if (tables === undefined) {
    throw inexpressible(
      `the tokenizer ${path} is no byte-level BPE`,
      'Only tokenizers of that kind are written to GGUF.',
    );
  }
  if (tables.vocabSize > config.vocabSize) {
    throw inexpressible(
      `the tokenizer ${path} has ids up to ${tables.vocabSize - 1}, the model ${config.vocabSize} rows`,
      'Give the tokenizer that the model was trained with.',
    );
  }
  const added = new Map(tables.added.map((token) => [token.id, token]));
  const ids = Array.from({ length: config.vocabSize }, (_, id) => id);
  const text = (id: number): string =>
    added.get(id)?.content ?? (tables.tokens[id] === undefined ? padding(id) : bytesToAlphabet(tables.tokens[id]));
  const kind = (id: number): number => {
    const token = added.get(id);
    if (token !== undefined) return token.special ? KIND.control : KIND.userDefined;
    return tables.tokens[id] === undefined ? KIND.unused : KIND.normal;
  };
  const merges = Array.from(tables.lefts, (left, rank) => `${text(left)} ${text(tables.rights[rank])}`);
  return [
    ['tokenizer.ggml.model', { type: 'string', value: 'gpt2' }],
    ['tokenizer.ggml.pre', { type: 'string', value: preOf(tables, path) }],
    ['tokenizer.ggml.tokens', { type: 'array', of: 'string', value: ids.map(text) }],
    ['tokenizer.ggml.token_type', { type: 'array', of: 'int32', value: ids.map(kind) }],
    ['tokenizer.ggml.merges', { type: 'array', of: 'string', value: merges }],
    ...partKeys(config, opened),
    ...(opened.config.chatTemplate === undefined
      ? []
      : [['tokenizer.chat_template', { type: 'string', value: opened.config.chatTemplate }] as [string, GgufValue]]),
  ];
}

/** Tokens without texts, for a model whose tokenizer is not at hand: llama.cpp loads no model without any. Ids work, texts do not. */
export function placeholderKeys(config: ModelConfig): [string, GgufValue][] {
  const ids = Array.from({ length: config.vocabSize }, (_, id) => id);
  return [
    ['tokenizer.ggml.model', { type: 'string', value: 'gpt2' }],
    ['tokenizer.ggml.pre', { type: 'string', value: 'qwen2' }],
    ['tokenizer.ggml.tokens', { type: 'array', of: 'string', value: ids.map(padding) }],
    ['tokenizer.ggml.token_type', { type: 'array', of: 'int32', value: ids.map(() => KIND.unused) }],
    ['tokenizer.ggml.merges', { type: 'array', of: 'string', value: [] }],
    ...partKeys(config, undefined),
  ];
}

function padding(id: number): string {
  return `[PAD${id}]`;
}

/** llama.cpp's name of the pattern; its `llama-bpe` and `dbrx` cut alike and differ in whole tokens before merges. */
function preOf({ pattern, ignoreMerges }: BpeTables, path: string): string {
  switch (pattern) {
    case PATTERNS.qwen2:
      return 'qwen2';
    case PATTERNS.gpt2:
      return 'gpt-2';
    case PATTERNS.cl100k:
      return ignoreMerges ? 'llama-bpe' : 'dbrx';
    case PATTERNS.o200k:
      return 'gpt-4o';
    default:
      throw inexpressible(
        `the tokenizer ${path} cuts texts with a pattern that llama.cpp has no name for`,
        'Known are the patterns qwen2, gpt2, cl100k and o200k; without --tokenizer the file works with ids.',
      );
  }
}

/** Ids of the tokens that begin, end and pad: the model's own, else what the tokenizer says. */
function partKeys(config: ModelConfig, opened: OpenedTokenizer | undefined): [string, GgufValue][] {
  const named = (part: string): number | undefined => {
    const token = opened?.config.tokens[`${part}_token`];
    return token === undefined ? undefined : opened?.tokenizer.specialId(token);
  };
  const ids: [string, number | undefined][] = [
    ['bos', config.bosTokenId ?? named('bos')],
    ['eos', config.eosTokenIds[0] ?? named('eos')],
    ['padding', config.padTokenId ?? named('pad')],
  ];
  return [
    ...ids.flatMap(([part, id]): [string, GgufValue][] =>
      id === undefined ? [] : [[`tokenizer.ggml.${part}_token_id`, { type: 'uint32', value: id }]],
    ),
    // Without this llama.cpp puts the first token of some vocabularies before every text.
    ['tokenizer.ggml.add_bos_token', { type: 'bool', value: false }],
  ];
}
