/** Options of the `shards` sink, and the tokenizer and special tokens that they lead to. */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import { CorpusmillError } from '../core/errors.ts';
import type { SinkContext } from '../core/stage.ts';
import { type OpenedTokenizer, openTokenizer } from '../tokenizer/formats/load-tokenizer.ts';
import type { TextTokenizer } from '../tokenizer/text-tokenizer.ts';
import { loadChatEncoder } from './chat-encoder.ts';
import type { ConversationEncoder } from './conversation-tokens.ts';
import { PACKINGS, TOO_LONG } from './packing.ts';
import { type TokenType, tokenTypeFor } from './shard-rows.ts';

export const shardOptions = z.object({
  contextLength: z
    .int()
    .min(8)
    .max(1 << 22)
    .default(2048)
    .describe('Tokens per row; 2,048 as in GPT-3 and most small-model recipes'),
  packing: z
    .enum(PACKINGS)
    .default('best-fit')
    .describe(
      'best-fit: no document that fits a row is cut, padding under .02 % of a large corpus (arXiv 2404.10830); concatenate: end to end, ' +
        'cut every contextLength; greedy: in document order, more padding',
    ),
  appendEos: z.boolean().default(true).describe('Put the eos token after every document'),
  eosToken: z
    .string()
    .default('<|endoftext|>')
    .describe('Special token that ends a document and, without padToken, fills rows'),
  bosToken: z.string().optional().describe('Special token put before every document; none by default, as Qwen'),
  padToken: z.string().optional().describe("Special token that fills a row's end; the eos token by default"),
  tokenizer: z
    .string()
    .optional()
    .describe(
      'Tokenizer to encode with: a tokenizer.json or its folder, .tiktoken, GPT-2 or SentencePiece files; by default the one that ' +
        'an earlier tokenizer stage made',
    ),
  targetShardBytes: z
    .int()
    .min(1 << 12)
    .max(2 ** 31)
    .default(128 * 2 ** 20)
    .describe('Size of a shard in bytes, about; a worker holds one shard in memory'),
  shuffle: z
    .boolean()
    .default(true)
    .describe("Shuffle documents before packing and rows after it, each over the whole set, with the pipeline's seed"),
  shuffleMemoryMiB: z
    .int()
    .min(1)
    .max(1 << 16)
    .default(256)
    .describe('Memory of a worker that shuffles, in MiB, about; the shards are the same with any'),
  windowDocuments: z
    .int()
    .min(1)
    .max(2 ** 24)
    .default(2 ** 20)
    .describe('Fewest documents packed together; memory is about 100 bytes for each'),
  provenance: z
    .boolean()
    .default(true)
    .describe('Write a table beside each shard that says which document each piece comes from'),
  validation: z
    .union([
      z.number().gt(0).lt(1),
      z
        .string()
        .regex(/^(?=.*[1-9])\d{1,2}(\.\d+)?%$/, 'expected a fraction such as 0.005, or a percentage such as 0.5%'),
    ])
    .optional()
    .describe(
      'Share of the documents, as 0.005 or 0.5%, that is held out by a hash of the text: two sets, train and validation',
    ),
  validationDocuments: z
    .int()
    .min(1)
    .max(2 ** 24)
    .optional()
    .describe('Or the number of documents that is held out: those whose hashes are smallest'),
  fillInTheMiddle: z
    .object({
      rate: z.number().min(0).max(1).default(0.5).describe('Share of the documents that is rearranged'),
      spmRate: z.number().min(0).max(1).default(0.5).describe('Share of those in the order suffix, prefix, middle'),
      prefixToken: z.string().default('<|fim_prefix|>').describe('Special token before the prefix; as Qwen2.5'),
      middleToken: z.string().default('<|fim_middle|>').describe('Special token before the middle'),
      suffixToken: z.string().default('<|fim_suffix|>').describe('Special token before the suffix'),
    })
    .optional()
    .describe(
      'Rearrange documents so that the middle comes last (Bavarian et al. 2022, arXiv 2207.14255), by characters, before packing',
    ),
  conversations: z
    .object({
      tooLong: z
        .enum(TOO_LONG)
        .default('truncate')
        .describe(
          'What becomes of a conversation longer than a row: cut to its first tokens, or left out; both are counted',
        ),
      template: z
        .string()
        .optional()
        .describe('Chat template: a .jinja file, or a tokenizer_config.json; by default the one beside the tokenizer'),
      train: z.enum(['all', 'last']).default('all').describe("Which of the assistant's turns are trained on"),
    })
    .optional()
    .describe(
      'Documents are conversations (input option `conversations`): rows get a column of labels, -100 on prompts and padding',
    ),
});

export type ShardOptions = z.output<typeof shardOptions>;

