/**
 * Prompts for online stages out of records: `prompt` as text, or a conversation of any shape, whose last answer is left out. Other
 * members of the record go along, for rewards that compare with an `answer`.
 */
import { type Message, readConversation } from '../../io/conversation.ts';
import type { OnlinePrompt } from '../scored-rollout.ts';
import { tryEncode } from './examples.ts';
import { readRecords, type Unusable } from './records.ts';
import { createSkipCounter, refuseEmpty, type SkipReport } from './skips.ts';

export interface PromptOptions {
  /** Ids that ask for the assistant's next turn, or those of the plain text. */
  readonly encode: (messages: readonly Message[]) => ArrayLike<number>;
  /** A turn of the system for conversations that have none. */
  readonly system?: string | undefined;
  /** Tokens that a prompt may have; longer ones are left out and counted. */
  readonly maxTokens: number;
}

/** Reads files of prompts. Throws what reading throws, and INPUT_CORRUPT where no record can be used. */
export async function readPrompts(
  paths: readonly string[],
  { encode, system, maxTokens }: PromptOptions,
): Promise<{ prompts: OnlinePrompt[]; report: SkipReport }> {
  const skips = createSkipCounter();
  const prompts: OnlinePrompt[] = [];
  const unusable = (where: string, why: Unusable): void => {
    skips.read();
    skips.skip(where, why);
  };
  for await (const { record, where } of readRecords(paths, 'prompts', unusable)) {
    skips.read();
    const turns = turnsOf(record, system);
    const encoded = 'reason' in turns ? turns : tryEncode(() => ({ ids: Int32Array.from(encode(turns.messages)) }));
    if ('reason' in turns || 'reason' in encoded) {
      skips.skip(where, encoded as Unusable);
      continue;
    }
    const { length } = encoded.ids;
    if (length === 0 || length > maxTokens) {
      const detail = `${length} tokens, prompts may have 1 to ${maxTokens}`;
      skips.skip(where, { reason: length === 0 ? 'empty prompt' : 'prompt too long', detail });
      continue;
    }
    const last = turns.messages[turns.messages.length - 1];
    prompts.push({ text: last.content, ids: encoded.ids, data: record });
  }
  const report = skips.report();
  refuseEmpty(report, paths.join(', '));
  return { prompts, report };
}

/** What is said up to the answer that is asked for. */
function turnsOf(record: Record<string, unknown>, system: string | undefined): { messages: Message[] } | Unusable {
  const { prompt } = record;
  if (typeof prompt === 'string') return { messages: withSystem([{ role: 'user', content: prompt }], system) };
  const conversation = readConversation(Array.isArray(prompt) ? { messages: prompt } : record);
  if ('reason' in conversation) return conversation;
  const end = conversation.messages.findLastIndex(({ role }) => role === 'user') + 1;
  if (end === 0) return { reason: 'no prompt', detail: 'no turn of a user' };
  return { messages: withSystem(conversation.messages.slice(0, end), system) };
}

function withSystem(messages: Message[], system: string | undefined): Message[] {
  return system === undefined || messages[0].role === 'system'
    ? messages
    : [{ role: 'system', content: system }, ...messages];
}
