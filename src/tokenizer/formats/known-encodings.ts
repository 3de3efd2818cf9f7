/**
 * What a `.tiktoken` file does not say: pattern, normalization and special tokens of the published encodings, by name.
 *
 * Sources: openai/tiktoken `tiktoken_ext/openai_public.py`; QwenLM/Qwen `tokenization_qwen.py` (the first Qwen, whose
 * ranks Qwen2 and Qwen2.5 share); meta-llama/llama3 `tokenizer.py` and the 3.1 release.
 */
import type { Normalization } from '../hf-json.ts';
import { PATTERNS } from '../pre-tokenizer.ts';

export interface KnownEncoding {
  pattern: string;
  normalization: Normalization;
  /** Ids of special tokens. */
  special: Readonly<Record<string, number>>;
}

/** Tokens with one id after another. */
function numbered(first: number, tokens: readonly string[]): Record<string, number> {
  return Object.fromEntries(tokens.map((token, i) => [token, first + i]));
}

const reserved = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `<|reserved_special_token_${from + i}|>`);

const END_OF_TEXT = '<|endoftext|>';

const GPT2: KnownEncoding = { pattern: PATTERNS.gpt2, normalization: 'none', special: { [END_OF_TEXT]: 50_256 } };

export const KNOWN_ENCODINGS: Readonly<Record<string, KnownEncoding>> = {
  gpt2: GPT2,
  r50k_base: GPT2,
  p50k_base: GPT2,
  cl100k_base: {
    pattern: PATTERNS.cl100k,
    normalization: 'none',
    special: {
      ...numbered(100_257, [END_OF_TEXT, '<|fim_prefix|>', '<|fim_middle|>', '<|fim_suffix|>']),
      '<|endofprompt|>': 100_276,
    },
  },
  o200k_base: {
    pattern: PATTERNS.o200k,
    normalization: 'none',
    special: { [END_OF_TEXT]: 199_999, '<|endofprompt|>': 200_018 },
  },
  qwen: {
    pattern: PATTERNS.qwen2,
    normalization: 'nfc',
    special: numbered(151_643, [
      END_OF_TEXT,
      '<|im_start|>',
      '<|im_end|>',
      ...Array.from({ length: 205 }, (_, i) => `<|extra_${i}|>`),
    ]),
  },
  llama3: {
    pattern: PATTERNS.cl100k,
    normalization: 'none',
    special: numbered(128_000, [
      '<|begin_of_text|>',
      '<|end_of_text|>',
      ...reserved(0, 4),
      '<|start_header_id|>',
      '<|end_header_id|>',
      ...reserved(4, 5),
      '<|eot_id|>',
      ...reserved(5, 251),
    ]),
  },
  'llama3.1': {
    pattern: PATTERNS.cl100k,
    normalization: 'none',
    special: numbered(128_000, [
      '<|begin_of_text|>',
      '<|end_of_text|>',
      ...reserved(0, 2),
      '<|finetune_right_pad_id|>',
      ...reserved(2, 3),
      '<|start_header_id|>',
      '<|end_header_id|>',
      '<|eom_id|>',
      '<|eot_id|>',
      '<|python_tag|>',
      ...reserved(3, 248),
    ]),
  },
};
