/**
 * A byte-level BPE tokenizer in another form. Every form is one that other programs open and that gives the same ids;
 * where it could not, the conversion is refused.
 *
 *   hf         tokenizer.json, tokenizer_config.json, special_tokens_map.json, and a chat template where there is one
 *   tiktoken   `base64 rank` lines
 *   gpt2       vocab.json and merges.txt
 */
import { CorpusmillError } from '../../core/errors.ts';
import { type BpeTables, writeHfTokenizer } from '../hf-json.ts';
import { tokenizerJsonText } from '../tokenizer.ts';
import { configFiles } from '../tokenizer-files.ts';
import { writeGpt2Files } from './gpt2-files.ts';
import type { OpenedTokenizer } from './load-tokenizer.ts';
import { writeTiktoken } from './tiktoken.ts';

export const TOKENIZER_FORMS = ['hf', 'tiktoken', 'gpt2'] as const;
export type TokenizerForm = (typeof TOKENIZER_FORMS)[number];

/**
 * The files of a tokenizer in another form, by name. Companions that lie beside the source are taken over as they are.
 * Throws CONFIG_INVALID where the form cannot express the tokenizer.
 */
export function convertTokenizer(opened: OpenedTokenizer, form: TokenizerForm): Record<string, string | Uint8Array> {
  const { path } = opened;
  const tables = opened.readTables();
  if (tables === undefined) {
    throw new CorpusmillError('CONFIG_INVALID', `converting the tokenizer ${path}: it is no byte-level BPE`, {
      hint: 'Tokenizers of the SentencePiece kind can be used as they are, and not written in another form.',
    });
  }
  if (form === 'tiktoken') return { 'tokenizer.tiktoken': writeTiktoken(tables) };
  const companions = Object.fromEntries([...opened.files].filter(([name]) => name !== 'tokenizer.json'));
  const files = { ...configFiles(tables), ...companions };
  if (form === 'hf') return { 'tokenizer.json': hfText(opened, tables), ...files };
  const { vocab, merges } = writeGpt2Files(tables);
  return { 'vocab.json': vocab, 'merges.txt': merges, ...files };
}

/** A tokenizer.json that is there stays as it is, byte for byte. */
function hfText({ files }: OpenedTokenizer, tables: BpeTables): string | Uint8Array {
  return files.get('tokenizer.json') ?? tokenizerJsonText(writeHfTokenizer(tables));
}
