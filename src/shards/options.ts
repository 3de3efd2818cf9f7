/** Options of the `shards` sink, and the tokenizer and special tokens that they lead to. */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import { CorpusmillError } from '../core/errors.ts';
import type { SinkContext } from '../core/stage.ts';
import { Tokenizer } from '../tokenizer/tokenizer.ts';
import { PACKINGS } from './packing.ts';
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
    .describe('tokenizer.json to encode with; by default the one that an earlier tokenizer stage made'),
  targetShardBytes: z
    .int()
    .min(1 << 12)
    .max(2 ** 31)
    .default(128 * 2 ** 20)
    .describe('Size of a shard in bytes, about; a worker holds one shard in memory'),
  shuffle: z.boolean().default(true).describe("Shuffle the rows of a packing window with the pipeline's seed"),
  windowDocuments: z
    .int()
    .min(1)
    .max(2 ** 24)
    .default(2 ** 20)
    .describe('Fewest documents packed together; memory is about 60 bytes for each'),
});

export type ShardOptions = z.output<typeof shardOptions>;

export interface SpecialToken {
  token: string;
  id: number;
}

/** What encoding a run's documents needs. */
export interface Encoding {
  path: string;
  tokenizer: Tokenizer;
  type: TokenType;
  bos: SpecialToken | null;
  eos: SpecialToken | null;
  pad: SpecialToken;
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
  const tokenizer = await cachedTokenizer(path);
  const special = (token: string): SpecialToken => {
    const id = tokenizer.specialId(token);
    if (id !== undefined) return { token, id };
    throw new CorpusmillError(
      'CONFIG_INVALID',
      `stage ${context.name}: the tokenizer ${path} has no special token ${JSON.stringify(token)}`,
      { hint: 'Name one of its special tokens in eosToken, bosToken or padToken.' },
    );
  };
  return {
    path,
    tokenizer,
    type: tokenTypeFor(tokenizer.vocabSize),
    bos: options.bosToken === undefined ? null : special(options.bosToken),
    eos: options.appendEos ? special(options.eosToken) : null,
    pad: special(options.padToken ?? options.eosToken),
  };
}

let cached: { key: string; tokenizer: Promise<Tokenizer> } | undefined;

/** A worker encodes thousands of parts with one tokenizer, which takes a second to load. */
async function cachedTokenizer(path: string): Promise<Tokenizer> {
  const found = await stat(path).catch(() => undefined);
  const key = `${path} ${found?.size} ${found?.mtimeMs}`;
  if (cached?.key !== key) cached = { key, tokenizer: Tokenizer.fromFile(path) };
  return cached.tokenizer;
}
