/** The encoder of a run's conversations: the tokenizer's chat template, or the one that the option names. */
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { CorpusmillError } from '../core/errors.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { ConversationEncoder } from './conversation-tokens.ts';

/** Where HF keeps templates, beside tokenizer.json; the first that is there counts. */
const TEMPLATE_FILES = ['chat_template.jinja', 'tokenizer_config.json'];

/**
 * Loads the template and compiles it. Throws CorpusmillError('CONFIG_INVALID') when there is none or it is no template.
 *
 * @param tokenizerPath the tokenizer.json, beside which tokenizer_config.json says what `bos_token` and others are
 */
export async function loadChatEncoder(
  options: { template?: string | undefined; train: 'all' | 'last' },
  tokenizerPath: string,
  tokenizer: Tokenizer,
  context: { name: string; baseDir: string },
): Promise<ConversationEncoder> {
  const beside = (name: string) => join(dirname(tokenizerPath), name);
  const files = options.template ? [resolve(context.baseDir, options.template)] : TEMPLATE_FILES.map(beside);
  const template = await firstTemplate(files);
  if (template === undefined) {
    throw new CorpusmillError(
      'CONFIG_INVALID',
      `stage ${context.name}: there is no chat template for conversations in ${files.join(' or ')}`,
      { hint: 'Name one in conversations.template: a .jinja file, or a tokenizer_config.json with a chat_template.' },
    );
  }
  // The template engine is loaded by those who need it.
  const { createConversationEncoder } = await import('../tokenizer/chat/encode-conversation.ts');
  const tokens = specialTokens(await configOf(beside('tokenizer_config.json')));
  return createConversationEncoder(tokenizer, { template, tokens, train: options.train });
}

async function firstTemplate(files: readonly string[]): Promise<string | undefined> {
  for (const file of files) {
    if (file.endsWith('.json')) {
      const template = (await configOf(file))?.['chat_template'];
      if (typeof template === 'string') return template;
    } else {
      const template = await readFile(file, 'utf8').catch(() => undefined);
      if (template !== undefined) return template;
    }
  }
  return undefined;
}

async function configOf(file: string): Promise<Record<string, unknown> | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  try {
    const config: unknown = JSON.parse(text ?? 'null');
    return typeof config === 'object' && config !== null ? (config as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** `bos_token` and the like, which HF writes as text or as `{content}`. */
function specialTokens(config: Record<string, unknown> | undefined): Record<string, string> {
  const tokens: Record<string, string> = {};
  for (const name of ['bos_token', 'eos_token', 'pad_token', 'unk_token']) {
    const value = config?.[name];
    const content = typeof value === 'object' && value !== null ? (value as { content?: unknown }).content : value;
    if (typeof content === 'string') tokens[name] = content;
  }
  return tokens;
}
