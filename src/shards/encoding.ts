/** The tokenizer and special tokens that the options of the `shards` sink lead to. */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CorpusmillError } from '../core/errors.ts';
import type { SinkContext } from '../core/stage.ts';
import { type OpenedTokenizer, openTokenizer } from '../tokenizer/formats/load-tokenizer.ts';
import type { TextTokenizer } from '../tokenizer/text-tokenizer.ts';
import { loadChatEncoder } from './chat-encoder.ts';
import type { ConversationEncoder } from './conversation-tokens.ts';
import type { ShardOptions } from './options.ts';
import { type TokenType, tokenTypeFor } from './shard-rows.ts';

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

let cached: { given: string; opened: OpenedTokenizer; stamp: Promise<string> } | undefined;

/** A worker encodes thousands of parts with one tokenizer, two at a time, and loads it once. */
async function cachedTokenizer(path: string): Promise<OpenedTokenizer> {
  const known = cached;
  if (known?.given === path && (await known.stamp) === (await stampOf(known.opened.path))) return known.opened;
  // Another task may have loaded it meanwhile; from here on nothing is waited for.
  if (cached !== known && cached?.given === path) return cached.opened;
  const opened = openTokenizer(path);
  cached = { given: path, opened, stamp: stampOf(opened.path) };
  return opened;
}

/** Of the vocabulary itself: the time of a folder stays when a file in it is written again. */
async function stampOf(file: string): Promise<string> {
  const found = await stat(file).catch(() => undefined);
  return `${found?.size} ${found?.mtimeMs}`;
}
