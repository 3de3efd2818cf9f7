/**
 * How conversations become tokens, and which of them are trained:
 *
 *   assistant-only   by the tokenizer's chat template (any Jinja template; ChatML without one): what the assistant says and the
 *                    token that ends its turn
 *   qwen             ChatML as Qwen's own finetune.py makes it: `<|im_start|>`, `<|im_end|>` and the line's end of every turn
 *                    are trained, whoever speaks, and of what is said the assistant's part alone. The role's name and the
 *                    line's end behind it never are. Without a system turn its default system message is put first.
 *
 * A model stops because the token that ends a turn is trained. Padding is no token of the data at all (places without label
 * and with a segment of their own), so it cannot be confused with that token.
 * Source of `qwen`: QwenLM/Qwen, `finetune.py`, `preprocess`.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { CorpusmillError } from '../../core/errors.ts';
import type { Conversation, Message } from '../../io/conversation.ts';
import { createChatTemplate } from '../../tokenizer/chat/chat-template.ts';
import { CHATML_TEMPLATE } from '../../tokenizer/chat/chatml.ts';
import {
  type EncodedConversation,
  encodeConversation,
  encodeGenerationPrompt,
  IGNORED_LABEL,
} from '../../tokenizer/chat/encode-conversation.ts';
import { type OpenedTokenizer, openTokenizer } from '../../tokenizer/formats/load-tokenizer.ts';
import { readTokenizerConfig } from '../../tokenizer/formats/tokenizer-config.ts';
import type { Mask } from './masks.ts';

/** Transcripts as in hh-rlhf, for tokenizers without tokens of ChatML; `eos_token` ends what the assistant says. */
export const DIALOGUE_TEMPLATE = [
  '{%- for message in messages -%}',
  "{%- if message.role == 'system' -%}{{ message.content }}",
  "{%- elif message.role == 'assistant' -%}{{ '\\n\\nAssistant: ' + message.content + eos_token }}",
  "{%- else -%}{{ '\\n\\nHuman: ' + message.content }}{%- endif -%}",
  '{%- endfor -%}',
  "{%- if add_generation_prompt -%}{{ '\\n\\nAssistant: ' }}{%- endif -%}",
].join('');

/** What finetune.py says where a conversation has no system turn. */
export const QWEN_SYSTEM = 'You are a helpful assistant.';

export interface ChatFormat {
  readonly opened: OpenedTokenizer;
  readonly mask: Mask;
  /** Jinja source. */
  readonly template: string;
  /** The token with which the assistant's turn ends. */
  readonly endOfTurn: number;
  /** Ids and labels (−100: not trained, not shifted). Throws INPUT_CORRUPT for what the template cannot render. */
  encode(conversation: Conversation): EncodedConversation;
  /** Of such a conversation the assistant's turns alone, whatever the mask: completions of preference pairs. */
  encodeCompletion(conversation: Conversation): EncodedConversation;
  /** Ids that ask for the assistant's next turn. */
  encodePrompt(messages: readonly Message[], tools?: unknown[]): Uint32Array;
}

export interface ChatFormatOptions {
  readonly mask: Mask;
  /** `chatml`, `dialogue`, or a file; default: the tokenizer's own, else ChatML where the tokenizer has its tokens. */
  readonly template?: string | undefined;
}

/**
 * The format of a tokenizer file or folder. Throws what opening it throws, and CONFIG_INVALID where there is no template, or one
 * that ends no turn with a token of its own.
 */
export async function openChatFormat(path: string, options: ChatFormatOptions): Promise<ChatFormat> {
  const opened = openTokenizer(path);
  return createChatFormat(opened, options.mask, await templateSource(opened, options.template));
}

