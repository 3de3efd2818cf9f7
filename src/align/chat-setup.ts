/**
 * What the alignment stages need of a model and its tokenizer before data are read: the chat format, the length of rows, an id
 * for padding that ends nothing, and a folder with the tokenizer's files and the template, which goes into every checkpoint,
 * so that `corpusmill generate --chat` and transformers ask the model as it was taught.
 */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CorpusmillError } from '../core/errors.ts';
import { sampleFraction } from '../core/random.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import type { ModelConfig } from '../models/config.ts';
import { findConfig } from '../models/known-configs.ts';
import { openModel } from '../training/config/open-model.ts';
import { fractionOf, type TrainConfig } from '../training/config/schema.ts';
import { type ChatFormat, openChatFormat } from './data/chat-format.ts';
import type { Mask } from './data/masks.ts';

export interface ChatSetup {
  readonly format: ChatFormat;
  /** Tokens of a row. */
  readonly sequenceLength: number;
  /** Of places without a token; another one than the token that ends a turn. */
  readonly padId: number;
  readonly vocabSize: number;
  /** Folder with the tokenizer's files and the template. */
  readonly tokenizer: string;
  /** The token that ends a turn ends a text, and padding is another. */
  adapt(config: ModelConfig): ModelConfig;
  /** A user's words as a prompt. */
  encodePrompt(prompt: string): Uint32Array;
}

export interface ChatSetupOptions {
  readonly model: TrainConfig['model'];
  readonly tokenizer: string | undefined;
  readonly template: string | undefined;
  readonly mask: Mask;
  readonly system: string | undefined;
  readonly sequenceLength: number | undefined;
  readonly head?: 'score';
  /** The run's folder. */
  readonly output: string;
}

const LONGEST_DEFAULT = 1024;

/** Opens them. Throws what opening throws, and CONFIG_INVALID where there is no tokenizer or no template. */
export async function openChat(options: ChatSetupOptions): Promise<ChatSetup> {
  const { model, head, system } = options;
  const scoring = head === undefined ? {} : { head };
  const shape = openModel(model, { vocabSize: 1, sequenceLength: 1, ...scoring }).config;
  const format = await openChatFormat(options.tokenizer ?? tokenizerOf(model), {
    mask: options.mask,
    template: options.template,
  });
  const { opened, endOfTurn } = format;
  const padToken = opened.config.tokens['pad_token'];
  const candidates = [
    shape.padTokenId,
    padToken === undefined ? undefined : opened.tokenizer.specialId(padToken),
    opened.tokenizer.specialId('<|endoftext|>'),
    opened.tokenizer.specialId('<|pad|>'),
  ];
  const pad = candidates.find((id) => id !== null && id !== undefined && id !== endOfTurn);
  const tokenizer = join(options.output, 'tokenizer');
  await writeTokenizer(format, tokenizer);
  return {
    format,
    sequenceLength: options.sequenceLength ?? Math.min(LONGEST_DEFAULT, shape.maxPositionEmbeddings),
    padId: pad ?? 0,
    vocabSize: opened.tokenizer.vocabSize,
    tokenizer,
    adapt: (config) => ({
      ...config,
      eosTokenIds: [endOfTurn, ...config.eosTokenIds.filter((id) => id !== endOfTurn)],
      padTokenId: pad ?? null,
    }),
    encodePrompt: (prompt) =>
      format.encodePrompt([
        ...(system === undefined ? [] : [{ role: 'system' as const, content: system }]),
        { role: 'user', content: prompt },
      ]),
  };
}

function tokenizerOf(model: TrainConfig['model']): string {
  const from = typeof model === 'string' ? model : model.from;
  const folder = dirname(findConfig(from).path);
  const names = ['tokenizer.json', 'vocab.json', 'tokenizer.model', 'tokenizer.tiktoken'];
  if (names.some((name) => existsSync(join(folder, name)))) return folder;
  throw new CorpusmillError('CONFIG_INVALID', `the model ${from} has no tokenizer beside it`, {
    hint: 'Set data.tokenizer to the tokenizer file or folder that its ids are of.',
  });
}

async function writeTokenizer(format: ChatFormat, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, bytes] of format.opened.files) await writeFileAtomic(join(folder, name), bytes);
  if (format.opened.config.chatTemplate !== format.template) {
    await writeFileAtomic(join(folder, 'chat_template.jinja'), format.template);
  }
}

/**
 * Whether record number `index` is held out, where a share of the records is: by a hash of its number, so that a longer file holds
 * out the same ones of its beginning.
 */
export function heldOut(index: number, share: number | string | undefined): boolean {
  return share !== undefined && sampleFraction(0x5eed, String(index)) < (fractionOf(share) ?? 0);
}

/** Paths as a list. */
export function listed(paths: string | readonly string[]): readonly string[] {
  return typeof paths === 'string' ? [paths] : paths;
}

/** What of a configuration has to be one or the other. */
export function alignConfigError(found: string, hint: string): CorpusmillError {
  return new CorpusmillError('CONFIG_INVALID', `the configuration of the stage: ${found}`, { hint });
}
