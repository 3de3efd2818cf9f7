/** Options of the `shards` sink. */
import { totalmem } from 'node:os';
import { z } from 'zod';
import { CorpusmillError } from '../core/errors.ts';
import { PACKINGS, TOO_LONG } from './packing.ts';

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
    .describe(
      'Size of a shard in bytes, at most about; where one does not do there is an even number, all of the same size',
    ),
  shuffle: z
    .boolean()
    .default(true)
    .describe("Shuffle documents before packing and rows after it, each over the whole set, with the pipeline's seed"),
  shuffleMemoryMiB: z
    .int()
    .min(1)
    .max(1 << 16)
    .default(256)
    .describe(
      'Memory of a worker that shuffles, in MiB, about; besides, the process keeps tokens of up to twice as much, an ' +
        'eighth of its memory at most, and writes only the rest to scratch files. The shards are the same with any',
    ),
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

/** Part of the memory that this process may have which it keeps encoded parts in at most. */
const KEPT_SHARE = 1 / 8;

/** Bytes of encoded parts that the process keeps in memory. */
export function keptBytes({ shuffleMemoryMiB }: ShardOptions): number {
  // A container's limit, where there is one; without any it is 0, absent or as large as numbers are.
  const available = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  return Math.floor(Math.min(2 * shuffleMemoryMiB * 2 ** 20, available * KEPT_SHARE));
}

/** Bytes that a task of dealing or routing may fill with the tokens and records of a group; it holds them twice. */
export function shuffleBytes({ shuffleMemoryMiB }: ShardOptions): number {
  return (shuffleMemoryMiB * 2 ** 20) / 2;
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