/** Bytes that a task of dealing or routing may fill with the tokens and records of a group; it holds them twice. */
export function shuffleBytes({ shuffleMemoryMiB }: ShardOptions): number {
  return (shuffleMemoryMiB * 2 ** 20) / 2;
}

export interface SpecialToken {
  token: string;
  id: number;
}

/** What encoding a run's documents needs. */
export interface Encoding {
  tokenizer: TextTokenizer;
  /** Files by which other programs open the tokenizer, its own first. */
  tokenizerFiles: ReadonlyMap<string, Uint8Array>;
  type: TokenType;
  bos: SpecialToken | null;
  eos: SpecialToken | null;
  pad: SpecialToken;
  fim: FimTokens | null;
  /** Encodes the conversation of a record; only with the option. */
  conversation: ConversationEncoder | undefined;
}

/** Special tokens that mark the parts of a rearranged document. */
export interface FimTokens {
  prefix: SpecialToken;
  middle: SpecialToken;
  suffix: SpecialToken;
}

/** Whether a validation set is asked for. */
export function isSplit({ validation, validationDocuments }: ShardOptions): boolean {
  return validation !== undefined || validationDocuments !== undefined;
}

/** Throws CorpusmillError('CONFIG_INVALID') for options that contradict one another. */
export function checkOptions(options: ShardOptions, name: string): void {
  const refuse = (found: string, hint: string) => {
    throw new CorpusmillError('CONFIG_INVALID', `stage ${name}: ${found}`, { hint });
  };
  if (options.validation !== undefined && options.validationDocuments !== undefined) {
    refuse('validation and validationDocuments are both given', 'Give a share or a number.');
  }
  if (options.conversations === undefined) return;
  if (options.packing === 'concatenate') {
    refuse('packing: concatenate would cut conversations', 'Use best-fit or greedy with conversations.');
  }
  if (options.fillInTheMiddle !== undefined) {
    refuse('conversations cannot be rearranged by fillInTheMiddle', 'Leave one of them out.');
  }
}

type Where = Pick<SinkContext, 'name' | 'baseDir' | 'artifact'>;

/**
 * Loads the tokenizer of a run, once per thread, and looks its special tokens up. Throws CorpusmillError
 * ('CONFIG_INVALID') when there is no tokenizer or it lacks a token.
 */
export async function loadEncoding(options: ShardOptions, context: Where): Promise<Encoding> {
  const path = options.tokenizer ? resolve(context.baseDir, options.tokenizer) : context.artifact('tokenizer');
  if (path === undefined) {
    throw new CorpusmillError('CONFIG_INVALID', `stage ${context.name}: there is no tokenizer to encode with`, {
      hint: 'Put a tokenizer stage before it, or name a tokenizer.json in its `tokenizer` option.',
    });
  }
  const opened = await cachedTokenizer(path);
  const { tokenizer } = opened;
  const special = (token: string): SpecialToken => {
    const id = tokenizer.specialId(token);
    if (id !== undefined) return { token, id };
    throw new CorpusmillError(
      'CONFIG_INVALID',
      `stage ${context.name}: the tokenizer ${path} has no special token ${JSON.stringify(token)}`,
      { hint: 'Name one of its special tokens in the option.' },
    );
  };
  const { fillInTheMiddle: fim, conversations } = options;
  return {
    tokenizer,
    tokenizerFiles: opened.files,
    type: tokenTypeFor(tokenizer.vocabSize),
    // A chat template puts its own tokens around what is said.
    bos: options.bosToken === undefined || conversations !== undefined ? null : special(options.bosToken),
    eos: options.appendEos && conversations === undefined ? special(options.eosToken) : null,
    pad: special(options.padToken ?? options.eosToken),
    fim: fim
      ? { prefix: special(fim.prefixToken), middle: special(fim.middleToken), suffix: special(fim.suffixToken) }
      : null,
    conversation: conversations && (await loadChatEncoder(conversations, opened, context)),
  };
}

let cached: { given: string; opened: OpenedTokenizer; stamp: string } | undefined;

/** A worker encodes thousands of parts with one tokenizer, which takes a second to load. */
async function cachedTokenizer(path: string): Promise<OpenedTokenizer> {
  if (cached?.given !== path || cached.stamp !== (await stampOf(cached.opened.path))) {
    const opened = openTokenizer(path);
    cached = { given: path, opened, stamp: await stampOf(opened.path) };
  }
  return cached.opened;
}

/** Of the vocabulary itself: the time of a folder stays when a file in it is written again. */
async function stampOf(file: string): Promise<string> {
  const found = await stat(file).catch(() => undefined);
  return `${found?.size} ${found?.mtimeMs}`;
}