async function templateSource(opened: OpenedTokenizer, given: string | undefined): Promise<string> {
  const { tokenizer, config, path } = opened;
  if (given === 'chatml') return CHATML_TEMPLATE;
  if (given === 'dialogue') return DIALOGUE_TEMPLATE;
  if (given !== undefined) {
    if (!existsSync(given)) {
      throw new CorpusmillError('INPUT_NOT_FOUND', `the chat template ${given}: there is no such file`, {
        hint: 'Give a .jinja file, a tokenizer_config.json with one, `chatml` or `dialogue`.',
      });
    }
    const text = await readFile(given, 'utf8');
    if (!given.endsWith('.json')) return text;
    const source = readTokenizerConfig({ 'tokenizer_config.json': text }, basename(dirname(given))).chatTemplate;
    if (source !== undefined) return source;
  }
  if (given === undefined && config.chatTemplate !== undefined) return config.chatTemplate;
  if (given === undefined && tokenizer.specialId('<|im_start|>') !== undefined) return CHATML_TEMPLATE;
  throw new CorpusmillError('CONFIG_INVALID', `the tokenizer ${given ?? path} has no chat template`, {
    hint: 'Set data.template: a .jinja file, `chatml` (needs <|im_start|> and <|im_end|>), or `dialogue` (needs an eos_token).',
  });
}

/** The same from a tokenizer and the template's source. Throws CONFIG_INVALID. */
export function createChatFormat(opened: OpenedTokenizer, mask: Mask, source: string): ChatFormat {
  const { tokenizer, config } = opened;
  const template = createChatTemplate(source, { tokens: config.tokens });
  const probe: Message[] = [
    { role: 'user', content: 'a' },
    { role: 'assistant', content: 'b' },
  ];
  const encodeCompletion = (conversation: Conversation): EncodedConversation => {
    const { messages, tools } = conversation;
    return encodeConversation(tokenizer, template, messages, tools === undefined ? {} : { tools });
  };
  const { ids, labels } = encodeCompletion({ messages: probe });
  const last = labels.findLastIndex((label) => label !== IGNORED_LABEL);
  const endOfTurn = ids[last];
  if (last < 0 || !tokenizer.addedTokens.some(({ id }) => id === endOfTurn)) {
    throw new CorpusmillError(
      'CONFIG_INVALID',
      `the chat template of ${opened.path} ends what the assistant says with no token of its own`,
      {
        hint: 'A model trained with it would never stop: end the turn with a special token, such as <|im_end|> or the eos_token.',
      },
    );
  }
  return {
    opened,
    mask,
    template: source,
    endOfTurn,
    encode: mask === 'qwen' ? createQwenEncoder(opened) : encodeCompletion,
    encodeCompletion,
    encodePrompt: (messages, tools) => encodeGenerationPrompt(tokenizer, template, messages, tools),
  };
}

/** Conversations as finetune.py encodes and masks them. Throws CONFIG_INVALID for a tokenizer without ChatML's tokens. */
function createQwenEncoder({ tokenizer, path }: OpenedTokenizer): (conversation: Conversation) => EncodedConversation {
  const start = tokenizer.specialId('<|im_start|>');
  const end = tokenizer.specialId('<|im_end|>');
  if (start === undefined || end === undefined) {
    throw new CorpusmillError('CONFIG_INVALID', `the tokenizer ${path} has no <|im_start|> and <|im_end|>`, {
      hint: 'The mask `qwen` needs them; `assistant-only` goes with any template.',
    });
  }
  const line = tokenizer.encode('\n');
  return ({ messages }) => {
    const ids: number[] = [];
    const labels: number[] = [];
    const push = (tokens: Iterable<number>, trained: boolean): void => {
      for (const id of tokens) {
        ids.push(id);
        labels.push(trained ? id : IGNORED_LABEL);
      }
    };
    const turn = (role: string, content: string, trained: boolean): void => {
      push([start], true);
      push(tokenizer.encode(role), false);
      push(line, false);
      push(tokenizer.encode(content), trained);
      push([end], true);
      push(line, true);
    };
    const system = messages[0]?.role === 'system';
    if (!system) turn('system', QWEN_SYSTEM, false);
    for (const { role, content, tool_calls: calls, weight } of messages) {
      if (calls !== undefined) {
        throw new CorpusmillError('INPUT_CORRUPT', 'finetune.py has no form for calls of tools', {
          hint: 'Use the mask `assistant-only`, whose template has one.',
        });
      }
      turn(role, content, role === 'assistant' && weight !== 0);
    }
    return { ids: Uint32Array.from(ids), labels: Int32Array.from(labels) };
  };
}
