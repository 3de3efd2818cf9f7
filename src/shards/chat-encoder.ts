/** The encoder of a run's conversations: the tokenizer's chat template, or the one that the option names. */
import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { CorpusmillError } from '../core/errors.ts';
import type { OpenedTokenizer } from '../tokenizer/formats/load-tokenizer.ts';
import { readTokenizerConfig } from '../tokenizer/formats/tokenizer-config.ts';
import type { ConversationEncoder } from './conversation-tokens.ts';

/** Loads the template and compiles it. Throws CorpusmillError('CONFIG_INVALID') when there is none or it is no template. */
export async function loadChatEncoder(
  options: { template?: string | undefined; train: 'all' | 'last' },
  { tokenizer, config, path }: OpenedTokenizer,
  context: { name: string; baseDir: string },
): Promise<ConversationEncoder> {
  const file = options.template && resolve(context.baseDir, options.template);
  const template = file ? await templateOf(file) : config.chatTemplate;
  if (template === undefined) {
    throw new CorpusmillError(
      'CONFIG_INVALID',
      `stage ${context.name}: there is no chat template for conversations in ${file ?? `the files beside ${path}`}`,
      { hint: 'Name one in conversations.template: a .jinja file, or a tokenizer_config.json with a chat_template.' },
    );
  }
  // The template engine is loaded by those who need it.
  const { createConversationEncoder } = await import('../tokenizer/chat/encode-conversation.ts');
  return createConversationEncoder(tokenizer, { template, tokens: config.tokens, train: options.train });
}

/** Of a .jinja file all of it, of a tokenizer_config.json the template in it. */
async function templateOf(file: string): Promise<string | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined || !file.endsWith('.json')) return text;
  return readTokenizerConfig({ 'tokenizer_config.json': text }, basename(dirname(file))).chatTemplate;
}
