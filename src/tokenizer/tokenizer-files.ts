/**
 * A tokenizer as the files other tools open:
 *
 *   tokenizer.json            HF tokenizers, transformers, @huggingface/tokenizers
 *   tokenizer_config.json     transformers' AutoTokenizer; with a ChatML template where <|im_start|> and <|im_end|> exist
 *   special_tokens_map.json   older transformers
 *   tokenizer.tiktoken        `base64 rank` lines for tiktoken
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CorpusmillError } from '../core/errors.ts';
import { sha256Hex } from '../core/sha256.ts';
import { CHATML_TEMPLATE } from './chat/chatml.ts';
import { writeTiktoken } from './formats/tiktoken.ts';
import { type BpeTables, writeHfTokenizer } from './hf-json.ts';
import { tokenizerJsonText } from './tokenizer.ts';

/** Writes the four files into an existing folder; returns the SHA-256 of tokenizer.json. Throws OUTPUT_FAILED. */
export async function writeTokenizerFiles(tables: BpeTables, folder: string): Promise<{ hash: string }> {
  const tokenizerJson = Buffer.from(tokenizerJsonText(writeHfTokenizer(tables)));
  await writeFiles(folder, {
    'tokenizer.json': tokenizerJson,
    ...configFiles(tables),
    'tokenizer.tiktoken': writeTiktoken(tables),
  });
  return { hash: sha256Hex(tokenizerJson) };
}

/** The texts of tokenizer_config.json and special_tokens_map.json. */
export function configFiles(tables: BpeTables): Record<string, string> {
  return {
    'tokenizer_config.json': `${JSON.stringify(tokenizerConfig(tables), null, 2)}\n`,
    'special_tokens_map.json': `${JSON.stringify(specialTokensMap(tables), null, 2)}\n`,
  };
}

/** Writes files by name into an existing folder. Throws OUTPUT_FAILED. */
export async function writeFiles(folder: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    try {
      await writeFile(path, content);
    } catch (error) {
      throw new CorpusmillError('OUTPUT_FAILED', `writing the tokenizer file ${path}: ${(error as Error).message}`, {
        hint: 'Make room or set another output folder, then run the same command again.',
        cause: error,
      });
    }
  }
}

/** The token that ends a document, which is also used for padding: `<|endoftext|>`, else the first special token. */
function endToken({ added }: BpeTables): string | null {
  const special = added.filter((token) => token.special).map((token) => token.content);
  return special.includes('<|endoftext|>') ? '<|endoftext|>' : (special[0] ?? null);
}

function tokenizerConfig(tables: BpeTables): object {
  const contents = tables.added.map((token) => token.content);
  const chatML = contents.includes('<|im_start|>') && contents.includes('<|im_end|>');
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    add_prefix_space: false,
    clean_up_tokenization_spaces: false,
    bos_token: null,
    eos_token: endToken(tables),
    pad_token: endToken(tables),
    unk_token: null,
    added_tokens_decoder: Object.fromEntries(
      tables.added.map(({ id, content, special }) => [
        id,
        { content, lstrip: false, normalized: false, rstrip: false, single_word: false, special },
      ]),
    ),
    additional_special_tokens: contents.filter((content) => content !== endToken(tables)),
    ...(chatML ? { chat_template: CHATML_TEMPLATE } : {}),
  };
}

function specialTokensMap(tables: BpeTables): object {
  const end = endToken(tables);
  if (end === null) return {};
  return {
    eos_token: end,
    pad_token: end,
    additional_special_tokens: tables.added.map((token) => token.content).filter((content) => content !== end),
  };
}
